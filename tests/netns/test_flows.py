# SPDX-License-Identifier: Apache-2.0
"""Live flows: who, what, verdict, rule and reason."""
import json
import subprocess
import sys
import threading

from harness import RNAUT, Flow, attempt, case, drops, equal, kill, true, wait_for
from test_matrix import start_servers


class Follow:
    """`rnaut flows --follow --json` of a host, read as it comes."""

    def __init__(self, node):
        self.events = []
        self.process = node.popen([RNAUT, "flows", "--follow", "--json"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            if line.strip():
                self.events.append(json.loads(line))

    def find(self, **wanted):
        def holds(event):
            return (event["source"]["client_id"] == wanted["source"] and
                    event["destination"]["client_id"] == wanted["destination"] and
                    event["destination"]["port"] == wanted["port"] and
                    event["protocol"] == wanted["protocol"])
        return [e for e in list(self.events) if holds(e)]

    def close(self):
        kill(self.process)


@case("flows --follow shows identities, verdict, rule and reason, as they happen")
def follow(lab, kept):
    start_servers(lab, kept)
    follow_hub = Follow(lab["hub-a"])
    follow_gateway = Follow(lab["gateway"])
    try:
        flow = Flow(lab["laptop"], lab["server"].ipv6, 80)
        flow.answers(5)
        flow.close()

        def seen(watch, source, port, verdict):
            attempt(lab[source], [["tcp", lab["server"].ipv6, port]])
            return [e for e in watch.find(source=source, destination="server", port=port, protocol="tcp")
                    if e["verdict"] == verdict]

        for watch in (follow_hub, follow_gateway):
            event = wait_for("the denied knock", lambda: seen(watch, "phone", 22, "deny"), 20)[0]
            true(event["reason"] == "deny_rule", f"{event}")
            true(event["source"]["identity"] > 0 and event["destination"]["identity"] > 0, f"identities: {event}")
            event = wait_for("the allowed flow", lambda: seen(watch, "laptop", 80, "allow"), 20)[0]
            true(event["reason"] == "allowed", f"{event}")
            true(event["kind"] == "new", f"{event}")
            true(event["source"]["identity"] > 0 and event["destination"]["identity"] > 0, f"identities: {event}")
        denied = follow_gateway.find(source="phone", destination="server", port=22, protocol="tcp")[0]
        true(denied["rule"] == "bob-no-ssh", f"the gateway names the rule: {denied}")
        allowed = follow_gateway.find(source="laptop", destination="server", port=80, protocol="tcp")
        true(any(e["rule"] == "staff-web" for e in allowed), f"the gateway names the rule: {allowed}")
    finally:
        follow_hub.close()
        follow_gateway.close()


@case("a denied packet is counted under its reason")
def counters(lab, kept):
    hub = lab["hub-a"]
    for port, reason in ((22, "deny_rule"), (9999, "default_deny")):
        before = drops(hub, reason)
        true(attempt(lab["phone"], [["tcp", lab["server"].ipv6, port]]) == [False], f"port {port} answered")
        wait_for(f"{reason} to be counted", lambda: drops(hub, reason) > before, 5)


REFUSED = """import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7))
s.settimeout(5)
s.send(b'anybody?')
try:
    s.recv(10)
except ConnectionRefusedError:
    print('refused')
"""


@case("packets in fragments arrive whole, and a UDP port that nobody listens at is refused")
def fragments(lab, kept):
    hub = lab["hub-a"]
    before = drops(hub, "fragment"), drops(hub, "icmp_error")
    for name, to in (("laptop", lab["server"]), ("phone", lab["server"]), ("laptop", hub)):
        for address in (to.ipv4, to.ipv6):
            done = lab[name].run(["ping", "-c", "5", "-i", "0.2", "-W", "2", "-s", "4000", address], check=False)
            true(" 5 received" in done.stdout, f"{name} to {to.name}: {done.stdout[-200:]}{done.stderr[-200:]}")
    for address in (lab["tablet"].ipv4, lab["tablet"].ipv6):
        done = lab["laptop"].run([sys.executable, "-c", REFUSED, address], check=False)
        equal(done.stdout.strip(), "refused", f"a closed port at {address} {done.stderr[-200:]}")
    for address in (lab["server"].ipv4, lab["server"].ipv6):
        done = lab["laptop"].run(["ping", "-c", "3", "-i", "0.2", "-W", "2", "-t", "1", address], check=False)
        true("exceeded" in done.stdout, f"hops used up at the hub: {done.stdout[-300:]}{done.stderr[-200:]}")
    equal((drops(hub, "fragment"), drops(hub, "icmp_error")), before, "fragments and ICMP errors that the hub dropped")
