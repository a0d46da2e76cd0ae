# SPDX-License-Identifier: Apache-2.0
"""Flows that really ran are recorded at the gateway, and a draft of the policy is replayed against them."""
import json
import os
import re
import signal

from harness import HERE_POLICY, PREFIX, RNAUT, SLOW, attempt, case, equal, one_sentence, true, wait_for
from test_kill import kill_once, restarted
from test_matrix import start_servers

CORE = "rnautd-core"
RING = "/var/lib/rnaut/state/core/flows.ring"


def recorded(gateway, query):
    answer = gateway.run(["curl", "-s", "--unix-socket", "/run/rnaut/api.sock",
                          "http://localhost/api/v1/flows/recorded?limit=1000&" + query]).stdout
    return json.loads(answer)["flows"]


def count(gateway, query):
    return sum(flow["flows"] for flow in recorded(gateway, query))


def answers(gateway):
    return gateway.run([RNAUT, "status"], check=False).returncode == 0


def replay(gateway, path, *more):
    return gateway.rnaut("policy", "replay", path, *more)


def draft(lab, name, change):
    """The lab's policy, changed, as a file."""
    path = f"/tmp/{PREFIX}-{name}.json"
    with open(HERE_POLICY, encoding="utf-8") as file:
        text = file.read()
    changed = change(text)
    true(changed != text, "the draft is the policy in force")
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    return path


def changed(answer, verdict, user, port):
    """The flows of a user to the server whose verdict the draft makes this; by which rules it was and is."""
    rows = [c for c in answer["changes"] if c["draft"]["verdict"] == verdict and c["destination"] == "server" and
            (c["user"], c["protocol"], c["port"]) == (user, "tcp", port)]
    return sum(c["flows"] for c in rows), {(c["now"]["rule"], c["draft"]["rule"]) for c in rows}


def no_web_but_ssh(text):
    return text.replace('"tcp:22", "tcp:80", "tcp:8080", "udp:9000", "icmp"', '"tcp:22", "tcp:8080", "udp:9000", "icmp"') \
        .replace('"services": ["tcp:22"],\n      "action": "deny"', '"services": ["tcp:22"],\n      "action": "allow"')


@case("replay: what ran is recorded, and a draft says which flows of whom it would deny and allow")
def replay_counts(lab, kept):
    start_servers(lab, kept)
    gateway, server = lab["gateway"], lab["server"].ipv6
    web = "source=laptop&destination=server&protocol=tcp&port=80&verdict=allow"
    ssh = "source=phone&destination=server&protocol=tcp&port=22&verdict=deny"
    path = draft(lab, "draft", no_web_but_ssh)
    try:  # other cases have been here, and devices are judged as they are now: what these flows add is what counts
        first = replay(gateway, path, "--hours", "2")
        before = count(gateway, web), count(gateway, ssh)
        for _ in range(5):
            true(attempt(lab["laptop"], [["tcp", server, 80]]) == [True], "the laptop's web")
        true(attempt(lab["phone"], [["tcp", server, 22]]) == [False], "the phone's ssh")
        wait_for("the flows to be recorded", lambda: count(gateway, web) == before[0] + 5 and
                 count(gateway, ssh) > before[1], 10 * SLOW)
        row = recorded(gateway, web)[0]
        equal((row["source"]["owner"], row["rule"], row["hub"], row["reason"]),
              ("alice", "staff-web", "hub-a", "allowed"), "the row of the allowed flows")
        row = recorded(gateway, ssh)[0]
        equal((row["source"]["owner"], row["rule"], row["hub"], row["reason"]),
              ("bob", "bob-no-ssh", "hub-a", "deny_rule"), "the row of the denied flow")
        true(row["packets"] >= row["flows"] >= 1, f"packets and flows: {row}")

        answer = replay(gateway, path, "--hours", "2")
        denied, rules = changed(answer, "deny", "alice", 80)
        equal(denied - changed(first, "deny", "alice", 80)[0], 5, f"what the draft denies of alice: {answer['changes']}")
        equal(rules, {("staff-web", None)}, "the rule that allows it now")
        allowed, rules = changed(answer, "allow", "bob", 22)
        true(allowed > changed(first, "allow", "bob", 22)[0], f"what the draft allows of bob: {answer['changes']}")
        equal(rules, {("bob-no-ssh", "bob-no-ssh")}, "the rule that allows it then")
        true(answer["would_deny"]["flows"] >= denied and answer["would_allow"]["flows"] >= allowed, f"{answer}")
        true(answer["would_deny"]["users"] >= 1 and answer["would_allow"]["users"] >= 1, f"users: {answer}")
        said = gateway.run([RNAUT, "policy", "replay", path]).stdout
        true(re.search(r"\d+ flows of \d+ users? in the last 24 h would have been denied", said), said)
        true("bob (phone)" in said and "allow by staff-web" in said, said)
        equal(attempt(lab["laptop"], [["tcp", server, 80]]), [True], "a replay changes nothing")
    finally:
        os.unlink(path)
    answer = replay(gateway, HERE_POLICY)
    equal((answer["changes"], answer["would_deny"]["flows"]), ([], 0), "the policy in force against itself")
    one_sentence(gateway.run([RNAUT, "policy", "replay", "/dev/null"], check=False), "line 1")
    one_sentence(lab["hub-a"].run([RNAUT, "policy", "replay", HERE_POLICY], check=False), "gateway")


@case("replay: the recorded flows are core's alone, outlive core, and a damaged file is set aside")
def replay_file(lab, kept):
    gateway = lab["gateway"]
    mode = gateway.run(["stat", "-c", "%a %U", RING]).stdout.split()
    equal(mode[0], "600", "mode of the file")
    web = "source=laptop&destination=server&protocol=tcp&port=80"
    start_servers(lab, kept)
    true(attempt(lab["laptop"], [["tcp", lab["server"].ipv6, 80]]) == [True], "the laptop's web")
    wait_for("the flow to be recorded", lambda: count(gateway, web) > 0, 10 * SLOW)
    flows = count(gateway, web)
    restarted(gateway, CORE, kill_once(gateway, CORE))
    wait_for("core", lambda: answers(gateway), 20 * SLOW)
    equal(count(gateway, web), flows, "flows after core was killed")
    old = gateway.unit_pid(CORE)
    gateway.run(["sh", "-c", f"printf x | dd of={RING} bs=1 seek=9 conv=notrunc status=none"])
    os.kill(old, signal.SIGKILL)
    restarted(gateway, CORE, old)
    wait_for("core", lambda: answers(gateway), 20 * SLOW)
    true(f"{RING} was damaged" in gateway.log_text(CORE), "the log says it")
    gateway.run(["test", "-f", RING + ".damaged"])
    wait_for("flows again", lambda: attempt(lab["laptop"], [["tcp", lab["server"].ipv6, 80]]) == [True] and
             count(gateway, web) > 0, 30 * SLOW)
