#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gap when a device's hub dies: echo requests every 10 ms from a laptop that lists two hubs to a server that does not
move (at the gateway) or lists the same two; then the hub in use is cut off the network, in turns one and the other. The
gap is the time from the last answer before to the first after; the rest of what was lost is counted too."""
import os
import re
import statistics
import subprocess
import sys
import time

import bench
import network

EVERY_MS = 10
ROUNDS = bench.rounds(50)
WARM_S = 45
ROUND_S = 16  # a device has four requests a minute (core_request.c), and each move is one


def build():
    net = network.Network(bench.PREFIX)
    network.remove(net.prefix)
    bench.atexit.register(network.remove, net.prefix)
    gateway = net.add("gateway", "gateway", 1, owner="alice")
    hubs = [net.add("hub-a", "hub", 2), net.add("hub-b", "hub", 3)]
    laptop, db, near = (net.add(name, "desktop", number, owner="alice") for number, name in
                        enumerate(("laptop", "db", "near"), 4))
    net.create()
    net.init_gateway(gateway)
    for hub in hubs:
        net.join(hub)
    for device, hub, more in ((laptop, "hub-a", ["--fallback", "hub-b"]), (near, "hub-a", ["--fallback", "hub-b"]),
                              (db, "gateway", [])):
        done = net.enrol(device, net.token(device, hub, *more))
        if done.returncode:
            raise bench.LabError(done.stderr)
        device.start_units()
        bench.wait_for(device.name, lambda: net.ready(device), 30)
    net.learn_addresses()
    return net


def home(net, name="laptop"):
    return next(d["hub"] for d in net["gateway"].rnaut("devices")["devices"] if d["client_id"] == name)


def alive(net, device):
    """Both tunnels of the device have shaken hands within three minutes."""
    lines = device.run(["wg", "show", "rn0", "latest-handshakes"]).stdout.splitlines()
    return len(lines) == 2 and all(time.time() - int(line.split()[1]) < 150 for line in lines)


def connected(net):
    return all(h["connected"] for h in net["gateway"].rnaut("hubs")["hubs"])


def replies(text):
    """(time, number) of each answer of `ping -D`."""
    return [(float(m.group(1)), int(m.group(2))) for m in re.finditer(r"\[([\d.]+)\] .*icmp_seq=(\d+)", text)]


def one(net, target):
    """Gap in ms and packets lost, as the hub in use is cut off; then it is there again, and warm."""
    laptop, hub, began = net["laptop"], home(net), time.monotonic()
    bench.wait_for("the hubs", lambda: connected(net), WARM_S)
    bench.wait_for("both tunnels", lambda: alive(net, laptop) and alive(net, net["near"]), WARM_S)
    time.sleep(4)
    ping = laptop.popen(["ping", "-6", "-D", "-n", "-i", str(EVERY_MS / 1000), "-w", "7", net[target].ipv6],
                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(1.5 + (os.getpid() + time.monotonic_ns()) % 400 / 1000)
    net[hub].run(["ip", "link", "set", "eth0", "down"])
    cut = time.time()
    got = replies(ping.communicate()[0])
    net[hub].run(["ip", "link", "set", "eth0", "up"])
    before = [t for t, _ in got if t < cut]
    after = [t for t, _ in got if t > cut + 0.05]
    if not before or not after:
        raise bench.LabError(f"{hub} was cut off and nothing came back")
    bench.wait_for("the gateway to know", lambda: home(net) != hub, 10)
    time.sleep(max(0, ROUND_S - (time.monotonic() - began)))
    first, last = got[0][1], got[-1][1]
    return (after[0] - before[-1]) * 1000, last - first + 1 - len(got)


def main():
    net = build()
    results = {}
    for target, how in (("db", "a server at a third hub"), ("near", "a device that moves as well")):
        for _ in range(20):
            if net["laptop"].run(["ping", "-6", "-c", "1", "-W", "1", net[target].ipv6], check=False).returncode == 0:
                break
        pairs = []
        for number in range(ROUNDS):
            try:
                pairs.append(one(net, target))
            except bench.LabError as error:
                print(f"         round {number}: {error}", flush=True)
        gaps = [gap for gap, _ in pairs]
        results[target] = {"to": how, "gap_ms": bench.quantiles(gaps),
                           "lost": bench.quantiles([lost for _, lost in pairs]), "every_ms": EVERY_MS,
                           "failed": ROUNDS - len(pairs), "median_ms": statistics.median(gaps)}
    line = "; ".join(f"to {r['to']}: gap p50 {r['gap_ms']['p50']:.0f}, p99 {r['gap_ms']['p99']:.0f} ms, "
                     f"{r['lost']['p50']:.0f} packets lost, one each {EVERY_MS} ms ({r['gap_ms']['count']} rounds)"
                     for r in results.values())
    bench.write("homes", line, {"results": results})
    return any(r["failed"] for r in results.values())


if __name__ == "__main__":
    sys.exit(main())
