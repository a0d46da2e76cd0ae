#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks: run.py [NAME ...] runs those, or all; each is a program of its own and writes build/bench/NAME.json."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BENCHES = {
    "size": [sys.executable, "-B", HERE + "/size.py"],
    "memory": [sys.executable, "-B", HERE + "/memory.py"],
    "memory-policy": [sys.executable, "-B", HERE + "/memory_policy.py"],
    "decide": [sys.executable, "-B", HERE + "/decide.py"],
    "stream": [sys.executable, "-B", HERE + "/stream.py"],
    "page": [sys.executable, "-B", HERE + "/page.py"],
    "overlay": [sys.executable, "-B", HERE + "/overlay.py"],
    "mesh": [sys.executable, "-B", HERE + "/mesh.py"],
    "homes": [sys.executable, "-B", HERE + "/homes.py"],
    "replay": [sys.executable, "-B", HERE + "/replay.py"],
    "policy": [sys.executable, "-B", HERE + "/policy.py"],
    "packet": [sys.executable, "-B", HERE + "/packet.py"],
    "overlay-vm": [sys.executable, "-B", HERE + "/vm.py", "overlay"],
    "mesh-vm": [sys.executable, "-B", HERE + "/vm.py", "mesh"],
}


def main(wanted):
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown or os.geteuid() != 0:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(BENCHES)}." if unknown
              else "The benchmarks need root; run this with sudo.", file=sys.stderr)
        return 2
    failed = [name for name in BENCHES if (not wanted or name in wanted)
              and subprocess.run(BENCHES[name], cwd=TOP, check=False).returncode != 0]
    if failed:
        print("  BENCH  not within bounds, or broken: " + ", ".join(failed), flush=True)
    return len(failed) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
