# SPDX-License-Identifier: Apache-2.0
"""What connects is what the policy says, and what explain says it says."""
from harness import IN_VM, PROBE, SLOW, attempt, case, equal, true, wait_for

SERVICES = [("tcp", 22), ("tcp", 80), ("tcp", 8080), ("tcp", 9999), ("udp", 53), ("udp", 9000), ("icmp", 0)]
MANAGED = ["hub-a", "laptop", "server", "tablet"]
STAFF_WEB = {("tcp", 22), ("tcp", 80), ("tcp", 8080), ("udp", 9000), ("icmp", 0)}
BOB_WEB = {("tcp", 80), ("tcp", 8080), ("icmp", 0)}
# By hand from lab/policy.json: (source, destination) -> services; a pair that is not here reaches nothing.
WANTED = {
    ("laptop", "server"): STAFF_WEB, ("tablet", "server"): STAFF_WEB, ("phone", "server"): BOB_WEB,
    ("laptop", "hub-a"): {("icmp", 0)}, ("tablet", "hub-a"): {("icmp", 0)},
    ("laptop", "tablet"): set(SERVICES), ("tablet", "laptop"): set(SERVICES),
}


def start_servers(lab, kept):
    """Every host echoes on all ports of the matrix."""
    if "servers" in kept:
        return
    for name in MANAGED + ["phone"]:
        lab[name].spawn("serve", PROBE + ["serve", "22,80,8080,9999", "53,9000"])
    for name in MANAGED + ["phone"]:
        wait_for(f"the servers on {name}", lambda name=name: "ready" in lab[name].log_text("serve"),
                 20 * SLOW)
    kept["servers"] = True


@case("the connectivity matrix equals the policy matrix, IPv4 and IPv6, TCP, UDP and ICMP")
def matrix(lab, kept):
    start_servers(lab, kept)
    names = MANAGED + ["phone"]
    wrong, allowed, total = [], 0, 0
    for source in names:
        targets, wanted = [], []
        for destination in names:
            for protocol, port in SERVICES if destination != source else []:
                for address in (lab[destination].ipv4, lab[destination].ipv6):
                    targets.append([protocol, address, port])
                    wanted.append((protocol, port) in WANTED.get((source, destination), set()))
        found = attempt(lab[source], targets)
        total += len(found)
        allowed += sum(found)
        wrong += [f"{source} {t} {'passes' if f else 'does not pass'}" for t, f, w in zip(targets, found, wanted)
                  if f != w]
    equal(wrong, [], f"{len(wrong)} of {total} differ")
    true(allowed > 40, f"only {allowed} passed")


@case("explain says of every pair what the network does", in_vm=False)
def explain_matrix(lab, kept):
    names = MANAGED + ["phone"]
    for source in names:
        for destination in names:
            for protocol, port in SERVICES[::3 if IN_VM else 1] if destination != source else []:
                told = lab["gateway"].explain(source, destination, protocol, port)
                wanted = (protocol, port) in WANTED.get((source, destination), set())
                equal(told["verdict"], "allow" if wanted else "deny", f"{source} {destination} {protocol} {port}")


@case("explain names the rule, and the nearest rule where none decides")
def explain_rule(lab, kept):
    gateway = lab["gateway"]
    told = gateway.explain("phone", "server", "tcp", 22)
    equal((told["reason"], told["rule"]), ("deny_rule", "bob-no-ssh"), "phone to server tcp 22")
    told = gateway.explain("phone", "server", "tcp", 9999)
    equal((told["reason"], told["rule"]), ("default_deny", None), "phone to server tcp 9999")
    told = gateway.explain("laptop", "server", "tcp", 22)
    equal((told["reason"], told["rule"]), ("allowed", "staff-web"), "laptop to server tcp 22")


@case("an address that is not the sender's own is dropped")
def spoofed_source(lab, kept):
    laptop, hub = lab["laptop"], lab["hub-a"]
    from harness import drops
    before = drops(hub, "wrong_source") + drops(laptop, "wrong_source") + drops(laptop, "unknown_source")
    laptop.run(["ip", "-6", "addr", "add", lab["tablet"].ipv6 + "/128", "dev", "rn0", "nodad"])
    try:
        done = laptop.run(["ping", "-c", "2", "-i", "0.2", "-W", "1", "-I", lab["tablet"].ipv6, lab["server"].ipv6],
                          check=False)
        true(done.returncode != 0, "the server answered")
    finally:
        laptop.run(["ip", "-6", "addr", "del", lab["tablet"].ipv6 + "/128", "dev", "rn0"])
    wait_for("the drop to be counted", lambda: drops(hub, "wrong_source") + drops(laptop, "wrong_source") +
             drops(laptop, "unknown_source") > before, 5)
