# SPDX-License-Identifier: Apache-2.0
"""A host whose net process is the attacker (tests/attacker): as net's user, in its sandbox, with its key and descriptors."""
import base64
import hashlib
import os
import re
import signal

from harness import SANITIZED, SLOW, Skip, attempt, case, equal, true, wait_for
from test_matrix import start_servers

STATE = "/var/lib/rnaut/state"
CALLS = ("ptrace vm_write signal tgkill fork exec bpf netlink packet mount unshare setuid chown code pidfd uring keyctl perf "
         "userfault listen module list_files link hand_over").split()


class Captured:
    """net of this host is the attacker while this lasts; afterwards the honest one is back."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node

    def __enter__(self):
        if not os.access(f"{self.lab.binaries}/tests/rnautd-attacker", os.X_OK):
            raise Skip("the attacker is not built: make attacker")
        self.node.ask(stop="rnautd-net")
        return self

    def __exit__(self, *_):
        self.node.start_units(["rnautd-net"])

    def attack(self, name, *words, seconds=60):
        """One attack: the lines it said, and the status it ended with."""
        before = len(self.node.log_text("attacker"))
        self.node.write("/run/attack", " ".join((name, *words)) + "\n", 0o644)
        self.node.spawn("attacker", [f"{self.lab.binaries}/tests/rnautd-attacker", "net"])

        def lines():
            return re.findall(rf"attack {name}: (.*)", self.node.log_text("attacker")[before:])

        def status():
            return self.node.ask(status=1).get("attacker", {}).get("status")

        try:
            wait_for(f"the attack {name}", lambda: status() is not None, seconds * SLOW)
            return lines(), status()
        finally:
            self.node.ask(stop="attacker")


def processes(node):
    return {name: node.unit_pid(f"rnautd-{name}") for name in ("core", "kern", "ca", "web")}


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
        true(found[name] == value, f"{name} changed: {str(value)[:300]} became {str(found[name])[:300]}")


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


@case("attacker in net: every system call that it does not need ends it")
def calls(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    before = processes(gateway)
    with Captured(lab, gateway) as captured:
        for name in CALLS:
            lines, status = captured.attack(name, "2")
            went_on = [line for line in lines if line.startswith("went on")]
            # With sanitizers a few calls are let through; the kernel refuses them then.
            if SANITIZED and went_on:
                true(went_on[0].startswith("went on: -1 "), f"{name}: {went_on}")
            else:
                equal((status, went_on), (-signal.SIGSYS, []), name)
    equal(processes(gateway), before, "the other processes")


@case("attacker in net: no file, memory, socket or descriptor of others")
def files(lab, kept):
    gateway = lab["gateway"]
    with Captured(lab, gateway) as captured:
        for name, wanted in (("others_files", "0 files of others"), ("others_memory", "0 of the memory of many processes"),
                             ("others_sockets", "0 sockets of others")):
            lines, status = captured.attack(name)
            equal((lines, status), ([wanted, "done"], 0), name)
        lines, status = captured.attack("descriptors")
        equal(status, 0, "status")
        kinds = {line.split()[1] for line in lines[:-1]}
        true(lines[-1] == "done" and kinds <= {"device", "file", "pipe", "anonymous", "udp"}, f"descriptors: {lines}")
        writable = [line for line in lines if line.startswith("descriptor file") and int(line.split()[-1], 8) & 3]
        true(all(int(line.split()[2]) <= 2 for line in writable), f"files it may write: {writable}")


@case("attacker in the gateway's net: no peer, no policy, no trust, no certificate, no other's voice")
def gateway_net(lab, kept):
    gateway = lab["gateway"]
    hub, laptop = noise_key(lab, "hub-a"), noise_key(lab, "laptop")
    token = gateway.rnaut("token", "create", "--type", "desktop", "--name", "prey", "--hub", "hub-a")["token"]
    before, running = picture(lab, gateway), processes(gateway)
    with Captured(lab, gateway) as captured:
        lines, _ = captured.attack("as_others")
        equal(lines, ["12 of 12 ended the connection", "done"], "speaking as others")
        lines, _ = captured.attack("nonsense")
        true(lines[-1] == "done" and int(lines[0].split()[0]) > 100, f"nonsense: {lines}")
        lines, _ = captured.attack("steal_certificate", token)
        equal(lines, ["refused 1 1 1 1 1", "done"], "certificates for others")
        lines, _ = captured.attack("forge", hub, laptop)
        true(lines[-1] == "done", f"forge: {lines}")
        lines, _ = captured.attack("read_records", hub)
        true(lines[-1] == "done" and int(lines[0].split()[0]) > 3, f"records: {lines}")
        kept["loot"] = gateway.run(["base64", "-w0", f"{STATE}/net/loot"]).stdout
        gateway.run(["rm", f"{STATE}/net/loot"])
        same(picture(lab, gateway), before)
    equal(processes(gateway), running, "the other processes")
    goes_on(lab)


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) // 1024


@case("attacker in the gateway's net: a flood costs no memory that does not come back, and the API answers")
def flood(lab, kept):
    gateway = lab["gateway"]
    before, running = picture(lab, gateway), processes(gateway)
    first = {name: memory(pid) for name, pid in running.items() if pid}
    with Captured(lab, gateway) as captured:
        lines, _ = captured.attack("flood", noise_key(lab, "hub-a"), seconds=240)
        true(lines[-1] == "done" and int(lines[0].split()[0]) > 10000, f"flood: {lines}")
        gateway.rnaut("status")
        lines, _ = captured.attack("dial_again", seconds=120)
        true(lines[-1] == "done" and int(lines[0].split()[1]) > 500, f"dialling: {lines}")
        gateway.rnaut("status")
        same(picture(lab, gateway), before)
    equal(processes(gateway), running, "the other processes")
    grown = {name: memory(running[name]) - size for name, size in first.items()}
    true(all(size < (200 if SANITIZED else 32) for size in grown.values()), f"MiB more than before: {grown}")
    goes_on(lab)


@case("attacker in a hub's net: quarantine stays, old records and forged ones do nothing")
def hub_net(lab, kept):
    hub, gateway, laptop, server = lab["hub-a"], lab["gateway"], lab["laptop"], lab["server"]
    ping = [["icmp", server.ipv6, 0]]
    if "loot" not in kept:
        raise Skip("no records were taken before")
    equal(attempt(laptop, ping), [True], "before")
    gateway.rnaut("quarantine", "laptop")
    try:
        wait_for("quarantine", lambda: attempt(laptop, ping) == [False], 10 * SLOW)
        hub.run(["sh", "-c", "base64 -d >/run/loot && chmod 644 /run/loot"], stdin=None, input=kept["loot"])
        before, running = picture(lab, hub), processes(hub)
        with Captured(lab, hub) as captured:
            lines, _ = captured.attack("replay", seconds=120)
            numbers = re.fullmatch(r"(\d+) records again, (\d+) of \1 changed ones refused", lines[0])
            true(numbers and int(numbers[1]) > 3 and numbers[1] == numbers[2], f"replay: {lines}")
            lines, _ = captured.attack("forge_records")
            equal(lines, ["2 of 2 refused", "done"], "forged records")
            same(picture(lab, hub), before)
            equal(attempt(laptop, ping), [False], "while its hub's net is the attacker")
        equal(processes(hub), running, "the other processes")
    finally:
        gateway.rnaut("quarantine", "--release", "laptop")
    goes_on(lab)


@case("attacker in a hub's net: what it held back is enforced as soon as the honest one is back")
def held_back(lab, kept):
    hub, gateway, laptop, server = lab["hub-a"], lab["gateway"], lab["laptop"], lab["server"]
    ping = [["icmp", server.ipv6, 0]]
    with Captured(lab, hub) as captured:
        gateway.run(["/usr/local/bin/rnaut", "quarantine", "laptop"], check=False)
        newest = database(gateway, "SELECT max(version) FROM records")
        equal(captured.attack("lie_synced", newest), (["said", "done"], 0), "the lie")
    try:
        wait_for("quarantine", lambda: attempt(laptop, ping) == [False], 20 * SLOW)
    finally:
        gateway.rnaut("quarantine", "--release", "laptop")
    goes_on(lab)
