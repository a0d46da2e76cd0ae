# SPDX-License-Identifier: Apache-2.0
"""Quarantine, trust, policy and revocation stop an established TCP flow on its next packet, peers still in place."""
from harness import HERE_POLICY, QUIET, SLOW, Flow, case, drops, equal, true, wait_for
from test_matrix import start_servers


def allowed_ips(lab, node):
    """What WireGuard on the hub lists for this node: {} where the peer is gone."""
    wanted = {node.ipv6 + "/128", node.ipv4 + "/32"}
    for line in lab["hub-a"].run(["wg", "show", "rn0", "allowed-ips"]).stdout.splitlines():
        prefixes = set(line.split("\t")[1].split())
        if prefixes & wanted:
            return prefixes
    return set()


def counted(lab, reason):
    """On the ends' doors and on the hub: whoever judged first."""
    return sum(drops(lab[name], reason) for name in ("hub-a", "laptop", "server", "tablet"))


def stops(lab, node, reason, change, back=None):
    """An established flow from node to the server ends with change(), for this reason, and goes on after back()."""
    flow = Flow(node, lab["server"].ipv6, 8080)
    try:
        for _ in range(3):
            true(flow.answers(5), "the flow does not work to begin with")
        before = counted(lab, reason)
        peer = allowed_ips(lab, node)
        true(peer, "the hub has no peer to begin with")
        change()
        true(not flow.answers(QUIET), "the flow still works")
        equal(allowed_ips(lab, node), peer, "AllowedIPs of the peer on the hub")
        if back:  # soon, since TCP waits longer after each retry
            back()
            true(flow.answers(30 * SLOW), "the same flow does not go on")
        wait_for(f"a drop counted as {reason}", lambda: counted(lab, reason) > before, 5 * SLOW)
    finally:
        flow.close()


@case("quarantine stops an established TCP flow on its next packet, release lets it go on")
def quarantine(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    for name in ("laptop", "phone"):
        stops(lab, lab[name], "source_quarantined", lambda name=name: gateway.rnaut("quarantine", name),
              lambda name=name: gateway.rnaut("quarantine", "--release", name))
    stops(lab, lab["laptop"], "destination_quarantined", lambda: gateway.rnaut("quarantine", "server"),
          lambda: gateway.rnaut("quarantine", "--release", "server"))


@case("trust below a rule's minimum stops an established TCP flow on its next packet")
def trust(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    old = next(d for d in gateway.rnaut("devices")["devices"] if d["client_id"] == "laptop")
    stops(lab, lab["laptop"], "trust_too_low", lambda: gateway.rnaut("trust", "laptop", "39"),
          lambda: gateway.rnaut("trust", "laptop", str(old["security_context"]["trust_score"])))


@case("a new policy stops an established TCP flow on its next packet")
def policy(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    with open(HERE_POLICY, encoding="utf-8") as file:
        text = file.read()
    gateway.write("/run/policy.json", text)
    gateway.write("/run/narrow.json", text.replace('"tcp:80", "tcp:8080"', '"tcp:80"'))
    for name in ("laptop", "phone"):
        stops(lab, lab[name], "default_deny", lambda: gateway.rnaut("policy", "set", "/run/narrow.json"),
              lambda: gateway.rnaut("policy", "set", "/run/policy.json"))
    gateway.write("/run/deny.json", text.replace('"tcp:22"],\n      "action": "deny"',
                                                 '"tcp:22", "tcp:8080"],\n      "action": "deny"'))
    stops(lab, lab["phone"], "deny_rule", lambda: gateway.rnaut("policy", "set", "/run/deny.json"),
          lambda: gateway.rnaut("policy", "set", "/run/policy.json"))


@case("revocation stops an established TCP flow on its next packet")
def revoke(lab, kept):
    start_servers(lab, kept)
    stops(lab, lab["tablet"], "source_revoked", lambda: lab["gateway"].rnaut("revoke", "tablet"))
    kept["revoked"] = "tablet"
