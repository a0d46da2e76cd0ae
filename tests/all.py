#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything `make test` runs: all.py [STEP ...]. Ends with "N passed, N failed" over all.

One step after the other, but the virtual machine, which waits more than it computes, beside all that follows the builds.
"""
import glob
import os
import pwd
import re
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = TOP + "/build/test"
TALLY = re.compile(r"^(\d+) passed, (\d+) failed")
PYTHON = [sys.executable, "-B"]


def caller():
    """Who called sudo, where the tree is theirs: the build runs as them."""
    uid = int(os.environ.get("SUDO_UID", "0"))
    return pwd.getpwuid(uid).pw_name if os.geteuid() == 0 and uid and os.stat(TOP).st_uid == uid else None


def as_caller(argv):
    name = caller()
    return ["runuser", "-u", name, "--", "env", "-u", "HOME"] + argv if name else argv


def make(*words):
    return as_caller(["make", "--no-print-directory", f"-j{os.cpu_count() or 2}", *words])


PRINTING = threading.Lock()
RUNNING = set()  # process groups, to be ended where we are


def say(text):
    with PRINTING:
        print(text, flush=True)


class Step:
    """A command with a time limit. cmocka: its output is that of unit tests, not a tally line."""

    def __init__(self, name, argv, seconds, cmocka=False, env=None):
        self.name, self.argv, self.seconds, self.cmocka, self.env = name, argv, seconds, cmocka, env or {}
        self.passed = self.failed = 0

    def run(self):
        began = time.monotonic()
        say(f"== {self.name}")
        path = f"{LOGS}/{self.name.replace(' ', '-').replace('/', '-')}.log"
        with open(path, "w", encoding="utf-8") as log:
            status = self.pump(log)
        with open(path, encoding="utf-8", errors="replace") as log:
            told = self.count(log.read(), status)
        say(f"{told}\n== {self.name}: {self.passed} passed, {self.failed} failed, {time.monotonic() - began:.0f} s")
        return self.failed == 0

    def pump(self, log):
        try:
            process = subprocess.Popen(self.argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env=dict(os.environ, **self.env), start_new_session=True)
        except OSError as error:
            log.write(f"{error}\n")
            return 127
        RUNNING.add(process.pid)
        try:
            return process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 15)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
            log.write(f"ended after {self.seconds} s\n")
            return 124
        finally:
            if process.returncode is not None:
                RUNNING.discard(process.pid)

    def count(self, text, status):
        """Counts; what is to be told of the step: its cases, or what failed."""
        if self.cmocka:
            self.passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", text, re.M)))
            self.failed = sum(map(int, re.findall(r"^\[  FAILED  \] .*?(\d+) test\(s\)", text, re.M)))
        else:
            tallies = [match for match in map(TALLY.match, text.splitlines()) if match]
            if tallies:
                self.passed, self.failed = int(tallies[-1][1]), int(tallies[-1][2])
            else:
                self.passed = int(status == 0)
        if status != 0 and not self.failed:
            self.failed = 1
        if self.failed:
            lines = text.splitlines()
            bad = [line for line in lines if re.search(r"FAILED|ERROR:|error:|Assertion", line)][:40]
            return "\n".join(bad + ["  ..."] + lines[-25:])
        return "\n".join(line for line in text.splitlines() if line.startswith(("ok ", "skipped "))) or "ok"


SANITIZED = TOP + "/build/asan"


def unit_steps():
    env = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    for path in sorted(glob.glob(TOP + "/tests/unit/test_*.c")):
        name = os.path.basename(path)[:-2]
        yield Step("unit " + name, [f"{SANITIZED}/tests/{name}"], 600, cmocka=True, env=env)


def kernel_steps():
    for path in sorted(glob.glob(TOP + "/tests/bpf/test_*.c")):
        name = os.path.basename(path)[:-2]
        yield Step("bpf " + name, [f"{SANITIZED}/tests/bpf/{name}"], 900, cmocka=True)
    yield Step("kern", [SANITIZED + "/tests/kern/test_kern"], 300, env={"RNAUTD": SANITIZED + "/rnautd"})


def builds():
    yield Step("build", make("all", "attacker"), 1200)
    yield Step("lint", make("lint"), 1200)
    yield Step("console", make("console-test"), 300)
    yield Step("build with sanitizers", make("SAN=1", "all", "test-programs"), 1800)


def runs():
    yield from unit_steps()
    yield from kernel_steps()
    yield Step("sim", make("sim", "SEEDS=1000"), 1800)
    yield Step("sim large", make("sim", "SEED=5", "SIZE=--hubs 50 --devices 1000 --steps 40"), 1800)
    yield Step("flat", make("flat"), 900)
    yield Step("build fuzzers", make("FUZZ=1", "fuzz-programs"), 1200)
    yield Step("fuzz", PYTHON + ["tests/fuzz/run.py", "--seconds", "10"], 1800)
    yield Step("mutations", PYTHON + ["tests/mutate/mutate.py", "--seed", "3", "--count", "24", "--least", "80"], 1200)
    yield Step("api", PYTHON + ["tests/api/check_openapi.py", "--own"], 600, env={"RN_BINARIES": SANITIZED})
    yield Step("namespaces", PYTHON + ["tests/netns/run.py"], 2400, env={"RN_BINARIES": SANITIZED})
    yield Step("browser", PYTHON + ["tests/browser/run.py"], 1200)
    yield Step("hosts", PYTHON + ["tests/hosts/run.py"], 1800)


def machine():
    yield Step("vm", PYTHON + ["vmtest/vm.py", "--timeout", "4290", "python3", "-B", "tests/netns/run.py"], 4340)


def give_to_caller():
    """What root made in build/ belongs to who called sudo."""
    if caller():
        subprocess.run(["chown", "-R", f"{os.environ['SUDO_UID']}:{os.environ.get('SUDO_GID', '')}", "build"], cwd=TOP,
                       check=False)


def one_by_one(some):
    """False where a build failed: what comes after it would say nothing."""
    return all(step.run() or not step.name.startswith("build") for step in some)


def main(wanted):
    if os.geteuid() != 0:
        print("The tests need root: sudo make test\n0 passed, 1 failed")
        return 1
    os.makedirs(LOGS, exist_ok=True)
    give_to_caller()
    first, second, beside = ([s for s in part() if not wanted or any(word in s.name for word in wanted)]
                             for part in (builds, runs, machine))
    if one_by_one(first):
        thread = threading.Thread(target=one_by_one, args=(beside,), daemon=True)
        thread.start()
        one_by_one(second)
        thread.join()
    give_to_caller()
    done = first + second + beside
    for step in done:
        if step.failed:
            print(f"failed: {step.name}, see build/test")
    failed = sum(s.failed for s in done)
    print(f"{sum(s.passed for s in done)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        for group in RUNNING.copy():
            os.killpg(group, 15)
