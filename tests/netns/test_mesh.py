# SPDX-License-Identifier: Apache-2.0
"""From a device of one hub to a device of the other: with its identity, and judged at both hubs."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import network
import two_hubs
from harness import IN_VM, PROBE, QUIET, SLOW, TOP, Flow, attempt, case, drops, equal, number, true, wait_for
from test_hubs import MESH, peers, public_key

BULK = number("RN_BULK", 20_000_000, 300_000)


def through(net, here, there):
    """Bytes that `here` has sent to `there` from hub to hub."""
    return peers(net[here])[public_key(net[there])]["sent"]


def bulk(node, address, size=BULK):
    done = node.run(PROBE + ["bulk", address, "8080", str(size)], timeout=300 * SLOW)
    found = json.loads(done.stdout)
    true(found["same"], f"{node.name} to {address}: {found}")
    return found


def open_flow(node, address, port=8080):
    """The first packet is lost while the hubs ask who that is; TCP says it again."""
    flow = Flow(node, address, port)
    for _ in range(3):
        true(flow.answers(10 * SLOW), "the flow does not work to begin with")
    return flow


@case("a device of one hub reaches a device of the other: what the policy says and no more, both families")
def reach(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    targets, wanted = [], []
    for address in (db.ipv6, db.ipv4):
        for protocol, port, good in (("tcp", 8080, True), ("udp", 9000, True), ("icmp", 0, True), ("tcp", 9999, False),
                                     ("udp", 53, False)):
            targets.append([protocol, address, port])
            wanted.append(good)
    wait_for("an answer", lambda: attempt(laptop, targets[:1])[0], 20 * SLOW)
    before = through(net, "hub-a", "hub-b"), through(net, "hub-b", "hub-a")
    equal(attempt(laptop, targets), wanted, "laptop to db")
    true(through(net, "hub-a", "hub-b") > before[0] + 500 and through(net, "hub-b", "hub-a") > before[1] + 500,
         f"nothing went through {MESH}")
    equal(attempt(db, [["tcp", laptop.ipv6, 8080], ["icmp", laptop.ipv4, 0]]), [False, False], "db to laptop")
    equal(attempt(net["sensor"], [["tcp", db.ipv6, 9999]]), [True], "sensor to db, one hub, one owner")
    shown = net["hub-a"].run(["tc", "filter", "show", "dev", MESH, "ingress"]).stdout
    true("rn_mesh_ingress" in shown and "rn_steer" not in shown, f"control is steered on {MESH}, which is no underlay: {shown}")


@case("hubs are ends themselves: to a device behind another hub, to another hub, and from a device to another's hub")
def hubs_as_ends(lab, kept):
    net = two_hubs.make(kept)
    for source, destination in (("hub-a", "db"), ("gateway", "db"), ("hub-a", "hub-b"), ("laptop", "hub-b")):
        for address in (net[destination].ipv6, net[destination].ipv4):
            wait_for(f"{source} to reach {destination} at {address}",
                     lambda: attempt(net[source], [["icmp", address, 0]])[0], 10 * SLOW)
    equal(attempt(net["hub-a"], [["tcp", net["db"].ipv6, 22], ["tcp", net["hub-b"].ipv6, 22]]), [False, False], "hub-a, port 22")
    equal(attempt(net["hub-b"], [["icmp", net["db"].ipv6, 0], ["icmp", net["laptop"].ipv6, 0]]), [False, False], "hub-b to devices")


def dropped_by(*nodes):
    """Packets these hosts dropped, by reason."""
    found = Counter()
    for node in nodes:
        for count in node.rnaut("drops")["dropped"]:
            found[count["reason"]] += count["packets"]
    return found


def judged(node):
    found = [(c["packets"], c["bytes"]) for c in node.rnaut("drops")["passed"]]
    return sum(c[0] for c in found), sum(c[1] for c in found)


def with_segments(laptop, address, hubs):
    """Did each hub judge packets in a transfer that no way takes whole? By the mean, with those that only acknowledge."""
    before = [judged(hub) for hub in hubs]
    bulk(laptop, address)
    found = [wait_for(f"{hub.name} to count", lambda: (now := judged(hub))[1] > was[1] + BULK and now, 5 * SLOW)
             for hub, was in zip(hubs, before)]
    return all((now[1] - was[1]) / (now[0] - was[0]) > 1400 for now, was in zip(found, before))


@case("a large transfer between hubs comes whole, both families, also where the ways below take less")
def large(lab, kept):
    net = two_hubs.make(kept)
    laptop, db, hubs = net["laptop"], net["db"], (net["hub-a"], net["hub-b"])
    for address in (db.ipv6, db.ipv4):
        wait_for("an answer", lambda: attempt(laptop, [["tcp", address, 8080]])[0], 20 * SLOW)
        dropped = dropped_by(laptop, db, *hubs)
        if IN_VM:  # the kernel's WireGuard alone puts packets together; how many, the load says: it may need another go
            wait_for("packets with segments in them at both hubs", lambda: with_segments(laptop, address, hubs), 60 * SLOW)
        else:
            bulk(laptop, address)
        # How often TCP says something again is the machine's load too; that nothing of it was refused is ours alone.
        lost = dropped_by(laptop, db, *hubs) - dropped  # a few may be the rest of what was before
        true(sum(lost.values()) <= 20, f"dropped during the transfer: {dict(lost)}")
    # The ways below take less: the tunnels' own datagrams go in pieces from then on, and what is inside does not notice.
    ends = [pair for a, b in ((hubs[0], hubs[1]), (laptop, hubs[0])) for pair in ((a, b), (b, a))]
    for node, other in ends:
        node.run(["ip", "route", "add", other.underlay4 + "/32", "dev", "eth0", "mtu", "1300"])
    try:
        for address in (db.ipv6, db.ipv4):
            bulk(laptop, address, BULK // 20)
            done = laptop.run(["ping", "-c", "2", "-i", "0.3", "-W", "2", "-s", "4000", address], check=False)
            true(" 0% packet loss" in done.stdout, f"large pings: {done.stdout}")
    finally:
        for node, other in ends:
            node.run(["ip", "route", "del", other.underlay4 + "/32", "dev", "eth0"])


@case("each hub on the way takes one from the hop limit, and the destination's hub judges for itself")
def hops(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    wait_for("an answer", lambda: attempt(laptop, [["icmp", db.ipv6, 0]])[0], 20 * SLOW)
    for address in (db.ipv6, db.ipv4):
        for hop_limit, where in ((1, "hub-a"), (2, "hub-b")):
            before = drops(net[where], "ttl_exceeded")
            done = laptop.run(["ping", "-c", "1", "-W", "1", "-t", str(hop_limit), address], check=False)
            true(done.returncode != 0, f"hop limit {hop_limit} got through")
            speaker = net[where].ipv6 if ":" in address else net[where].ipv4
            true(re.search(f"From {re.escape(speaker)}[: ].*exceeded", done.stdout), f"{where} says nothing: {done.stdout}")
            wait_for(f"{where} to count {address} with hop limit {hop_limit}",
                     lambda: drops(net[where], "ttl_exceeded") == before + 1, 5 * SLOW)
        true(laptop.run(["ping", "-c", "1", "-W", "2", "-t", "3", address], check=False).returncode == 0, "hop limit 3")


CONF = "/etc/rnaut/rnaut.conf"
NO_ICMP = """table inet silence {
    chain input {
        type filter hook input priority 0; policy accept;
        icmp type destination-unreachable drop
        icmpv6 type packet-too-big drop
    }
}"""


def shrink(hub, mtu):
    """Its rn0 and rnm0 carry less from now on; a function that takes it back."""
    before = hub.run(["cat", CONF], check=False).stdout
    conf = json.loads(before) if before.strip() else {}

    def change(text, wanted):
        hub.write(CONF, text, 0o644)
        os.kill(hub.unit_pid("rnautd-kern"), signal.SIGKILL)
        wait_for(f"{hub.name} to have an MTU of {wanted}", lambda: f" mtu {wanted + 48} " in
                 hub.run(["ip", "link", "show", MESH]).stdout and hub.rnaut("status")["enforcing"], 60 * SLOW)

    change(json.dumps({**conf, "mtu": mtu}), mtu)
    return lambda: change(before if before.strip() else "{}", conf.get("mtu", 1372))


class Held:
    """A connection that is open already, for a transfer later."""

    def __init__(self, node, address, size):
        self.process = node.popen(PROBE + ["bulk", address, "8080", str(size), "held"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        equal(self.process.stdout.readline().strip(), "established", f"{node.name} to {address}")

    def transfer(self):
        found = json.loads(self.process.communicate(timeout=120 * SLOW)[0])
        true(found["same"], f"the transfer on a connection that was open before: {found}")


@case("a hub that carries less says so to who sends more, and TCP goes on through it, also where nobody hears it say so")
def too_big(lab, kept):
    net = two_hubs.make(kept)
    laptop, db, hub = net["laptop"], net["db"], net["hub-a"]
    ways = ((db.ipv6, hub.ipv6, 1324, 1290), (db.ipv4, hub.ipv4, 1344, 1310))  # a ping's payload, and what gets through
    wait_for("an answer", lambda: attempt(laptop, [["tcp", way[0], 8080] for way in ways]) == [True, True], 20 * SLOW)
    open_before = [Held(laptop, way[0], BULK // 20) for way in ways]
    before = drops(hub, "too_big")
    back = shrink(hub, 1290)
    try:
        for connection in open_before:
            connection.transfer()
        wait_for("hub-a to count what was too big", lambda: drops(hub, "too_big") > before, 5 * SLOW)
        for address, speaker, size, room in ways:
            laptop.run(["ip", "-6" if ":" in address else "-4", "route", "flush", "cache"])
            done = laptop.run(["ping", "-c", "3", "-i", "0.3", "-W", "1", "-M", "do", "-s", str(size), address], check=False)
            said = done.stdout + done.stderr
            true(re.search(f"From {re.escape(speaker)}[: ].*mtu ?= ?{room}", said), f"hub-a says nothing: {said}")
            true(re.search(f"too long, mtu[:=] ?{room}", said), f"the laptop has not heard: {said}")
        time.sleep(QUIET * SLOW)  # counters come late
        before = drops(hub, "too_big")
        for node in (laptop, db):  # their TCP is told in the connection itself
            node.run(["nft", NO_ICMP])
            for family in ("-4", "-6"):
                node.run(["ip", family, "route", "flush", "cache"])
        for address in (db.ipv6, db.ipv4):
            bulk(laptop, address, BULK // 20)
        time.sleep(QUIET * SLOW)
        equal(drops(hub, "too_big"), before, "packets of new connections that were too big")
    finally:
        for node in (laptop, db):
            node.run(["nft", "delete", "table", "inet", "silence"], check=False)
        back()
        for node in (laptop, db):
            for family in ("-4", "-6"):
                node.run(["ip", family, "route", "flush", "cache"])


@case("both hubs judge, each by what it knows: policy, quarantine, trust, of source and destination, on the next packet")
def both_judge(lab, kept):
    net = two_hubs.make(kept)
    gateway, laptop, db = net["gateway"], net["laptop"], net["db"]
    no = {"id": "no", "source_criteria": ["device:laptop"], "destination_criteria": ["tag:web"], "services": ["tcp:8080"],
          "action": "deny"}

    def quarantine(name):
        return lambda: gateway.rnaut("quarantine", name), lambda: gateway.rnaut("quarantine", "--release", name)

    changes = [
        ("source_quarantined", *quarantine("laptop")),
        ("destination_quarantined", *quarantine("db")),
        ("trust_too_low", lambda: gateway.rnaut("trust", "laptop", "39"), lambda: gateway.rnaut("trust", "laptop", "50")),
        ("deny_rule", lambda: two_hubs.set_policy(net, lambda policy: policy["rules"].append(no)),
         lambda: two_hubs.set_policy(net)),
    ]
    for hub, others in two_hubs.ALONE:
        for reason, change, back in changes:
            flow = open_flow(laptop, db.ipv6)
            try:
                two_hubs.stops_at(net, hub, others, flow, reason, change, back)
            finally:
                flow.close()


@case("a device behind another hub that is revoked is out at both hubs on its next packet")
def revoked(lab, kept):
    net = two_hubs.make(kept)
    flow = open_flow(net["tablet"], net["db"].ipv4)
    before = drops(net["hub-b"], "source_revoked")
    try:
        with two_hubs.deaf(net["hub-a"], net["tablet"]):
            net["gateway"].rnaut("revoke", "tablet")
            true(not flow.answers(QUIET), "the flow still works")
            wait_for("hub-b to count it", lambda: drops(net["hub-b"], "source_revoked") > before, 5 * SLOW)
        wait_for("hub-a to know", lambda: drops(net["hub-a"], "source_revoked") >= 0 and not flow.answers(0.3), 5 * SLOW)
    finally:
        flow.close()


@case("an identity that changes under a flow between hubs: it goes on, and is judged as what the device is now")
def identity(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    rule = {"id": "laptop-alone", "source_criteria": ["device:laptop"], "destination_criteria": ["tag:web"],
            "services": ["tcp:9999"], "action": "allow"}
    flow = open_flow(laptop, db.ipv6)
    try:
        true(not attempt(laptop, [["tcp", db.ipv6, 9999]])[0], "port 9999 is open to begin with")
        two_hubs.set_policy(net, lambda policy: policy["rules"].append(rule))
        true(flow.answers(30 * SLOW), "the flow does not go on")
        wait_for("what the new identity may", lambda: attempt(laptop, [["tcp", db.ipv6, 9999]])[0], 20 * SLOW)
        rule["action"], rule["services"] = "deny", ["tcp:8080"]
        two_hubs.set_policy(net, lambda policy: policy["rules"].append(rule))
        true(not flow.answers(QUIET), "the flow still works")
        two_hubs.set_policy(net)
        true(flow.answers(30 * SLOW), "the flow does not go on without the rule")
    finally:
        flow.close()


@case("kern, net and core of both hubs are killed under a flow between hubs: it goes on, and the tables are taken over")
def killed(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    flow = open_flow(laptop, db.ipv4)
    try:
        for name in ("hub-a", "hub-b"):
            hub = net[name]
            for unit in ("rnautd-kern", "rnautd-net", "rnautd-core"):
                old = hub.unit_pid(unit)
                os.kill(old, signal.SIGKILL)
                true(flow.answers(10 * SLOW), f"{unit} of {name} is dead and the flow with it")
                wait_for(f"{unit} of {name}", lambda: hub.unit_pid(unit) not in (0, old) and hub.rnaut("status")["enforcing"],
                         30 * SLOW)
                true(flow.answers(10 * SLOW), f"{unit} of {name} is back and the flow does not go on")
        # kern came back without its core: what it knows of other hubs is what it had.
        with two_hubs.deaf(net["hub-b"]):
            os.kill(net["hub-b"].unit_pid("rnautd-kern"), signal.SIGKILL)
            wait_for("kern of hub-b", lambda: "taken over" in net["hub-b"].log_text("rnautd-kern"), 30 * SLOW)
            for _ in range(3):
                true(flow.answers(10 * SLOW), "the flow does not go on without core")
    finally:
        flow.close()


def frames(node, reason, direction="from_hubs"):
    return sum(f["packets"] for f in node.rnaut("drops")["frames"] if (f["direction"], f["reason"]) == (direction, reason))


def refused(node):
    return [f["packets"] for f in node.rnaut("drops")["frames"] if f["reason"] != "passed"]


def identities(net):
    """Numbers as they were last seen in a flow that hub-b judged."""
    found = {}
    for event in net["hub-b"].rnaut("flows")["events"]:
        for end in (event["source"], event["destination"]):
            if end["client_id"] and end["identity"]:
                found[end["client_id"]] = end["identity"]
    return found


class Liar:
    """hub-a, captured: its kern stands still, its filters are off, and it says what it likes to hub-b."""

    def __init__(self, net):
        self.net, self.hub = net, net["hub-a"]
        self.kern = self.hub.unit_pid("rnautd-kern")
        os.kill(self.kern, signal.SIGSTOP)
        self.hub.run(["tc", "filter", "del", "dev", MESH, "egress"])
        self.process = self.hub.popen([sys.executable, "-B", TOP + "/tests/netns/lying_hub.py", MESH], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def say(self, six, **lie):
        net, address = self.net, lambda node: node.ipv6 if six else node.ipv4
        honest = {"outer_source": address(self.hub), "outer_destination": address(net["hub-b"]),
                  "source": address(net["laptop"]), "destination": address(net["db"]), "trust": 50, "port": 9000, "words": "lie"}
        self.process.stdin.write(json.dumps({**honest, **lie}) + "\n")
        self.process.stdin.flush()
        equal(self.process.stdout.readline().strip(), "sent", "the liar")

    def end(self):
        network.kill(self.process)
        os.kill(self.kern, signal.SIGCONT)
        wait_for(f"{MESH} of hub-a", lambda: "bpf" in self.hub.run(["tc", "filter", "show", "dev", MESH, "egress"]).stdout
                 and self.hub.rnaut("status")["mesh"]["link_up"], 20 * SLOW)


LISTEN = """
import socket
door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
door.bind(("rn0", 0))
print("listening", flush=True)
while True:
    data, address = door.recvfrom(65535)
    for words in (b"truth", b"lie"):
        if address[2] != socket.PACKET_OUTGOING and data.endswith(words):
            print(words.decode(), flush=True)
"""


class Listener:
    """What comes out of a device's rn0 of what the liar said."""

    def __init__(self, node):
        self.process = node.popen([sys.executable, "-u", "-c", LISTEN], stdout=subprocess.PIPE, text=True)
        equal(self.next(), "listening", "the listener")

    def next(self):
        return self.process.stdout.readline().strip()

    def end(self):
        network.kill(self.process)


@case("a hub that lies about identity, trust, addresses or frames is not believed, and each lie is counted for what it is")
def lies(lab, kept):
    net = two_hubs.make(kept)
    hub, db = net["hub-b"], net["db"]
    for address in (db.ipv4, db.ipv6):
        wait_for("an answer", lambda: attempt(net["laptop"], [["udp", address, 9000]])[0], 20 * SLOW)
    known = wait_for("flows that name both ends",
                     lambda: {"laptop", "db"} <= (found := identities(net)).keys() and found, 20 * SLOW)
    liar, listener = Liar(net), Listener(db)
    try:
        for six in (True, False):
            address = lambda node: node.ipv6 if six else node.ipv4  # noqa: E731
            true_one = {"identity": known["laptop"]}
            other = address(net["sensor"])
            lies = [  # what it says, how it is counted: as a frame or as a packet
                ({"identity": known["db"]}, frames, "wrong_identity"),  # of a device of hub-b's
                ({"identity": 0xfffffe}, frames, "wrong_identity"),     # of nobody, or of the future
                ({"identity": 0}, frames, "wrong_identity"),
                ({"trust": 101, **true_one}, frames, "wrong_trust"),
                ({"trust": 255, **true_one}, frames, "wrong_trust"),
                ({"source": other, **true_one}, drops, "wrong_source"),            # another hub's device
                ({"source": address(hub), **true_one}, drops, "wrong_source"),     # hub-b itself
                ({"source": address(net["gateway"]), **true_one}, drops, "wrong_source"),  # a third hub
                ({"source": "fd00::99" if six else "100.127.0.9", **true_one}, drops, "unknown_source"),
                ({"destination": address(net["gateway"]), **true_one}, drops, "no_route"),  # on to a third hub
                ({"destination": address(net["laptop"]), "source": address(net["hub-a"]), **true_one}, drops, "no_route"),
                ({"port": 9, **true_one}, drops, "default_deny"),
            ]
            for lie, how, reason in lies:
                before = how(hub, reason)
                liar.say(six, **lie)
                wait_for(f"{hub.name} to count {lie} as {reason}", lambda: how(hub, reason) == before + 1, 5 * SLOW)
            liar.say(six, words="truth", **true_one)  # what hub-a may say is heard, and nothing before it was
            equal(listener.next(), "truth", "what arrives first")
            # In another hub's name it does not even arrive: WireGuard binds the outer source to the key.
            before = refused(hub)
            liar.say(six, outer_source=address(net["gateway"]), **true_one)
            liar.say(six, words="truth", **true_one)
            equal(listener.next(), "truth", "what arrives after a frame in the gateway's name")
            equal(refused(hub), before, "frames in the gateway's name")
        # Its word lifts nobody above what the gateway says, and lowers.
        net["gateway"].rnaut("trust", "laptop", "39")
        before = drops(hub, "trust_too_low")
        liar.say(True, trust=100, identity=known["laptop"])
        wait_for("the lie about trust to count as trust_too_low", lambda: drops(hub, "trust_too_low") > before, 5 * SLOW)
        net["gateway"].rnaut("trust", "laptop", "50")
        before = drops(hub, "trust_too_low")
        liar.say(True, trust=39, identity=known["laptop"])
        wait_for("a hub to lower trust", lambda: drops(hub, "trust_too_low") > before, 5 * SLOW)
    finally:
        listener.end()
        liar.end()
    text = hub.run(["/usr/local/bin/rnaut", "drops"]).stdout
    true("from_hubs" in text and "an identity of no device behind the hub that says it" in text, text)
    wait_for("laptop to reach db again", lambda: attempt(net["laptop"], [["tcp", db.ipv6, 8080]])[0], 20 * SLOW)


@case("explain, flows and doctor say which hub a device is behind")
def told(lab, kept):
    net = two_hubs.make(kept)
    answer = net["gateway"].explain("laptop", "db", "tcp", 8080)
    equal((answer["verdict"], answer["hub"], answer["destination_hub"]), ("allow", "hub-a", "hub-b"), "explain")
    equal(net["gateway"].explain("sensor", "db", "tcp", 22)["destination_hub"], None, "explain within a hub")
    text = net["gateway"].run(["/usr/local/bin/rnaut", "explain", "laptop", "db", "tcp", "8080"]).stdout
    true("behind hub-a" in text and "behind hub-b" in text and "and then on" in text, text)
    wait_for("an answer", lambda: attempt(net["laptop"], [["tcp", net["db"].ipv6, 8080]])[0], 20 * SLOW)
    event = wait_for("the flow", lambda: [e for e in net["gateway"].rnaut("flows")["events"] if e["hub"] == "hub-b"
                                          and e["source"]["client_id"] == "laptop" and e["verdict"] == "allow"], 10 * SLOW)[-1]
    equal((event["source"]["hub"], event["destination"]["hub"]), ("hub-a", "hub-b"), "hubs of a flow")
    true("on hub-b, from hub-a to hub-b" in net["gateway"].run(["/usr/local/bin/rnaut", "flows"]).stdout, "rnaut flows")
    checks = {c["check"]: c for c in net["hub-b"].rnaut("doctor", good=(0, 1, 4, 6))["checks"]}
    equal(checks["other hubs"]["result"], "PASS", f"doctor: {checks['other hubs']}")
    true("2 other hubs" in checks["other hubs"]["cause"], checks["other hubs"]["cause"])


@case("a hub that is revoked is out with all that is behind it, on the next packet, whether it hears of it or not")
def hub_revoked(lab, kept):
    net = two_hubs.make(kept)
    gateway, hub, laptop, db = net["gateway"], net["hub-a"], net["laptop"], net["db"]
    flow = open_flow(laptop, db.ipv6)
    key = public_key(net["hub-b"])
    try:
        before = drops(hub, "no_route"), drops(hub, "wrong_source")
        with two_hubs.deaf(net["hub-b"], laptop, db):
            gateway.rnaut("revoke", "hub-b")
            true(not flow.answers(QUIET), "the flow still works")
            true(key not in peers(hub) and key not in peers(gateway), "it is still somebody's peer")
            wait_for("hub-a to count no_route", lambda: drops(hub, "no_route") > before[0], 5 * SLOW)
            answer = gateway.explain("laptop", "db", "tcp", 8080)
            equal((answer["verdict"], answer["reason"], answer["destination_hub"]), ("deny", "no_route", "hub-b"), "explain")
        equal(gateway.rnaut("devices", "db")["hub_gone"], "revoked", "hub_gone of db")
        true(not flow.answers(QUIET), "the flow works again")
    finally:
        flow.close()
        kept.pop("two hubs").remove()
