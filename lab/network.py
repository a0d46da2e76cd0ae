# SPDX-License-Identifier: Apache-2.0
"""A network of hosts on one machine, each a set of namespaces joined by one switch.

    gateway 192.0.2.1   hub-a 192.0.2.2   laptop 192.0.2.11   server 192.0.2.12   phone 192.0.2.13
         └──────────────────┴───────── br0, in its own namespace ──────┴────────────────┘

Everything that exists outside a host is named PREFIX-...: namespaces, and /run/PREFIX. `remove` needs nothing else.
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
PR_SET_PDEATHSIG = 1
READY = 120  # seconds: on a machine that does much else the kernel takes long to verify the programs
HUBS = ("hub", "regional", "departmental", "project")


class LabError(Exception):
    pass


def run(argv, check=True, **options):
    """Runs a command to its end and returns it with its output as text."""
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: status {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done


def wait_for(what, condition, seconds=20.0, interval=0.05):
    """Polls until condition() is true and returns its value; an exception of it counts as false. LabError at the end."""
    deadline, last = time.monotonic() + seconds, None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = None
        except (LabError, OSError, ValueError, KeyError, IndexError) as error:
            last = error
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for: {what}" + (f" ({last})" if last else ""))
        time.sleep(interval)


def kill(process):
    """Ends a Popen of Node.popen: nsenter and what it started inside."""
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        children = []
    ends = []
    for pid in children:
        try:
            ends.append(os.pidfd_open(pid))
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.wait()
    for end in ends:  # nsenter's end is not theirs
        select.select([end], [], [], 20)
        os.close(end)


def kernel_has_wireguard():
    probe = ["unshare", "--net", "ip", "link", "add", "probe", "type", "wireguard"]
    return run(probe, check=False).returncode == 0


def namespace_processes(path):
    """Host pids whose network namespace is the one at path."""
    inode, found = os.stat(path).st_ino, []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.stat(f"/proc/{entry}/ns/net").st_ino == inode:
                    found.append(int(entry))
            except OSError:
                pass
    return found


class Node:
    """One host. role: gateway, a hub's type (HUBS), desktop, mobile, server or iot; stock: it runs nothing of ours."""

    def __init__(self, network, name, role, number, owner=None, tags=(), stock=False):
        self.network, self.name, self.role, self.number = network, name, role, number
        self.owner, self.tags, self.stock = owner, list(tags), stock
        self.netns = f"{network.prefix}-{name}"
        self.underlay4, self.underlay6 = f"192.0.2.{number}", f"2001:db8::{number:x}"
        self.directory = f"{network.directory}/{name}"
        self.logs = f"{network.logs}/{name}"
        self.is_hub = role in HUBS
        self.ipv4 = self.ipv6 = self.hub = None
        self.handed = {}

    def hand(self, unit, name, listener):
        """Before create: this unit gets the listening socket, as from a socket unit of systemd."""
        self.handed[unit] = (name, listener)

    # -- namespaces --

    def create(self, tied):
        """Brings up the empty host; tied: it ends when this process does."""
        os.makedirs(self.directory, exist_ok=True)
        os.makedirs(self.logs, exist_ok=True)
        run(["ip", "netns", "add", self.netns])
        switch, port = self.network.switch, f"p{self.number}"
        run(["ip", "-n", switch, "link", "add", port, "mtu", "1500", "type", "veth", "peer", "name", "eth0", "netns",
             self.netns])
        run(["ip", "-n", switch, "link", "set", port, "master", "br0", "up"])
        for words in (["link", "set", "lo", "up"], ["addr", "add", self.underlay4 + "/24", "dev", "eth0"],
                      ["addr", "add", self.underlay6 + "/64", "dev", "eth0", "nodad"],
                      ["link", "set", "eth0", "mtu", "1500", "up"]):
            run(["ip", "-n", self.netns] + words)
        argv = ["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "--mount", "--pid", "--uts", "--fork",
                "--kill-child", "--propagation", "private", sys.executable, HERE + "/init.py", self.name,
                self.directory + "/control", self.logs, "" if self.stock else self.network.binaries,
                "" if self.stock else TOP + "/packaging/systemd"]
        argv += [f"{unit}:{listener.fileno()}:{name}" for unit, (name, listener) in self.handed.items()]
        with open(f"{self.logs}/init.log", "ab") as log:
            self.holder = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           start_new_session=True, preexec_fn=_die_with_parent if tied else None,
                                           pass_fds=[listener.fileno() for _, listener in self.handed.values()])
        wait_for(f"{self.name} to exist", lambda: os.path.exists(self.directory + "/control") or self._alive(), 120)
        self.pid = self._peer()
        with open(self.directory + "/pid", "w", encoding="utf-8") as file:
            file.write(f"{self.pid}\n")

    def _alive(self):
        if self.holder.poll() is not None:
            with open(f"{self.logs}/init.log", encoding="utf-8") as log:
                raise SystemExit(f"{self.name} did not start: {log.read().strip()[-600:]}")
        return False

    def _connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(30)
        connection.connect(self.directory + "/control")
        return connection

    def _peer(self):
        """Host pid of the host's first process."""
        with self._connect() as connection:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            connection.sendall(b"{}\n")
            connection.makefile("r").readline()
        return int.from_bytes(credentials[:4], sys.byteorder)

    def ask(self, **request):
        with self._connect() as connection:
            connection.sendall((json.dumps(request) + "\n").encode())
            reply = json.loads(connection.makefile("r").readline())
        if "error" in reply:
            raise LabError(f"{self.name}: {request}: {reply['error']}")
        return reply

    # -- commands --

    def argv(self, command, directory=None):
        """The command line that runs command on this host from outside."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "-u", "-r", f"--wdns={directory or '/'}"] + list(command)

    def run(self, command, check=True, **options):
        return run(self.argv(command), check=check, **options)

    def popen(self, command, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.argv(command), **options)

    def rnaut(self, *words, good=(0,)):
        """`rnaut WORDS --json`, decoded; LabError with its sentence where it fails."""
        done = self.run(["/usr/local/bin/rnaut", *words, "--json"], check=False)
        if done.returncode not in good:
            raise LabError(f"{self.name}: rnaut {' '.join(words)}: status {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def explain(self, source, destination, protocol, port=None):
        """Exit status 5 says that the packet is denied."""
        return self.rnaut("explain", source, destination, protocol, *([str(port)] if port else []), good=(0, 5))

    def spawn(self, name, argv):
        return self.ask(spawn=name, argv=list(argv))

    def start_units(self, names=None):
        for unit in names or self.network.units:
            self.ask(start=unit)

    def unit_pid(self, unit):
        """Host pid of a running unit, or 0."""
        inner = self.ask(status=1).get(unit, {}).get("pid", 0)
        return self.host_pid(inner) if inner else 0

    def host_pid(self, inner):
        for pid in namespace_processes(f"/run/netns/{self.netns}"):
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                    numbers = next(line for line in file if line.startswith("NSpid:")).split()[1:]
            except (OSError, StopIteration):
                continue
            if len(numbers) > 1 and int(numbers[-1]) == inner:
                return pid
        return 0

    def write(self, path, text, mode=0o600):
        """A file inside the host."""
        run(self.argv(["sh", "-c", 'umask 077; cat >"$1"; chmod "$2" "$1"', "sh", path, f"{mode:o}"]), stdin=None,
            input=text)

    def log_text(self, unit):
        try:
            with open(f"{self.logs}/{unit}.log", encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def _die_with_parent():
    import ctypes
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Network:
    """The hosts, and the way from nothing to a network that carries traffic."""

    def __init__(self, prefix="rnlab", binaries=None, say=None):
        sys.path.insert(0, HERE)
        import units as unit_files
        self.prefix = prefix
        self.directory, self.switch = f"/run/{prefix}", f"{prefix}-underlay"
        self.logs = f"{TOP}/build/{'lab' if prefix == 'rnlab' else 'test'}/{prefix}"
        self.binaries = binaries or os.environ.get("RN_BINARIES") or f"{TOP}/build/out"
        self.units = [u.name for u in unit_files.load(TOP + "/packaging/systemd") if not u.oneshot]
        self.say = say or (lambda text: None)
        self.nodes = {}
        self.wireguard_in_kernel = kernel_has_wireguard()

    def add(self, name, role, number, **options):
        node = self.nodes[name] = Node(self, name, role, number, **options)
        return node

    def __getitem__(self, name):
        return self.nodes[name]

    def create(self, tied=True):
        """The switch and the empty hosts."""
        for program in ("rnautd", "rnautd-kern", "rnautd-net", "rnautd-web", "rnautd-wireguard", "rnaut"):
            if not os.access(f"{self.binaries}/{program}", os.X_OK):
                raise LabError(f"{self.binaries}/{program} is missing; run make first.")
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.directory, mode=0o755)
        os.makedirs(self.logs)
        run(["ip", "netns", "add", self.switch])
        run(["ip", "-n", self.switch, "link", "add", "br0", "mtu", "1500", "type", "bridge"])
        run(["ip", "-n", self.switch, "link", "set", "br0", "up"])
        for node in self.nodes.values():
            node.create(tied)

    # -- from empty hosts to a network --

    def init_gateway(self, node, *words):
        node.run(["/usr/local/bin/rnaut", "gateway", "init", "--name", node.name, "--endpoint", node.underlay4, "--owner",
                  node.owner or "alice", *words])
        node.start_units()
        node.hub = node.name
        wait_for(f"{node.name} to answer", lambda: self.ready(node), READY)

    @staticmethod
    def ready(node):
        status = node.rnaut("status")
        return status if status["enforcing"] else None

    def token(self, node, hub=None, *words, gateway="gateway"):
        """A token for this node; tags and owner are the gateway's to say."""
        request = ["token", "create", "--type", node.role, "--name", node.name, *words]
        if node.owner:
            request += ["--owner", node.owner]
        if hub:
            request += ["--parent" if node.is_hub else "--hub", hub]
        for tag in node.tags:
            request += ["--tag", tag]
        return self.nodes[gateway].rnaut(*request)["token"]

    def enrol(self, node, token, *words):
        node.write("/run/token", token + "\n")
        command = ["/usr/local/bin/rnaut", "up", "--token-file", "/run/token", *words]
        if node.is_hub:
            command += ["--endpoint", node.underlay4]
        return node.run(command, check=False)

    def join(self, node, hub=None):
        """Enrols a managed node and starts its processes; hub: of a hub its parent."""
        done = self.enrol(node, self.token(node, hub))
        if done.returncode != 0:
            raise LabError(f"{node.name}: rnaut up: {done.stderr.strip() or done.stdout.strip()}")
        node.start_units()
        node.hub = node.name if node.is_hub else hub or node.name
        wait_for(f"{node.name} to be ready", lambda: self.ready(node), READY)

    def export(self, node, hub, gateway="gateway"):
        """A stock WireGuard client from an exported file: no code of ours runs on it."""
        command = ["/usr/local/bin/rnaut", "export", node.name, "--type", node.role, "--hub", hub, "--no-qr"]
        command += ["--owner", node.owner] if node.owner else []
        for tag in node.tags:
            command += ["--tag", tag]
        self.configure(node, hub, self.nodes[gateway].run(command).stdout)

    def configure(self, node, hub, text):
        """What a stock client does with its configuration."""
        node.write("/run/rnaut.conf", text)
        interface = "wg0"
        if self.wireguard_in_kernel:
            node.run(["ip", "link", "add", interface, "type", "wireguard"])
        else:
            node.spawn("wireguard-go", ["env", "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1", "LOG_LEVEL=error",
                                        "wireguard-go", "-f", interface])
            wait_for("wireguard-go", lambda: node.run(["wg", "show", interface], check=False).returncode == 0)
        node.run(["sh", "-c", f"wg-quick strip /run/rnaut.conf >/run/stripped && wg setconf {interface} /run/stripped"])
        values = {}
        for line in text.splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                values.setdefault(key.strip(), []).extend(item.strip() for item in value.split(","))
        for address in values["Address"]:
            node.run(["ip", "addr", "add", address, "dev", interface] + (["nodad"] if ":" in address else []))
        node.run(["ip", "link", "set", interface, "mtu", values["MTU"][0], "up"])
        for prefix in values["AllowedIPs"]:
            node.run(["ip", "-6" if ":" in prefix else "-4", "route", "add", prefix, "dev", interface])
        node.hub = hub
        node.ipv4 = next((a.split("/")[0] for a in values["Address"] if ":" not in a), None)
        node.ipv6 = next((a.split("/")[0] for a in values["Address"] if ":" in a), None)

    def learn_addresses(self, gateway="gateway"):
        """Fills in every node's overlay addresses from what the gateway says."""
        for device in self.nodes[gateway].rnaut("devices")["devices"]:
            node = self.nodes.get(device["client_id"])
            if node:
                node.ipv4, node.ipv6, node.hub = device["virtual_ipv4"], device["virtual_ip"], device["hub"]

    def describe(self, path, cli, **more):
        nodes = [{"name": n.name, "role": n.role, "netns": n.netns, "ipv4": n.ipv4, "ipv6": n.ipv6, "hub": n.hub}
                 for n in self.nodes.values()]
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"cli": cli, "nodes": nodes, **more}, file, indent=1)
            file.write("\n")
        os.rename(path + ".new", path)

    def remove(self):
        remove(self.prefix)


def remove(prefix):
    """Takes away everything a network of this prefix left, whoever made it; True where there was something."""
    found = os.path.exists(f"/run/{prefix}")
    names = [n for n in os.listdir("/run/netns") if n.startswith(prefix + "-")] if os.path.isdir("/run/netns") else []
    for name in names:
        found = True
        path = f"/run/netns/{name}"
        for _ in range(100):
            pids = [p for p in namespace_processes(path) if p != os.getpid()]
            if not pids:
                break
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        run(["ip", "netns", "del", name], check=False)
    shutil.rmtree(f"/run/{prefix}", ignore_errors=True)
    return found
