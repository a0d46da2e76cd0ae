# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: a network to measure on, medians, and build/bench/NAME.json."""
import atexit
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, TOP + "/lab")
import lab as lab_module  # noqa: E402
import network  # noqa: E402
from network import LabError, wait_for  # noqa: E402,F401

IN_VM = os.environ.get("RN_IN_VM") == "1"
PREFIX = os.environ.get("RN_PREFIX", "rnbench")
TRAFFIC = [sys.executable, "-B", HERE + "/traffic.py"]
PORT = 9000
QUIET = 0.15  # of all CPUs: at most so much may others use when a round begins
# The laptop may use any service of the server and the hub, and the two of it: nothing but the programs is measured.
POLICY = """{"rules": [{"id": "all", "source_criteria": ["everyone"], "destination_criteria": ["everyone"],
             "action": "allow"}]}"""


def rounds(usual=5):
    return int(os.environ.get("RN_ROUNDS", usual))


def busy(seconds):
    """Share of the machine's CPU time that was used meanwhile."""
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            numbers = [int(word) for word in file.readline().split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def wait_quiet(seconds=60):
    """Until others leave the machine alone, or the time is up: says what share they used then."""
    deadline = time.monotonic() + seconds
    while True:
        share = busy(1)
        if share <= QUIET or time.monotonic() > deadline:
            return round(share, 2)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    version = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=TOP, text=True, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    return {"cpus": os.cpu_count(), "model": model, "kernel": platform.release(), "version": version,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "load": os.getloadavg()[0]}


def summary(values):
    """Median and extremes, as people compare them."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def quantiles(values):
    ordered = sorted(values)

    def at(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ordered[-1], "count": len(ordered)}


def write(name, line, result):
    """The file, and the one line for people. In the VM the file is what vm() finds on standard output."""
    result = {"name": name, "machine": machine(), **result}
    if IN_VM:
        print("bench-json " + json.dumps(result), flush=True)
    else:
        directory = TOP + "/build/bench"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/{name}.json", "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    print(f"  BENCH  {name}: {line}", flush=True)


def standard(policy=POLICY, join=("laptop", "server"), hand=None, department=False):
    """The lab's network under this benchmark's prefix, removed at the end of the process. hand: host, unit, name, socket."""
    network.remove(PREFIX)
    atexit.register(network.remove, PREFIX)
    lab = lab_module.standard(PREFIX)
    if department:
        lab_module.add_department(lab)
    if hand:
        lab[hand[0]].hand(*hand[1:])
    lab_module.bring_up(lab, join=join)
    if policy:
        set_policy(lab, policy)
    lab_module.reach(lab["laptop"], lab["server"].ipv6)
    return lab


def set_policy(lab, policy):
    lab["gateway"].write("/run/policy.json", policy)
    lab["gateway"].run(["/usr/local/bin/rnaut", "policy", "set", "/run/policy.json"])
