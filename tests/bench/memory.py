#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Resident memory of every process of each host, after the start and after an hour's work in some minutes.

Three figures, since they say different things:
  rss       what the kernel charges a process (VmRSS): a page of a shared library counts in every process that maps it;
  pss       the same with each page divided by how many map it, on this machine (so five hosts' processes share here);
  together  the different physical pages that the host's processes map, each counted once, whoever else has it.
A node must keep the sum of `rss` within 12 MiB, which is the strictest of them; the mapped BPF arrays are in all three.
"""
import struct
import subprocess
import sys
import time

import bench

MUST, GOAL = 12 * 1024, 6 * 1024  # KiB
PAGE = 4096
HOUR = {"flows": 3600, "denied": 1800, "changes": 60, "policies": 12, "requests": 360}
DENY_9001 = bench.POLICY.replace('"action": "allow"', '"services": ["udp:9000", "icmp", "tcp:5201"], "action": "allow"')


def rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = {line.split(":")[0]: int(line.split()[1]) for line in file if line.rstrip().endswith("kB")}
    return {"rss": fields["Rss"], "pss": fields["Pss"], "private_dirty": fields["Private_Dirty"]}


def frames(pid):
    """The physical pages that a process maps; root sees their numbers."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/pagemap", "rb") as pagemap:
        for line in maps:
            first, last = (int(word, 16) for word in line.split()[0].split("-"))
            if line.rstrip().endswith("[vsyscall]"):
                continue
            pagemap.seek(first // PAGE * 8)
            data = pagemap.read((last - first) // PAGE * 8)
            for (entry,) in struct.iter_unpack("Q", data):
                if entry >> 63 and entry & ((1 << 55) - 1):
                    found.add(entry & ((1 << 55) - 1))
    return found


def look(node):
    processes, union = {}, set()
    for unit in node.network.units:
        pid = node.unit_pid(unit)
        if not pid:
            continue
        processes[unit] = rollup(pid)
        # wireguard-go is not ours, and absent where the kernel has WireGuard
        if not unit.startswith("rnautd-wireguard"):
            union |= frames(pid)
    ours = [p for unit, p in processes.items() if not unit.startswith("rnautd-wireguard")]
    return {"processes": processes, "rss": sum(p["rss"] for p in ours), "pss": sum(p["pss"] for p in ours),
            "together": len(union) * PAGE // 1024}


def look_at_all(lab):
    return {node.name: look(node) for node in lab.nodes.values() if not node.stock}


def work(lab):
    """About what a busy hour is: flows that pass and that do not, changes, policies, somebody who looks."""
    laptop, server, gateway = lab["laptop"], lab["server"], lab["gateway"]
    sink = server.popen(bench.TRAFFIC + ["listen", server.ipv6, str(bench.PORT)], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, text=True)
    sink.stdout.readline()
    for port, count in ((bench.PORT, HOUR["flows"]), (bench.PORT + 1, HOUR["denied"])):
        laptop.run(bench.TRAFFIC + ["flows", server.ipv6, str(port), "200", str(count), "10000"])
    server.spawn("iperf", ["iperf3", "-s", "-B", server.ipv6])
    time.sleep(1)
    laptop.run(["iperf3", "-C", "cubic", "-c", server.ipv6, "-t", "10", "-P", "4"], check=False)
    server.ask(stop="iperf")
    for i in range(HOUR["changes"]):
        gateway.rnaut("trust", "server", str(50 + i % 2))
    for i in range(HOUR["policies"]):
        bench.set_policy(lab, DENY_9001 if i % 2 else bench.POLICY)
    for i in range(HOUR["requests"]):
        node = (gateway, lab["hub-a"], laptop, server)[i % 4]
        node.rnaut(*(("status",), ("drops",), ("flows",))[i // 4 % 3])
    sink.communicate()


def kernel_maps():
    """KiB of kernel memory that one node's BPF maps hold, whoever maps them: of the last that was loaded."""
    done = subprocess.run(["bpftool", "map", "show"], text=True, check=False, stdout=subprocess.PIPE).stdout
    found, name = {}, None
    for line in done.splitlines():
        words = line.split()
        if "name" in words:
            name = words[words.index("name") + 1]
        if name and name.startswith("rn_") and "memlock" in line:
            found[name] = int(words[words.index("memlock") + 1].rstrip("B")) // 1024
    return found


def line_of(hosts):
    return ", ".join(f"{name} {h['rss'] / 1024:.1f}/{h['together'] / 1024:.1f}/{h['pss'] / 1024:.1f}"
                     for name, h in hosts.items())


def main():
    lab = bench.standard(DENY_9001)
    time.sleep(15)
    start = look_at_all(lab)
    work(lab)
    after = look_at_all(lab)
    time.sleep(60)
    idle = look_at_all(lab)
    nodes = [after[name] for name in ("laptop", "server")]
    worst = max(node["rss"] for node in nodes)
    bench.write("memory", f"MiB of rss/together/pss: start: {line_of(start)}; after an hour's work: {line_of(after)}",
                {"unit": "KiB", "must": {"node rss": MUST}, "goal": {"node rss": GOAL}, "hour": HOUR, "start": start,
                 "after": after, "idle": idle, "kernel_maps": kernel_maps()})
    return worst > MUST


if __name__ == "__main__":
    sys.exit(main())
