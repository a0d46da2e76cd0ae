#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network of `make run`: lab.py up [--detach] | down.

A gateway, a hub, alice's laptop and carol's server, and bob's phone, which is a stock WireGuard client; and a department's hub
with a server and a sensor. lab/policy.json says who may reach whom; lab/traffic.py makes the traffic.
"""
import argparse
import os
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import network  # noqa: E402
from network import HERE, TOP, LabError, Network, wait_for  # noqa: E402

OUT = TOP + "/build/lab"
FILES = ("lab.json", "rnaut", "on", "console-ca.pem")
CONSOLE_PORT = int(os.environ.get("RN_CONSOLE_PORT", "8080"))


def standard(prefix="rnlab", **options):
    """The five hosts of the tests, not yet brought up."""
    lab = Network(prefix, **options)
    lab.add("gateway", "gateway", 1, owner="alice")
    lab.add("hub-a", "hub", 2)
    lab.add("laptop", "desktop", 11, owner="alice")
    lab.add("server", "server", 12, owner="carol", tags=["web"])
    lab.add("phone", "mobile", 13, owner="bob", stock=True)
    return lab


def add_department(lab):
    """A second hub, and two of carol's devices behind it."""
    lab.add("hub-b", "departmental", 3)
    lab.add("db", "server", 21, owner="carol", tags=["web"])
    lab.add("sensor", "iot", 22, owner="carol")


def bring_up_department(lab):
    lab.say("hub-b: rnaut up with a token for a departmental hub")
    lab.join(lab["hub-b"], "gateway")
    for name in ("db", "sensor"):
        lab.say(f"{name}: rnaut up, attached to hub-b")
        lab.join(lab[name], "hub-b")


def bring_up(lab, tied=True, join=("laptop", "server")):
    """From nothing to a network in which every host has its addresses, its policy and its hub."""
    lab.say("making namespaces for " + ", ".join(lab.nodes))
    lab.create(tied)
    gateway = lab["gateway"]
    lab.say("gateway: rnaut gateway init")
    lab.init_gateway(gateway)
    lab.say("hub-a: rnaut up with a token of the gateway")
    lab.join(lab["hub-a"])
    for name in join:
        lab.say(f"{name}: rnaut up, attached to hub-a")
        lab.join(lab[name], "hub-a")
    if "hub-b" in lab.nodes:
        bring_up_department(lab)
    lab.say("phone: rnaut export, wg-quick strip, wg setconf")
    lab.export(lab["phone"], "hub-a")
    lab.say("policy: lab/policy.json")
    with open(HERE + "/policy.json", encoding="utf-8") as file:
        gateway.write("/run/policy.json", file.read())
    gateway.run(["/usr/local/bin/rnaut", "policy", "set", "/run/policy.json"])
    lab.learn_addresses()


def reach(node, address, seconds=20):
    """Waits until node has an answer to a ping of address."""
    wait_for(f"{node.name} to reach {address}",
             lambda: node.run(["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0, seconds)


def start_traffic(lab):
    laptop, server, phone = lab["laptop"], lab["server"], lab["phone"]
    script = [sys.executable, HERE + "/traffic.py"]
    server.spawn("web", script + ["web", server.ipv6, server.ipv4 or "-"])
    server.spawn("echo", script + ["echo", server.ipv6])
    laptop.spawn("ping", ["ping", "-i", "1", server.ipv6])
    laptop.spawn("fetch", script + ["fetch", server.ipv6, "3"])
    laptop.spawn("udp", script + ["udp", server.ipv6, "2"])
    phone.spawn("fetch", script + ["fetch", server.ipv6, "4"])
    phone.spawn("ssh", script + ["knock", server.ipv6, "22", "5"])
    if "db" in lab.nodes:
        start_department_traffic(lab, script)


def start_department_traffic(lab, script):
    db = lab["db"]
    db.spawn("web", script + ["web", db.ipv6, db.ipv4 or "-"])
    lab["sensor"].spawn("fetch", script + ["fetch", db.ipv6, "5"])
    lab["laptop"].spawn("fetch-db", script + ["fetch", db.ipv6, "6"])


def write_script(name, text):
    path = f"{OUT}/{name}"
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def open_console():
    """A listening socket on this machine's loopback, which the gateway's web process will serve."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", CONSOLE_PORT))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    return listener


def login_link(lab):
    """The path of a one-time login link for the console."""
    return lab["gateway"].rnaut("console")["link"]


def access(lab, port):
    """What a program needs to use the API: address, CA of the TLS port, a token."""
    gateway, ca = lab["gateway"], OUT + "/console-ca.pem"
    with open(ca, "w", encoding="utf-8") as file:
        file.write(gateway.run(["cat", "/var/lib/rnaut/state/console-ca.pem"]).stdout)
    address = f"http://127.0.0.1:{port}"
    token = gateway.rnaut("api-token", "create", "--name", "lab", "--role", "admin")["token"]
    return {"console": address, "api": address + "/api/v1", "ca": ca, "token": token}


def write_scripts(lab, port):
    """rnaut: the command line on the gateway. on HOST COMMAND: anything on any host."""
    enter = 'exec nsenter -t "$pid" -n -m -p -u -r --wdns="$PWD"'
    root = '[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"\n'
    write_script("on", f'{root}pid=$(cat {lab.directory}/"${{1:?host}}"/pid) || exit 1\nshift\n{enter} "$@"\n')
    path = write_script("rnaut", f'{root}pid={lab["gateway"].pid}\n{enter} /usr/local/bin/rnaut "$@"\n')
    lab.describe(OUT + "/lab.json", [path], **access(lab, port))


def own_by_caller():
    """Under sudo, what is in build/ belongs to who called it."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if not uid or os.stat(TOP).st_uid != int(uid):
        return
    for directory, _, files in os.walk(OUT):
        for path in [directory] + [os.path.join(directory, f) for f in files]:
            os.chown(path, int(uid), int(gid), follow_symlinks=False)


def introduce(lab, seconds, port):
    kind = "the kernel's" if lab.wireguard_in_kernel else "wireguard-go in userspace, because this kernel has none"
    server = lab["server"].ipv6
    tool = os.path.relpath(OUT)
    rows = "\n".join(f"    {n.name:8} {n.role:8} {n.ipv6:26} {n.ipv4 or '-':14} {n.hub}" for n in lab.nodes.values())
    print(f"""
The network is up after {seconds:.0f} s. WireGuard: {kind}.

{rows}

The console, with a login that works once within the hour (sudo {tool}/rnaut console gives another):
    http://127.0.0.1:{port}{login_link(lab)}
Where this machine is a remote one, first on yours:
    ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}
Watch the flows:
    sudo {tool}/rnaut flows --follow
Ask why the phone cannot use ssh on the server:
    sudo {tool}/rnaut explain phone server tcp 22
Quarantine the laptop while its ping runs, see it stop, and release it:
    sudo sh -c '{tool}/on laptop ping -c 12 {server} & sleep 4; {tool}/rnaut quarantine laptop; sleep 4;
        {tool}/rnaut quarantine --release laptop; wait'
""", flush=True)


def down(prefix="rnlab"):
    found = network.remove(prefix)
    shutil.rmtree(f"{OUT}/{prefix}", ignore_errors=True)
    for name in FILES:
        if os.path.exists(f"{OUT}/{name}"):
            os.unlink(f"{OUT}/{name}")
    if os.path.isdir(OUT) and not os.listdir(OUT):
        os.rmdir(OUT)
    return found


def up(detach):
    began = time.monotonic()
    if down():
        print("  LAB    removed the network of an earlier run", flush=True)
    lab = standard(say=lambda text: print(f"  LAB    {text}", flush=True))
    add_department(lab)
    listener = open_console()
    port = listener.getsockname()[1]
    lab["gateway"].hand("rnautd-web", "http", listener)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    keep = False
    try:
        bring_up(lab, tied=not detach)
        lab.say("traffic: ping, web, UDP and a knock at the ssh port")
        start_traffic(lab)
        reach(lab["laptop"], lab["server"].ipv6)
        reach(lab["sensor"], lab["db"].ipv6)
        write_scripts(lab, port)
        own_by_caller()
        introduce(lab, time.monotonic() - began, port)
        keep = detach
        if detach:
            print("`sudo make lab-down` removes it.", flush=True)
            return 0
        print("Ctrl-C removes everything.", flush=True)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        print("\n  LAB    removing everything", flush=True)
        return 0
    except LabError as error:
        logs = OUT + "/failed"
        shutil.rmtree(logs, ignore_errors=True)
        if os.path.isdir(lab.logs):
            shutil.copytree(lab.logs, logs)
        print(f"lab: {error}\nlab: the logs are in {os.path.relpath(logs)}", file=sys.stderr, flush=True)
        return 1
    finally:
        if not keep:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            down()
            own_by_caller()


def main():
    parser = argparse.ArgumentParser(description="A Rustronaut network on this machine, in network namespaces.")
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--detach", action="store_true", help="return when the network is up")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("lab: network namespaces need root; run this with sudo.", file=sys.stderr)
        return 1
    if arguments.action == "up":
        return up(arguments.detach)
    print("  LAB    removed" if down() else "  LAB    there is none", flush=True)
    shutil.rmtree(OUT, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
