#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A benchmark on Debian's 6.1 kernel with the kernel's own WireGuard, as ratios: emulation distorts speeds.

vm.py overlay|mesh"""
import json
import os
import subprocess
import sys

import bench

MARK = "bench-json "


def main(name):
    command = [sys.executable, "-B", bench.TOP + "/vmtest/vm.py", "--timeout", "1500", sys.executable, "-B",
               f"tests/bench/{name}.py"]
    found = None
    with subprocess.Popen(command, cwd=bench.TOP, text=True, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            before, mark, after = line.partition(MARK)
            if mark:
                found = json.loads(after)
            else:
                print(before, end="", flush=True)
    if found is None:
        print("  BENCH  vm: the machine brought no result", flush=True)
        return 1
    os.makedirs(bench.TOP + "/build/bench", exist_ok=True)
    with open(bench.TOP + f"/build/bench/{name}-vm.json", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
