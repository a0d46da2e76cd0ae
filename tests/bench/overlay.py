#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TCP throughput and round trips through the overlay, with our two programs on every rn0 and without them.

Both sides run over the same WireGuard devices, keys, addresses and routes: the network is brought up as always, then kern
is stopped on every host (its programs go on judging; nobody puts them back), and only the filters are taken off and put
on again from the pinned programs. Without them the hub forwards with the kernel's own IP forwarding, with them the
program redirects. The two sides change places every round. Two ways: laptop to hub (one tunnel) and laptop to server
(two, through the hub). With RN_IN_VM the WireGuard is the kernel's, else it is wireguard-go.
"""
import json
import statistics
import sys
import time

import bench

HOSTS = ("hub-a", "laptop", "server")
SECONDS = 4 if not bench.IN_VM else 6
PINGS = 400 if not bench.IN_VM else 100
ROUNDS = bench.rounds(7 if not bench.IN_VM else 5)
PINNED = "/sys/fs/bpf/rnaut/"


def filters(node, on, device="rn0", prefix="rn_"):
    for direction in ("ingress", "egress"):
        words = ["tc", "filter", "replace" if on else "del", "dev", device, direction, "prio", "1", "handle", "1", "bpf"]
        node.run(words + (["da", "pinned", PINNED + prefix + direction] if on else []), check=False)
        shown = node.run(["tc", "filter", "show", "dev", device, direction]).stdout
        if ("rn_" in shown) != on:
            raise bench.LabError(f"{node.name}: the {direction} filter is {'not on' if on else 'still there'}: {shown}")


def tcp(source, address):
    """Mbit/s that arrived, and retransmissions."""
    done = source.run(["iperf3", "-C", "cubic", "-c", address, "-t", str(SECONDS), "-O", "1", "-J"])
    end = json.loads(done.stdout)["end"]
    return end["sum_received"]["bits_per_second"] / 1e6, end["sum_sent"]["retransmits"]


def ping(source, address):
    """Round trips in ms."""
    done = source.run(["ping", "-q", "-i", "0.005", "-c", str(PINGS), address])
    numbers = done.stdout.split("=")[-1].split("/")
    return float(numbers[0]), float(numbers[1])  # minimum, mean


def one_round(lab, ways, on):
    for name in HOSTS:
        filters(lab[name], on)
    found = {}
    for way, address in ways.items():
        lab["laptop"].run(["ping", "-c", "2", "-W", "2", address])
        speed, again = tcp(lab["laptop"], address)
        least, mean = ping(lab["laptop"], address)
        found[way] = {"mbit": speed, "retransmits": again, "rtt_mean": mean, "rtt_min": least}
    return found


def prepare(lab):
    for name in HOSTS:
        lab[name].ask(stop="rnautd-kern")
    lab["hub-a"].run(["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv4.ip_forward=1"])
    ways = {"one tunnel": lab["hub-a"].ipv6, "through the hub": lab["server"].ipv6}
    for name in ("hub-a", "server"):
        lab[name].spawn("iperf", ["iperf3", "-s"])
    time.sleep(1)
    return ways


def compare(with_programs, without, way):
    result = {}
    for key in ("mbit", "rtt_mean", "rtt_min"):
        on, off = [r[way][key] for r in with_programs], [r[way][key] for r in without]
        pairs = [a / b for a, b in zip(on, off)]
        result[key] = {"with": bench.summary(on), "without": bench.summary(off), "ratio": bench.summary(pairs),
                       "ratio_of_medians": statistics.median(on) / statistics.median(off)}
    result["retransmits"] = {"with": [r[way]["retransmits"] for r in with_programs],
                             "without": [r[way]["retransmits"] for r in without]}
    return result


def main():
    quiet = [bench.wait_quiet()]
    lab = bench.standard()
    ways, on, off = prepare(lab), [], []
    for number in range(ROUNDS):
        quiet.append(bench.wait_quiet(5))
        for side in ((True, False), (False, True))[number % 2]:
            (on if side else off).append(one_round(lab, ways, side))
    results = {way: compare(on, off, way) for way in ways}
    kind = "kernel" if lab.wireguard_in_kernel else "wireguard-go"
    line = "; ".join(f"{way}: {r['mbit']['with']['median']:.0f} of {r['mbit']['without']['median']:.0f} Mbit/s "
                     f"({r['mbit']['ratio_of_medians']:.3f}), {r['rtt_mean']['with']['median']:.3f} of "
                     f"{r['rtt_mean']['without']['median']:.3f} ms ({r['rtt_mean']['ratio_of_medians']:.3f})"
                     for way, r in results.items())
    bench.write("overlay-vm" if bench.IN_VM else "overlay", f"{kind}: {line}",
                {"wireguard": kind, "others_busy": quiet, "rounds": ROUNDS, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
