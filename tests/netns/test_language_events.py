# SPDX-License-Identifier: Apache-2.0
"""Services on hosts, and what a policy tells of: events and journal lines of rules that log, rules that only observe."""
import concurrent.futures

from harness import IN_VM, SLOW, attempt, case, equal, true, wait_for
from test_language import policies, rule, set_everywhere
from test_matrix import start_servers

# Who to whom by which services, and what then passes of what is tried.
TRIED = [("tcp", 22), ("tcp", 80), ("tcp", 8080), ("udp", 53), ("udp", 9000), ("icmp4", 0), ("icmp6", 0)]
SERVICES = [
    ("laptop", "server", ["tcp"], "tcp:22 tcp:80 tcp:8080"),
    ("phone", "server", ["udp"], "udp:53 udp:9000"),
    ("server", "phone", ["tcp:80"], "tcp:80"),
    ("server", "laptop", ["tcp:22-80", "udp:54-9000"], "tcp:22 tcp:80 udp:9000"),
    ("phone", "laptop", ["tcp:23-79", "udp:53-53"], "udp:53"),
    ("laptop", "phone", ["icmp4"], "icmp4:0"),
    ("hub-a", "server", ["icmp6:echo", "tcp:8080"], "icmp6:0 tcp:8080"),
    ("hub-a", "phone", ["icmp"], "icmp4:0 icmp6:0"),
    ("server", "hub-a", None, "tcp:22 tcp:80 tcp:8080 udp:53 udp:9000 icmp4:0 icmp6:0"),
][IN_VM::2 if IN_VM else 1]


def targets(node):
    """TRIED at this host, in one family or the other."""
    for number, (protocol, port) in enumerate(TRIED):
        six = protocol == "icmp6" or protocol != "icmp4" and number % 2
        yield [protocol[:4] if protocol.startswith("icmp") else protocol, node.ipv6 if six else node.ipv4, port]


@case("language: services by protocol, port, range and family of echo")
def services(lab, kept):
    start_servers(lab, kept)
    with policies(lab):
        set_everywhere(lab, [rule(f"rule-{n}", ["device:" + source], ["device:" + destination],
                                  **({"services": names} if names else {}))
                             for n, (source, destination, names, _) in enumerate(SERVICES)])
        with concurrent.futures.ThreadPoolExecutor(len(SERVICES)) as pool:  # what is denied takes its time to say so
            found = list(pool.map(lambda row: attempt(lab[row[0]], list(targets(lab[row[1]]))), SERVICES))
        for (source, destination, names, passes), answers in zip(SERVICES, found):
            wanted = {one: f"{one[0]}:{one[1]}" in passes.split() for one in TRIED}
            equal(dict(zip(TRIED, answers)), wanted, f"{source} to {destination} by {names}")
            told = {one: lab["gateway"].explain(source, destination, *one)["verdict"] == "allow"
                    for one in TRIED[::6 if IN_VM else 3]}
            equal(told, {one: wanted[one] for one in told}, f"explain {source} to {destination} by {names}")


def events(node, source, port, **wanted):
    return [e for e in node.rnaut("flows", "--limit", "1000")["events"] if e["source"]["client_id"] == source and
            e["destination"]["client_id"] == "server" and e["destination"]["port"] == port and
            all(e[key] == value for key, value in wanted.items())]


KNOCKS = [  # who, to which port of the server, does it pass, and what the gateway tells
    ("phone", 22, False, {"rule": "no-ssh", "reason": "deny_rule", "log": True, "observed_rule": None, "hub": "hub-a"}),
    ("laptop", 80, True, {"rule": "web", "reason": "allowed", "log": True, "observed_rule": None}),
    ("laptop", 22, True, {"rule": "quiet", "reason": "allowed", "log": False, "observed_rule": None}),
    ("phone", 8080, True, {"rule": "quiet", "reason": "allowed", "log": False, "observed_rule": "watch-deny"}),
    ("phone", 9999, False, {"rule": None, "reason": "default_deny", "log": False, "observed_rule": "watch-allow"}),
]
LINES = [("hub-a", "denied by rule no-ssh: phone -> server tcp:22, source trust 50"),
         ("hub-a", "allowed by rule web: laptop -> server tcp:80"), ("laptop", "allowed by rule web: laptop -> server tcp:80"),
         ("server", "allowed by rule web: laptop -> server tcp:80")]


@case("language: rules that log are in events and journal, rules that observe decide nothing and are told of")
def telling(lab, kept):
    start_servers(lab, kept)
    journals = {name: len(lab[name].log_text("rnautd-core")) for name in ("hub-a", "laptop", "server")}

    def journal(name):
        return lab[name].log_text("rnautd-core")[journals[name]:]

    with policies(lab):
        set_everywhere(lab, [
            rule("web", ["everyone"], ["tag:web"], services=["tcp:80"], log=True),
            rule("quiet", ["everyone"], ["tag:web"], services=["tcp:22", "tcp:8080"]),
            rule("no-ssh", ["device:phone"], ["tag:web"], "deny", services=["tcp:22"], log=True),
            rule("watch-deny", ["device:phone"], ["tag:web"], "deny", services=["tcp:8080"], observe=True, log=True),
            rule("watch-allow", ["device:phone"], ["tag:web"], services=["tcp:9999"], observe=True),
        ])
        knocked = {}
        for source in ("laptop", "phone"):
            ports = [port for who, port, _, _ in KNOCKS if who == source]
            found = attempt(lab[source], [["tcp", lab["server"].ipv6, port] for port in ports])
            knocked.update({(source, port): passed for port, passed in zip(ports, found)})
        for source, port, passes, event in KNOCKS:
            equal(knocked[source, port], passes, f"{source} to port {port}")
            wait_for(f"the gateway to tell of {source} to port {port}: {event}",
                     lambda source=source, port=port, event=event: events(lab["gateway"], source, port, **event), 20 * SLOW)
        for name, line in LINES:
            wait_for(f"a line in the journal of {name}: {line}", lambda line=line, name=name: line in journal(name), 10 * SLOW)
        for name in journals:
            true(not any(words in journal(name) for words in (" by rule quiet", " by rule watch")),
                 f"{name} logs what nobody asked for")
        text = lab["gateway"].run(["/usr/local/bin/rnaut", "flows", "--limit", "1000"]).stdout
        for words in ("deny_rule by rule no-ssh", "allowed by rule quiet, would be decided by watch-deny",
                      "default_deny, would be decided by watch-allow"):
            true(words in text, f"rnaut flows does not say {words!r}")
        for port, verdict, observed in ((8080, "allow", "watch-deny"), (9999, "deny", "watch-allow"), (22, "deny", None)):
            answer = lab["gateway"].explain("phone", "server", "tcp", port)
            equal((answer["verdict"], answer["observed_rule"]), (verdict, observed), f"explain port {port}")


def observed(node, name):
    return next((r for r in node.rnaut("policy", "observed", "--since", "1h")["rules"] if r["rule"] == name), None)


@case("language: what observed rules would have done is counted, and 0 of one that has seen nothing", in_vm=False)
def observing(lab, kept):
    start_servers(lab, kept)
    gateway, server = lab["gateway"], lab["server"].ipv6
    with policies(lab):
        set_everywhere(lab, [
            rule("seen-web", ["everyone"], ["tag:web"], services=["tcp:80"]),
            rule("seen-deny", ["device:phone"], ["tag:web"], "deny", services=["tcp:80"], observe=True),
            rule("seen-allow", ["everyone"], ["tag:web"], services=["tcp:9999"], observe=True),
            rule("seen-nothing", ["everyone"], ["tag:web"], "deny", services=["tcp:7"], observe=True),
        ])
        for _ in range(3):
            equal(attempt(lab["phone"], [["tcp", server, 80]]), [True], "the phone's web")
        equal(attempt(lab["laptop"], [["tcp", server, 80], ["tcp", server, 9999]]), [True, False], "the laptop")
        wait_for("the flows to be recorded", lambda: observed(gateway, "seen-deny")["flows"] == 3 and
                 observed(gateway, "seen-allow")["flows"] >= 1, 20 * SLOW)
        row = observed(gateway, "seen-deny")
        equal((row["action"], row["users"], row["unowned_devices"], row["unchanged_flows"]), ("deny", 1, 0, 0), f"{row}")
        row = observed(gateway, "seen-nothing")
        equal((row["flows"], row["unchanged_flows"], row["last"]), (0, 0, None), f"{row}")
        equal(observed(gateway, "seen-web"), None, "a rule that decides is not observed")
        text = gateway.run(["/usr/local/bin/rnaut", "policy", "observed"]).stdout
        for words in ("rule seen-deny, observed: 3 flows of 1 user would have been denied\n",
                      "rule seen-nothing, observed: 0 flows would have been denied\n", "would have been allowed\n"):
            true(words in text, f"rnaut policy observed does not say {words!r}: {text}")
        rows = gateway.rnaut("flows", "--recorded", "--observed", "seen-deny", "--since", "1h")["flows"]
        equal([(r["source"]["client_id"], r["port"], r["observed_verdict"]) for r in rows], [("phone", 80, "deny")] * len(rows),
              "the flows that seen-deny would have denied")
        text = gateway.run(["/usr/local/bin/rnaut", "flows", "--recorded", "--source", "phone", "--port", "80"]).stdout
        true("phone (bob)" in text and "allow by seen-web" in text, text)
