# SPDX-License-Identifier: Apache-2.0
"""Tokens: single use, expiring, bound to role, name and key; whoever is not the gateway gets nothing."""
import itertools
import json
import time

from harness import PREFIX, RNAUT, case, equal, number, one_sentence, true, wait_for

PARALLEL = number("RN_PARALLEL", 100, 12)


PORTS = itertools.count(20000, 2)


def configured(node, name):
    """A configuration of its own on this host, so that one host can try to join many times."""
    directory, port = f"/run/try/{name}", next(PORTS)
    node.run(["mkdir", "-p", directory])
    node.write(directory + "/rnaut.conf", json.dumps({
        "state_dir": directory + "/lib", "run_dir": directory + "/run", "interface": f"rn{port}",
        "wireguard_port": port, "control_port": port + 1}), 0o644)
    return directory


def up(node, directory, token, *words):
    node.write(directory + "/token", token + "\n")
    return node.run([RNAUT, "up", "--config", directory + "/rnaut.conf", "--token-file", directory + "/token", *words],
                    check=False)


def nothing_left(node, directory):
    found = node.run(["sh", "-c", f"find {directory}/lib -mindepth 1 2>/dev/null"], check=False).stdout.split()
    equal(found, [], "files left behind")


def new_token(lab, name, *words):
    return lab["gateway"].rnaut("token", "create", "--type", "desktop", "--name", name, "--hub", "hub-a", *words)["token"]


def device(lab, name):
    return [d for d in lab["gateway"].rnaut("devices")["devices"] if d["client_id"] == name]


@case("a token that was used is refused in one sentence, and nothing is left behind", in_vm=False)
def used(lab, kept):
    host = lab["spare"]
    kept["expiring"] = (new_token(lab, "late", "--lifetime", "60s"), time.monotonic())
    token = new_token(lab, "once")
    first, second = configured(host, "once-1"), configured(host, "once-2")
    done = up(host, first, token)
    equal(done.returncode, 0, done.stderr)
    one_sentence(up(host, second, token), "used")
    nothing_left(host, second)
    equal(len(device(lab, "once")), 1, "devices of this name")


@case("a garbled, a wrong and a foreign token are refused in one sentence, and nothing is left behind", in_vm=False)
def wrong(lab, kept):
    host = lab["spare"]
    token = new_token(lab, "wrong")
    middle = len(token) // 2
    garbled = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:]
    for name, text in (("garbled", garbled), ("cut", token[:-7]), ("empty", ""), ("other", "hello")):
        directory = configured(host, "wrong-" + name)
        one_sentence(up(host, directory, text), "token")
        nothing_left(host, directory)
    equal(len(device(lab, "wrong")), 0, "devices of this name")
    directory = configured(host, "wrong-good")
    done = up(host, directory, token)
    equal(done.returncode, 0, "the token itself still works: " + done.stderr)


@case(f"{PARALLEL} parallel uses of one token: one success", in_vm=False)
def race(lab, kept):
    host, token = lab["spare"], new_token(lab, "race")
    tries = [configured(host, f"race-{n}") for n in range(PARALLEL)]
    for directory in tries:
        host.write(directory + "/token", token + "\n")
    running = [host.popen([RNAUT, "up", "--config", d + "/rnaut.conf", "--token-file", d + "/token"], stdout=-3, stderr=-3)
               for d in tries]
    statuses = [process.wait(180) for process in running]
    equal(statuses.count(0), 1, "successes")
    equal([s for s in statuses if s < 0], [], "ended by a signal")
    equal(len(device(lab, "race")), 1, "devices of this name")
    left = host.run(["sh", "-c", "ls -d /run/try/race-*/lib/state 2>/dev/null | wc -l"]).stdout.strip()
    equal(left, "1", "states made")


@case("an impostor with the gateway's address gets nothing", in_vm=False)
def impostor(lab, kept):
    """Another network's gateway takes over the address: its Noise key is not the one in the token."""
    import network
    other = network.Network(PREFIX + "3")
    false_gateway = other.add("gateway", "gateway", 1, owner="mallory")
    victim = other.add("victim", "desktop", 20)
    other.remove()
    try:
        other.create()
        other.init_gateway(false_gateway)
        token = new_token(lab, "victim")
        directory = configured(victim, "impostor")
        began = time.monotonic()
        one_sentence(up(victim, directory, token), "gateway")
        true(time.monotonic() - began < 60, "it took too long")
        nothing_left(victim, directory)
        equal([d for d in false_gateway.rnaut("devices")["devices"] if d["client_id"] == "victim"], [], "devices there")
        true("victim" not in "".join(false_gateway.log_text(u) for u in other.units), "the impostor learned the name")
    finally:
        other.remove()
    done = up(lab["spare"], configured(lab["spare"], "impostor"), token)
    equal(done.returncode, 0, "the token is still good: " + done.stderr)


@case("an expired token is refused in one sentence, and nothing is left behind", in_vm=False)
def expired(lab, kept):
    if "expiring" not in kept:
        kept["expiring"] = (new_token(lab, "late", "--lifetime", "60s"), time.monotonic())
    token, made = kept["expiring"]
    wait_for("the token to expire", lambda: time.monotonic() - made > 62, 90, interval=0.5)
    directory = configured(lab["spare"], "late")
    one_sentence(up(lab["spare"], directory, token), "expired")
    nothing_left(lab["spare"], directory)
    equal(len(device(lab, "late")), 0, "devices of this name")
