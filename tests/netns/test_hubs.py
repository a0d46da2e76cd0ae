# SPDX-License-Identifier: Apache-2.0
"""More than one hub: the WireGuard device between them, who is its peer, and a project's hub that ends."""
import datetime
import signal
import time

import network
from harness import PREFIX, SLOW, LabError, case, equal, one_sentence, true, wait_for

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
                        (["--type", "project", "--ends", "soon"], "2027"),
                        (["--type", "regional", "--hub", "gateway"], "--parent"),
                        (["--type", "regional", "--parent", "laptop"], "not a hub"),
                        (["--type", "server", "--parent", "hub-a"], "--hub")):
        one_sentence(gateway.run(["/usr/local/bin/rnaut", "token", "create", *words], check=False), says)


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
        time.sleep(max(0, until - time.monotonic() - 3))
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
