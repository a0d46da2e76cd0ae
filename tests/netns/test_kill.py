# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process of ours, under numbered packets: none missing, none forbidden, what is pinned is adopted."""
import json
import os
import re
import signal
import subprocess

from harness import PROBE, SLOW, attempt, case, drops, equal, kill, number, true, wait_for
from test_matrix import start_servers

PACKETS = number("RN_PACKETS", 100_000, 4_000)
KILLS = number("RN_KILLS", 20, 3)
RATE = number("RN_RATE", 2_000, 100)
HOSTS = ("hub-a", "laptop", "server")
OPEN, FORBIDDEN = 7000, 7001


class Stream:
    """Numbered datagrams from one host to another until stop()."""

    def __init__(self, source, destination, port, least, rate):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.counter = destination.popen(PROBE + ["count", str(port)], **pipes)
        equal(self.counter.stdout.readline().strip(), "ready", "the receiver")
        self.sender = source.popen(PROBE + ["number", destination.ipv6, str(port), str(least), str(rate)], **pipes)

    def stop(self):
        """(numbers sent, what arrived)"""
        sent = json.loads(self.sender.communicate(timeout=900)[0])
        deadline_quiet = 1.0
        try:
            self.counter.wait(deadline_quiet)  # what is still on its way
        except subprocess.TimeoutExpired:
            pass
        return sent, json.loads(self.counter.communicate(timeout=60)[0])

    def kill(self):
        for process in (self.sender, self.counter):
            kill(process)


class PairStream:
    """Numbered datagrams both ways between two hosts until stop()."""

    def __init__(self, left, right, port, least, rate):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.ends = [one.popen(PROBE + ["pair", other.ipv6, str(port), str(least), str(rate)], **pipes)
                     for one, other in ((left, right), (right, left))]

    def stop(self):
        """What each end says."""
        for end in self.ends:
            end.stdin.close()
        return [json.loads(end.stdout.read()) for end in self.ends]

    def kill(self):
        for end in self.ends:
            kill(end)


def complete(left, right, least):
    """Everything that one end sent has arrived at the other, once."""
    for source, target, way in ((left, right, "laptop to server"), (right, left, "server to laptop")):
        true(source["sent"] >= least, f"only {source['sent']} were sent, {way}")
        equal(source["sent"] - target["received"], 0, f"missing of {source['sent']}, {way}: {target['missing']}")
        equal(target["twice"], 0, f"arrived twice, {way}")


def kill_once(node, unit):
    """SIGKILL, and wait until another instance of it is at work."""
    old = wait_for(f"{unit} on {node.name}", lambda: node.unit_pid(unit), 20)
    os.kill(old, signal.SIGKILL)
    return old


def restarted(node, unit, old):
    return wait_for(f"{unit} on {node.name} after kill -9", lambda: (pid := node.unit_pid(unit)) and pid != old and pid,
                    20 * SLOW)


def settle(lab):
    """All hosts enforce and say so."""
    for name in ("gateway",) + HOSTS:
        wait_for(f"{name} to enforce", lambda name=name: lab.ready(lab[name]), 30 * SLOW)


def open_policy(lab):
    """The lab's policy and UDP 7000 both ways between laptop and server."""
    from harness import HERE_POLICY
    with open(HERE_POLICY, encoding="utf-8") as file:
        text = file.read()
    rule = ('{"id": "numbered", "source_criteria": ["device:laptop", "device:server"], "destination_criteria": '
            f'["device:laptop", "device:server"], "services": ["udp:{OPEN}"], "action": "allow"}},')
    lab["gateway"].write("/run/numbered.json", text.replace('"rules": [', '"rules": [\n' + rule, 1))
    lab["gateway"].rnaut("policy", "set", "/run/numbered.json")


def close_policy(lab):
    from harness import HERE_POLICY
    with open(HERE_POLICY, encoding="utf-8") as file:
        lab["gateway"].write("/run/policy.json", file.read())
    lab["gateway"].rnaut("policy", "set", "/run/policy.json")


@case("without kills no numbered packet is lost, so a lost one means something")
def control(lab, kept):
    open_policy(lab)
    stream = PairStream(lab["laptop"], lab["server"], OPEN, PACKETS // 10, RATE)
    complete(*stream.stop(), PACKETS // 10)


@case(f"{KILLS} kills of each process under {PACKETS} numbered packets each way: none missing, none forbidden")
def kills(lab, kept):
    start_servers(lab, kept)
    open_policy(lab)
    settle(lab)
    wireguard = {name: lab[name].unit_pid("rnautd-wireguard") for name in HOSTS}
    passing = PairStream(lab["laptop"], lab["server"], OPEN, PACKETS, RATE)
    forbidden = [Stream(lab["phone"], lab["server"], FORBIDDEN, PACKETS // 4, RATE / 4),
                 Stream(lab["laptop"], lab["server"], FORBIDDEN + 1, PACKETS // 4, RATE / 4)]
    try:
        for unit in ("rnautd-kern", "rnautd-core", "rnautd-net"):
            for _ in range(KILLS):
                old = {name: kill_once(lab[name], unit) for name in HOSTS}
                for name in HOSTS:
                    restarted(lab[name], unit, old[name])
        for unit in ("rnautd-ca", "rnautd-core"):
            for _ in range(KILLS):
                restarted(lab["gateway"], unit, kill_once(lab["gateway"], unit))
        settle(lab)
        results = passing.stop()
        refused = [stream.stop() for stream in forbidden]
    except BaseException:
        for stream in [passing] + forbidden:
            stream.kill()
        raise
    complete(*results, PACKETS)
    for (sent, got), way in zip(refused, ("phone to server", "laptop to server")):
        true(sent["sent"] >= PACKETS // 4, f"only {sent} were sent")
        equal(got["received"], 0, f"forbidden packets that arrived, {way}")
    equal({name: lab[name].unit_pid("rnautd-wireguard") for name in HOSTS}, wireguard, "wireguard's process")
    close_policy(lab)


def filters(node):
    """Names and tags of the programs in place; a restart may load the same program again, with another id."""
    text = "".join(node.run(["tc", "filter", "show", "dev", "rn0", way]).stdout for way in ("ingress", "egress"))
    return re.findall(r" name (\S+) tag (\S+)", text)


@case("with every process of ours stopped, enforcement goes on; started again, they adopt it")
def all_stopped(lab, kept):
    start_servers(lab, kept)
    hub, server = lab["hub-a"], lab["server"]
    targets = [["tcp", server.ipv6, 8080], ["icmp", server.ipv4, 0], ["tcp", server.ipv6, 22], ["tcp", server.ipv4, 9999]]
    wanted = [True, True, False, False]
    equal(attempt(lab["phone"], targets), wanted, "before")
    programs = filters(hub)
    for unit in ("rnautd-kern", "rnautd-net", "rnautd-core"):
        hub.ask(stop=unit)
    equal(attempt(lab["phone"], targets), wanted, "with kern, net and core stopped on the hub")
    hub.start_units()
    wait_for("the hub to enforce", lambda: lab.ready(hub), 30)
    equal(attempt(lab["phone"], targets), wanted, "after the start")
    equal(filters(hub), programs, "the filters: one a direction, the same program")
    before = drops(hub, "deny_rule")
    equal(attempt(lab["phone"], [["tcp", server.ipv6, 22]]), [False], "ssh")
    wait_for("the drop to be counted", lambda: drops(hub, "deny_rule") > before, 5)


@case("a run directory that was made anew: who dials from within it begins again there by itself", in_vm=False)
def moved(lab, kept):
    gateway = lab["gateway"]
    names = ("rnautd-net", "rnautd-ca", "rnautd-web")
    before = {name: gateway.unit_pid(name) for name in names}
    for unit in ("rnautd-kern", "rnautd-core"):
        gateway.ask(stop=unit)
    gateway.run(["mv", "/run/rnaut", "/run/rnaut-before"])
    gateway.run(["rm", "-r", "/run/rnaut-before"])
    gateway.start_units()
    after = {name: restarted(gateway, name, before[name]) for name in names}
    wait_for("the gateway to enforce", lambda: lab.ready(gateway), 30 * SLOW)
    settle(lab)
    for unit in ("rnautd-kern", "rnautd-core"):  # an ordinary restart ends nobody
        restarted(gateway, unit, kill_once(gateway, unit))
    settle(lab)
    equal({name: gateway.unit_pid(name) for name in names}, after, "net, ca and web when core and kern have started again")
