# SPDX-License-Identifier: Apache-2.0
"""The runner of the namespace tests: named cases over one shared network, deadlines instead of sleeps."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/lab")
import lab as lab_module  # noqa: E402
import network  # noqa: E402
from network import LabError, kill, run, wait_for  # noqa: E402,F401

PROBE = [sys.executable, "-B", TOP + "/tests/netns/probe.py"]
IN_VM = os.environ.get("RN_IN_VM") == "1"
SLOW = 4 if IN_VM else 1  # what takes time takes more under emulation
QUIET = 1.5  # seconds in which a stopped flow must stay silent
SANITIZED = "asan" in os.environ.get("RN_BINARIES", "")  # and what takes memory takes more
CASES = []
PREFIX = os.environ.get("RN_PREFIX", "rntest")
PREFIXES = tuple(PREFIX + number for number in ("", "2", "3", "4", "5", "6"))
RNAUT, RNAUTD = "/usr/local/bin/rnaut", "/usr/local/sbin/rnautd"
HERE_POLICY = TOP + "/lab/policy.json"


class Skip(Exception):
    """This machine cannot show it; says why."""


def number(name, native, in_vm):
    """A size that the environment may set; the issue's numbers are the native ones."""
    return int(os.environ.get(name, in_vm if IN_VM else native))


def case(title, in_vm=True):
    """in_vm False: what the kernel has no part in, and takes long where it is emulated."""
    def register(function):
        if in_vm or not IN_VM:
            CASES.append((title, function))
        return function
    return register


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def same_lines(found, wanted, what):
    """As equal, and says which lines differ."""
    found, wanted = set(found.splitlines()), set(wanted.splitlines())
    equal((sorted(found - wanted), sorted(wanted - found)), ([], []), what + ", lines that came and that went")


def true(value, what):
    if not value:
        raise AssertionError(what)


def one_sentence(done, *words):
    """A command was refused as it should be: status not 0, one line on standard error that contains the words."""
    true(done.returncode != 0, f"it succeeded: {done.stdout.strip()[:200]}")
    true(done.returncode > 0, f"it ended by signal {-done.returncode}")
    lines = [line for line in done.stderr.strip().splitlines() if line.strip() and "built with sanitizers" not in line]
    equal(len(lines), 1, f"lines of the message {done.stderr.strip()!r}")
    for word in words:
        true(word.lower() in lines[0].lower(), f"the message does not say {word!r}: {lines[0]}")


def drops(node, reason):
    """Packets this host dropped for this reason, both directions."""
    return sum(c["packets"] for c in node.rnaut("drops")["dropped"] if c["reason"] == reason)


def attempt(node, targets):
    """Which of [[protocol, address, port], ...] answer this host."""
    done = subprocess.run(node.argv(PROBE + ["try"]), input=json.dumps(targets), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        raise LabError(f"probe on {node.name}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def tree_digest(node, path):
    """A digest of every file below path on a host: names, owners, modes, contents."""
    text = node.run(["sh", "-c", f"cd {path} 2>/dev/null && find . ! -name '*-shm' ! -name '*-wal' -printf '%p %U %m\\n' "
                     "| sort && find . -type f ! -name '*-shm' ! -name '*-wal' | sort | xargs -r sha256sum"], check=False).stdout
    return hashlib.sha256(text.encode()).hexdigest()


class Flow:
    """One TCP connection from a host to an echoing port, used message by message."""

    def __init__(self, node, address, port):
        self.process = node.popen(PROBE + ["flow", address, str(port)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().strip()
        if line != "established":
            raise LabError(f"{node.name} has no connection to {address} {port}: "
                           f"{self.process.stderr.read().strip()[-200:]}")

    def answers(self, seconds):
        """Sends one byte on the established connection: does everything sent so far come back in this time?"""
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip() == "echo"

    def close(self):
        kill(self.process)


def host_picture():
    """What must be the same before and after: the machine's own rules, settings, addresses, mounts."""
    commands = {"nft": ["nft", "list", "ruleset"], "addresses": ["ip", "-o", "addr"], "routes4": ["ip", "route"],
                "routes6": ["ip", "-6", "route"], "rules": ["ip", "rule"], "qdiscs": ["tc", "qdisc"],
                "namespaces": ["ip", "netns"]}
    picture = {name: run(argv, check=False).stdout for name, argv in commands.items()}
    picture["addresses"] = "\n".join(line.split("valid_lft")[0] for line in picture["addresses"].splitlines())
    picture["routes6"] = "\n".join(line.split(" expires ")[0] for line in picture["routes6"].splitlines())
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        # Namespaces of others may come and go.
        picture["mounts"] = "\n".join(sorted(" ".join(line.split()[3:]) for line in file
                                             if "netns" not in line or PREFIX in line))
    picture["namespaces"] = "\n".join(line for line in picture["namespaces"].splitlines() if PREFIX in line)
    picture["sysctl"] = settings()
    for path in ("/etc/passwd", "/etc/group", "/etc/resolv.conf"):
        picture[path] = hashlib.sha256(open(path, "rb").read()).hexdigest() if os.path.exists(path) else ""
    picture["files"] = str([os.path.exists(p) for p in ("/etc/rnaut", "/var/lib/rnaut", "/run/rnaut", "/run/wireguard")])
    return picture


def settings(node=None):
    """Network sysctls that somebody sets, not those that count."""
    text = (node.run if node else run)(["sh", "-c", "find /proc/sys/net -type f -perm -200 | sort | "
                                        "xargs grep -H . 2>/dev/null"], check=False).stdout
    # The kernel's WireGuard itself turns all/send_redirects off when an interface of its comes up (wg_open).
    skip = ("/neigh/", "stat", "nf_conntrack_count", "/rn0/", "/rnm0/", "/wg0/", "netdev_rss_key", "ipv4/conf/all/send_redirects")
    return "\n".join(line for line in text.splitlines() if not any(word in line for word in skip))


def main(wanted):
    """Runs the cases whose title contains one of the wanted words; all without any."""
    passed = failed = skipped = 0
    if os.geteuid() != 0:
        print("The namespace tests need root; run this with sudo.\n0 passed, 1 failed")
        return 1
    before = host_picture()
    lab = lab_module.standard(PREFIX, say=lambda text: print(f"  LAB    {text}", flush=True))
    lab.add("tablet", "desktop", 14, owner="alice")
    lab.add("spare", "desktop", 15, owner="dave")
    for prefix in PREFIXES:
        network.remove(prefix)
    kept = {}
    try:
        lab_module.bring_up(lab, join=("laptop", "server", "tablet"))
    except (LabError, SystemExit) as error:
        print(f"FAILED the network comes up: {error}")
        show_logs(lab)
        lab.remove()
        print("0 passed, 1 failed")
        return 1
    passed += 1
    print("ok the network comes up", flush=True)
    for title, function in CASES:
        if wanted and not any(word in title or word in function.__module__ for word in wanted):
            continue
        began = time.monotonic()
        try:
            function(lab, kept)
        except Skip as reason:
            skipped += 1
            print(f"skipped {title}: {reason}", flush=True)
        except (AssertionError, LabError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            failed += 1
            where = traceback.extract_tb(error.__traceback__)
            line = next((f for f in reversed(where) if "/tests/netns/test_" in f.filename), where[-1])
            print(f"FAILED {title} ({os.path.basename(line.filename)}:{line.lineno}): {type(error).__name__}: {error}",
                  flush=True)
        else:
            passed += 1
            print(f"ok {title} ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        show_logs(lab)
    for prefix in PREFIXES:
        network.remove(prefix)
    if not failed:
        for prefix in PREFIXES:
            shutil.rmtree(f"{TOP}/build/test/{prefix}", ignore_errors=True)
    changed = [name for name, text in host_picture().items() if text != before[name]]
    passed += not changed
    failed += bool(changed)
    print(f"FAILED afterwards the machine is as before: {', '.join(changed)} changed" if changed else
          "ok afterwards the machine is as before: rules, settings, addresses, mounts, namespaces", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed else 0


def show_logs(lab):
    for node in lab.nodes.values():
        for unit in ["init"] + lab.units:
            tail = node.log_text(unit).strip().splitlines()[-6:]
            for line in tail:
                print(f"    {node.name} {unit}: {line}")
