#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a stock Debian kernel in QEMU, with this machine's files: vm.py [--timeout S] COMMAND ...

The kernel package is unpacked, never installed. A small initramfs mounts the host's / read-only over 9p, lays a tmpfs
over it and runs the command there as root in the directory where vm.py was started. Its output comes over the serial
line; its exit status becomes ours (124: it took too long, 125: the machine did not start or fell).
"""
import argparse
import glob
import os
import re
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(TOP, "build", "vm")
# What the tests need of the kernel. Nothing is loaded on demand: bare Debian has no modprobe.
MODULES = """crc32c_generic virtio_pci 9pnet_virtio 9p overlay wireguard veth bridge tun sch_ingress sch_fq_codel cls_bpf
    act_bpf act_gact act_mirred cls_u32 nf_tables nf_conntrack nf_conntrack_netlink nft_ct nft_counter nft_chain_nat
    nft_masq ip6_udp_tunnel udp_tunnel af_packet dummy unix_diag""".split()
EXIT_MARK = "vmtest: the command ended with "


def fetch_kernel(package):
    """The directory with the unpacked kernel package, downloaded where it is not there yet."""
    if not package:
        listing = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        found = re.search(r"Depends: (linux-image-6\.1\.\S+)", listing)
        if not found:
            sys.exit("vmtest: apt knows no kernel; run apt-get update.")
        package = found.group(1)
    kernel = os.path.join(HERE, package)
    if not glob.glob(kernel + "/boot/vmlinuz-*"):
        print(f"  VM     downloading {package}", flush=True)
        os.makedirs(HERE, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", package], cwd=HERE, check=True, stdin=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        archive = glob.glob(f"{HERE}/{package}_*.deb")[0]
        shutil.rmtree(kernel, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-x", archive, kernel + ".new"], check=True)
        os.rename(kernel + ".new", kernel)
        os.unlink(archive)
    return kernel


def module_order(kernel):
    """Paths of MODULES and of what they depend on, in the order of loading."""
    paths = {os.path.basename(p)[:-3].replace("-", "_"): p
             for p in glob.glob(kernel + "/lib/modules/*/kernel/**/*.ko", recursive=True)}
    order = []

    def add(name):
        path = paths.get(name)
        if path is None or path in order:  # None: built in
            return
        with open(path, "rb") as file:
            found = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for need in found.group(1).decode().split(",") if found else []:
            if need:
                add(need.replace("-", "_"))
        order.append(path)

    for name in MODULES:
        add(name)
    return order


class Cpio:
    """A newc archive, which is what the kernel unpacks as its first file system."""

    def __init__(self):
        self.parts, self.inode = [], 1

    def add(self, name, mode, data=b"", device=(0, 0)):
        name_bytes = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name_bytes), 0]
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name_bytes
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]
        self.inode += 1

    def done(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


INIT = r"""#!/bin/busybox sh
PATH=/bin
export PATH
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
fail() { echo "vmtest: $*" >/dev/console; poweroff -f; }
while read -r module; do insmod "/modules/$module" || echo "vmtest: $module does not load"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /lower || fail no root file system
mount -t tmpfs -o size=1200m,mode=755 upper /upper
mkdir /upper/data /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work root /new || fail no overlay
mkdir -p /new/run /new/proc /new/sys /new/dev
mount -t tmpfs -o mode=755 run /new/run
mkdir -p /new/run/lock /new/run/vmtest
cp /command /new/run/vmtest/command
mount --move /proc /new/proc; mount --move /sys /new/sys; mount --move /dev /new/dev
exec switch_root /new /bin/sh /run/vmtest/command
"""

COMMAND = r"""export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
export RN_IN_VM=1 %(environment)s
ln -sfn /proc/self/fd /dev/fd; ln -sfn fd/0 /dev/stdin; ln -sfn fd/1 /dev/stdout; ln -sfn fd/2 /dev/stderr
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts; mount -t tmpfs shm /dev/shm
mount -t bpf bpf /sys/fs/bpf; mount -t debugfs debugfs /sys/kernel/debug
ip link set lo up
dmesg -n 1
cd %(directory)s
echo "vmtest: $(uname -sr) is up after $(cut -d' ' -f1 /proc/uptime) s"
%(command)s </dev/null
echo "%(mark)s$?"
sync
echo o >/proc/sysrq-trigger
while :; do :; done
"""


def make_initramfs(kernel, command, environment):
    archive = Cpio()
    for directory in "bin dev proc sys lower upper new modules".split():
        archive.add(directory, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("init", stat.S_IFREG | 0o755, INIT.encode())
    with open("/bin/busybox", "rb") as file:
        archive.add("bin/busybox", stat.S_IFREG | 0o755, file.read())
    order = module_order(kernel)
    for path in order:
        with open(path, "rb") as file:
            archive.add("modules/" + os.path.basename(path), stat.S_IFREG | 0o644, file.read())
    archive.add("modules/order", stat.S_IFREG | 0o644, "".join(os.path.basename(p) + "\n" for p in order).encode())
    text = COMMAND % {"directory": shlex.quote(os.getcwd()), "command": shlex.join(command), "mark": EXIT_MARK,
                      "environment": " ".join(shlex.quote(e) for e in environment)}
    archive.add("command", stat.S_IFREG | 0o755, text.encode())
    path = os.path.join(HERE, f"initramfs.{os.getpid()}")
    with open(path, "wb") as file:
        file.write(archive.done())
    return path


def boot(kernel, initramfs, timeout):
    """Boots, copies the serial line to standard output, returns the command's exit status, 124 or 125."""
    machine = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2G",
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
               "-kernel", glob.glob(kernel + "/boot/vmlinuz-*")[0], "-initrd", initramfs,
               "-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on no_timer_check",
               "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
               "-device", "virtio-9p-pci,fsdev=host,mount_tag=host"]
    process = subprocess.Popen(machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    deadline, line = time.monotonic() + timeout, b""
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                print(f"vmtest: ended after {timeout} s without a result", flush=True)
                return 124
            if not select.select([process.stdout], [], [], left)[0]:
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return 125
            *lines, line = (line + data.replace(b"\r", b"")).split(b"\n")
            for text in (item.decode(errors="replace") for item in lines):
                before, mark, number = text.partition(EXIT_MARK)
                if mark:
                    print(before, end="", flush=True)
                    return int(number)
                print(text, flush=True)
    finally:
        process.kill()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--timeout", type=int, default=1800, help="seconds until the machine is switched off")
    parser.add_argument("--package", help="kernel package, default: what linux-image-amd64 stands for")
    parser.add_argument("--env", action="append", default=[], help="NAME=VALUE for the command")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("say which command to run in the machine")
    kernel = fetch_kernel(arguments.package)
    initramfs = make_initramfs(kernel, arguments.command, arguments.env)
    try:
        return boot(kernel, initramfs, arguments.timeout)
    finally:
        os.unlink(initramfs)


if __name__ == "__main__":
    sys.exit(main())
