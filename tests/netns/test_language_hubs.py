# SPDX-License-Identifier: Apache-2.0
"""`hub:` and `hub-type:`: both hubs judge by it; a device that moves keeps its connections, not what it might at the old hub."""
import contextlib
import json

import two_hubs
from harness import QUIET, SLOW, Flow, attempt, case, equal, true, wait_for
from test_language import rule

A_TO_B = rule("a-to-b", ["hub:hub-a"], ["hub:hub-b"], services=["tcp:8080"])
# What alone is allowed: from hub-a to hub-b, and something else from hub-b to itself.
RULES = [A_TO_B, rule("inside-b", ["hub-type:departmental", "hub:hub-b"], ["hub:hub-b"], services=["tcp:9999"])]


def set_rules(net, rules):
    net["gateway"].write("/run/hubs.json", json.dumps({"rules": rules}))
    net["gateway"].rnaut("policy", "set", "/run/hubs.json")


def home(net, name):
    return net["gateway"].rnaut("devices", name)["hub"]


def move(net, name, hub):
    net["gateway"].rnaut("device", "move", name, "--to", hub)
    wait_for(f"{name} to be at {hub}",
             lambda: home(net, name) == hub and net[name].rnaut("status")["upstream"]["connected"], 40 * SLOW)


@contextlib.contextmanager
def as_before(net):
    """The laptop at hub-a and the network's policy, whatever happened."""
    try:
        yield
    finally:
        if home(net, "laptop") != "hub-a":
            move(net, "laptop", "hub-a")
        two_hubs.set_policy(net)
        wait_for("the laptop to reach db again", lambda: attempt(net["laptop"], [["icmp", net["db"].ipv6, 0]])[0], 30 * SLOW)


def opened(node, address, port):
    """The first packet is lost while the hubs ask who that is; TCP says it again."""
    flow = Flow(node, address, port)
    true(flow.answers(15 * SLOW), f"{node.name} to port {port}: the flow does not work to begin with")
    return flow


@case("language: hub: at both hubs on the next packet, each by what it knows alone")
def both(lab, kept):
    net = two_hubs.make(kept)
    with as_before(net):
        set_rules(net, RULES)
        wait_for("the laptop to reach db", lambda: attempt(net["laptop"], [["tcp", net["db"].ipv6, 8080]])[0], 20 * SLOW)
        targets = [["tcp", net["db"].ipv4, 8080], ["tcp", net["db"].ipv6, 9999], ["tcp", net["hub-b"].ipv4, 8080]]
        equal(attempt(net["laptop"], targets), [True, False, True], "from hub-a to db, to db's other port and to hub-b itself")
        equal(attempt(net["sensor"], [["tcp", net["db"].ipv6, 8080], ["tcp", net["db"].ipv6, 9999]]), [False, True], "from hub-b")
        flow = opened(net["laptop"], net["db"].ipv6, 8080)
        try:
            for hub, others in two_hubs.ALONE:
                two_hubs.stops_at(net, hub, others, flow, "default_deny", lambda: set_rules(net, RULES[1:]),
                                  lambda: set_rules(net, RULES))
        finally:
            flow.close()


@case("language: a device that moves is hub: of where it is now, its open connections with it")
def moving(lab, kept):
    net = two_hubs.make(kept)
    laptop, db = net["laptop"], net["db"]
    with as_before(net):
        set_rules(net, RULES)
        flows = {address: opened(laptop, address, 8080) for address in (db.ipv6, db.ipv4)}
        stays = opened(net["tablet"], db.ipv6, 8080)
        inner = None
        try:
            equal(attempt(laptop, [["tcp", db.ipv6, 9999]]), [False], "port 9999 from hub-a")
            move(net, "laptop", "hub-b")
            wait_for("what hub-b's may", lambda: attempt(laptop, [["tcp", db.ipv6, 9999]])[0], 30 * SLOW)
            for address, flow in flows.items():
                true(not flow.answers(QUIET), f"the flow to {address} still works, as hub-a's")
            told = net["gateway"].explain("laptop", "db", "tcp", 8080)
            equal((told["verdict"], told["nearest_rule"], told["hub"], told["destination_hub"]),
                  ("deny", "inside-b", "hub-b", None), "explain")
            inner = opened(laptop, db.ipv4, 9999)
            # A rule for both hubs lets what is open go on, and taken away stops it.
            wide = rule("wide", ["hub:hub-a", "hub:hub-b"], ["hub:hub-b"], services=["tcp:8080"])
            set_rules(net, RULES + [wide])
            for address, flow in flows.items():
                true(flow.answers(30 * SLOW), f"the flow to {address} does not go on at hub-b")
            set_rules(net, RULES)
            true(not flows[db.ipv6].answers(QUIET), "the flow still works without the rule")
            true(stays.answers(10 * SLOW), "who did not move lost its flow")
            move(net, "laptop", "hub-a")
            for address, flow in flows.items():
                true(flow.answers(60 * SLOW), f"the flow to {address} does not go on at hub-a again")
            wait_for("what only hub-b's may to end", lambda: not inner.answers(QUIET), 30 * SLOW)
            true(stays.answers(10 * SLOW), "who did not move lost its flow")
        finally:
            for flow in [*flows.values(), stays] + ([inner] if inner else []):
                flow.close()
