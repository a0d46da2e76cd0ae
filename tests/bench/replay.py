#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A draft of the policy against 1,000,000 recorded rows: how long, how much memory, and how long others wait meanwhile.

A gateway with 400 devices of 100 users and 100 rules. The rows are written into its file while core does not run: once of 20,000
different flows, once of 200,000. Beside the replay GET /health is asked again and again.
"""
import base64
import os
import random
import signal
import struct
import threading
import time

import api
import bench

ROWS, DEVICES, USERS, RULES = 1000000, 400, 100, 100
PLACES, HEAD, ROW = 2000000, 4096, struct.Struct("<IIIiQ8IH6B64s")
RING = "/var/lib/rnaut/state/core/flows.ring"
CORE = "rnautd-core"
FIGURES = ("seconds", "cpu", "mib", "mib_after", "longest_ms", "longest_without_ms")
LONG_MS = 50  # so much longer nobody may wait


def checksum(data):
    """As agent/sys/flow_store.c does it."""
    total = 0xcbf29ce484222325
    for word in struct.unpack(f"<{len(data) // 8}Q", data):
        total = ((total ^ word) * 0x100000001b3) & 0xffffffffffffffff
        total ^= total >> 32
    return total & 0xffffffff


def row(serial, flow, heard):
    source, destination, port = flow
    rest = (heard, 0, 1, source, destination, 1, 1, 1, 1, 1, 0, port, 6, 0, 100, 1, 1, 0, b"rule")
    return ROW.pack(serial, checksum(ROW.pack(serial, 0, *rest)), *rest)


def policy(without=()):
    rules = [f'{{"id": "r{i}", "action": "allow", "source_criteria": ["user:u{i}"], "services": ["tcp:1-{i * 500 + 1000}"],'
             f'"destination_criteria": ["user:u{(i * 7) % USERS}", "user:u{(i * 7 + 31) % USERS}"]}}'
             for i in range(RULES) if i not in without]
    return f'{{"rules": [{",".join(rules)}]}}'


def gateway():
    """One host: a gateway, its devices and its policy."""
    bench.network.remove(bench.PREFIX)
    bench.atexit.register(bench.network.remove, bench.PREFIX)
    net = bench.network.Network(bench.PREFIX)
    node = net.add("gateway", "gateway", 1, owner="u0")
    net.create()
    net.init_gateway(node)
    door = api.Local(node)
    for i in range(DEVICES):
        key = struct.pack("<I28x", i + 9)
        body = {"client_type": "mobile", "name": f"d{i}", "owner": f"u{i % USERS}",
                "wireguard_public_key": base64.b64encode(key).decode()}
        status, answer = door.request("POST", "/devices", body)[2:]
        if status != 201:
            raise bench.LabError(f"device {i}: {status} {answer[:200]}")
    status, answer = door.request("PUT", "/policy", {"text": policy()})[2:]
    if status != 200:
        raise bench.LabError(f"policy: {status} {answer[:200]}")
    return node, door


def fill(node, flows):
    """A file of ROWS rows in place of core's, and core begins anew with it."""
    path = f"/proc/{node.pid}/root{RING}"
    now, owner = int(time.time()), os.stat(path)
    with open(path + ".made", "wb") as file:
        head = b"RNFLOW1\0" + struct.pack("<IIQQI", ROW.size, PLACES, ROWS, 1, now)
        file.write((head + struct.pack("<I", checksum(head + bytes(4)))).ljust(HEAD, b"\0"))
        for serial in range(1, ROWS + 1):
            file.write(row(serial, flows(), now - 3600 + serial * 3500 // ROWS))
    os.chmod(path + ".made", 0o600)
    os.chown(path + ".made", owner.st_uid, owner.st_gid)
    os.rename(path + ".made", path)
    old = node.unit_pid(CORE)
    os.kill(old, signal.SIGKILL)
    bench.wait_for("core", lambda: node.unit_pid(CORE) not in (0, old), 30)
    bench.wait_for("core", lambda: node.run(["/usr/local/bin/rnaut", "status"], check=False).returncode in (0, 1), 30)


class Others(threading.Thread):
    """Asks for something small, and keeps how long each answer took."""

    def __init__(self, door):
        super().__init__(daemon=True)
        self.door, self.took, self.running = door, [], True
        self.start()

    def run(self):
        while self.running:
            self.took.append(self.door.request("GET", "/health")[1] * 1000)
            time.sleep(0.005)

    def end(self):
        self.running = False
        self.join()
        return max(self.took)


def resident(node, field):
    with open(f"/proc/{node.unit_pid(CORE)}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(field + ":"))


def cpu(node):
    with open(f"/proc/{node.unit_pid(CORE)}/stat", encoding="ascii") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def measure(node, door, draft):
    """One replay: (seconds, of core's CPU, rise of its resident memory at most and afterwards in MiB, the longest answer
    beside it and in as long a time without it, in ms)."""
    with open(f"/proc/{node.unit_pid(CORE)}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    before, used, others = resident(node, "VmRSS"), cpu(node), Others(door)
    _, took, status, answer = door.request("POST", "/policy/replay?hours=24", {"text": draft})
    longest, used = others.end(), cpu(node) - used
    others = Others(door)
    time.sleep(took)
    answer = bench.json.loads(answer)
    if status != 200 or answer["flows"] != ROWS or not answer["would_deny"]["flows"]:
        raise bench.LabError(f"{status} {str(answer)[:300]}")
    return took, used, resident(node, "VmHWM") - before, resident(node, "VmRSS") - before, longest, others.end()


def main():
    node, door = gateway()
    numbers = [d["number"] for d in bench.json.loads(door.request("GET", "/devices")[3])["devices"]]
    draw = random.Random(1)

    def any_flow():
        return draw.choice(numbers), draw.choice(numbers), 500 + 5000 * draw.randrange(10)
    draft, result, said = policy(without=range(0, RULES, 10)), {}, []
    for name, count in (("of 20,000 kinds", 20000), ("of 200,000", 200000)):
        kinds = [any_flow() for _ in range(count)]
        fill(node, lambda kinds=kinds: draw.choice(kinds))
        share = bench.wait_quiet()
        found = [measure(node, door, draft) for _ in range(bench.rounds())]
        result[name] = {"others_share": share,
                        **{key: bench.summary(values) for key, values in zip(FIGURES, zip(*found))}}
        said.append("{}: {:.2f} s, {:.2f} of CPU, +{:.1f} MiB, after it {:.1f}, others waited up to {:.0f} ms, without it {:.0f}"
                    .format(name, *(values["median"] for values in list(result[name].values())[1:])))
    bench.write("replay", f"{ROWS} rows, {RULES} rules: " + "; ".join(said), {"rows": ROWS, "rules": RULES, **result})
    return any(r["longest_ms"]["median"] > r["longest_without_ms"]["median"] + LONG_MS for r in result.values())


if __name__ == "__main__":
    bench.sys.exit(main())
