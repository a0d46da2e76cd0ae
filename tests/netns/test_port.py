# SPDX-License-Identifier: Apache-2.0
"""One UDP port for WireGuard and control, through firewalls that know no other and a NAT; and what holds without it.

    desk .12   gateway .1   hub-a .2   router .100 ── laptop 198.51.100.2, 2001:db8:1::2
      └───────────┴────────────┴───────────┘             masquerade both ways of IP
"""
import json
import os
import re
import signal
import time

import network
from harness import PREFIX, RNAUTD, SLOW, attempt, case, equal, true, wait_for
from network import run

PORT, SECOND = 51820, 51821
PRIORITY = 21070  # agent/sys/steering.h
FIREWALL = """flush ruleset
table inet guard {
 chain input {
  type filter hook input priority 0
  policy drop
  ct state established,related accept
  iifname { "lo", "rn0" } accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
  %s
 }
}
"""
NAT = """table inet home {
 chain post {
  type nat hook postrouting priority srcnat
  oifname "wan" masquerade
 }
 chain forward {
  type filter hook forward priority 0
  policy drop
  ct state established,related accept
  iifname "lan" accept
 }
}
"""
SEND = """import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2])))
"""


class Place:
    """The network of this file, brought up once for each family of the underlay."""

    def __init__(self, family):
        self.family, self.four = family, family == "IPv4"
        self.net = network.Network(PREFIX + "5")
        self.router = f"{PREFIX}5-router"
        self.gateway = self.net.add("gateway", "gateway", 1, owner="alice")
        self.hub = self.net.add("hub-a", "hub", 2)
        self.laptop = self.net.add("laptop", "desktop", 11, owner="alice")
        self.desk = self.net.add("desk", "desktop", 12, owner="alice")
        self.net.remove()
        self.net.create()
        for node in (self.gateway, self.hub):
            self.only_address(node)
        self.only_address(self.desk)
        self.behind_nat()
        for node in (self.gateway, self.hub):
            firewall(node, f"udp dport {PORT} accept")
        for node in (self.laptop, self.desk):
            firewall(node, "")

    def underlay(self, node):
        return node.underlay4 if self.four else node.underlay6

    def only_address(self, node):
        """One family on the wire, so that nothing goes the other way."""
        node.run(["ip", "-6" if self.four else "-4", "addr", "flush", "dev", "eth0"])

    def behind_nat(self):
        """The laptop's cable goes into a router of its own."""
        inside, wan = (("198.51.100.1/24", "192.0.2.100/24") if self.four else ("2001:db8:1::1/64", "2001:db8::100/64"))
        in_router = ["ip", "-n", self.router]
        run(["ip", "netns", "add", self.router])
        run(["ip", "-n", self.net.switch, "link", "set", "p11", "nomaster"])
        run(["ip", "-n", self.net.switch, "link", "set", "p11", "netns", self.router])
        run(["ip", "-n", self.net.switch, "link", "add", "p100", "type", "veth", "peer", "name", "wan", "netns", self.router])
        run(["ip", "-n", self.net.switch, "link", "set", "p100", "master", "br0", "up"])
        run(in_router + ["link", "set", "p11", "name", "lan"])
        nodad = [] if self.four else ["nodad"]
        for link, address in (("lan", inside), ("wan", wan)):
            run(in_router + ["addr", "add", address, "dev", link] + nodad)
            run(in_router + ["link", "set", link, "up"])
        key = "net.ipv4.ip_forward" if self.four else "net.ipv6.conf.all.forwarding"
        inside_run(self.router, ["sysctl", "-qw", f"{key}=1"])
        inside_run(self.router, ["nft", "-f", "-"], input=NAT, stdin=None)
        self.laptop.run(["ip", "addr", "flush", "dev", "eth0"])
        address = "198.51.100.2/24" if self.four else "2001:db8:1::2/64"
        self.laptop.run(["ip", "addr", "add", address, "dev", "eth0"] + nodad)
        self.laptop.run(["ip", "route", "add", "default", "via", inside.split("/")[0]])

    def bring_up(self):
        net, gateway = self.net, self.gateway
        gateway.underlay4 = self.underlay(gateway)  # what the gateway and the hub call themselves
        self.hub.underlay4 = self.underlay(self.hub)
        net.init_gateway(gateway)
        for node in (self.hub, self.laptop, self.desk):
            self.join(node)
        net.learn_addresses()
        wait_for("the laptop to reach the desk", self.data_passes, 30 * SLOW)

    def join(self, node):
        done = self.net.enrol(node, self.net.token(node, None if node is self.hub else "hub-a"))
        equal(done.returncode, 0, f"{node.name}: rnaut up: {done.stderr.strip()}")
        node.start_units()
        wait_for(f"{node.name} to be ready", lambda: self.net.ready(node), 30 * SLOW)

    def data_passes(self):
        return attempt(self.laptop, [["icmp", self.desk.ipv6, 0], ["icmp", self.desk.ipv4, 0]]) == [True, True]

    def remove(self):
        self.net.remove()


def inside_run(netns, argv, **options):
    return run(["nsenter", f"--net=/run/netns/{netns}"] + argv, **options)


def firewall(node, rule):
    run(node.argv(["nft", "-f", "-"]), input=FIREWALL % rule, stdin=None)


def place(kept, family="IPv4"):
    have = kept.get("place")
    if not have or have.family != family:
        if have:
            have.remove()
            del kept["place"]
        have = Place(family)
        have.bring_up()
        kept["place"] = have
    return have


def connected(node):
    return node.rnaut("status")["upstream"]["connected"]


def since(node):
    upstream = node.rnaut("status")["upstream"]
    return upstream["since"] if upstream["connected"] else None


def steered(node):
    """Datagrams that the control socket was given, from the pinned map: kern need not be there."""
    text = node.run(["bpftool", "-j", "map", "dump", "pinned", "/sys/fs/bpf/rnaut/rn_port_counters"]).stdout
    entry = json.loads(text)[1]
    return sum(int.from_bytes(bytes(int(byte, 16) for byte in cpu["value"]), "little") if isinstance(cpu["value"], list)
               else cpu["value"] for cpu in entry.get("values") or entry["formatted"]["values"])


def tracked(netns_run):
    """What conntrack has of UDP: (source, destination, source port, destination port) of the first packet."""
    text = netns_run(["conntrack", "-L", "-p", "udp"], check=False).stdout + \
        netns_run(["conntrack", "-L", "-f", "ipv6", "-p", "udp"], check=False).stdout
    return {tuple(re.search(key + r"=(\S+)", line).group(1) for key in ("src", "dst", "sport", "dport"))
            for line in text.splitlines() if line.startswith("udp")}


def restart(node, unit="rnautd-net", wait=True):
    pid = node.unit_pid(unit)
    true(pid, f"{unit} of {node.name} does not run")
    os.kill(pid, signal.SIGKILL)
    if wait:
        wait_for(f"another {unit} on {node.name}", lambda: node.unit_pid(unit) not in (0, pid), 20 * SLOW)


def reconnects(node, other):
    """The other end's net is killed: this host has a new session soon."""
    before = since(node)
    time.sleep(1.1)  # `since` is in whole seconds
    restart(other)
    wait_for(f"{node.name} to connect again", lambda: (now := since(node)) and now != before, 30 * SLOW)


def one_port(where):
    """Everything that was tracked since the last flush, seen from every host and from the router."""
    runs = {node.name: node.run for node in where.net.nodes.values()}
    runs["router"] = lambda argv, **options: inside_run(where.router, argv, **options)
    for name, runner in runs.items():
        flows = tracked(runner)
        true(flows, f"conntrack of {name} has nothing")
        # Joining was from another port, and the gateway may have had a last word to say to it.
        equal([f for f in flows if str(PORT) not in f[2:] or str(SECOND) in f[2:]], [], f"other ports in conntrack of {name}")
        pairs = [flow[:2] for flow in flows if flow[3] == str(PORT)]
        true(pairs, f"conntrack of {name} has no flow to the port")
        equal(len(pairs), len(set(pairs)), f"flows between two hosts in conntrack of {name}: {flows}")


def flush(where):
    for node in where.net.nodes.values():
        node.run(["conntrack", "-F"])
    inside_run(where.router, ["conntrack", "-F"])


def offload(where, value):
    for node in where.net.nodes.values():
        node.run(["ethtool", "-K", "eth0", "tx", value, "rx", value, "gro", value, "rx-udp-gro-forwarding", value])
    inside_run(where.router, ["ethtool", "-K", "lan", "tx", value, "gro", value])
    inside_run(where.router, ["ethtool", "-K", "wan", "tx", value, "gro", value])


def one_port_case(family):
    @case(f"one port, {family}: joining, control and data through firewalls and a NAT that know no other")
    def passes(lab, kept):
        where = place(kept, family)
        for node in where.net.nodes.values():
            control = node.rnaut("status")["control"]
            equal((control["shared"], control["port"], control["second_port"]), (True, PORT, SECOND), node.name)
            true("shares UDP port 51820" in control["text"], control["text"])
            text = node.run(["/usr/local/bin/rnaut", "status"]).stdout
            true(control["text"] in text, text)
        flush(where)
        reconnects(where.laptop, where.hub)
        reconnects(where.hub, where.gateway)
        true(where.data_passes(), "data")
        one_port(where)
        for node in (where.gateway, where.hub, where.laptop):
            true(node.rnaut("status")["control"]["steered"] > 0, f"nothing was steered on {node.name}")

    @case(f"one port, {family}: the same with checksums and segments left to the interface, and not")
    def offloads(lab, kept):
        where = place(kept, family)
        for value in ("off", "on"):
            offload(where, value)
            reconnects(where.laptop, where.hub)
            reconnects(where.hub, where.gateway)
            reconnects(where.desk, where.hub)
            true(where.data_passes(), f"data with offload {value}")
        one_port(where)


for each in ("IPv4", "IPv6"):
    one_port_case(each)


@case("one port: kern killed: datagrams go on coming in, and control goes on when it is back")
def kern_killed(lab, kept):
    where = kept.get("place") or place(kept)
    hub, laptop = where.hub, where.laptop
    begun = since(laptop)
    for node in (hub, laptop):
        for _ in range(3):  # a session that nothing leaves for half a minute ends, and a slow machine takes that long for three
            restart(node, "rnautd-kern")
            wait_for(f"kern of {node.name}", lambda node=node: where.net.ready(node), 30 * SLOW)
    wait_for("the gateway's word to arrive", lambda: quarantined(where, True), 20 * SLOW)
    wait_for("and the other", lambda: quarantined(where, False), 20 * SLOW)
    equal(since(laptop), begun, "the session")
    hub.ask(stop="rnautd-kern")
    try:
        before = steered(hub)
        wait_for("datagrams to be taken while kern is away", lambda: steered(hub) > before + 2, 30 * SLOW)
    finally:
        hub.start_units(["rnautd-kern"])
    wait_for("the hub to enforce", lambda: where.net.ready(hub), 30 * SLOW)
    wait_for("the laptop to be connected", lambda: connected(laptop), 60 * SLOW)
    wait_for("data", where.data_passes, 30 * SLOW)


def quarantined(where, value):
    """Tells the gateway, and asks the laptop's kernel by way of a packet."""
    where.gateway.rnaut("quarantine", "laptop", *([] if value else ["--release"]))
    return where.data_passes() != value


def filters(runner, link):
    text = runner(["tc", "-j", "filter", "show", "dev", link, "ingress"]).stdout
    return [f for f in json.loads(text or "[]") if "options" in f]


def ours(runner, link):
    return [f for f in filters(runner, link) if f["pref"] == PRIORITY and "rn_steer" in json.dumps(f)]


def other_filter(node, link, priority):
    """Somebody else's, which matches nothing."""
    node.run(["tc", "filter", "add", "dev", link, "ingress", "prio", str(priority), "protocol", "ip", "u32", "match", "u32",
              "0xdeadbeef", "0xffffffff", "at", "0"])


@case("one port: an interface that appears is steered, and other people's filters and qdiscs stay as they are")
def interfaces(lab, kept):
    where = kept.get("place") or place(kept)
    desk = where.desk
    desk.ask(stop="rnautd-kern")
    desk.run(["ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1"])
    for link, qdisc in (("late0", "clsact"), ("late1", "ingress")):
        desk.run(["tc", "qdisc", "add", "dev", link, qdisc])
        for priority in ("1", "60000"):
            other_filter(desk, link, priority)
    theirs = {link: [f for f in filters(desk.run, link) if f["pref"] != PRIORITY] for link in ("late0", "late1")}
    true(all(theirs.values()), f"no filters of others: {theirs}")
    desk.start_units(["rnautd-kern"])
    wait_for("eth0 to be taken over", lambda: ours(desk.run, "eth0") and where.net.ready(desk), 20 * SLOW)
    desk.run(["ip", "link", "add", "bare0", "type", "veth", "peer", "name", "bare1"])
    for link in ("late0", "late1", "bare0", "bare1"):
        wait_for(f"{link} to be steered", lambda link=link: ours(desk.run, link), 10 * SLOW)
    true(ours(desk.run, "eth0") and ours(desk.run, "lo"), "eth0 and lo")
    equal(ours(desk.run, "rn0"), [], "on rn0")
    for link, before in theirs.items():
        equal([f for f in filters(desk.run, link) if f["pref"] != PRIORITY], before, f"others' filters on {link}")
    desk.run(["tc", "filter", "del", "dev", "late0", "ingress", "prio", str(PRIORITY)])
    wait_for("the filter to be back", lambda: ours(desk.run, "late0"), 10 * SLOW)
    desk.run(["ip", "link", "del", "late1"])
    desk.run(["ip", "link", "del", "bare0"])
    true(connected(desk), "the desk is connected")


@case("one port: a datagram on its way through a host is not taken")
def forwarded(lab, kept):
    where = kept.get("place") or place(kept)
    desk, hub = where.desk, where.hub
    inner = f"{PREFIX}5-inner"
    run(["ip", "netns", "add", inner])
    host, guest, key = (("203.0.113.1/24", "203.0.113.2/24", "net.ipv4.ip_forward") if where.four else
                        ("2001:db8:2::1/64", "2001:db8:2::2/64", "net.ipv6.conf.all.forwarding"))
    nodad = [] if where.four else ["nodad"]
    desk.run(["ip", "link", "add", "to-inner", "type", "veth", "peer", "name", "guest0"])
    run(["nsenter", "-t", str(desk.pid), "-n", "ip", "link", "set", "guest0", "netns", inner])
    desk.run(["ip", "addr", "add", host, "dev", "to-inner"] + nodad)
    desk.run(["ip", "link", "set", "to-inner", "up"])
    for words in (["addr", "add", guest, "dev", "guest0"] + nodad, ["link", "set", "guest0", "up"],
                  ["route", "add", "default", "via", host.split("/")[0]]):
        run(["ip", "-n", inner] + words)
    desk.run(["sysctl", "-qw", f"{key}=1"])
    wait_for("the new interface to be steered", lambda: ours(desk.run, "to-inner"), 10 * SLOW)
    hub.run(["nft", "insert", "rule", "inet", "guard", "input", "ip6" if not where.four else "ip", "saddr",
             guest.split("/")[0], "counter"])
    wait_for("the way", lambda: sent_through(where, inner, desk, hub), 20 * SLOW, 0.5)
    desk.run(["sysctl", "-qw", f"{key}=0"])
    run(["ip", "netns", "del", inner])


def sent_through(where, inner, desk, hub):
    before = steered(desk)
    inside_run(inner, ["python3", "-c", SEND, where.underlay(hub), str(PORT), "524e3101" + "00" * 124])
    rule = hub.run(["nft", "list", "chain", "inet", "guard", "input"]).stdout
    return re.search(r"saddr \S+ counter packets [1-9]", rule) and steered(desk) - before < 50


@case("one port: without steering the second port serves, and status says so")
def without(lab, kept):
    where = kept.get("place") or place(kept)
    hub, laptop = where.hub, where.laptop
    # Another kind of filter sits where ours would: the interface cannot be steered.
    hub.ask(stop="rnautd-kern")
    hub.run(["tc", "filter", "del", "dev", "eth0", "ingress", "prio", str(PRIORITY)])
    other_filter(hub, "eth0", PRIORITY)
    hub.start_units(["rnautd-kern"])
    firewall(hub, f"udp dport {{ {PORT}, {SECOND} }} accept")
    where.gateway.run(["conntrack", "-F"])
    firewall(where.gateway, f"udp dport {{ {PORT}, {SECOND} }} accept")
    try:
        wait_for("the hub to enforce", lambda: where.net.ready(hub), 30 * SLOW)
        control = hub.rnaut("status")["control"]
        equal((control["shared"], control["port"]), (False, SECOND), "status")
        true("51821" in control["text"] and "eth0" in control["text"], control["text"])
        # The laptop may lose its session and have another before it can be asked: it is to have one that is younger.
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        time.sleep(1.1)  # `since` is in whole seconds
        restart(hub)
        wait_for("hub and laptop to connect by the second port",
                 lambda: connected(hub) and (since(laptop) or "") > began, 150 * SLOW)
        ports = {flow[3] for flow in tracked(hub.run)}
        true(str(SECOND) in ports, f"ports in the hub's conntrack: {ports}")
        true(where.data_passes(), "data")
        hub.run(["tc", "filter", "del", "dev", "eth0", "ingress", "prio", str(PRIORITY)])
        wait_for("the hub to steer again", lambda: hub.rnaut("status")["control"]["shared"], 20 * SLOW)
    finally:
        firewall(hub, f"udp dport {PORT} accept")
        firewall(where.gateway, f"udp dport {PORT} accept")
        hub.run(["conntrack", "-F"])
        where.gateway.run(["conntrack", "-F"])
    wait_for("the laptop to find the shared port again", lambda: connected(laptop), 90 * SLOW)


@case("one port: kern --remove takes the programs off, and only what is ours")
def removed(lab, kept):
    where = kept.get("place") or place(kept)
    desk = where.desk
    desk.run(["ip", "link", "add", "else0", "type", "veth", "peer", "name", "else1"])
    desk.run(["tc", "qdisc", "add", "dev", "else0", "clsact"], check=False)  # kern may have been first
    other_filter(desk, "else0", 7)
    for link in ("else0", "else1"):
        wait_for(f"{link} to be steered", lambda link=link: ours(desk.run, link), 10 * SLOW)
    for unit in ("rnautd-kern", "rnautd-net", "rnautd-core", "rnautd-wireguard"):
        desk.ask(stop=unit)
    true(ours(desk.run, "eth0"), "the program stays while kern is away")
    desk.run([RNAUTD, "kern", "--remove"])
    for link in ("eth0", "lo", "else0", "else1"):
        equal(ours(desk.run, link), [], f"our filters on {link}")
    qdiscs = desk.run(["tc", "qdisc", "show"]).stdout
    equal([line for line in qdiscs.splitlines() if "clsact" in line and "else0" not in line], [], "qdiscs of ours")
    equal({f["pref"] for f in filters(desk.run, "else0")}, {7}, "others' filters on else0")
    equal(desk.run(["sh", "-c", "ls /sys/fs/bpf/rnaut 2>/dev/null | wc -l"]).stdout.strip(), "0", "pins")
    where.remove()
    del kept["place"]
