# SPDX-License-Identifier: Apache-2.0
"""The policy language on hosts: policies are set as people set them, then packets say what they mean. docs/policy.md"""
import contextlib
import ipaddress
import json
import subprocess
import sys

from harness import HERE_POLICY, IN_VM, PROBE, QUIET, SLOW, TOP, attempt, case, equal, kill, true, wait_for

LANGUAGE_PROBE = [sys.executable, "-B", TOP + "/tests/netns/language_probe.py"]
FIRST_PORT = 20000
HOSTS = ("gateway", "hub-a", "laptop", "server", "phone")
GROUPS = {"staff": ["alice"], "workers": ["group:staff", "carol"], "all": ["bob", "group:workers"]}
OPEN = {"id": "open", "source_criteria": ["everyone"], "destination_criteria": ["everyone"], "action": "allow"}


def rule(name, source, destination, action="allow", **more):
    return {"id": name, "source_criteria": source, "destination_criteria": destination, "action": action, **more}


def set_policy(lab, rules, **more):
    policy = {"groups": GROUPS, "tags": ["web"], "rules": rules, **more}
    lab["gateway"].write("/run/language.json", json.dumps(policy, indent=1))
    return lab["gateway"].rnaut("policy", "set", "/run/language.json")


def set_everywhere(lab, rules, **more):
    """As set_policy, which waits for the hubs; both ends' own doors have it then, too."""
    version = set_policy(lab, rules, **more)["version"]
    for name in ("laptop", "server"):
        wait_for(f"{name} to have version {version}",
                 lambda name=name: lab[name].rnaut("status")["datapath"]["policy_version"] >= version, 20 * SLOW)


def lab_policy(lab):
    with open(HERE_POLICY, encoding="utf-8") as file:
        lab["gateway"].write("/run/policy.json", file.read())
    lab["gateway"].rnaut("policy", "set", "/run/policy.json")


@contextlib.contextmanager
def policies(lab):
    """Whatever is set meanwhile, the lab's own is in force afterwards."""
    try:
        yield
    finally:
        lab_policy(lab)


def trust_of(lab, name):
    return lab["gateway"].rnaut("devices", name)["security_context"]["trust_score"]


# ---- every criterion, at both ends ----

def within(lab, prefix):
    return {n for n in HOSTS for a in (lab[n].ipv4, lab[n].ipv6)
            if (found := ipaddress.ip_address(a)).version == prefix.version and found in prefix}


def network_of(address, bits):
    return ipaddress.ip_network(f"{address}/{bits}", strict=False)


def ends(lab):
    """[(criteria, who that is), ...], by hand but for the prefixes."""
    laptop, phone, everyone = lab["laptop"], lab["phone"], set(HOSTS)
    four, six = network_of(laptop.ipv4, 31), network_of(phone.ipv6, 127)
    half = network_of(laptop.ipv4, 30)
    wanted = [
        (["everyone"], "gateway hub-a laptop server phone"),
        (["user:alice"], "gateway laptop"),
        (["user:bob"], "phone"),
        (["group:staff"], "gateway laptop"),
        (["group:workers"], "gateway laptop server"),
        (["group:all"], "gateway laptop server phone"),
        (["device:phone"], "phone"),
        (["device:hub-a"], "hub-a"),
        (["tag:web"], "server"),
        (["type:desktop"], "laptop"),
        (["type:mobile"], "phone"),
        (["hub:gateway"], "gateway"),
        (["hub:hub-a"], "hub-a laptop server phone"),
        (["hub-type:gateway"], "gateway"),
        (["hub-type:regional"], "hub-a"),
        (["host:" + laptop.ipv4], "laptop"),  # a device has its addresses whatever the packet's family is
        (["host:" + phone.ipv6], "phone"),
        (["!user:alice"], "hub-a server phone"),
        (["!group:workers"], "hub-a phone"),
        (["!tag:web"], "gateway hub-a laptop phone"),
        (["!host:" + laptop.ipv6], "gateway hub-a server phone"),
        (["!hub-type:regional"], "gateway laptop server phone"),
        (["user:bob", "tag:web"], "server phone"),
        (["group:all", "!device:laptop"], "gateway server phone"),
        (["user:bob", "tag:web", "!type:mobile"], "server"),
        (["!type:mobile", "!hub:gateway"], "hub-a laptop server"),
    ]
    wanted = [(criteria, set(names.split())) for criteria, names in wanted]
    wanted += [([f"prefix:{four}"], within(lab, four)), ([f"prefix:{six}"], within(lab, six)),
               ([f"!prefix:{half}"], everyone - within(lab, half)),
               ([f"prefix:{half}", f"!prefix:{six}"], within(lab, half) - within(lab, six))]
    for criteria, names in wanted:
        true(names and (names < everyone or criteria == ["everyone"]), f"{criteria} is {sorted(names)}, which tells nothing")
    return wanted


class Row:
    """One rule on a port of its own, and the pairs between which it matches."""

    def __init__(self, source, destination, pairs, **conditions):
        self.source, self.destination, self.conditions = source, destination, conditions
        self.pairs = {p for p in pairs if p[0] != p[1]}
        self.port = 0

    def rule(self, action):
        more = {"conditions": self.conditions} if self.conditions else {}
        return rule(f"rule-{self.port}", self.source, self.destination, action, services=[f"tcp:{self.port}"], **more)

    @property
    def asks_trust(self):
        return any("trust" in key for key in self.conditions)

    def matches(self, source, destination, trusted):
        """trusted: those whose trust is 60 or more."""
        if self.asks_trust:
            return (source if "minimum_trust" in self.conditions else destination) in trusted
        return (source, destination) in self.pairs


def product(sources, destinations):
    return {(s, d) for s in sources for d in destinations}


def rows(lab):
    every, managed = set(HOSTS), set(HOSTS) - {"phone"}
    found = [Row(c, ["everyone"], product(names, every)) for c, names in ends(lab)]
    found += [Row(["everyone"], c, product(every, names)) for c, names in ends(lab)]
    owner = {("gateway", "laptop"), ("laptop", "gateway")}  # hub-a has none, so it is nobody's
    found += [
        Row(["everyone"], ["same-owner"], owner),
        Row(["everyone"], ["same-owner", "!device:gateway"], {("gateway", "laptop")}),
        Row(["everyone"], ["same-owner", "tag:web"], owner | product(every, {"server"})),
        Row(["group:all", "!user:bob"], ["tag:web", "device:phone"],
            product(("gateway", "laptop", "server"), ("server", "phone"))),
        Row(["everyone"], ["everyone"], product({"phone"}, every), source_managed=False),
        Row(["everyone"], ["everyone"], product(managed, every), source_managed=True),
        Row(["everyone"], ["everyone"], product(every, {"phone"}), destination_managed=False),
        Row(["everyone"], ["everyone"], product(managed, managed), source_managed=True, destination_managed=True),
        Row(["everyone"], ["everyone"], product({"phone", "server"}, every), source_types=["mobile", "server"]),
        Row(["everyone"], ["everyone"], product(every, {"laptop"}), destination_types=["desktop"]),
        Row(["everyone"], ["everyone"], (), minimum_trust=60),
        Row(["everyone"], ["everyone"], (), minimum_destination_trust=60),
    ]
    if IN_VM:  # each criterion at one end, in turn; what there is only one of stays
        half, both = len(ends(lab)), 2 * len(ends(lab))
        found = [row for n, row in enumerate(found) if n >= both or (n + n // half) % 2]
    for number, row in enumerate(found):
        row.port = FIRST_PORT + number
    return found


def some(row):
    """All pairs; where it is slow a few of those that match and of those that do not."""
    every = sorted(p for p in product(HOSTS, HOSTS) if p[0] != p[1])
    if not IN_VM or row.asks_trust:
        return every
    match = [p for p in every if p in row.pairs]
    rest = [p for p in every if p not in row.pairs]
    turn = lambda pairs: pairs[row.port % 3::3][:3] or pairs[:1]  # noqa: E731
    return turn(match) + turn(rest)


class Connections:
    """One TCP connection for each row and pair, open all the time, and what comes through at each policy."""

    def __init__(self, lab, table):
        self.table = table
        self.what = {name: [] for name in HOSTS}  # index -> row, destination
        self.probes = {}
        for row in table:
            for source, destination in some(row):
                self.what[source].append((row, destination))
        for name, what in self.what.items():
            targets = [[lab[d].ipv6 if row.port % 2 else lab[d].ipv4, row.port] for row, d in what]
            self.probes[name] = lab[name].popen(LANGUAGE_PROBE + ["many"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                text=True)
            self.tell(name, targets)
        for name, what in self.what.items():
            equal(int(self.probes[name].stdout.readline() or 0), len(what), f"connections from {name} while all is allowed")

    def tell(self, name, value):
        self.probes[name].stdin.write(json.dumps(value) + "\n")
        self.probes[name].stdin.flush()

    def check(self, where, passes):
        """passes(row, source, destination): does the policy in force let it through?"""
        wanted = {name: [n for n, (row, d) in enumerate(what) if passes(row, name, d)] for name, what in self.what.items()}
        for name, numbers in wanted.items():
            self.tell(name, {"wanted": numbers, "quiet": QUIET, "patience": 30 * SLOW})
        wrong = []
        for name, numbers in wanted.items():
            answer = json.loads(self.probes[name].stdout.readline())
            found = {**dict.fromkeys(answer["all"], "passes"), **dict.fromkeys(answer["some"], "passes in part")}
            for n, (row, destination) in enumerate(self.what[name]):
                if found.get(n) != ("passes" if n in numbers else None):
                    wrong.append(f"{name} to {destination}: {json.dumps(row.rule('?'))} {found.get(n, 'does not pass')}")
        equal(wrong[:10], [], f"{where}: {len(wrong)} connections of {sum(map(len, self.what.values()))}")

    def close(self):
        for probe in self.probes.values():
            kill(probe)


def explained(lab, table, trusted):
    """explain says of a pair that each rule matches, and of one that it does not, what the packets showed."""
    for row in table[::12 if IN_VM else 3] + table[-2:]:
        pairs = sorted(p for p in product(HOSTS, HOSTS) if p[0] != p[1])
        match = [p for p in pairs if row.matches(*p, trusted)]
        rest = [p for p in pairs if p not in match]
        told = lab["gateway"].explain(*match[0], "tcp", row.port)
        equal((told["reason"], told["rule"]), ("allowed", f"rule-{row.port}"), f"explain {match[0]} {row.port}")
        if rest:
            told = lab["gateway"].explain(*rest[0], "tcp", row.port)
            wanted = ("trust_too_low", f"rule-{row.port}") if row.asks_trust else ("default_deny", None)
            equal((told["reason"], told["rule"]), wanted, f"explain {rest[0]} {row.port}")


@case("language: every criterion and condition at both ends, to allow and to deny, on established flows' next packet")
def criteria(lab, kept):
    table = rows(lab)
    ports = f"{table[0].port}-{table[-1].port}"
    for name in HOSTS:
        lab[name].spawn("language", PROBE + ["serve", ",".join(str(row.port) for row in table), ""])
    for name in HOSTS:
        wait_for(f"the servers on {name}", lambda name=name: "ready" in lab[name].log_text("language"), 60 * SLOW)
    gateway, before = lab["gateway"], {name: trust_of(lab, name) for name in HOSTS}
    equal({name for name, trust in before.items() if trust >= 60}, {"gateway"}, "who is trusted from the beginning")
    with policies(lab):
        set_policy(lab, [OPEN])
        connections = Connections(lab, table)
        try:
            gateway.rnaut("trust", "laptop", "60")
            connections.check("all is allowed", lambda *_: True)
            # What allows stands first, and the rules that deny win all the same.
            set_policy(lab, [OPEN] + [row.rule("deny") for row in table if not row.asks_trust])
            connections.check("rules that deny", lambda row, s, d: row.asks_trust or (s, d) not in row.pairs)
            set_policy(lab, [row.rule("allow") for row in table])
            connections.check("rules that allow", lambda row, s, d: row.matches(s, d, {"gateway", "laptop"}))
            gateway.rnaut("trust", "laptop", "59")
            connections.check("the laptop's trust fell", lambda row, s, d: row.matches(s, d, {"gateway"}))
            gateway.rnaut("trust", "phone", "60")
            connections.check("the phone's trust rose", lambda row, s, d: row.matches(s, d, {"gateway", "phone"}))
            explained(lab, table, {"gateway", "phone"})
            set_policy(lab, [OPEN, rule("none", ["everyone"], ["everyone"], "deny", services=[f"tcp:{ports}"])])
            connections.check("a range of ports that is denied", lambda *_: False)
        finally:
            connections.close()
            for name in ("laptop", "phone"):
                gateway.rnaut("trust", name, str(before[name]))
    for name in HOSTS:
        lab[name].ask(stop="language")
