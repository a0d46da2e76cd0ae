# SPDX-License-Identifier: Apache-2.0
"""What people and machines get wrong: one clear sentence, a status that is not 0, nothing half done, never open."""
import subprocess

import network
from harness import PREFIX, HERE_POLICY, RNAUT, RNAUTD, case, equal, one_sentence, tree_digest, true, wait_for

STATE = "/var/lib/rnaut"


def fresh(kept):
    """A network of one empty host, for those who spoil hosts."""
    if "fresh" not in kept or not kept["fresh"].nodes:
        net = network.Network(PREFIX + "4")
        net.add("lone", "gateway", 1, owner="alice")
        net.remove()
        net.create()
        kept["fresh"] = net
    return kept["fresh"]["lone"]


def init(node, *words):
    return node.run([RNAUT, "gateway", "init", "--endpoint", "192.0.2.1", "--owner", "alice", *words], check=False)


def no_state(node):
    equal(node.run(["ls", "-A", STATE]).stdout.split(), [], "in " + STATE)


def clear(node):
    node.run(["sh", "-c", f"rm -rf {STATE}/* {STATE}/.[!.]* /etc/rnaut/rnaut.conf"])


def keys(node):
    return [tree_digest(node, f"{STATE}/state/{part}") for part in ("ca", "net", "kern", "root")]


@case("a policy with a mistake is refused with line and column, and the old one stays")
def policy(lab, kept):
    gateway = lab["gateway"]
    with open(HERE_POLICY, encoding="utf-8") as file:
        text = file.read()
    before = gateway.rnaut("policy", "get")
    for name, old, new, word in (("typo", '"action"', '"aktion"', "action"), ("group", "group:staff", "group:stuff", "stuff"),
                                 ("tag", "tag:web", "tag:wep", "wep"), ("syntax", '"rules": [', '"rules": ', "line"),
                                 ("port", "tcp:22", "tcp:220000", "220000"), ("empty", text, "", "policy")):
        gateway.write(f"/run/{name}.json", text.replace(old, new, 1))
        for verb in ("check", "set"):
            done = gateway.run([RNAUT, "policy", verb, f"/run/{name}.json"], check=False)
            one_sentence(done, *(() if name == "empty" else ("line", "column", word)))
    equal(gateway.rnaut("policy", "get"), before, "the policy")


@case("names that do not exist and numbers that cannot be are refused in one sentence")
def names(lab, kept):
    gateway = lab["gateway"]
    for words in (["quarantine", "nobody"], ["trust", "laptop", "101"], ["trust", "laptop", "x"], ["revoke", "nobody"],
                  ["explain", "laptop", "nobody", "tcp", "22"], ["explain", "laptop", "server", "tcp", "99999"],
                  ["token", "create", "--type", "toaster"], ["export", "laptop"], ["export", "Bad Name"], ["nonsense"],
                  ["devices", "nobody"], ["policy", "set", "/run/absent.json"]):
        one_sentence(gateway.run([RNAUT] + words, check=False))
    for words in (["quarantine", "laptop"], ["policy", "get"], ["token", "create", "--type", "desktop"]):
        one_sentence(lab["laptop"].run([RNAUT] + words, check=False), "gateway")


@case("a second gateway init and an up on a host that is set up change nothing")
def second_init(lab, kept):
    gateway = lab["gateway"]
    gateway.write("/run/token", gateway.rnaut("token", "create", "--type", "desktop", "--name", "again")["token"])
    before = keys(gateway)
    one_sentence(gateway.run([RNAUT, "gateway", "init", "--endpoint", "192.0.2.1"], check=False))
    one_sentence(gateway.run([RNAUT, "up", "--token-file", "/run/token"], check=False))
    equal(keys(gateway), before, "the keys and certificates")
    equal(gateway.run(["ls", "-A", STATE]).stdout.split(), ["state"], "in " + STATE)


@case("who is not root is told so")
def no_root(lab, kept):
    node = fresh(kept)
    for command in ([RNAUT, "gateway", "init", "--endpoint", "192.0.2.1"], [RNAUT, "up", "rnt1.x"], [RNAUTD, "core"],
                    [RNAUTD, "kern"], [RNAUTD, "net"], [RNAUTD, "ca"]):
        done = node.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"] + command,
                        check=False)
        one_sentence(done)
    no_state(node)
    done = lab["gateway"].run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", RNAUT, "devices"], check=False)
    one_sentence(done)


@case("a process without state refuses to start and says what to do")
def no_state_start(lab, kept):
    node = fresh(kept)
    for process in ("core", "net", "kern", "ca", "web"):
        done = node.run(["timeout", "20", RNAUTD, process], check=False)
        one_sentence(done)
        true(done.returncode != 124, f"{process} goes on")
    done = node.run([RNAUT, "status"], check=False)
    one_sentence(done)
    true(node.run(["ip", "link", "show", "rn0"], check=False).returncode != 0, "there is an interface")


@case("an unknown key in the configuration is named with its line")
def unknown_key(lab, kept):
    node = fresh(kept)
    node.write("/etc/rnaut/rnaut.conf", '// mine\n{\n  "interfaze": "rn7"\n}\n', 0o644)
    try:
        for command in ([RNAUTD, "core"], [RNAUTD, "kern"], [RNAUT, "gateway", "init", "--endpoint", "192.0.2.1"],
                        [RNAUT, "status"]):
            one_sentence(node.run(["timeout", "20"] + command, check=False), "interfaze", "line 3")
    finally:
        clear(node)
    no_state(node)


@case("a range that the host already routes is refused, and nothing is left behind")
def routed_range(lab, kept):
    node = fresh(kept)
    node.run(["ip", "route", "add", "10.66.0.0/16", "dev", "eth0"])
    node.run(["ip", "-6", "route", "add", "fd66::/32", "dev", "eth0"])
    one_sentence(init(node, "--ipv4", "10.66.4.0/24"), "10.66.")
    no_state(node)
    one_sentence(init(node, "--ipv6", "fd66:0:1::/48"), "fd66:")
    no_state(node)
    one_sentence(init(node, "--ipv4", "10.300.0.0/16"))
    no_state(node)


@case("a full disk: init fails in one sentence and leaves nothing")
def full_disk(lab, kept):
    node = fresh(kept)
    for size in ("8k", "32k", "64k"):
        node.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "full", STATE])
        try:
            one_sentence(init(node))
            no_state(node)
        finally:
            node.run(["umount", STATE])
    no_state(node)


@case("a port in use is said, and nothing is open")
def port_in_use(lab, kept):
    node = fresh(kept)
    holders = [node.popen(["python3", "-c", "import socket,time; s=socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); "
                           f"s.bind(('::',{port})); print(1,flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
               for port in (51820, 51821)]
    try:
        for holder in holders:
            holder.stdout.readline()
        done = init(node)
        if done.returncode != 0:
            one_sentence(done, "port")
            no_state(node)
            return
        done = node.run(["timeout", "20", RNAUTD, "net"], check=False)
        one_sentence(done, "51821")
    finally:
        for holder in holders:
            network.kill(holder)
        clear(node)


@case("a state of a newer version, a state with a part missing: nothing starts")
def bad_state(lab, kept):
    node = fresh(kept)
    done = init(node)
    equal(done.returncode, 0, done.stderr)
    node.run(["cp", "-a", STATE + "/state/format", "/run/format"])
    node.write(STATE + "/state/format", "9999\n", 0o644)
    for process in ("core", "net", "kern", "ca", "web"):
        one_sentence(node.run(["timeout", "20", RNAUTD, process], check=False), "newer")
    one_sentence(node.run([RNAUT, "status"], check=False), "newer")
    node.run(["cp", "-a", "/run/format", STATE + "/state/format"])
    for process, part in (("core", "core/policy.key"), ("net", "net/noise.key"), ("kern", "kern/wireguard.key"),
                          ("ca", "ca/issuing.key"), ("kern", "anchor")):
        node.run(["mv", f"{STATE}/state/{part}", "/run/part"])
        done = node.run(["timeout", "20", RNAUTD, process], check=False)
        node.run(["mv", "/run/part", f"{STATE}/state/{part}"])
        one_sentence(done)
        true(done.returncode != 124, f"{process} goes on without {part}")


@case("a kernel feature that is missing is named")
def missing_feature(lab, kept):
    node = fresh(kept)
    if node.run(["test", "-e", STATE + "/state"], check=False).returncode != 0:
        done = init(node)
        equal(done.returncode, 0, done.stderr)
    node.write("/etc/rnaut/rnaut.conf", '{"wireguard": "userspace"}\n', 0o644)
    node.run(["mount", "-t", "tmpfs", "none", "/dev/net"])
    one_sentence(node.run(["timeout", "20", RNAUTD, "wireguard"], check=False), "/dev/net/tun")
    if not kept["fresh"].wireguard_in_kernel:
        node.write("/etc/rnaut/rnaut.conf", '{"wireguard": "kernel"}\n', 0o644)
        done = node.run(["timeout", "20", RNAUTD, "kern"], check=False)
        true("wireguard" in done.stderr.lower() and done.returncode != 0, f"status {done.returncode}: {done.stderr}")
        true(node.run(["ip", "link", "show", "rn0"], check=False).returncode != 0, "there is an interface")
    kept.pop("fresh").remove()
