# SPDX-License-Identifier: Apache-2.0
"""More than one hub: the WireGuard device between them, who is its peer, and a project's hub that ends."""
import contextlib
import datetime
import os
import random
import signal
import subprocess
import time

import network
from harness import PREFIX, RNAUT, SLOW, LabError, case, equal, one_sentence, true, wait_for
from test_enrol import configured, nothing_left

MESH = "rnm0"


def peers(node, device=MESH):
    """Public key -> what `wg show DEVICE dump` says of it."""
    found = {}
    for line in node.run(["wg", "show", device, "dump"]).stdout.splitlines()[1:]:
        key, _, endpoint, allowed, handshake, received, sent, keepalive = line.split("\t")
        found[key] = {"endpoint": endpoint, "allowed": set(allowed.split(",")), "handshake": int(handshake),
                      "received": int(received), "sent": int(sent), "keepalive": keepalive}
    return found


def public_key(node, device=MESH):
    return node.run(["wg", "show", device, "public-key"]).stdout.strip()


def addresses(node):
    status = node.rnaut("status")
    return {status["virtual_ip"] + "/128", status["virtual_ipv4"] + "/32"}


def wait_peers(node, others):
    """Until the other hubs, and nobody else, are its peers."""
    wanted = {public_key(other) for other in others}
    wait_for(f"{node.name} to have {len(wanted)} peers on {MESH}", lambda: set(peers(node)) == wanted, 20 * SLOW)


@case("hubs are each other's peers on rnm0, with their own two addresses and nothing else")
def mesh_peers(lab, kept):
    gateway, hub = lab["gateway"], lab["hub-a"]
    for node, other in ((gateway, hub), (hub, gateway)):
        wait_for(f"{MESH} of {node.name}", lambda: node.rnaut("status")["mesh"]["link_up"], 20 * SLOW)
        wait_peers(node, [other])
        peer = peers(node)[public_key(other)]
        equal(peer["endpoint"], f"{other.underlay4}:51822", "endpoint")
        equal(peer["allowed"], addresses(other), "AllowedIPs")
        equal(peer["keepalive"], "off", "keepalive")
        equal(node.run(["ip", "-o", "addr", "show", "dev", MESH, "scope", "global"]).stdout, "", "addresses")
        mesh = node.rnaut("status")["mesh"]
        equal((mesh["hubs"], mesh["port"], mesh["mtu"], mesh["filters"]), (1, 51822, 1420, True), "status")
        true(public_key(node) != public_key(node, "rn0"), "one key for both devices")
    true(lab["laptop"].run(["ip", "link", "show", MESH], check=False).returncode != 0, f"a node has {MESH}")
    equal(lab["laptop"].rnaut("status")["mesh"], None, "mesh of a node")
    hubs = {h["hub_name"]: h for h in gateway.rnaut("hubs")["hubs"]}
    equal(hubs["hub-a"]["mesh_endpoint"], f"{hub.underlay4}:51822", "mesh_endpoint")
    equal((hubs["hub-a"]["parent_hub"], hubs["gateway"]["parent_hub"]), ("gateway", None), "parents")


@case("a tunnel between hubs comes up, and nothing gets into it or out of it")
def mesh_closed(lab, kept):
    gateway, hub = lab["gateway"], lab["hub-a"]
    key = public_key(hub)
    gateway.run(["wg", "set", MESH, "peer", key, "persistent-keepalive", "1"])
    wait_for("a handshake", lambda: peers(gateway)[key]["handshake"] > 0, 20 * SLOW)
    wait_for("status to say so", lambda: gateway.rnaut("status")["mesh"]["hubs_connected"] == 1, 10 * SLOW)
    gateway.run(["wg", "set", MESH, "peer", key, "persistent-keepalive", "off"])
    # What a process of the host says into it, as root, is dropped before it is encrypted.
    gateway.run(["ip", "route", "add", hub.ipv4 + "/32", "dev", MESH])
    try:
        time.sleep(1.2)
        before = peers(gateway)[key]["sent"], peers(hub)[public_key(gateway)]["received"]
        gateway.run(["ping", "-c", "3", "-i", "0.1", "-W", "1", "-s", "1000", "-I", gateway.ipv4, hub.ipv4], check=False)
        after = peers(gateway)[key]["sent"], peers(hub)[public_key(gateway)]["received"]
        true(after[0] - before[0] < 1000 and after[1] - before[1] < 1000, f"{before} became {after}")
    finally:
        gateway.run(["ip", "route", "del", hub.ipv4 + "/32", "dev", MESH])


@case("rnm0 that lost its filters goes down and gets them back; kern that is killed takes it over")
def mesh_filters(lab, kept):
    hub = lab["hub-a"]
    key = public_key(hub)
    hub.run(["tc", "filter", "del", "dev", MESH, "ingress"])
    wait_for("the filters", lambda: "bpf" in hub.run(["tc", "filter", "show", "dev", MESH, "ingress"]).stdout, 20 * SLOW)
    wait_for("the link", lambda: hub.rnaut("status")["mesh"]["link_up"], 20 * SLOW)
    hub.run(["kill", "-9", str(hub.ask(status=1)["rnautd-kern"]["pid"])])
    wait_for("kern", lambda: hub.rnaut("status")["enforcing"] and hub.rnaut("status")["mesh"]["link_up"], 30 * SLOW)
    equal(public_key(hub), key, "key of rnm0")
    wait_peers(hub, [lab["gateway"]])


def moment(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


@case("a hub is refused that has another's name, or whose project has no end")
def registration_refused(lab, kept):
    gateway = lab["gateway"]
    for words, says in ((["--type", "departmental", "--name", "hub-a"], "exists"),
                        (["--type", "project"], "--ends"), (["--type", "regional", "--ends", "2099-01-01"], "project"),
                        (["--type", "project", "--ends", "2020-01-01"], "future"),
                        *((["--type", "project", f"--ends={ends}"], "2027") for ends in
                          ("soon", "2027-02-29", "2027-13-01", "2027-01-01T25:00:00Z", "1969-12-31", "-1d", "1e9d")),
                        *((["--type", "project", f"--ends={ends}"], "") for ends in ("", "0d", "1970-01-01", "99999999999d")),
                        (["--type", "regional", "--hub", "gateway"], "--parent"),
                        (["--type", "regional", "--parent", "laptop"], "not a hub"),
                        (["--type", "server", "--parent", "hub-a"], "--hub")):
        one_sentence(gateway.run(["/usr/local/bin/rnaut", "token", "create", *words], check=False), says)


class Joining:
    """A host's `rnaut up` as a hub, with a directory of its own, so that it can be killed and done again."""

    def __init__(self, lab, directory, name=None):
        self.gateway, self.host, self.name = lab["gateway"], lab["spare"], name or directory
        self.directory = configured(self.host, directory)
        self.host.write(self.directory + "/token",
                        self.gateway.rnaut("token", "create", "--type", "regional")["token"] + "\n")
        self.process = None

    def start(self):
        self.process = self.host.popen(
            [RNAUT, "up", "--config", self.directory + "/rnaut.conf", "--token-file", self.directory + "/token", "--name",
             self.name, "--endpoint", self.host.underlay4], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        return self

    def end(self):
        out, err = self.process.communicate(timeout=60 * SLOW)
        return subprocess.CompletedProcess("", self.process.returncode, out, err)

    def vanish(self):
        network.kill(self.process)
        with contextlib.suppress(ProcessLookupError):  # whoever else is of its session
            os.killpg(self.process.pid, signal.SIGKILL)

    def begun(self):
        """It has its keys."""
        return ".state-new" in self.left() and self.host.run(
            ["ls", self.directory + "/lib/.state-new/kern/wireguard.key"], check=False).returncode == 0

    def devices(self):
        return [d for d in self.gateway.rnaut("devices")["devices"] if d["client_id"] == self.name]

    def left(self):
        return self.host.run(["ls", "-A", self.directory + "/lib"], check=False).stdout.split()

    def joins(self):
        """The same command again: whatever became of it before, the host is that one hub."""
        done = self.start().end()
        equal(done.returncode, 0, f"{self.name} again: {done.stderr}")
        equal(self.left(), ["state"], "in its state directory")
        equal(sorted(self.host.run(["ls", "-A", self.directory + "/lib/state"]).stdout.split()),
              ["anchor", "core", "format", "kern", "net", "self.json"], "its state")
        equal(len(self.devices()), 1, f"devices named {self.name}")

    def is_used_up(self):
        self.host.run(["rm", "-r", self.directory + "/lib"])
        one_sentence(self.start().end(), "used")
        nothing_left(self.host, self.directory)


def state_of(process):
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


@contextlib.contextmanager
def stopped(node, unit):
    """A process that does nothing meanwhile."""
    process = wait_for(unit, lambda: node.unit_pid(unit), 20)
    try:
        wait_for(f"{unit} to stand still", lambda: os.kill(process, signal.SIGSTOP) or state_of(process) == "T", 20 * SLOW)
        yield
        equal((state_of(process), node.unit_pid(unit)), ("T", process), f"{unit}, which stands still")
    finally:
        os.kill(process, signal.SIGCONT)


def at_ca(gateway):
    """Until a request lies unread before ca, which stands still."""
    pid = f"pid={gateway.ask(status=1)['rnautd-ca']['pid']},"

    def unread():
        lines = gateway.run(["ss", "-xpH"]).stdout.splitlines()
        return any(int(line.split()[2]) > 0 for line in lines if line.startswith("u_seq") and pid in line)
    wait_for("the request to be at ca", unread, 20 * SLOW)


@case("a hub that vanishes in the middle of its registration, and the gateway with it: nothing half done, and it joins again")
def vanishes(lab, kept):
    gateway, chance = lab["gateway"], random.Random(7)
    before = set(peers(lab["hub-a"]))
    net, ca, late, both = (Joining(lab, "vanish-" + word) for word in ("net", "ca", "late", "both"))
    with stopped(gateway, "rnautd-net"):  # before it has spoken to anybody
        net.start()
        wait_for("its keys", net.begun, 20 * SLOW)
        net.vanish()
    equal(net.devices(), [], "devices of who has not asked")
    net.joins()
    with stopped(gateway, "rnautd-ca"):  # before it is certified; it asks again meanwhile
        ca.start()
        at_ca(gateway)
        ca.vanish()
        equal(ca.devices(), [], "devices that are not certified")
        ca.start()
        time.sleep(0.5 * SLOW)
    done = ca.end()
    equal(done.returncode, 0, f"the second, which is answered when ca is back: {done.stderr}")
    with stopped(gateway, "rnautd-ca"):  # when it is admitted and does not know it yet
        late.start()
        at_ca(gateway)
        os.killpg(late.process.pid, signal.SIGSTOP)
    wait_for("the gateway to have it", late.devices, 10 * SLOW)
    late.vanish()
    equal(late.left(), [".state-new"], "what is left for the next attempt")
    late.joins()
    late.is_used_up()
    with stopped(gateway, "rnautd-ca"):  # both are gone, and ca has certified it
        both.start()
        at_ca(gateway)
        both.vanish()
        core = gateway.unit_pid("rnautd-core")
        os.kill(core, signal.SIGKILL)
    wait_for("core of the gateway", lambda: gateway.unit_pid("rnautd-core") not in (0, core) and lab.ready(gateway), 30 * SLOW)
    equal(both.devices(), [], "devices of a core that died")
    both.joins()
    both.is_used_up()
    for n in range(3):  # at any moment
        one = Joining(lab, f"vanish-{n}").start()
        time.sleep(chance.uniform(0, 0.12 * SLOW))
        one.vanish()
        if one.left() == ["state"]:  # it had joined by then
            equal(len(one.devices()), 1, f"devices named {one.name}")
        else:
            one.joins()
    equal(set(peers(lab["hub-a"])), before, "other hubs of hub-a: who has never come is nobody's peer")
    for device in gateway.rnaut("devices")["devices"]:
        if device["client_id"].startswith("vanish-"):
            gateway.rnaut("revoke", device["client_id"])


@case("two hubs that join with one name at once: one does, the other is told in one sentence, and its token is good")
def one_name(lab, kept):
    two = [Joining(lab, directory, "twin").start() for directory in ("twin-1", "twin-2")]
    ends = [joining.end() for joining in two]
    equal(sorted(done.returncode == 0 for done in ends), [False, True], "who joined")
    loser = ends[0].returncode == 0
    one_sentence(ends[loser], "twin")
    nothing_left(two[loser].host, two[loser].directory)
    equal([d["client_type"] for d in two[0].devices()], [two[0].devices()[0]["client_type"]], "devices of this name")
    one_sentence(two[loser].start().end(), "twin", "choose another name")
    two[loser].name = "twin-again"
    two[loser].joins()
    for name in ("twin", "twin-again"):
        lab["gateway"].rnaut("revoke", name)


@case("a project's hub ends by itself: also for hosts that do not hear of it, and its devices say why")
def project_ends(lab, kept):
    """In a network of its own: alpha is a project's hub with a device, eu another hub that is cut off at the end."""
    net = network.Network(PREFIX + "2")
    network.remove(net.prefix)
    gateway, eu = net.add("gateway", "gateway", 1, owner="alice"), net.add("eu", "hub", 2)
    alpha, db = net.add("alpha", "hub", 3), net.add("db", "server", 4, owner="alice")
    try:
        net.create()
        net.init_gateway(gateway)
        net.join(eu)
        seconds = 40 * SLOW
        ends, until = moment(seconds), time.monotonic() + seconds
        token = gateway.rnaut("token", "create", "--type", "project", "--name", "alpha", "--parent", "eu", "--ends", ends)
        done = net.enrol(alpha, token["token"])
        true(done.returncode == 0, done.stderr)
        alpha.start_units()
        wait_for("alpha", lambda: net.ready(alpha), 30 * SLOW)
        net.join(db, "alpha")
        for node, others in ((gateway, (eu, alpha)), (eu, (gateway, alpha)), (alpha, (gateway, eu))):
            wait_peers(node, others)
        equal([h["ends"] for h in gateway.rnaut("hubs")["hubs"] if h["hub_name"] == "alpha"], [ends], "ends")
        equal(db.rnaut("status")["hub_ends"], ends, "what its device knows")
        key, hub_key = public_key(alpha), public_key(alpha, "rn0")
        true(hub_key in peers(db, "rn0"), "db has no tunnel to alpha")
        # eu does not hear from the gateway any more, and the gateway's core stands still over the end.
        core = gateway.unit_pid("rnautd-core")
        time.sleep(max(0, until - time.monotonic() - 3 * SLOW))
        true(key in peers(eu) and time.monotonic() < until, "alpha went too early, or this was too slow")
        network.os.kill(core, signal.SIGSTOP)
        try:
            for node, device, gone in ((eu, MESH, key), (gateway, MESH, key), (db, "rn0", hub_key)):
                wait_for(f"alpha to be no peer of {node.name}", lambda: gone not in peers(node, device),
                         until - time.monotonic() + 10 * SLOW)
                true(time.monotonic() >= until - 1.5, f"{node.name} dropped it too early")
            status = db.rnaut("status", good=(0, 1, 6))
        finally:
            network.os.kill(core, signal.SIGCONT)
        equal((status["hub"], status["hub_gone"], status["enforcing"]), ("alpha", "ended", False), "status of its device")
        true(any("has ended" in problem for problem in status["problems"]), f"problems: {status['problems']}")
        wait_for("alpha to say so", lambda: alpha.rnaut("status", good=(0, 1, 6))["hub_gone"] == "ended", 10 * SLOW)
        wait_for("alpha's link to be down", lambda: not alpha.rnaut("status", good=(0, 1, 6))["datapath"]["link_up"], 10 * SLOW)
        # The gateway comes to it and signs it.
        wait_for("the gateway to sign the end", lambda: "alpha" not in [h["hub_name"] for h in gateway.rnaut("hubs")["hubs"]],
                 20 * SLOW)
        device = gateway.rnaut("devices", "db")
        equal((device["hub"], device["hub_gone"]), ("alpha", "ended"), "what the gateway shows of its device")
        events = gateway.run(["/usr/local/bin/rnaut", "devices"]).stdout
        true("none: alpha has ended" in events, events)
        wait_peers(eu, [gateway])
    finally:
        net.remove()
