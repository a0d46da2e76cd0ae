# SPDX-License-Identifier: Apache-2.0
"""A host whose net process is the attacker (tests/attacker): as net's user, in its sandbox, with its key and descriptors."""
import re
import subprocess
import sys
import threading

from captured import (CALLS, STATE, Captured, calls_end, database, goes_on, memory, noise_key, nothing_of_others,
                      picture, processes, same)
from harness import HERE_POLICY, SANITIZED, SLOW, Skip, attempt, case, equal, kill, same_lines, true, wait_for
from test_matrix import start_servers

PORT = 51820


@case("attacker in net: every system call that it does not need ends it")
def calls(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    before = processes(gateway)
    with Captured(lab, gateway) as captured:
        calls_end(captured, CALLS)
    equal(processes(gateway), before, "the other processes")


@case("attacker in net: no file, memory, socket or descriptor of others")
def files(lab, kept):
    gateway = lab["gateway"]
    with Captured(lab, gateway) as captured:
        nothing_of_others(captured, {"udp"})


@case("attacker in the gateway's net: no peer, no policy, no trust, no certificate, no other's voice", in_vm=False)
def gateway_net(lab, kept):
    gateway = lab["gateway"]
    hub, laptop = noise_key(lab, "hub-a"), noise_key(lab, "laptop")
    token = gateway.rnaut("token", "create", "--type", "desktop", "--name", "prey", "--hub", "hub-a")["token"]
    known = database(gateway, "SELECT value FROM meta WHERE name = 'version'")
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
        lines, _ = captured.attack("read_records", hub, known)
        true(lines[-1] == "done" and int(lines[0].split()[0]) > 3, f"records: {lines}")
        kept["loot"] = gateway.run(["base64", "-w0", f"{STATE}/net/loot"]).stdout
        gateway.run(["rm", f"{STATE}/net/loot"])
        same(picture(lab, gateway), before)
    equal(processes(gateway), running, "the other processes")
    goes_on(lab)


@case("attacker in the gateway's net: a flood costs no memory that does not come back, and the API answers", in_vm=False)
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


@case("attacker in a hub's net: quarantine stays, old records and forged ones do nothing", in_vm=False)
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


@case("attacker in a hub's net: what it held back is enforced as soon as the honest one is back", in_vm=False)
def held_back(lab, kept):
    hub, gateway, laptop, server = lab["hub-a"], lab["gateway"], lab["laptop"], lab["server"]
    ping = [["icmp", server.ipv6, 0]]
    start_servers(lab, kept)
    with Captured(lab, hub) as captured:
        gateway.run(["/usr/local/bin/rnaut", "quarantine", "laptop"], check=False)
        newest = database(gateway, "SELECT max(version) FROM records")
        equal(captured.attack("lie_synced", newest), (["said", "done"], 0), "the lie")
    try:
        wait_for("quarantine", lambda: attempt(laptop, ping) == [False], 20 * SLOW)
    finally:
        gateway.rnaut("quarantine", "--release", "laptop")
    goes_on(lab)


# Every UDP datagram of the attacker that this host sends, on any interface: source, port, destination, port.
SNIFF = """import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
print('ready', flush=True)
while True:
    data, address = s.recvfrom(65536)
    if address[2] != socket.PACKET_OUTGOING or b'RN1\\5from ' not in data:
        continue
    six = address[1] == 0x86dd
    head, protocol = (40, data[6]) if six else ((data[0] & 15) * 4, data[9])
    if protocol in (1, 58):  # the kernel's own words about one that it did not let go
        continue
    family = socket.AF_INET6 if six else socket.AF_INET
    ends = (data[8:24], data[24:40]) if six else (data[12:16], data[16:20])
    source, to = (socket.inet_ntop(family, end) for end in ends)
    print(protocol, source, to, *struct.unpack('!HH', data[head:head + 4]), data[head + 8:].split()[1].decode(), flush=True)
"""


def handed(hub, spare):
    """(source that is asked for, destination, port, source that is seen; None: nothing leaves)"""
    own4, own6, far4, far6 = hub.underlay4, hub.underlay6, spare.underlay4, spare.underlay6
    yield from (("-", far4, "9", own4), ("-", far6, "9", own6), (own4, far4, "53", own4))
    for other in ("192.0.2.99", "192.0.2.1", "192.0.2.255", "224.0.0.1", "255.255.255.255", "127.0.0.1", "127.9.9.9", own6):
        yield other, far4, "9", own4
    for other in ("2001:db8::99", "2001:db8::1", "ff02::1", "::1", own4):
        yield other, far6, "9", own6
    for source in ("-", own4):
        for to in ("192.0.2.255", "192.0.2.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "0.0.0.0", "240.0.0.1"):
            yield source, to, "9", None
    for source in ("-", own6):
        for to in ("ff02::1", "ff0e::1", "::", "fe80::1"):
            yield source, to, "9", None
    yield "-", far4, "0", None


@case("attacker in a hub's net: kern sends control datagrams of this host from one port, to hosts, and nothing else", in_vm=False)
def port(lab, kept):
    start_servers(lab, kept)
    hub, spare = lab["hub-a"], lab["spare"]
    before, running = picture(lab, hub), processes(hub)
    wanted, seen = ["ready"], []
    with Captured(lab, hub) as captured:
        sniffer = hub.popen([sys.executable, "-B", "-c", SNIFF], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: seen.extend(line.strip() for line in sniffer.stdout), daemon=True).start()
        try:
            wait_for("the sniffer", lambda: seen, 20 * SLOW)
            lines, _ = captured.attack("send_other", spare.underlay4, "9", seconds=120)
            equal(lines, ["10 of 10 ended the connection", "done"], "what is no control datagram")
            for source, to, number, leaves in (*handed(hub, spare), ("-", spare.underlay4, "7", hub.underlay4)):
                equal(captured.attack("send_as", source, to, number), (["handed over", "done"], 0), f"{source} {to} {number}")
                if leaves:
                    wanted.append(f"17 {leaves} {to} {PORT} {number} {source}")
            wait_for("the last to leave", lambda: seen[-1] == wanted[-1], 20 * SLOW)
            same_lines("\n".join(seen), "\n".join(wanted), "what left")
        finally:
            kill(sniffer)
        same(picture(lab, hub), before)
    equal(processes(hub), running, "the other processes")
    goes_on(lab)


@case("attacker in the gateway's net: a flood of kern's sender does not keep kern from enforcing", in_vm=False)
def port_flood(lab, kept):
    start_servers(lab, kept)
    gateway, spare = lab["gateway"], lab["spare"]
    running = processes(gateway)
    with open(HERE_POLICY, encoding="utf-8") as file:
        gateway.write("/run/policy.json", file.read())
    with Captured(lab, gateway) as captured:
        lines = captured.begin("send_flood", spare.underlay4)
        wait_for("the flood", lambda: "began" in lines(), 20 * SLOW)
        for _ in range(3):
            # The hub hears nothing of it now; the gateway's own kern does.
            gateway.run(["/usr/local/bin/rnaut", "policy", "set", "/run/policy.json"], check=False)
            version = gateway.rnaut("policy", "get")["version"]
            wait_for(f"policy {version} in the gateway's kern",
                     lambda v=version: f"policy {v} is in force" in gateway.log_text("rnautd-kern"), 20 * SLOW)
        captured.tell_to_end()
        equal(captured.end("send_flood"), 0, "status")
        true(lines()[1:] and int(lines()[1].split()[0]) > 1000, f"flood: {lines()}")
        print(f"    {lines()[1]}", flush=True)
    equal(processes(gateway), running, "the other processes")
    goes_on(lab)
