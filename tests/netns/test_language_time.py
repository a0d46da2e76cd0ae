# SPDX-License-Identifier: Apache-2.0
"""Time in the policy, with the real clock: grants begin and end, windows open and shut, at the second that they name."""
import datetime
import json
import subprocess
import time
import zoneinfo

from harness import PROBE, QUIET, SLOW, Flow, case, equal, kill, true, wait_for
from test_language import LANGUAGE_PROBE, policies, rule, set_everywhere, set_policy

ZONE = "Pacific/Chatham"  # neither whole hours from UTC nor the same all year
HOLDING = 4               # seconds for which what opens stays open
EARLY = 0.05              # seconds by which two clocks of one machine may differ
UNTIL, FROM, DENIED, WINDOW, SHUT, GRANT = range(21001, 21007)  # the last is TCP


def utc(moment):
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def window(begin, end):
    """The window of the week in ZONE that is these two moments, today."""
    local = [datetime.datetime.fromtimestamp(moment, zoneinfo.ZoneInfo(ZONE)) for moment in (begin, end)]
    return {"days": [local[0].strftime("%a").lower()], "from": local[0].strftime("%H:%M:%S"), "to": local[1].strftime("%H:%M:%S"),
            "zone": ZONE}


def timed(port, kind="udp", action="allow", name=None, **conditions):
    return rule(name or f"port-{port}", ["device:laptop", "device:phone"], ["tag:web"], action, services=[f"{kind}:{port}"],
                **({"conditions": conditions} if conditions else {}))


def rules(moment):
    opening = [window(moment, moment + HOLDING)]
    return [
        timed(UNTIL, until=utc(moment)),
        timed(FROM, **{"from": utc(moment)}),
        timed(DENIED),
        timed(DENIED, action="deny", name="pause", **{"from": utc(moment), "until": utc(moment + HOLDING)}),
        timed(WINDOW, times=opening),
        timed(SHUT),
        timed(SHUT, action="deny", name="shut", times=opening),
        timed(GRANT, "tcp", until=utc(moment)),
    ]


def spans(moment):
    """Port -> when it is open; the last moment is far away."""
    far, end = moment + 1e6, moment + HOLDING
    return {UNTIL: [(0, moment)], FROM: [(moment, far)], DENIED: [(0, moment), (end, far)], WINDOW: [(moment, end)],
            SHUT: [(0, moment), (end, far)]}


def begin(lab):
    """
    Sets the policy whose moment is some seconds ahead, far enough for all doors to have it before. Returns the moment, and
    from when on what is said is judged by this policy alone: one that came too late before it opened at its own moment.
    """
    for tries, ahead in enumerate((3 * SLOW, 10 * SLOW, 30 * SLOW)):
        moment = int(time.time()) + 1 + ahead
        set_everywhere(lab, rules(moment))
        now = time.time()
        if now < moment - 1:
            return moment, now if tries else 0
    raise AssertionError("the machine is too slow to set a policy in time")


class Talk:
    """Datagrams from a host to the server, all the time, to each of the ports."""

    def __init__(self, node, address):
        ports = ",".join(map(str, spans(0)))
        self.name = node.name
        self.process = node.popen(LANGUAGE_PROBE + ["say", address, ports], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        equal(self.process.stdout.readline().strip(), "ready", f"who talks on {node.name}")

    def end(self):
        return json.loads(self.process.communicate(timeout=30 * SLOW)[0])


def exact(port, arrived, open_in, who):
    """Nothing passed that was said after the end of a span or was here before its beginning."""
    wrong = [(said, here) for said, here in arrived
             if not any(here >= start - EARLY and said < end + EARLY for start, end in open_in)]
    equal(wrong[:5], [], f"{who}, port {port}, open in {open_in}: {len(wrong)} of {len(arrived)} datagrams passed outside")


def alive(port, arrived, sent, open_in, who):
    """Of what was said in the first and last second of each span something arrived, where anything was said."""
    heard = {said for said, _ in arrived}
    for start, end in open_in:
        true(any(start <= moment < end for moment in heard), f"{who}, port {port}: nothing in {start} to {end}")
        for since in (start, end - 1):
            said = [moment for moment in sent if since <= moment < since + 1]
            true(not said or any(moment in heard for moment in said),
                 f"{who}, port {port}: of {len(said)} datagrams said in the second from {since} none arrived")


def explained(lab, moment):
    """What explain says of each moment, the state of the window and when that ends."""
    for port, at, reason, name, until in (
            (WINDOW, moment - 60, "outside_time", "port-21004", moment),
            (WINDOW, moment, "allowed", "port-21004", moment + HOLDING),
            (SHUT, moment + HOLDING - 1, "deny_rule", "shut", moment + HOLDING),
            (SHUT, moment - 1, "allowed", "port-21005", moment),
            (UNTIL, moment - 1, "allowed", "port-21001", moment), (UNTIL, moment, "outside_time", "port-21001", None),
            (FROM, moment - 1, "outside_time", "port-21002", moment), (FROM, moment, "allowed", "port-21002", None)):
        told = lab["gateway"].rnaut("explain", "laptop", "server", "udp", str(port), "--at", utc(at), good=(0, 5))
        equal((told["reason"], told["rule"], told["at"]), (reason, name, utc(at)), f"explain port {port} at {at - moment}")
        if until:
            equal(told["until"], utc(until), f"explain port {port} at {at - moment}: until")
        state = {c["met"] for c in told["conditions"]}
        equal(False in state, reason == "outside_time", f"conditions of {told['conditions']}")


@case("language: grants begin and end and windows open and shut at their second, on flows that are established")
def clock(lab, kept):
    server = lab["server"]
    server.spawn("grant", PROBE + ["serve", str(GRANT), ""])
    wait_for("the server", lambda: "ready" in server.log_text("grant"), 60 * SLOW)
    listener = server.popen(LANGUAGE_PROBE + ["stamp", ",".join(map(str, spans(0)))], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    equal(listener.stdout.readline().strip(), "ready", "who listens")
    talks, flow = [], None
    with policies(lab):
        try:
            talks += [Talk(lab["laptop"], server.ipv6), Talk(lab["phone"], server.ipv4)]
            set_policy(lab, [timed(GRANT, "tcp")])
            flow = Flow(lab["phone"], server.ipv6, GRANT)
            moment, since = begin(lab)
            true(flow.answers(max(0.1, moment - time.time())) or time.time() > moment - 1, "the granted flow ended too early")
            explained(lab, moment)
            wait_for("the grant's end", lambda: time.time() > moment + EARLY, 60 * SLOW)
            true(not flow.answers(QUIET), "the flow still works after its grant")
            wait_for("the window's end", lambda: time.time() > moment + HOLDING + 1.5, 60 * SLOW)
            sent = {talk.name: talk.end() for talk in talks}
            arrived = json.loads(listener.communicate(timeout=30 * SLOW)[0])
            set_policy(lab, [timed(GRANT, "tcp", until=utc(time.time() + 3600))])
            true(flow.answers(30 * SLOW), "the same flow does not go on with the grant that was made longer")
        finally:
            for process in [listener] + [talk.process for talk in talks]:
                kill(process)
            if flow:
                flow.close()
    server.ask(stop="grant")
    for name, ports in sent.items():
        for port, open_in in spans(moment).items():
            own = {said for said in ports[str(port)] if said >= since}
            mine = [(said, here) for to, said, here in arrived if to == port and said in own]
            exact(port, mine, open_in, name)
            ended = max(ports[str(port)])
            alive(port, mine, ports[str(port)], [(max(a, moment - 1), min(b, ended)) for a, b in open_in], name)
