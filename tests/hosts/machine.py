# SPDX-License-Identifier: Apache-2.0
"""A Debian host with systemd as its process 1, in namespaces of its own; and the root that such hosts are copies of."""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = "/var/tmp/rnaut-hosts"
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
# What an installed Debian has and debootstrap's smallest root lacks; `git make sudo` are README's own conditions.
INCLUDE = "systemd,systemd-sysv,udev,dbus,libpam-systemd,ca-certificates,iproute2,procps,git,make,sudo"
USER = "alice"
# Units that would reach this machine's own devices and settings, which are not in any namespace.
NOT_HERE = ["systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udevd-control.socket",
            "systemd-udevd-kernel.socket", "systemd-sysctl.service", "systemd-modules-load.service",
            "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "apt-daily.timer", "apt-daily-upgrade.timer"]
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}


class MachineError(Exception):
    pass


def run(argv, check=True, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if check and done.returncode != 0:
        raise MachineError(f"{' '.join(argv)}: status {done.returncode}: {done.stdout.strip()[-2000:]}")
    return done


def wait_for(what, condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise MachineError(f"waited {seconds:g} s in vain for: {what}")
        time.sleep(0.1)


def in_root(root, *argv, **environment):
    """Runs a command in a root that nobody has booted, with this machine's network."""
    script = ('mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && root=$1 && shift '
              '&& exec chroot "$root" "$@"')
    return run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", root] + list(argv),
               env=dict(ENVIRONMENT, DEBIAN_FRONTEND="noninteractive", **environment), timeout=1500)


def fetch_npm_packages(root):
    """Into the user's cache, as the packages of Debian before: the hosts have no network but each other."""
    bundle, away = os.environ.get("NODE_EXTRA_CA_CERTS"), f"/home/{USER}/console"
    if not os.path.exists(f"{TOP}/console/package-lock.json"):
        return
    os.makedirs(root + away)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(f"{TOP}/console/{name}", root + away)
    if bundle:
        shutil.copy(bundle, root + "/root/bundle.pem")
        os.chmod(root + "/root", 0o711)
    in_root(root, "chown", "-R", f"{USER}:", away)
    in_root(root, "runuser", "-u", USER, "--", "env", f"HOME=/home/{USER}", "npm", "--prefix", away, "ci", "--ignore-scripts",
            "--no-audit", "--no-fund", **({"NODE_EXTRA_CA_CERTS": "/root/bundle.pem"} if bundle else {}))
    shutil.rmtree(root + away)
    if bundle:
        os.chmod(root + "/root", 0o700)
        os.unlink(root + "/root/bundle.pem")
    with open(f"{root}/home/{USER}/.npmrc", "w", encoding="utf-8") as file:
        file.write("prefer-offline=true\n")


def prepare_base(root):
    bootstrap(root)
    install(root)
    settle(root)


def bootstrap(root):
    run(["debootstrap", "--variant=minbase", f"--include={INCLUDE}", SUITE, root, MIRROR], timeout=1500)
    with open(root + "/etc/apt/sources.list", "w", encoding="utf-8") as file:
        file.write(f"deb {MIRROR} {SUITE} main\ndeb {MIRROR} {SUITE}-updates main\n"
                   f"deb {MIRROR}-security {SUITE}-security main\n")


def install(root):
    """The packages that `make install` would fetch."""
    resolver = root + "/etc/resolv.conf"
    if os.path.lexists(resolver):
        os.unlink(resolver)
    shutil.copy("/etc/resolv.conf", resolver)
    shutil.copy(TOP + "/packaging/deps.sh", root + "/root/deps.sh")
    in_root(root, "/root/deps.sh", "run")
    if not os.path.isdir(f"{root}/home/{USER}"):
        in_root(root, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    fetch_npm_packages(root)
    os.unlink(resolver)
    os.unlink(root + "/root/deps.sh")
    shutil.rmtree(root + "/var/cache/apt/archives", ignore_errors=True)


def settle(root):
    with open(f"{root}/etc/sudoers.d/{USER}", "w", encoding="utf-8") as file:
        file.write(f"{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n")
    for unit in NOT_HERE:
        os.symlink("/dev/null", f"{root}/etc/systemd/system/{unit}")


def base():
    """The root with the packages, made once for each list of them."""
    with open(TOP + "/packaging/deps.sh", encoding="utf-8") as file:
        packages = re.sub(r"^test='.*?'", "", file.read(), flags=re.M | re.S)
    if os.path.exists(TOP + "/console/package-lock.json"):
        with open(TOP + "/console/package-lock.json", encoding="utf-8") as file:
            packages += file.read()
    digest = hashlib.sha256((packages + INCLUDE + " ".join(NOT_HERE)).encode()).hexdigest()[:12]
    root = f"{CACHE}/base-{digest}"
    if not os.path.isdir(root):
        shutil.rmtree(CACHE, ignore_errors=True)
        os.makedirs(CACHE, mode=0o700)
        prepare_base(root + ".new")
        os.rename(root + ".new", root)
    return root


# As process 1 of its namespaces: the root over its own changes, what a container manager mounts, and systemd.
INIT = r"""
set -eu
base=$1 changes=$2 name=$3
mkdir -p "$changes/upper" "$changes/work" "$changes/root"
root=$changes/root
mount -t overlay overlay -o "lowerdir=$base,upperdir=$changes/upper,workdir=$changes/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t bpf bpf "$root/sys/fs/bpf" -o mode=700
mount -t tmpfs tmpfs "$root/dev" -o mode=755
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
mknod -m 600 "$root/dev/net/tun" c 10 200
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666,mode=620,gid=5
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs tmpfs "$root/run" -o mode=755
hostname "$name"
cd "$root"
mkdir -p run/old
pivot_root . run/old
umount -l /run/old
exec env -i container=rnaut-hosts /lib/systemd/systemd --log-target=journal --show-status=no </dev/null >/dev/null 2>&1
"""


def hierarchies():
    """Where control groups are mounted here: one place, or one for each controller."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        return [words[1] for words in map(str.split, file) if words[2] in ("cgroup", "cgroup2")]


class Groups:
    """Control groups of one machine, so that its systemd sees and ends its own processes only."""

    def __init__(self, name):
        self.paths = [f"{mount}/rnaut-hosts-{name}" for mount in hierarchies()]

    def enter(self):
        for path in self.paths:
            try:
                os.makedirs(path, exist_ok=True)
                with open(path + "/cgroup.procs", "w", encoding="utf-8") as file:
                    file.write(str(os.getpid()))
            except OSError:  # a controller that wants more settings: systemd does without
                pass

    def remove(self):
        for path in self.paths:
            for directory, _, _ in os.walk(path, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass


class Machine:
    def __init__(self, name, directory, root):
        self.name, self.directory, self.root, self.holder, self.pid = name, f"{directory}/{name}", root, None, 0
        self.upper, self.groups = self.directory + "/upper", Groups(name)

    def boot(self):
        os.makedirs(self.upper + "/etc", exist_ok=True)
        for path, text in (("/etc/hostname", f"{self.name}\n"), ("/etc/hosts", f"127.0.0.1 localhost {self.name}\n")):
            with open(self.upper + path, "w", encoding="utf-8") as file:
                file.write(text)
        shutil.rmtree(self.directory + "/work", ignore_errors=True)
        self.log = open(f"{self.directory}/console.log", "ab")
        argv = ["unshare", "-mpniu", "--cgroup", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", INIT,
                "sh", self.root, self.directory, self.name]
        self.holder = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                       start_new_session=True, preexec_fn=self.groups.enter)
        wait_for(f"{self.name}'s systemd", self._is_systemd, 10)

    def _child(self):
        if self.holder.poll() is not None:
            with open(f"{self.directory}/console.log", encoding="utf-8") as log:
                raise MachineError(f"{self.name} did not start: {log.read()[-1000:]}")
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children", encoding="utf-8") as file:
            words = file.read().split()
        self.pid = int(words[0]) if words else 0
        return self.pid

    def _is_systemd(self):
        """Before that the process still has this machine's root."""
        return self._child() and os.path.basename(os.readlink(f"/proc/{self.pid}/exe")) == "systemd"

    def ready(self, seconds=90):
        """Waits until systemd has started everything; what failed is the caller's to ask."""
        def running():
            return self.sh("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded")
        wait_for(f"{self.name} to be up", running, seconds)

    def argv(self, command, user="root"):
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd"]
        if user == "root":
            return enter + ["sh", "-c", command]
        return enter + ["runuser", "--login", user, "-c", command]

    def sh(self, command, user="root", check=True, timeout=120, **options):
        return run(self.argv(command, user), check=check, timeout=timeout, env=ENVIRONMENT, **options)

    def halt(self):
        """Ends process 1, as a power cut would; what was written stays."""
        if self.holder is None:
            return
        if self.holder.poll() is None:
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
            self.holder.wait(30)
        self.holder, self.pid = None, 0
        self.log.close()
        self.groups.remove()


def join(first, second, network):
    """One cable between them: eth0 at both ends, with the addresses .1 and .2 of the network."""
    run(["ip", "link", "add", "eth0", "netns", str(first.pid), "type", "veth", "peer", "name", "eth0", "netns",
         str(second.pid)])
    for machine, host in ((first, 1), (second, 2)):
        machine.sh(f"ip link set lo up; ip addr add {network}.{host}/24 dev eth0; ip link set eth0 up")


if __name__ == "__main__":
    print(base())
    sys.exit(0)
