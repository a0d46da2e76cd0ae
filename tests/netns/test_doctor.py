# SPDX-License-Identifier: Apache-2.0
"""What `rnaut doctor` and `rnaut status` say of a host, each by making it so; and the line they print puts it right."""
import json
import shlex

from harness import RNAUT, Skip, case, equal, true, wait_for


def checks(node, *words):
    """Name -> (result, cause, fix) of this host's doctor, and its exit code."""
    done = node.run([RNAUT, "doctor", "--json", *words], check=False)
    report = json.loads(done.stdout)
    equal(report["format"], 1, "format")
    return {c["check"]: (c["result"], c["cause"], c["fix"]) for c in report["checks"]}, done.returncode


def failing(found):
    return sorted(name for name, (result, _, _) in found.items() if result == "FAIL")


def pings(node, address):
    return node.run(["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0


def rules(node, text):
    node.run(["sh", "-c", f"printf '%s' {shlex.quote(text)} | nft -f -"])


CLOSED = """table inet strict { chain input { type filter hook input priority 0; policy drop;
ct state established,related accept
iifname "lo" accept
iifname "eth0" accept
}
}
"""


@case("doctor works before a host is set up")
def before(lab, kept):
    spare = lab["spare"]
    found, code = checks(spare)
    if "certificate" in found:
        raise Skip("an earlier case has set this host up")
    equal((found["set up"][0], code, failing(found)), ("WARN", 0, []), f"{found}")
    true("udp" not in found and "bpf programs" in found, "what can be checked without a network")


@case("doctor fails nowhere on a host that works, and says what each check found")
def healthy(lab, kept):
    for name in ("gateway", "hub-a", "laptop"):
        found, code = checks(lab[name])
        equal((failing(found), code), ([], 0), f"failed checks of {name}: {found}")
        true(len(found) >= 18, f"{len(found)} checks on {name}")
        for check, (result, cause, fix) in found.items():
            true(cause and "\n" not in cause, f"{check} says nothing")
            true(result == "PASS" or fix, f"{check} says no fix")
    true("proves its key" in checks(lab["laptop"])[0]["udp"][1], "the hub's answer")


@case("a firewall that eats rn0's input is found, and the line that status prints opens it")
def firewall(lab, kept):
    laptop = lab["laptop"]
    who = next((n for n in lab.nodes.values() if n is not laptop and n.ipv6 and pings(n, laptop.ipv6)), None)
    true(who, "no host may ping the laptop")
    rules(laptop, CLOSED)
    try:
        true(not pings(who, laptop.ipv6), "the rules do not drop")
        found, code = checks(laptop)
        equal((found["firewall"][0], code), ("FAIL", 1), "the check")
        report = json.loads(laptop.run([RNAUT, "status", "--json"]).stdout)["firewall"]
        equal(report["input"], "closed", "status")
        equal(report["remedy"], found["firewall"][2], "the line of both")
        true(report["remedy"] in laptop.run([RNAUT, "status"]).stdout, "status prints the line")
        laptop.run(["sh", "-c", report["remedy"]])
        true(pings(who, laptop.ipv6), "the line does not open it")
        equal(checks(laptop)[0]["firewall"][0], "PASS", "after the line")
        true("firewall" not in laptop.run([RNAUT, "status"]).stdout.lower(), "status after the line")
    finally:
        laptop.run(["nft", "delete", "table", "inet", "strict"])


@case("a hub whose firewall closes its ports fails, and the line opens the first", in_vm=False)
def ports(lab, kept):
    hub = lab["hub-a"]
    rules(hub, CLOSED.replace('iifname "eth0"', 'iifname "rn0"'))
    try:
        result, _, fix = checks(hub)[0]["firewall, ports"]
        equal(result, "FAIL", "the check")
        hub.run(["sh", "-c", fix])
        second = checks(hub)[0]["firewall, ports"]
        true(second[0] == "WARN" and "51822" in second[2], f"the port for other hubs: {second}")
        hub.run(["sh", "-c", second[2]])
        equal(checks(hub)[0]["firewall, ports"][0], "PASS", "after both lines")
    finally:
        hub.run(["nft", "delete", "table", "inet", "strict"])


@case("doctor says which way is blocked, and what steals a route", in_vm=False)
def network(lab, kept):
    laptop = lab["laptop"]
    for ports, result in (("51820, 51821", "FAIL"), ("51820", "WARN")):
        rules(laptop, "table inet out { chain output { type filter hook output priority 0;\n"
                      f"oifname \"eth0\" udp dport {{ {ports} }} drop\n}}\n}}\n")
        try:
            found, cause, fix = checks(laptop)[0]["udp"]
            equal(found, result, f"udp without {ports}: {cause}")
            true("firewall" in fix, f"whose fault it is: {fix}")
        finally:
            laptop.run(["nft", "delete", "table", "inet", "out"])
    network_part = laptop.ipv4.rsplit(".", 1)[0] + ".0/24"
    laptop.run(["ip", "route", "add", network_part, "dev", "eth0"])
    try:
        result, cause, fix = checks(laptop)[0]["routes"]
        equal(result, "FAIL", f"routes: {cause}")
        laptop.run(shlex.split(fix.split(",")[0]))
        equal(checks(laptop)[0]["routes"][0], "PASS", "after the line")
    finally:
        laptop.run(["ip", "route", "del", network_part, "dev", "eth0"], check=False)
    laptop.run(["ip", "link", "set", "eth0", "mtu", "1400"])
    try:
        equal(checks(laptop)[0]["mtu"][0], "WARN", "a smaller way")
    finally:
        laptop.run(["ip", "link", "set", "eth0", "mtu", "1500"])
    equal(failing(checks(laptop)[0]), [], "after all that")


@case("doctor says which process is missing, and needs root", in_vm=False)
def missing(lab, kept):
    laptop = lab["laptop"]
    laptop.ask(stop="rnautd-kern")
    try:
        found, code = checks(laptop)
        true(code == 1 and "processes" in failing(found), f"kern is not there: {failing(found)}")
    finally:
        laptop.ask(start="rnautd-kern")
    wait_for("the laptop to enforce", lambda: laptop.rnaut("status")["enforcing"], 30)
    done = laptop.run(["setpriv", "--reuid=65534", "--clear-groups", RNAUT, "doctor"], check=False)
    equal((done.returncode, done.stdout), (1, ""), "without root")
    true("root" in done.stderr and done.stderr.count("\n") == 1, f"one sentence: {done.stderr}")
