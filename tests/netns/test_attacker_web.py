# SPDX-License-Identifier: Apache-2.0
"""A gateway whose web process is the attacker (tests/attacker): as web's user, in its sandbox, with its key and descriptors."""
import signal
import sys

from captured import CALLS, Captured, calls_end, goes_on, nothing_of_others, picture, processes, same
from harness import IN_VM, SLOW, case, equal, kill, true, wait_for
from test_matrix import start_servers
from web_person import access

USERS = ("0", "6301", "6302", "6303", "6304")  # root, core, net, kern, ca


def everything(lab):
    return {**picture(lab, lab["gateway"]), **access(lab["gateway"])}


class Untouched:
    """Nothing that web has no business with is otherwise afterwards, and the other processes are the same."""

    def __init__(self, lab, *but):
        self.lab, self.gateway, self.but = lab, lab["gateway"], but

    def look(self):
        return {name: value for name, value in everything(self.lab).items() if name not in self.but}

    def __enter__(self):
        self.running, self.before = processes(self.gateway, "web"), self.look()
        true(all(self.running.values()), f"not all run: {self.running}")
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            same(self.look(), self.before)
            equal(processes(self.gateway, "web"), self.running, "the other processes")


@case("attacker in web: every system call that it does not need ends it")
def calls(lab, kept):
    start_servers(lab, kept)
    with Untouched(lab), Captured(lab, lab["gateway"], "web") as captured:
        # Each is a process that dies, which takes seconds under emulation; the list is the same there.
        calls_end(captured, (CALLS + "unlink rename chmod many".split())[::4 if IN_VM else 1])


LISTEN = """import socket, sys
s = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(s.getsockname()[1], flush=True)
while True:
    print("from", s.accept()[1][0], flush=True)
"""
DIAL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)"
ENDS = "connect listening nothing upper negative x32 sendto sendto_plain sendmsg sendmsg_upper".split()
LIVES = "short short_upper short_listening sendto_nothing sendmsg_plain later repair".split()


class Listener:
    """A program that listens on a host, and who has come to it."""

    def __init__(self, node, address):
        self.node, self.address, self.path = node, address, f"/run/listener-{address}"
        self.process = node.popen(["sh", "-c", 'exec "$0" -u -c "$1" "$2" >"$3"', sys.executable, LISTEN, address, self.path])
        self.port = wait_for(f"a listener on {address}", lambda: self.lines()[0], 20 * SLOW)

    def lines(self):
        return self.node.run(["cat", self.path]).stdout.split("\n")[:-1]

    def came(self):
        return len(self.lines()) - 1


@case("attacker in web: its listening sockets dial nobody, neither on this host nor outside, in no way")
def outwards(lab, kept):
    start_servers(lab, kept)
    gateway, hub = lab["gateway"], lab["hub-a"]
    listeners = [Listener(gateway, "127.0.0.1"), Listener(gateway, "::1"), Listener(hub, hub.underlay4),
                 Listener(hub, hub.underlay6)]
    try:
        with Untouched(lab), Captured(lab, gateway, "web") as captured:
            told = {(way, one.address): captured.attack("outwards", way, one.address, one.port)
                    for one in listeners[::3 if IN_VM else 1] for way in ENDS + LIVES}
        equal([one.came() for one in listeners], [0] * 4, "who came to the listeners")
        for (way, address), (lines, status) in told.items():
            if way in ENDS:
                equal((lines, status), ([], -signal.SIGSYS), f"{way} to {address}")
            else:
                true(status == 0 and len(lines) == 2 and lines[0] not in ("taken", "went out"),
                     f"{way} to {address}: {lines}, status {status}")
        for one in listeners:
            gateway.run([sys.executable, "-c", DIAL, one.address, one.port])
            wait_for(f"somebody else to come to {one.address}", lambda seen=one: seen.came() == 1, 20 * SLOW)
    finally:
        for one in listeners:
            kill(one.process)
    goes_on(lab)


@case("attacker in web: no file, memory, socket or descriptor of others, and root's door is shut")
def files(lab, kept):
    with Untouched(lab), Captured(lab, lab["gateway"], "web") as captured:
        lines = nothing_of_others(captured, {"tcp"})
        equal(len([line for line in lines if line.startswith("descriptor tcp")]), 2, "its two listening sockets")
        equal(captured.attack("port_socket"), (["hung up", "done"], 0), "kern's socket for net")


@case("attacker in web: on core's socket it is web: no other user, no other's message, nothing out of order")
def voice(lab, kept):
    start_servers(lab, kept)
    with Untouched(lab), Captured(lab, lab["gateway"], "web") as captured:
        lines, _ = captured.attack("credentials", *USERS)
        equal(lines, ["5 of 5 forged users refused", "done"], "forged users")
        lines, _ = captured.attack("as_others")
        equal(lines, ["20 of 20 ended the connection", "done"], "speaking as others")
        lines, _ = captured.attack("order", seconds=200)
        equal(lines, ["17 of 17 ended the connection", "done"], "out of order")
        lines, _ = captured.attack("nonsense")
        true(lines[-1] == "done" and int(lines[0].split()[0]) > 100, f"nonsense: {lines}")
    goes_on(lab)
