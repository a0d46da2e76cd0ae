#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the first byte of the API request to the last wrong packet of a flow of 1,000 packets a second.

The laptop sends to the server through the hub; the gateway is asked for 100 changes in turn: quarantine and release,
trust under and over what the rule wants, a policy that denies and one that allows. Of a change that forbids, the last
packet that the server still received counts, by the kernel's arrival time; of one that allows, the first that came.
"""
import json
import subprocess
import sys
import time

import api
import bench

CHANGES = 100
RATE = 1000
SETTLE = 0.35  # seconds between two changes, longer than any that is within bounds
ALLOW = """{"tags": ["web"], "rules": [{"id": "web", "source_criteria": ["everyone"], "destination_criteria": ["tag:web"],
            "services": ["udp:9000", "icmp"], "action": "allow", "conditions": {"minimum_trust": 40}}]}"""
DENY = ALLOW.replace("udp:9000", "udp:9001")
PAIRS = [("quarantine", "/devices/laptop/quarantine", "POST", {"on": True}, {"on": False}),
         ("trust", "/devices/laptop/trust", "POST", {"trust_score": 10}, {"trust_score": 90}),
         ("policy", "/policy", "PUT", {"text": DENY}, {"text": ALLOW})]


def change(door, method, path, body):
    began, took, status, answer = door.request(method, path, body)
    if status >= 300:
        raise bench.LabError(f"{method} {path}: {status} {answer[:200]}")
    return began, took


def play(door, changes):
    """[(kind, forbids, when, how long the answer took)] of so many changes."""
    done = []
    while len(done) < changes:
        kind, path, method, forbid, allow = PAIRS[len(done) // 2 % len(PAIRS)]
        for forbids in (True, False):
            done.append((kind, forbids, *change(door, method, path, forbid if forbids else allow)))
            time.sleep(SETTLE)
    return done


def delays(done, arrivals):
    """For each change how long wrong packets went on, in seconds."""
    times, found = [when for _, when in arrivals], []
    for i, (kind, forbids, began, answered) in enumerate(done):
        end = done[i + 1][2] if i + 1 < len(done) else began + SETTLE
        inside = [t for t in times if began <= t < end]
        if forbids:
            wrong = inside[-1] - began if inside else 0.0
            still = inside and end - inside[-1] < 0.1
        else:
            wrong = inside[0] - began if inside else end - began
            still = not inside
        found.append({"kind": kind, "forbids": forbids, "seconds": wrong, "answered": answered, "failed": bool(still)})
    return found


def measure(lab, door):
    laptop, server = lab["laptop"], lab["server"]
    receiver = server.popen(bench.TRAFFIC + ["listen", server.ipv6, str(bench.PORT)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    receiver.stdout.readline()
    laptop.spawn("flow", bench.TRAFFIC + ["send", server.ipv6, str(bench.PORT), str(RATE)])
    time.sleep(2)
    done = play(door, CHANGES)
    laptop.ask(stop="flow")
    arrivals = json.loads(receiver.communicate()[0])
    return delays(done, arrivals)


def report(door, found):
    forbids = [f["seconds"] * 1e3 for f in found if f["forbids"]]
    allows = [f["seconds"] * 1e3 for f in found if not f["forbids"]]
    kinds = {k: bench.quantiles([f["seconds"] * 1e3 for f in found if f["kind"] == k]) for k, *_ in PAIRS}
    return {"door": door.name, "all": bench.quantiles(forbids + allows), "forbid": bench.quantiles(forbids),
            "allow": bench.quantiles(allows), "kinds": kinds, "failed": sum(f["failed"] for f in found),
            "answer": bench.quantiles([f["answered"] * 1e3 for f in found])}


def main():
    quiet = bench.wait_quiet()
    lab = bench.standard(ALLOW)
    results = [report(door, measure(lab, door)) for door in api.doors(lab["gateway"])]
    line = "; ".join(f"{r['door']}: p50 {r['all']['p50']:.1f} ms, p99 {r['all']['p99']:.1f} ms, max {r['all']['max']:.1f} ms, "
                     f"{r['failed']} failed" for r in results)
    bench.write("decide", line, {"unit": "ms", "must": {"p99": 50}, "goal": {"p99": 5}, "others_busy": quiet,
                                 "rate": RATE, "results": results})
    return any(r["failed"] or r["all"]["p99"] > 50 for r in results)


if __name__ == "__main__":
    sys.exit(main())
