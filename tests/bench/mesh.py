#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a device of one hub to a device of the other: our frames, against the kernel's own routing.

Both sides run over the same WireGuard devices, keys and addresses, in the same run, and change places every round. With our
programs the source hub makes a frame and the destination hub takes it apart; all four hosts judge. Without them both
hubs route the bare packet from rn0 to rnm0 and on to rn0 by IP forwarding; for that alone the other hub's peer of rnm0 also
gets the device's address as an AllowedIP, and the kernel a route, for as long as the benchmark lasts. kern is stopped
on all hosts. With RN_IN_VM the WireGuard is the kernel's, else it is wireguard-go.
"""
import sys
import time

import bench
import overlay

HOSTS = ("hub-a", "hub-b", "laptop", "db")
FRAME = {"IPv4": 28, "IPv6": 48}


def filters(lab, on):
    for name in HOSTS:
        overlay.filters(lab[name], on)
    for name in ("hub-a", "hub-b"):
        overlay.filters(lab[name], on, "rnm0", "rn_mesh_")


def route(hub, device):
    """The kernel's way to a device of the other hub."""
    peer, allowed = hub.run(["wg", "show", "rnm0", "allowed-ips"]).stdout.strip().splitlines()[-1].split("\t")
    addresses = [device.ipv6 + "/128", device.ipv4 + "/32"]
    hub.run(["wg", "set", "rnm0", "peer", peer, "allowed-ips", ",".join(allowed.split() + addresses)])
    for address in addresses:
        hub.run(["ip", "route", "replace", address, "dev", "rnm0"])


def prepare(lab):
    for name in HOSTS:
        lab[name].ask(stop="rnautd-kern")
    for hub, device in (("hub-a", "db"), ("hub-b", "laptop")):
        lab[hub].run(["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_forward=1"])
        route(lab[hub], lab[device])
    lab["db"].spawn("iperf", ["iperf3", "-s"])
    time.sleep(1)
    return {"IPv6": lab["db"].ipv6, "IPv4": lab["db"].ipv4}


def one_round(lab, ways, on):
    filters(lab, on)
    found = {}
    for way, address in ways.items():
        lab["laptop"].run(["ping", "-c", "2", "-W", "2", address])
        speed, again = overlay.tcp(lab["laptop"], address)
        least, mean = overlay.ping(lab["laptop"], address)
        found[way] = {"mbit": speed, "retransmits": again, "rtt_mean": mean, "rtt_min": least}
    return found


def network():
    lab = bench.standard(department=True)
    bench.lab_module.reach(lab["laptop"], lab["db"].ipv6)
    bench.lab_module.reach(lab["laptop"], lab["db"].ipv4)
    bench.lab_module.reach(lab["db"], lab["laptop"].ipv6)
    return lab


def main():
    quiet = [bench.wait_quiet()]
    lab = network()
    ways, on, off = prepare(lab), [], []
    for number in range(overlay.ROUNDS):
        quiet.append(bench.wait_quiet(5))
        for side in ((True, False), (False, True))[number % 2]:
            (on if side else off).append(one_round(lab, ways, side))
    results = {way: overlay.compare(on, off, way) for way in ways}
    kind = "kernel" if lab.wireguard_in_kernel else "wireguard-go"
    line = "; ".join(f"{way}: {r['mbit']['with']['median']:.0f} of {r['mbit']['without']['median']:.0f} Mbit/s "
                     f"({r['mbit']['ratio_of_medians']:.3f}), {r['rtt_mean']['with']['median']:.3f} of "
                     f"{r['rtt_mean']['without']['median']:.3f} ms ({r['rtt_mean']['ratio_of_medians']:.3f})"
                     for way, r in results.items())
    bench.write("mesh-vm" if bench.IN_VM else "mesh", f"{kind}: {line}",
                {"wireguard": kind, "others_busy": quiet, "rounds": overlay.ROUNDS, "bytes": FRAME, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
