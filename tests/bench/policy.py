#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the text of 100,000 rules, in a network of 1,000,000 devices, to a hub's tables in the kernel: policy.c."""
import json
import subprocess
import sys

import bench

WHOLE = ("parse", "compile", "sign", "verify", "join", "load", "lists")


def main():
    quiet = bench.wait_quiet()
    done = subprocess.run([bench.TOP + "/build/out/tests/bench/policy"], text=True, stdout=subprocess.PIPE, check=True)
    case = json.loads(done.stdout)
    ms = {step: times["median"] for step, times in case["ms"].items()}
    load = sum(ms[step] for step in ("join", "load", "lists"))
    gateway = sum(ms["one_rule_" + step] for step in ("parse", "compile", "sign"))
    text = (f"{case['rules']} rules: {sum(ms[step] for step in WHOLE):.0f} ms from text to kernel, of which a host "
            f"{load:.0f} ({load / ms['floor']:.2f} of filling a map with as many entries); one rule changed: "
            f"{ms['one_rule']:.0f} ms, of which the gateway {gateway:.0f}, {case['changed_bytes']} bytes to each host; "
            f"one device: {ms['one_device'] * 1000:.0f} us")
    bench.write("policy", text, {"unit": "ms", "others_busy": quiet, "case": case})
    return 0


if __name__ == "__main__":
    sys.exit(main())
