#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bytes of the programs as they would be installed: stripped copies, the originals stay."""
import os
import subprocess
import sys
import tempfile

import bench

PROGRAMS = ("rnautd", "rnautd-kern", "rnautd-net", "rnautd-web", "rnaut")
NODE = ("rnautd", "rnautd-kern", "rnautd-net")  # what runs on a node
GOAL_NODE, GOAL_HUB = 0.4e6, 2e6


def main():
    sizes, parts = {}, {}
    with tempfile.TemporaryDirectory() as directory:
        for name in PROGRAMS:
            path = f"{bench.TOP}/build/out/{name}"
            subprocess.run(["strip", "-o", f"{directory}/{name}", path], check=True)
            sizes[name] = os.stat(f"{directory}/{name}").st_size
            words = subprocess.run(["size", path], check=True, text=True, stdout=subprocess.PIPE).stdout.split()[6:9]
            parts[name] = dict(zip(("text", "data", "bss"), map(int, words)))
    node, everything = sum(sizes[name] for name in NODE), sum(sizes.values())
    line = ", ".join(f"{name} {size / 1e3:.0f} kB" for name, size in sizes.items())
    bench.write("size", f"{line}; a node's daemon {node / 1e3:.0f} kB (goal 400), all {everything / 1e3:.0f} kB (goal 2000)",
                {"unit": "bytes", "stripped": sizes, "sections": parts, "node": node, "all": everything,
                 "goal": {"node": GOAL_NODE, "all": GOAL_HUB}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
