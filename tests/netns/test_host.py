# SPDX-License-Identifier: Apache-2.0
"""What else must hold on every host: nothing readable on the wire, nothing of the host's changed, never open."""
import ipaddress
import os
import signal
import subprocess

from harness import PREFIX, RNAUT, RNAUTD, attempt, case, equal, same_lines, settings, true, wait_for
from network import namespace_processes
from test_matrix import start_servers


def filters(node, direction):
    return [line for line in node.run(["tc", "filter", "show", "dev", "rn0", direction]).stdout.splitlines()
            if "bpf" in line]


@case("nothing of an inner packet is readable on the underlay")
def capture(lab, kept):
    start_servers(lab, kept)
    laptop, server = lab["laptop"], lab["server"]
    path = lab.directory + "/underlay.pcap"
    marker = "rnaut-marker-" + "7f3a" * 8
    argv = ["ip", "netns", "exec", lab.switch, "tcpdump", "-i", "br0", "-U", "-s", "0", "-w", path, "-Z", "root"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as dump:
        try:
            while "listening on" not in (line := dump.stderr.readline()):
                true(line, "tcpdump does not start")
            script = ("import socket,sys; c=socket.create_connection((sys.argv[1],8080),5); m=sys.argv[2].encode()*20; "
                      "c.sendall(m); d=b''\nwhile len(d)<len(m): d+=c.recv(4096)")
            laptop.run(["python3", "-c", script, server.ipv6, marker])
            wait_for("packets in the capture", lambda: os.path.getsize(path) > 1000, 5)
        finally:
            dump.send_signal(signal.SIGINT)
            dump.wait()
    with open(path, "rb") as file:
        data = file.read()
    true(marker.encode() not in data, "the text is readable")
    for node in (laptop, server):
        for address in (node.ipv6, node.ipv4):
            packed = ipaddress.ip_address(address).packed
            if len(packed) == 16:  # four bytes may occur by chance
                true(packed not in data, f"the overlay address {address} is readable")


@case("no process of ours but kern has a capability, each has its own user and its allow-list")
def privileges(lab, kept):
    users = {"core": 6301, "net": 6302, "kern": 6303, "ca": 6304, "web": 6305}
    for name in ("gateway", "hub-a", "laptop"):
        for process, uid in users.items():
            pid = lab[name].unit_pid(f"rnautd-{process}")
            if process in ("ca", "web") and name != "gateway":
                equal(pid, 0, f"{process} on {name}")
                continue
            true(pid, f"{process} does not run on {name}")
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            equal(set(status["Uid"].split()), {str(uid)}, f"uid of {process} on {name}")
            equal(status["Seccomp"], "2", f"seccomp of {process} on {name}")
            equal(status["NoNewPrivs"], "1", f"no_new_privs of {process}")
            effective = int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapAmb"], 16)
            allowed = 1 << 12 | 1 << 13 | 1 << 38 | 1 << 39 if process == "kern" else 0
            equal(effective & ~allowed, 0, f"capabilities of {process} on {name}")
    for process in users:
        calls = lab["gateway"].run([RNAUTD, process, "--print-seccomp"]).stdout.split()
        true(5 < len(calls) <= 60, f"{process} may make {len(calls)} calls")


@case("a host that joins and leaves keeps its firewall rules, routes and settings")
def host_unchanged(lab, kept):
    spare = lab["spare"]

    def picture():
        return {"nft": spare.run(["nft", "list", "ruleset"]).stdout, "settings": settings(spare),
                "routes": spare.run(["ip", "route"]).stdout + spare.run(["ip", "-6", "route"]).stdout,
                "rules": spare.run(["ip", "rule"]).stdout, "resolv": spare.run(["cat", "/etc/resolv.conf"]).stdout}

    before = picture()
    lab.join(spare, "hub-a")
    lab.learn_addresses()
    kept["spare joined"] = True
    after = picture()
    for name in ("nft", "settings", "rules", "resolv"):
        same_lines(after[name], before[name], name)
    gone = set(before["routes"].splitlines()) - set(after["routes"].splitlines())
    equal(gone, set(), "routes that were there")


@case("rn0 has its own addresses and no link-local one")
def no_link_local(lab, kept):
    for node in (lab["hub-a"], lab["laptop"]):
        words = node.run(["ip", "-6", "-o", "addr", "show", "dev", "rn0"]).stdout.split()
        equal([word for word in words if "/" in word], [f"{node.ipv6}/128"], node.name)


@case("down lets nothing pass, up takes it back")
def down_up(lab, kept):
    laptop, server = lab["laptop"], lab["server"]
    ping = [["icmp", server.ipv6, 0]]
    equal(attempt(laptop, ping), [True], "before")
    laptop.rnaut("down")
    equal(attempt(laptop, ping), [False], "after down")
    laptop.run([RNAUT, "up"])
    wait_for("the laptop to be up again", lambda: attempt(laptop, ping) == [True], 30)


@case("a filter that somebody removes leaves the link down, not open")
def filter_removed(lab, kept):
    laptop, hub = lab["laptop"], lab["hub-a"]
    forbidden = [["tcp", hub.ipv6, 8080], ["tcp", hub.ipv4, 8080]]
    allowed = [["icmp", hub.ipv6, 0]]
    equal(attempt(laptop, allowed + forbidden), [True, False, False], "before")
    for direction in ("ingress", "egress"):
        laptop.run(["tc", "filter", "del", "dev", "rn0", direction])

        def closed_or_healed():
            up = "UP" in laptop.run(["ip", "-br", "link", "show", "rn0"]).stdout.split("<")[1].split(">")[0].split(",")
            return not up or filters(laptop, direction)
        wait_for("the link to be down or the filter back", closed_or_healed, 3)
        equal(attempt(laptop, forbidden), [False, False], f"forbidden, without its {direction} filter")
    laptop.run([RNAUT, "up"])
    wait_for("the laptop to enforce again", lambda: attempt(laptop, allowed + forbidden) == [True, False, False], 30)
    true(filters(laptop, "ingress") and filters(laptop, "egress"), "the filters are not back")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@case("a lab that is taken away leaves no namespace, mount, process or file", in_vm=False)
def leaves_nothing(lab, kept):
    import lab as lab_module
    import network
    other = network.Network(PREFIX + "2")
    other.add("gateway", "gateway", 1, owner="alice")
    other.create(tied=False)
    other.init_gateway(other["gateway"])
    pids = namespace_processes(f"/run/netns/{other['gateway'].netns}")
    true(len(pids) > 4, f"only {len(pids)} processes")
    other.remove()
    wait_for("its processes to be gone", lambda: not [p for p in pids if alive(p)], 5)
    equal([n for n in os.listdir("/run/netns") if n.startswith(PREFIX + "2")], [], "namespaces")
    true(not os.path.exists(f"/run/{PREFIX}2"), "its directory is there")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        equal([line for line in file if PREFIX + "2" in line], [], "mounts")
    other.remove()
