# SPDX-License-Identifier: Apache-2.0
"""A network with two hubs beside the lab's, made when the first case asks for it and kept for the others.

    laptop, tablet (alice) ── hub-a ══ rnm0 ══ hub-b ── db (carol, web), sensor (carol)        gateway: a third hub, without devices
"""
import contextlib
import json
import os
import re
import signal

import network
from harness import HERE_POLICY, PREFIX, PROBE, QUIET, SLOW, drops, true, wait_for

NAME = PREFIX + "6"
# On top of the lab's: hubs as ends of their own, so that what they send themselves can be shown.
RULES = [{"id": "staff-hub-b", "source_criteria": ["group:staff"], "destination_criteria": ["device:hub-b"],
          "services": ["icmp"], "action": "allow"},
         {"id": "hubs-web", "source_criteria": ["device:hub-a", "device:gateway"],
          "destination_criteria": ["tag:web", "device:hub-b"], "services": ["icmp", "tcp:8080"], "action": "allow"}]


def policy_text(change=lambda policy: None):
    with open(HERE_POLICY, encoding="utf-8") as file:
        text = re.sub(r",(\s*[\]}])", r"\1", re.sub(r"^\s*//.*$", "", file.read(), flags=re.M))
    policy = json.loads(text)
    policy["rules"] += RULES
    change(policy)
    return json.dumps(policy)


def set_policy(net, change=lambda policy: None):
    net["gateway"].write("/run/policy.json", policy_text(change))
    net["gateway"].rnaut("policy", "set", "/run/policy.json")


@contextlib.contextmanager
def deaf(*nodes):
    """These hosts hear of nothing new meanwhile: their kernels go on by what they know."""
    cores = [node.unit_pid("rnautd-core") for node in nodes]
    for core in cores:
        os.kill(core, signal.SIGSTOP)
    try:
        yield
    finally:
        for core in cores:
            os.kill(core, signal.SIGCONT)


# One of the hubs, and who must be deaf for that one alone to know: for flows from the laptop to db.
ALONE = (("hub-a", ("hub-b", "laptop", "db")), ("hub-b", ("hub-a", "laptop", "db")))


def stops_at(net, hub, others, flow, reason, change, back):
    """Known to this hub alone `change` stops the flow, which it counts with the reason; after `back` the flow goes on."""
    before = drops(net[hub], reason)
    with deaf(*[net[name] for name in others]):
        change()
        true(not flow.answers(QUIET), f"{reason}, known to {hub} alone: the flow still works")
        wait_for(f"{hub} to count {reason}", lambda: drops(net[hub], reason) > before, 5 * SLOW)
        back()
    true(flow.answers(30 * SLOW), f"{reason}, known to {hub} alone: the same flow does not go on")


def make(kept):
    if "two hubs" in kept:
        return kept["two hubs"]
    network.remove(NAME)
    net = network.Network(NAME)
    net.add("gateway", "gateway", 1, owner="alice")
    net.add("hub-a", "hub", 2)
    net.add("hub-b", "departmental", 3)
    net.add("laptop", "desktop", 11, owner="alice")
    net.add("tablet", "desktop", 14, owner="alice")
    net.add("db", "server", 21, owner="carol", tags=["web"])
    net.add("sensor", "iot", 22, owner="carol")
    net.create()
    net.init_gateway(net["gateway"])
    net.join(net["hub-a"])
    net.join(net["hub-b"], "gateway")
    net.join(net["laptop"], "hub-a")
    net.join(net["tablet"], "hub-a")
    net.join(net["db"], "hub-b")
    net.join(net["sensor"], "hub-b")
    set_policy(net)
    net.learn_addresses()
    for name in ("hub-b", "laptop", "db", "sensor"):
        net[name].spawn("serve", PROBE + ["serve", "22,80,8080,9999", "53,9000"])
        wait_for(f"the servers on {name}", lambda name=name: "ready" in net[name].log_text("serve"), 20 * SLOW)
    kept["two hubs"] = net
    return net
