#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mechanical mutations of the datapath, the policy and the protocol: mutate.py [--count N] [--seed N] [--only WORD] ...

Each mutant is one small change of one file, drawn by the seed and given to the tests that cover the file, with the
sanitizers as CI runs them; a test that fails kills it. Nothing but the changed file is compiled: its object is linked
before the archives, a BPF object is what the tests load (swap.c). One that compiles to the same code is no change. One
that survives must stand in survivors.txt with a reason. Root (BPF). Ends with "N passed, N failed": passed are those
killed, listed or without effect, failed those that survived unlisted."""
import argparse
import functools
import glob
import hashlib
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LISTED = TOP + "/tests/mutate/survivors.txt"
TOKENS = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*) | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') |
    (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*) | (?P<number>\b(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*\b) |
    (?P<word>[A-Za-z_]\w*) | (?P<operator>->|<<=|>>=|<=|>=|==|!=|&&|\|\||<<|>>|\+\+|--|[-+*/%&|^]=|[<>]) |
    (?P<mark>[^\s\w])""", re.X | re.S | re.M)
MAPS = re.compile(r"__uint|RN_ARRAY|RN_PERCPU")  # a map is defined by types alone: no code shows its change
FLIPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}

# What covers what, likeliest to kill first. The random policies are fewer than the whole test has.
BPF = ["bpf/test_overlay", "bpf/test_times", "bpf/test_flow", "bpf/test_parse", "bpf/test_events", "bpf/test_verdicts"]
MESH = ["bpf/test_mesh_hostile", "bpf/test_mesh", "bpf/test_mesh_random", "bpf/test_mesh_pair"]
SESSIONS = ["test_session", "test_session_timing", "test_session_port", "test_session_restart", "test_session_strangers"]
COVERED = {
    "bpf/tc_port.bpf.c": ["bpf/test_steering"],
    "bpf/mesh.h": MESH,
    "bpf/tc_mesh.bpf.c": MESH,
    "bpf/parse.h": ["bpf/test_parse", "bpf/test_flow", "bpf/test_overlay", "bpf/test_verdicts"],
    "bpf/flow.h": ["bpf/test_flow", "bpf/test_overlay", "bpf/test_events", "bpf/test_verdicts"],
    "bpf/table.h": ["bpf/test_flow", "bpf/test_flow_race", "bpf/test_overlay", "bpf/test_verdicts"],
    "bpf/place.h": ["bpf/test_overlay", "bpf/test_verdicts", "bpf/test_mesh_attach"],
    "bpf/mss.h": ["bpf/test_mss", "bpf/test_verdicts"],
    "bpf/fragment.h": ["bpf/test_fragments", "bpf/test_parse", "bpf/test_verdicts"],
    "bpf/icmp_error.h": ["bpf/test_errors", "bpf/test_overlay"],
    "bpf/emit.h": ["bpf/test_events", "bpf/test_overlay", "bpf/test_verdicts"],
    "bpf/tc_overlay.bpf.c": [*BPF, "bpf/test_attach", "bpf/test_mesh_attach"],
    "bpf/": BPF,
    "agent/domain/policy_compile.c": ["test_policy_compile", "test_policy_agree", "test_policy_parse"],
    "agent/domain/policy_compile_": ["test_policy_compile", "test_policy_agree", "test_policy_parse"],
    "agent/domain/policy_known.c": ["test_policy_after"],
    "agent/domain/policy_fit.c": ["test_policy_fit", "test_policy_after"],
    "agent/domain/policy_selectors.c": ["test_policy_compile", "test_policy_agree"],
    "agent/domain/policy_tables.c": ["test_policy_tables", "test_policy_compile", "bpf/test_verdicts"],
    "agent/domain/policy_narrow.c": ["test_policy_narrow", "test_enforce_own"],
    "agent/service/enforce_own.c": ["test_enforce_own"],
    "agent/domain/policy_sides.c": ["test_policy_tables", "test_policy_compile", "bpf/test_verdicts"],
    "agent/domain/policy_meets.c": ["test_core_known", "test_core_resolve"],
    "agent/domain/policy_parts.c": ["test_policy_parts", "test_core_parts"],
    "agent/domain/policy_evaluate.c": ["test_policy_evaluate", "test_policy_agree", "test_policy_tables"],
    "agent/domain/policy_test.c": ["test_policy_tools", "test_policy_parse"],
    "agent/domain/policy_findings.c": ["test_policy_tools"],
    "agent/domain/policy_cover.c": ["test_policy_tools"],
    "agent/domain/policy_diff.c": ["test_policy_tools"],
    "agent/domain/policy_diff_rules.c": ["test_policy_tools"],
    "agent/domain/policy_diff_words.c": ["test_policy_tools"],
    "agent/domain/policy_after.c": ["test_policy_after"],
    "agent/domain/policy_cursor.c": ["test_policy_after"],
    "agent/domain/policy_share.c": ["test_policy_after", "test_policy_parse"],
    "agent/domain/policy_ids.c": ["test_policy_after", "test_policy_parse"],
    "agent/domain/policy_": ["test_policy_parse", "test_policy_compile", "test_policy_evaluate", "test_policy_agree"],
    "agent/domain/schedule.c": ["test_schedule", "test_policy_agree"],
    "agent/domain/record_policy.c": ["test_record", "test_policy_parts", "test_core_parts"],
    "agent/domain/record_part.c": ["test_record", "test_policy_parts", "test_core_parts"],
    "agent/base/": ["test_zones", "test_schedule"],
    "agent/proto/noise.c": ["test_noise", "test_session"],
    "agent/proto/cookie.c": ["test_cookie", *SESSIONS],
    "agent/proto/source_limit.c": ["test_cookie", *SESSIONS],
    "agent/proto/replay.c": ["test_replay", *SESSIONS],
    "agent/proto/knock.c": ["test_knock"],
    "agent/proto/handoff.c": ["test_handoff"],
    "agent/proto/hello.c": ["test_hello", "test_message", "test_gatekeeper"],
    "agent/proto/message.c": ["test_message"],
    "agent/proto/local.c": ["test_local_codec"],
    "agent/proto/web.c": ["test_web_codec"],
    "agent/proto/web_head.c": ["test_web_head"],
    "agent/proto/web_target.c": ["test_web_head"],
    "agent/proto/fields.c": ["test_message", "test_local_codec", "test_web_codec"],
    "agent/proto/rtt.c": ["test_rtt", "test_reliable"],
    "agent/proto/reliable.c": ["test_reliable", *SESSIONS],
    "agent/proto/": SESSIONS,
}
WORK = "build/mutate"
BUILT = "build/asan"
# Leaks: a mutant that forgets to free is one that a test under CI's sanitizers sees.
ENVIRONMENT = dict(os.environ, RN_EPISODES="150", ASAN_OPTIONS="detect_leaks=1:verify_asan_link_order=0",
                   UBSAN_OPTIONS="print_stacktrace=0")


class Mutant:
    """One change: data[start:end] of the file becomes `text`."""

    def __init__(self, path, source, start, end, text):
        self.path, self.start, self.end, self.text = path, start, end, text
        self.line = source.count("\n", 0, start) + 1
        begin, stop = source.rfind("\n", 0, start) + 1, source.find("\n", end)
        self.code = " ".join(source[begin:stop].split())
        self.column = start - begin + 1
        self.old = " ".join(source[start:end].split())

    def __str__(self):
        return f"{self.path}:{self.line}:{self.column}: {self.old} -> {self.text}"

    def key(self):
        """What it is known by in survivors.txt, which lines above it do not change."""
        return f"{self.path} | {self.code} | {self.old} -> {self.text}"


def closing(tokens, at):
    """Index of the parenthesis that ends what tokens[at] begins."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[i].group(), 0)
        if depth == 0:
            return i
    return None


def numbers(path, source, token):
    text = token.group()
    digits = text.rstrip("uUlL")
    value = int(digits, 16) if digits[:2] in ("0x", "0X") else int(digits, 8 if digits[0] == "0" and len(digits) > 1 else 10)
    for changed in {value + 1, value - 1} - {-1}:
        yield Mutant(path, source, token.start(), token.end(), str(changed) + text[len(digits):])


def returns(path, source, tokens, at):
    """The value of `return X;` where it is a word of known meaning."""
    if at + 2 >= len(tokens):
        return
    value, after = tokens[at + 1], tokens[at + 2]
    if value.group() == "-" and after.group().startswith("E"):
        yield Mutant(path, source, value.start(), after.end(), "0")
    elif after.group() == ";" and value.group() in ("true", "false"):
        yield Mutant(path, source, value.start(), value.end(), {"true": "false", "false": "true"}[value.group()])


def mutants(path):
    """Every mutant of a file, in order."""
    with open(f"{TOP}/{path}", encoding="utf-8") as file:
        source = file.read()
    tokens = [t for t in TOKENS.finditer(source) if t.lastgroup not in ("comment", "directive")]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.group() in ("_Static_assert", "enum", "__attribute__") and tokens[at + 1].group() in "({":
            while tokens[at].group() != ";":
                at += 1
        elif token.lastgroup == "operator" and token.group() in FLIPPED:
            yield Mutant(path, source, token.start(), token.end(), FLIPPED[token.group()])
        elif token.lastgroup == "number":
            yield from numbers(path, source, token)
        elif token.group() in ("if", "while") and (end := closing(tokens, at + 1)):
            condition = source[tokens[at + 1].end():tokens[end].start()]
            yield Mutant(path, source, tokens[at + 1].end(), tokens[end].start(), f"0 && ({' '.join(condition.split())})")
            if token.group() == "if":
                yield Mutant(path, source, tokens[at + 1].end(), tokens[end].start(), f"1 || ({' '.join(condition.split())})")
        elif token.group() == "return":
            yield from returns(path, source, tokens, at)
        at += 1


def files(words):
    paths = []
    for pattern in ("bpf/*.h", "bpf/*.bpf.c", "agent/domain/policy_*.c", "agent/domain/record_p*.c",
                    "agent/domain/schedule.c", "agent/base/zones.c", "agent/base/tz_rule.c", "agent/proto/*.c"):
        paths += sorted(os.path.relpath(path, TOP) for path in glob.glob(f"{TOP}/{pattern}"))
    return [path for path in paths if not words or any(word in path for word in words)]


def programs(path):
    """The BPF programs that a file of bpf/ is part of."""
    return [{"bpf/tc_port.bpf.c": "tc_port", "bpf/tc_mesh.bpf.c": "tc_mesh", "bpf/mesh.h": "tc_mesh"}.get(path, "tc_overlay")]


def tests_of(path):
    return COVERED.get(path) or next(tests for prefix, tests in COVERED.items() if path.startswith(prefix))


def quiet(argv, seconds=900, env=None):
    """The exit status; 124 where it took too long."""
    try:
        return subprocess.run(argv, cwd=TOP, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
                              env=dict(ENVIRONMENT, **(env or {})), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return 124


@functools.lru_cache(None)
def command(target, last):
    """How make builds a file: the words of the command that ends with, or names after -o, `last`."""
    lines = subprocess.run(["make", "-n", "-B", "SAN=1", target], cwd=TOP, check=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL).stdout.decode().splitlines()
    for part in (part.strip() for line in lines for part in line.split("&&")):
        words = shlex.split(part)
        if words[:1] in (["gcc"], ["clang"]) and "-o" in words and words[words.index("-o") + 1] == last:
            return words
    raise SystemExit(f"make does not say how it builds {target}")


def contents(path):
    with open(f"{TOP}/{path}", "rb") as file:
        return file.read()


class Bench:
    """Where mutants are built: beside the tree's own build with sanitizers, which is not touched."""

    def __init__(self):
        shutil.rmtree(f"{TOP}/{WORK}", ignore_errors=True)
        os.makedirs(f"{TOP}/{WORK}/bpf")
        self.originals = {}  # file -> its code without a change

    def prepare(self, tests):
        make = ["make", "-s", f"-j{os.cpu_count() or 2}", "SAN=1"]
        if quiet(make + [f"{BUILT}/tests/{test}" for test in tests], 1800) != 0:
            print("the tests do not build")
            return False
        swap = ["gcc", "-shared", "-fPIC", "-O1", "-o", f"{WORK}/swap.so", "tests/mutate/swap.c", "-ldl"]
        return quiet(swap) == 0

    def compile(self, path, source):
        """Writes the file's objects below WORK; False where it does not build."""
        if not path.startswith("bpf/"):
            with open(f"{TOP}/{WORK}/mutant.c", "w", encoding="utf-8") as file:
                file.write(source)
            words = [word for word in command(f"{BUILT}/{path[:-2]}.o", f"{BUILT}/{path[:-2]}.o")
                     if word not in ("-Werror", "-g", "-MMD", "-MP")]
            words[words.index("-o") + 1], words[-1] = f"{WORK}/mutant.o", f"{WORK}/mutant.c"
            return quiet(words + ["-w"]) == 0
        for old in glob.glob(f"{TOP}/{WORK}/*.bpf.o"):
            os.remove(old)
        for header in glob.glob(f"{TOP}/bpf/*.[ch]"):
            shutil.copy(header, f"{TOP}/{WORK}/bpf/")
        with open(f"{TOP}/{WORK}/{path}", "w", encoding="utf-8") as file:
            file.write(source)
        return all(self.compile_program(name, "-g", f"{WORK}/{name}.tmp") and quiet(
            ["bpftool", "gen", "object", f"{WORK}/{name}.bpf.o", f"{WORK}/{name}.tmp"]) == 0 for name in programs(path))

    def compile_program(self, name, debug, out):
        target = f"{BUILT}/bpf/{name}.bpf.o"
        words = [word for word in command(target, target + ".tmp") if word not in ("-Werror", "-g")]
        words = [f"-I{WORK}/bpf" if word == "-Ibpf" else word for word in words]
        words[words.index("-o") + 1], words[-1] = out, f"{WORK}/bpf/{name}.bpf.c"
        return quiet(words + ["-w"] + ([debug] if debug else [])) == 0

    def code(self, path):
        """What the compiler makes of the file, without what says where in the source it was. A map's definition is such."""
        if path.startswith("bpf/"):
            if not all(self.compile_program(name, "", f"{WORK}/{name}.plain") for name in programs(path)):
                return None
            return [contents(f"{WORK}/{name}.plain") for name in programs(path)]
        words = [word for word in command(f"{BUILT}/{path[:-2]}.o", f"{BUILT}/{path[:-2]}.o")
                 if word not in ("-Werror", "-g", "-MMD", "-MP") and not word.startswith(("-fsanitize", "-fno-sanitize"))]
        words[words.index("-o") + 1], words[-1] = f"{WORK}/plain.o", f"{WORK}/mutant.c"
        return [contents(f"{WORK}/plain.o")] if quiet(words + ["-w"]) == 0 else None

    def run(self, path, test, seconds):
        """The exit status of a test with what was compiled last in place of the file's own objects."""
        program = f"{BUILT}/tests/{test}"
        if path.startswith("bpf/"):
            return quiet([program], seconds, {"LD_PRELOAD": f"{TOP}/{WORK}/swap.so", "RN_SWAP": f"{TOP}/{WORK}"})
        words = list(command(program, program))
        words[words.index("-o") + 1] = f"{WORK}/test"
        own = f"{BUILT}/{path[:-2]}.o"
        words = [f"{WORK}/mutant.o" if word == own else word for word in words]
        if f"{WORK}/mutant.o" not in words:
            words.insert(words.index("-Wl,--start-group"), f"{WORK}/mutant.o")
        return quiet([f"{WORK}/test"], seconds) if quiet(words) == 0 else None

    def judge(self, mutant, seconds):
        """"killed by ...", "survived", "same code" or "does not build"."""
        with open(f"{TOP}/{mutant.path}", encoding="utf-8") as file:
            source = file.read()
        if mutant.path not in self.originals:
            self.compile(mutant.path, source)
            self.originals[mutant.path] = self.code(mutant.path)
        if not self.compile(mutant.path, source[:mutant.start] + mutant.text + source[mutant.end:]):
            return "does not build"
        if not MAPS.search(mutant.code) and self.code(mutant.path) == self.originals[mutant.path]:
            return "same code"
        for test in tests_of(mutant.path):
            status = self.run(mutant.path, test, seconds[test])
            if status is None:
                return "does not build"
            if status != 0:
                return f"killed by {test}" + (" (endless)" if status == 124 else "")
        return "survived"


def listed_survivors():
    """key -> reason."""
    found = {}
    if os.path.exists(LISTED):
        with open(LISTED, encoding="utf-8") as file:
            lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
        for key, reason in zip(lines[::2], lines[1::2]):
            found[key] = reason.strip()
    return found


def unchanged(bench, chosen):
    """Builds and runs what will be needed, without a mutation: how long each test may take; None where one fails."""
    seconds = {}
    tests = list(dict.fromkeys(test for mutant in chosen for test in tests_of(mutant.path)))
    if not bench.prepare(tests):
        return None
    for test in tests:
        began = time.monotonic()
        if quiet([f"{BUILT}/tests/{test}"], 600) != 0:
            print(f"{test} fails without a mutation")
            return None
        seconds[test] = 10 + 10 * (time.monotonic() - began)
    print(", ".join(f"{test} {(limit - 10) / 10:.1f} s" for test, limit in seconds.items()), flush=True)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--only", action="append", help="a word of the files' paths")
    parser.add_argument("--again", action="store_true", help="the listed survivors instead of drawn ones")
    parser.add_argument("--least", type=int, help="percent that must be killed; survivors are then told and do not fail")
    given = parser.parse_args()
    everything = [mutant for path in files(given.only) for mutant in mutants(path)]
    listed = listed_survivors()
    if given.again:
        chosen = [mutant for mutant in everything if mutant.key() in listed]
    else:
        # By what they are: code that comes or goes elsewhere does not draw others.
        draw = functools.cache(lambda mutant: hashlib.sha256(f"{given.seed} {mutant.key()}".encode()).digest())
        chosen = sorted(everything, key=draw)[:given.count]
    print(f"seed {given.seed}: {len(chosen)} of {len(everything)} mutants", flush=True)
    chosen.sort(key=lambda mutant: mutant.path)
    bench = Bench()
    seconds = unchanged(bench, chosen)
    if seconds is None:
        print("0 passed, 1 failed")
        return 1
    outcomes = {"killed": 0, "same code": 0, "listed": 0, "does not build": 0, "survived": 0}
    for mutant in chosen:
        outcome = bench.judge(mutant, seconds)
        known = mutant.key() in listed
        kind = "killed" if outcome.startswith("killed") else "listed" if known and outcome == "survived" else outcome
        outcomes[kind] += 1
        print(f"{outcome + (' (listed)' if kind == 'listed' else '')}: {mutant}", flush=True)
        if kind == "survived":
            print(f"    {mutant.key()}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in outcomes.items()))
    failed = outcomes["survived"]
    if given.least is not None:  # what a seed draws changes with the files: a sample judges the tests as a whole
        failed = int(100 * outcomes["killed"] < given.least * (outcomes["killed"] + outcomes["survived"]))
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
