# SPDX-License-Identifier: Apache-2.0
"""A process of a host taken by the attacker (tests/attacker), and what it would like to change, looked at from outside."""
import base64
import hashlib
import os
import re
import signal

from harness import SANITIZED, SLOW, attempt, equal, same_lines, true, wait_for

STATE = "/var/lib/rnaut/state"
CALLS = ("ptrace vm_write signal tgkill fork exec bpf netlink packet mount unshare setuid chown code pidfd uring keyctl perf "
         "userfault listen module list_files link hand_over tcp udp6 raw dial dial6 send_to long_name bind chdir fchdir").split()


class Captured:
    """net or web of this host is the attacker while this lasts; afterwards the honest one is back."""

    def __init__(self, lab, node, process="net"):
        self.node, self.process = node, process
        self.program = f"{lab.binaries}/tests/rnautd-attacker-{process}"

    def __enter__(self):
        if not os.access(self.program, os.X_OK):
            raise AssertionError("the attacker is not built: make attacker")
        self.node.ask(stop=f"rnautd-{self.process}")
        return self

    def __exit__(self, *_):
        self.node.ask(stop="attacker")
        self.node.start_units([f"rnautd-{self.process}"])

    def begin(self, name, *words):
        """Starts one attack; returns what gives the lines that it has said."""
        before = len(self.node.log_text("attacker"))
        self.node.write("/run/attack", " ".join((name, *words)) + "\n", 0o644)
        self.node.run(["rm", "-f", "/run/attack-end"])
        self.node.spawn("attacker", [self.program, self.process])
        return lambda: re.findall(rf"attack {name}: (.*)\n", self.node.log_text("attacker")[before:])

    def end(self, name, seconds=60):
        """Waits until it has ended: its status."""
        def status():
            return self.node.ask(status=1).get("attacker", {}).get("status")

        try:
            wait_for(f"the attack {name}", lambda: status() is not None, seconds * SLOW)
            return status()
        finally:
            self.node.ask(stop="attacker")

    def attack(self, name, *words, seconds=60):
        """One attack: the lines it said, and the status it ended with."""
        lines = self.begin(name, *words)
        status = self.end(name, seconds)
        return lines(), status

    def tell_to_end(self):
        self.node.write("/run/attack-end", "", 0o644)


def processes(node, captured="net"):
    """Those that are not captured."""
    return {name: node.unit_pid(f"rnautd-{name}") for name in ("core", "kern", "ca", "net", "web") if name != captured}


def calls_end(captured, names):
    """Each of these system calls ends the process at once."""
    for name in names:
        lines, status = captured.attack(name, "2")
        went_on = [line for line in lines if line.startswith("went on")]
        # With sanitizers a few calls are let through; the kernel refuses them then.
        if SANITIZED and went_on:
            true(went_on[0].startswith("went on: -1 "), f"{name}: {went_on}")
        else:
            equal((status, went_on), (-signal.SIGSYS, []), name)


def nothing_of_others(captured, kinds):
    """No file, memory or socket of others, and no descriptor of another kind than these, or that is good for more."""
    for name, wanted in (("others_files", "0 files of others"), ("others_memory", "0 of the memory of many processes"),
                         ("others_sockets", "0 sockets of others")):
        lines, status = captured.attack(name)
        equal((lines, status), ([wanted, "done"], 0), name)
    lines, status = captured.attack("descriptors")
    equal(status, 0, "status")
    found = {line.split()[1] for line in lines[:-1]}
    true(lines[-1] == "done" and found <= {"device", "file", "pipe", "anonymous", *kinds}, f"descriptors: {lines}")
    writable = [line for line in lines if line.startswith("descriptor file") and int(line.split()[-1], 8) & 3]
    true(all(int(line.split()[2]) <= 2 for line in writable), f"files it may write: {writable}")
    return lines


def database(node, query):
    return node.run(["sqlite3", "-readonly", f"{STATE}/core/core.db", query]).stdout.strip()


def picture(lab, node):
    """What an attacker would like to change, seen from outside."""
    gateway = lab["gateway"]
    devices = [{key: d[key] for key in ("client_id", "hub", "virtual_ip", "trust_score", "quarantined", "revoked")
                if key in d} for d in gateway.rnaut("devices")["devices"]]
    return {"devices": devices, "policy": gateway.rnaut("policy", "get")["version"],
            "peers": sorted(node.run(["wg", "show", "rn0", "allowed-ips"]).stdout.splitlines()),
            "key": node.run(["wg", "show", "rn0", "public-key"]).stdout,
            "maps": [hashlib.sha256(node.run(["bpftool", "map", "dump", "pinned", f"/sys/fs/bpf/rnaut/{name}"])
                                    .stdout.encode()).hexdigest() for name in ("rn_devices", "rn_rules", "rn_identities")],
            "records": database(node, "SELECT type, device, epoch, version, hex(blob) FROM records ORDER BY 1, 2"),
            "wireguard keys": database(gateway, "SELECT number, hex(noise_key), hex(wireguard_key) FROM devices"),
            "journal": gateway.run(["sha256sum", f"{STATE}/ca/journal"]).stdout}


def same(found, wanted):
    for name, value in wanted.items():
        if isinstance(value, str):
            same_lines(found[name], value, name)
        equal(found[name], value, name)


def noise_key(lab, name):
    key = database(lab["gateway"], f"SELECT hex(noise_key) FROM devices WHERE name = '{name}'")
    return base64.b64encode(bytes.fromhex(key)).decode()


def goes_on(lab):
    """The honest parts answer, and who may reach whom is as before."""
    laptop, phone, server = lab["laptop"], lab["phone"], lab["server"]
    ports = [["icmp", server.ipv6, 0], ["tcp", server.ipv6, 8080], ["tcp", server.ipv6, 22]]
    wait_for("the laptop to reach the server", lambda: attempt(laptop, ports) == [True, True, True], 20 * SLOW)
    equal(attempt(phone, ports), [True, True, False], "what the phone reaches")
    wait_for("the hub to be connected", lambda: lab["hub-a"].rnaut("status")["upstream"]["connected"], 30 * SLOW)


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) // 1024
