#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ns per packet of the datapath in the kernel and of two flow tables: packet.c, its lines gathered."""
import json
import subprocess
import sys

import bench


def main():
    quiet = bench.wait_quiet()
    done = subprocess.run([bench.TOP + "/build/out/tests/bench/packet"], text=True, stdout=subprocess.PIPE, check=True)
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    parts = []
    for case in cases:
        if "frame" in case:
            parts.append(f"a frame {case['case']}: {case['frame']['median'] - case['floor']['median']:.0f} ns")
        elif "ingress" in case:
            parts.append(f"{case['case']} {case['flows']}: {case['ingress']['median'] - case['floor']['median']:.0f} ns")
        elif "set" in case:
            parts.append(f"{case['case']} {case['flows']}: LRU {case['lru']['median'] - case['key']['median']:.0f}, "
                         f"set {case['set']['median'] - case['key']['median']:.0f} ns")
        else:
            parts.append(f"{case['case']}: {case['left_lru']} and {case['left_set']} of {case['victims']} left")
    bench.write("packet", "; ".join(parts), {"unit": "ns a packet", "others_busy": quiet, "cases": cases})
    return 0


if __name__ == "__main__":
    sys.exit(main())
