#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resident memory of every process of each host under a policy of 100,000 rules, of which few concern the two devices.

RULES=N: another number. The rules are those of policy.c: from one of 1,000 tags to another, at a port. The laptop has
one of these tags. One rule is changed then, twice, as whoever edits a policy does. Figures as memory.py has them.
"""
import os
import random
import sys
import time

import bench
import memory

RULES = int(os.environ.get("RULES", "100000"))
TAGS = 1000


def text(changed):
    draw = random.Random(7)
    tags = ", ".join(f'"t{i}"' for i in range(TAGS))
    rules = ['{"id": "all", "source_criteria": ["everyone"], "destination_criteria": ["everyone"], '
             '"services": ["udp:9000", "icmp"], "action": "allow"}']
    for i in range(RULES - 1):
        source, destination, port = draw.randrange(TAGS), draw.randrange(TAGS), 1 + draw.randrange(20000)
        port += 20000 if i == changed else 0
        action = "deny" if i % 10 == 0 else "allow"
        rules.append(f'{{"id": "rule-{i}", "source_criteria": ["tag:t{source}"], '
                     f'"destination_criteria": ["tag:t{destination}"], "services": ["tcp:{port}"], '
                     f'"action": "{action}"}}')
    return f'{{"tags": [{tags}], "rules": [{", ".join(rules)}]}}'


def set_and_wait(lab, policy):
    before = time.monotonic()
    bench.set_policy(lab, policy)
    version = lab["gateway"].rnaut("status", good=(0, 1))["policy_version"]

    def there(node):
        status = node.rnaut("status", good=(0, 1))
        return status["datapath"] and status["datapath"]["policy_version"] == version
    for name in ("hub-a", "laptop", "server"):
        bench.wait_for(f"policy {version} on {name}", lambda name=name: there(lab[name]), 120)
    return time.monotonic() - before


def units_of(host):
    return ", ".join(f"{unit.removeprefix('rnautd-')} {p['rss'] / 1024:.1f}" for unit, p in host["processes"].items())


def main():
    lab = bench.standard()
    time.sleep(15)
    before = memory.look_at_all(lab)
    took = [set_and_wait(lab, text(changed)) for changed in (None, 5000, 70000)]
    time.sleep(30)
    after = memory.look_at_all(lab)
    worst = max(after[name]["rss"] for name in ("laptop", "server"))
    bench.write("memory-policy", f"MiB of rss/together/pss: before: {memory.line_of(before)}; with {RULES} rules: "
                f"{memory.line_of(after)}; laptop: {units_of(after['laptop'])}; hub-a: {units_of(after['hub-a'])}; "
                f"in the kernels after {', '.join(f'{t:.1f}' for t in took)} s",
                {"unit": "KiB", "must": {"node rss": memory.MUST}, "rules": RULES, "before": before, "after": after,
                 "took_s": took})
    return worst > memory.MUST


if __name__ == "__main__":
    sys.exit(main())
