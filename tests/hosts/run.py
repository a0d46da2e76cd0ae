#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two bare Debian hosts with systemd, joined by one cable: README's five lines, then what must hold after them.

The lines are taken from README.md as they stand. `# on both`, `# on the first` and `# on the second` in the block there
say where a line is typed; the first host is 203.0.113.1, as README says, so nothing is put in another's place. What the
token line prints is pasted where `rnaut up` asks for it.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import CACHE, TOP, USER, Machine, MachineError, base, join, run, wait_for  # noqa: E402

HEADING = "## Two hosts, five lines"
NETWORK = "203.0.113"
CHECKOUT = f"/home/{USER}/rustronaut"
UNITS = ["rnautd-core", "rnautd-net", "rnautd-kern"]
passed, failed = [], []


def case(title):
    """A test: what it raises is its failure."""
    def wrap(function):
        def call(*arguments):
            began = time.monotonic()
            try:
                note = function(*arguments)
            except (MachineError, AssertionError, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
                failed.append(title)
                print(f"not ok {title}: {type(error).__name__}: {error}", flush=True)
                return False
            passed.append(title)
            print(f"ok {title} ({time.monotonic() - began:.1f} s{', ' + note if note else ''})", flush=True)
            return True
        return call
    return wrap


def readme_lines():
    """[(where, line)] of the block below the heading."""
    with open(TOP + "/README.md", encoding="utf-8") as file:
        section = file.read().split(HEADING + "\n", 1)[1].split("\n## ", 1)[0]
    where, lines = None, []
    for line in re.findall(r"^    (.*)$", section, re.M):
        found = re.match(r"# on (both|the first|the second)", line)
        if found:
            where = found.group(1).split()[-1]
        else:
            lines.append((where, line))
    return lines


def copy_checkout(machine):
    """The tree as it stands, changes included, as the user's own; no build directory."""
    listed = run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=TOP).stdout
    target = machine.upper + CHECKOUT
    for name in listed.splitlines():
        if os.path.isfile(f"{TOP}/{name}"):
            os.makedirs(os.path.dirname(f"{target}/{name}"), exist_ok=True)
            shutil.copy2(f"{TOP}/{name}", f"{target}/{name}")


class Typist:
    """Types README's lines on two hosts and keeps what they printed."""

    def __init__(self, first, second):
        self.hosts = {"first": [first], "second": [second], "both": [first, second]}
        self.token, self.seconds, self.printed = "", {}, {}

    def type(self, machine, line, results):
        pasted = self.token + "\n" if line.startswith("sudo rnaut up") else None
        argv = machine.argv(f"cd {CHECKOUT} && {line}", USER)
        done = subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900, check=False,
                              **({"input": pasted} if pasted else {"stdin": subprocess.DEVNULL}))
        results[machine.name] = done
        with open(machine.directory + "/typed.log", "a", encoding="utf-8") as log:
            log.write(f"$ {line}\n{done.stdout}{done.stderr}")

    def run(self, where, line):
        """On both hosts at once, as a person with two terminals does."""
        began, results = time.monotonic(), {}
        threads = [threading.Thread(target=self.type, args=(m, line, results)) for m in self.hosts[where]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds[line] = time.monotonic() - began
        for machine in self.hosts[where]:
            done = results[machine.name]
            assert done.returncode == 0, f"{machine.name}: {line}: {done.returncode}: {(done.stdout + done.stderr)[-1500:]}"
            self.printed[line] = done.stdout
            if "token create" in line:
                self.token = re.search(r"rnt1\.\S+", done.stdout).group(0)


@case("README's five lines, from nothing to the first ping")
def five_lines(typist):
    lines = readme_lines()
    assert len(lines) == 5, f"{len(lines)} lines: {lines}"
    for where, line in lines:
        typist.run(where, line)
        print(f"  {typist.seconds[line]:6.1f} s  {where:6}  {line}", flush=True)
    last = lines[-1][1]
    assert "3 received, 0% packet loss" in typist.printed[last], typist.printed[last]
    setup = sum(seconds for line, seconds in typist.seconds.items() if "make" not in line)
    return f"{setup:.1f} s of them after `make install`"


def status(machine):
    return json.loads(machine.sh("rnaut status --json").stdout)


def address(machine):
    return status(machine)["virtual_ipv4"]


def ping(machine, to, count=3, wait=1):
    return machine.sh(f"ping -c {count} -i 0.2 -W {wait} {to}", check=False).returncode == 0


@case("ping both ways")
def both_ways(first, second):
    assert ping(first, address(second)) and ping(second, address(first))
    for machine, other in ((first, second), (second, first)):
        assert ping(machine, status(other)["virtual_ip"]), "IPv6"


@case("quarantine stops the ping, release lets it go on")
def quarantine(first, second):
    name, to = status(second)["client_id"], address(first)
    first.sh(f"rnaut quarantine {name}")
    assert not ping(second, to), "the ping of a quarantined device is answered"
    first.sh(f"rnaut quarantine --release {name}")
    assert ping(second, to), "the ping of a released device is not answered"


def all_back(machines):
    for machine in machines:
        machine.ready()
    def enforcing():
        return all(status(m)["enforcing"] for m in machines)
    wait_for("both hosts to enforce", lambda: quiet(enforcing), 60)


def quiet(condition):
    try:
        return condition()
    except (MachineError, ValueError):
        return False


@case("the device is switched off and on: all comes back by itself")
def reboot_device(first, second):
    return reboot([second], first, second)


@case("the gateway is switched off and on: all comes back by itself")
def reboot_gateway(first, second):
    return reboot([first], first, second)


def reboot(which, first, second):
    to = address(first)
    for machine in which:
        machine.halt()
    began = time.monotonic()
    for machine in which:
        machine.boot()
    join(first, second, NETWORK)
    all_back((first, second))
    wait_for("the ping", lambda: ping(second, to, 1), 60)
    return f"first ping {time.monotonic() - began:.1f} s after power on"


@case("rnaut doctor finds nothing that fails")
def doctor(first, second):
    warnings = []
    for machine in (first, second):
        done = machine.sh("rnaut doctor --json", check=False)
        checks = json.loads(done.stdout)["checks"]
        bad = [c for c in checks if c["result"] == "FAIL"]
        assert done.returncode == 0 and not bad and len(checks) >= 15, f"{machine.name}: {done.returncode}: {bad}"
        warnings += [f"{machine.name} {c['check']}: {c['cause']}" for c in checks if c["result"] == "WARN"]
    for line in warnings:
        print(f"  warning: {line}")
    return f"{len(warnings)} warnings"


@case("units that are killed come back, and no system call was refused")
def kills(first, second):
    for machine in (first, second):
        for unit in UNITS:
            machine.sh(f"systemctl kill --signal=KILL {unit}")
        all_back((first, second))
    wait_for("the ping", lambda: ping(second, address(first), 1), 60)
    for machine in (first, second):
        bad = machine.sh("journalctl -b --no-pager -u 'rnautd*' | grep -iE 'SIGSYS|denied|not permitted|read-only' || true").stdout
        assert not bad.strip(), f"{machine.name}: {bad[:1500]}"


# What `systemd-analyze security` may say of each unit; kern is root until it has become its own user.
EXPOSURE = {"core": 0.4, "ca": 0.4, "net": 1.2, "kern": 2.5, "web": 1.2, "certificate": 1.0, "wireguard": 2.8,
            "wireguard-mesh": 2.8}


@case("what the units may do")
def exposure(first):
    seen = {}
    for name, limit in EXPOSURE.items():
        answer = first.sh(f"systemd-analyze security --no-pager rnautd-{name}.service | tail -n 1").stdout
        seen[name] = float(re.search(r"service: ([\d.]+)", answer).group(1))
        assert seen[name] <= limit, f"{name}: {answer}"
    return ", ".join(f"{name} {value}" for name, value in seen.items())


# docs/web.md's own unit.
LOW_PORT = r"""
mkdir -p /run/systemd/system
printf '[Socket]\nListenStream=443\nFileDescriptorName=https\n' >/run/systemd/system/rnautd-web.socket
systemctl daemon-reload && systemctl stop rnautd-web && systemctl start rnautd-web.socket rnautd-web
"""


@case("web is its own user from its first instruction; root renews its certificate before each start")
def certificate(first):
    def names(port=8443):
        return first.sh(f"openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | "
                        "openssl x509 -noout -ext subjectAltName", check=False).stdout
    def pid():
        return first.sh("systemctl show -P MainPID rnautd-web").stdout.strip()
    def add(name):
        first.sh(f"echo {name} >>/var/lib/rnaut/state/console/names")
    assert first.sh("systemctl show -P User rnautd-web").stdout.strip() == "rnaut-web", "the unit's user"
    add("one.example")
    first.sh("systemctl restart rnautd-web")
    wait_for("a certificate after a restart", lambda: "one.example" in names(), 20)
    add("two.example")
    killed = pid()
    first.sh("systemctl kill --signal=KILL rnautd-web")
    wait_for("a certificate after a kill", lambda: pid() not in ("0", killed) and "two.example" in names(), 20)
    assert "one.example" in names(), names()
    owner = first.sh("stat -c '%U:%G %a' /var/lib/rnaut/state/web/tls.key").stdout.strip()
    assert owner == "root:rnaut-web 640", owner
    first.sh(LOW_PORT)
    wait_for("port 443", lambda: "two.example" in names(443), 20)
    first.sh("systemctl stop rnautd-web.socket rnautd-web; rm /run/systemd/system/rnautd-web.socket; systemctl daemon-reload; "
             "systemctl start rnautd-web")
    wait_for("port 8443", lambda: "two.example" in names(), 20)


# A host whose systemd-networkd takes every interface. Where it may write to /sys it waits for udev, which is not here.
NETWORKD = r"""
printf '[Match]\nName=eth0\n[Network]\nAddress=203.0.113.1/24\n' >/etc/systemd/network/10-eth0.network
printf '[Match]\nName=*\n[Network]\nLinkLocalAddressing=no\n' >/etc/systemd/network/50-all.network
mount -o remount,ro,bind /sys && systemctl start systemd-networkd
"""


@case("a systemd-networkd that takes every interface leaves ours alone")
def networkd(first):
    def managers(wanted):
        checks = json.loads(first.sh("rnaut doctor --json", check=False).stdout)["checks"]
        return [c["result"] for c in checks if c["check"] == "network managers"] == [wanted]
    def configured(name, wanted):
        return bool(re.search(rf"{name} .*{wanted}", first.sh("networkctl list --no-pager", check=False).stdout))
    first.sh(NETWORKD)
    wait_for("networkd to see rn0", lambda: configured("rn0", "unmanaged"), 60)
    assert managers("PASS"), "the check"
    first.sh("systemctl stop systemd-networkd; rm /etc/systemd/network/*.network")


def files_of(machine):
    """What is ours outside the checkout."""
    found = machine.sh(f"find / /run /sys/fs/bpf -xdev \\( -path {CHECKOUT} -o -path /tmp -o -path /var/log \\) -prune -o "
                       "-iname '*rnaut*' -print; ip -o link show rn0 2>/dev/null; tc qdisc show dev eth0 | grep clsact || true")
    return set(found.stdout.split("\n"))


@case("uninstall leaves nothing but the state")
def uninstall(second):
    second.sh(f"cd {CHECKOUT} && sudo make uninstall", USER)
    left = {p for p in files_of(second) if p and not p.startswith("/var/lib/rnaut")}
    assert not left, sorted(left)
    assert "rnautd" not in second.sh("ps ax -o args").stdout


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("debootstrap") is None:
        return "debootstrap is not there: packaging/deps.sh all"
    if os.environ.get("RN_IN_VM") or not os.path.exists("/dev/net/tun"):
        return "no room for hosts within hosts: there is no /dev/net/tun"
    if run(["unshare", "-mpniu", "--cgroup", "--fork", "true"], check=False).returncode != 0:
        return "this kernel or container gives no namespaces"
    return None


def main(words):
    reason = reason_to_skip()
    if reason:
        print(f"skipped hosts: {reason}\n0 passed, 0 failed")
        return 0
    directory = f"{CACHE}/run-{os.getpid()}"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root = base()
    first, second = Machine("first", directory, root), Machine("second", directory, root)
    try:
        go(first, second)
    finally:
        for machine in (first, second):
            machine.halt()
        if "keep" not in words:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def go(first, second):
    for machine in (first, second):
        copy_checkout(machine)
        machine.boot()
        machine.sh(f"chown -R {USER}: {CHECKOUT}")
    join(first, second, NETWORK)
    for machine in (first, second):
        machine.ready()
    if not five_lines(Typist(first, second)):
        return
    both_ways(first, second)
    doctor(first, second)
    quarantine(first, second)
    exposure(first)
    certificate(first)
    kills(first, second)
    reboot_device(first, second)
    reboot_gateway(first, second)
    doctor(first, second)
    networkd(first)
    uninstall(second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
