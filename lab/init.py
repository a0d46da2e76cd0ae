#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first process of one host of the lab: a private view of the machine, and what systemd would do there.

Runs as process 1 of its own PID, mount, UTS and network namespaces, so ending it ends the host. Takes commands as one
JSON object a connection on a unix socket: {"start": UNIT}, {"stop": UNIT}, {"spawn": NAME, "argv": [...]}, {"status": 1}.
"""
import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import units  # noqa: E402

USERS = {"rnaut-core": 6301, "rnaut-net": 6302, "rnaut-kern": 6303, "rnaut-ca": 6304, "rnaut-web": 6305}
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, options="", flags=0):
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"mount {kind} on {target}: {os.strerror(code)}")


def overlay(target):
    """What is written below target stays in this host."""
    upper, work = f"/run/.lab{target}/upper", f"/run/.lab{target}/work"
    os.makedirs(upper)
    os.makedirs(work)
    os.chmod(upper, 0o755)
    mount("overlay", target, "overlay", f"lowerdir={target},upperdir={upper},workdir={work}")


def empty(target, mode=0o755):
    os.makedirs(target, exist_ok=True)
    mount("tmpfs", target, "tmpfs", f"mode={mode:o}")


def add_users():
    for path, line in (("/etc/passwd", "{0}:x:{1}:{1}:lab:/nonexistent:/usr/sbin/nologin\n"), ("/etc/group", "{0}:x:{1}:\n")):
        with open(path, encoding="utf-8") as file:
            kept = [entry for entry in file if entry.split(":")[0] not in USERS]
        with open(path + ".lab", "w", encoding="utf-8") as file:
            file.writelines(kept + [line.format(name, uid) for name, uid in USERS.items()])
        os.chmod(path + ".lab", 0o644)
        os.rename(path + ".lab", path)


def private_view(binaries):
    """Own /etc, /run, /var/lib/rnaut, /usr/local, /proc, /sys with an own bpf file system."""
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    mount("bpf", "/sys/fs/bpf", "bpf", "mode=700")
    mount("tmpfs", "/run", "tmpfs", "mode=755")
    for directory in ("/etc", "/var/lib", "/usr/local"):
        overlay(directory)
    if not binaries:
        return
    empty("/etc/rnaut")
    empty("/var/lib/rnaut")
    add_users()
    for program in ("rnautd", "rnautd-kern", "rnautd-net", "rnautd-web", "rnautd-wireguard"):
        shutil.copy(f"{binaries}/{program}", f"/usr/local/sbin/{program}")
    shutil.copy(f"{binaries}/rnaut", "/usr/local/bin/rnaut")


class Child:
    """A running or stopped service or command."""

    def __init__(self, name, argv, unit=None):
        self.name, self.argv, self.unit = name, argv, unit
        self.process, self.starts, self.wanted, self.again_at, self.status = None, 0, True, None, None


def hand_over(words):
    """--hand FD NAME COMMAND...: becomes the command, with the socket as systemd hands one over (sd_listen_fds(3))."""
    descriptor, name, argv = int(words[0]), words[1], words[2:]
    if descriptor != 3:
        os.dup2(descriptor, 3)
        os.close(descriptor)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=name)
    os.execv(argv[0], argv)


class Init:
    def __init__(self, listener, logs, unit_directory, handed):
        self.listener, self.logs, self.handed = listener, logs, handed
        self.units = {u.name: u for u in units.load(unit_directory)} if unit_directory else {}
        self.children = {}
        self.selector = selectors.DefaultSelector()

    def run_before(self, unit):
        """What systemd runs to its end each time before it starts this unit."""
        for other in (self.units[name] for name in unit.wants if name in self.units):
            if other.oneshot and not (other.condition and not os.path.exists(other.condition)):
                with self.log(other.name) as log, contextlib.suppress(subprocess.TimeoutExpired):
                    subprocess.run(other.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=ENVIRONMENT,
                                   timeout=other.seconds("TimeoutStartSec"), check=False)

    def log(self, name):
        return open(os.open(name + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644, dir_fd=self.logs), "wb")

    def launch(self, child):
        if child.unit:
            self.run_before(child.unit)
        for directory in child.unit.runtime_directories if child.unit else ():
            os.makedirs(directory, mode=0o755, exist_ok=True)
        argv, descriptor, socket_name = child.argv, *self.handed.get(child.name, (None, None))
        if descriptor is not None:
            argv = [sys.executable, "-B", os.path.abspath(__file__), "--hand", str(descriptor), socket_name] + argv
        with self.log(child.name) as log:
            child.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                             env=ENVIRONMENT, start_new_session=True,
                                             pass_fds=() if descriptor is None else (descriptor,))
        child.starts += 1
        child.again_at = None

    def reap(self):
        for child in self.children.values():
            if child.process is None or child.process.poll() is None:
                continue
            child.status, child.process = child.process.returncode, None
            if child.wanted and (child.unit is None or child.unit.restarts_after(child.status)):
                child.again_at = time.monotonic() + (child.unit.seconds("RestartSec", "100ms") if child.unit else 1)

    def reap_orphans(self):
        known = {c.process.pid for c in self.children.values() if c.process}
        try:
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid in known:
                    return
                os.waitpid(found.si_pid, 0)
        except ChildProcessError:
            pass

    def start(self, name):
        unit = self.units[name]
        if unit.condition and not os.path.exists(unit.condition):
            return {"skipped": unit.condition}
        child = self.children.setdefault(name, Child(name, unit.argv, unit))
        child.wanted = True
        if child.process is None:
            self.launch(child)
        return {"pid": child.process.pid}

    def spawn(self, name, argv):
        child = self.children.setdefault(name, Child(name, argv))
        self.launch(child)
        return {"pid": child.process.pid}

    def stop(self, name):
        child = self.children.get(name)
        if child is None:
            return {"stopped": False}
        child.wanted, child.again_at = False, None
        if child.process:
            child.process.terminate()
            try:
                child.process.wait(10)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        child.process = None
        if child.unit is None:
            del self.children[name]
        return {"stopped": True}

    def status(self):
        return {c.name: {"pid": c.process.pid if c.process else 0, "starts": c.starts, "status": c.status}
                for c in self.children.values()}

    def answer(self, request):
        if "start" in request:
            return self.start(request["start"])
        if "stop" in request:
            return self.stop(request["stop"])
        if "spawn" in request:
            return self.spawn(request["spawn"], request["argv"])
        return self.status()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(5)
            try:
                reply = self.answer(json.loads(connection.makefile("r").readline()))
            except (OSError, ValueError, KeyError) as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            try:
                connection.sendall((json.dumps(reply) + "\n").encode())
            except OSError:
                pass

    def run(self):
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(wake_read, selectors.EVENT_READ)
        while True:
            due = [c.again_at for c in self.children.values() if c.again_at is not None]
            timeout = max(0, min(due) - time.monotonic()) if due else None
            for key, _ in self.selector.select(timeout):
                if key.fileobj is self.listener:
                    self.serve()
                else:
                    os.read(wake_read, 4096)
            self.reap()
            self.reap_orphans()
            for child in self.children.values():
                if child.again_at is not None and child.again_at <= time.monotonic():
                    self.launch(child)


def main():
    if sys.argv[1] == "--hand":
        hand_over(sys.argv[2:])
    name, control, logs, binaries, unit_directory = sys.argv[1:6]
    handed = {unit: (int(fd), socket_name) for unit, fd, socket_name in (word.split(":") for word in sys.argv[6:])}
    for descriptor, _ in handed.values():
        os.set_inheritable(descriptor, False)
    os.umask(0o022)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(control + ".new")
    init = Init(listener, os.open(logs, os.O_RDONLY | os.O_DIRECTORY), unit_directory, handed)
    socket.sethostname(name)
    rename_from = os.open(os.path.dirname(control), os.O_RDONLY | os.O_DIRECTORY)
    private_view(binaries)
    listener.listen(16)
    base = os.path.basename(control)
    os.rename(base + ".new", base, src_dir_fd=rename_from, dst_dir_fd=rename_from)
    os.close(rename_from)
    init.run()


if __name__ == "__main__":
    main()
