#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mechanical mutations of the datapath, the policy and the protocol: mutate.py [--count N] [--seed N] [--only WORD] ...

Each mutant is one small change of one file, drawn by the seed, built in a copy of the tree and given to the tests that
cover the file; a test that fails kills it. One that survives must stand in survivors.txt with a reason. Root (BPF).
Ends with "N passed, N failed": passed are those killed or listed, failed those that survived unlisted."""
import argparse
import glob
import os
import random
import re
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
FLIPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}

# What covers what, quick ones first. bpf/ is run in the kernel, with fewer random policies than the whole test has.
BPF = ["bpf/test_parse", "bpf/test_events", "bpf/test_flow", "bpf/test_overlay", "bpf/test_verdicts"]
SESSIONS = ["test_session", "test_session_restart", "test_session_lossy", "test_session_strangers"]
COVERED = {
    "bpf/": BPF,
    "agent/domain/policy_parse.c": ["test_policy_parse", "test_policy_compile"],
    "agent/domain/policy_criteria.c": ["test_policy_parse", "test_policy_compile"],
    "agent/domain/policy_starter.c": ["test_policy_parse", "test_policy_compile"],
    "agent/domain/policy_compile.c": ["test_policy_compile", "test_policy_parse", "bpf/test_verdicts"],
    "agent/domain/policy_tables.c": ["test_policy_tables", "test_policy_compile", "bpf/test_verdicts"],
    "agent/domain/policy_explain.c": ["test_policy_explain", "test_policy_compile"],
    "agent/proto/noise.c": ["test_noise", "test_session"],
    "agent/proto/cookie.c": ["test_cookie", *SESSIONS],
    "agent/proto/source_limit.c": ["test_cookie", *SESSIONS],
    "agent/proto/replay.c": ["test_cookie", *SESSIONS],
    "agent/proto/hello.c": ["test_message", "test_gatekeeper"],
    "agent/proto/message.c": ["test_message"],
    "agent/proto/local.c": ["test_local_codec"],
    "agent/proto/web.c": ["test_web_codec"],
    "agent/proto/web_head.c": ["test_web_head"],
    "agent/proto/web_target.c": ["test_web_head"],
    "agent/proto/fields.c": ["test_message", "test_local_codec", "test_web_codec"],
    "agent/proto/": SESSIONS,
}
ENVIRONMENT = dict(os.environ, RN_EPISODES="150")


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
    for pattern in ("bpf/*.h", "bpf/*.bpf.c", "agent/domain/policy_*.c", "agent/proto/*.c"):
        paths += sorted(os.path.relpath(path, TOP) for path in glob.glob(f"{TOP}/{pattern}"))
    return [path for path in paths if not words or any(word in path for word in words)]


def tests_of(path):
    return COVERED.get(path) or next(tests for prefix, tests in COVERED.items() if path.startswith(prefix))


class Copy:
    """A copy of the tree with a build of its own."""

    def __init__(self, directory):
        self.directory = directory
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP, check=True,
                                stdout=subprocess.PIPE).stdout.decode().split("\0")
        for path in filter(None, listed):
            if path.startswith(("tests/fuzz/corpus", "console/")) or not os.path.exists(f"{TOP}/{path}"):
                continue
            target = f"{directory}/{path}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if not os.path.exists(target) or open(target, "rb").read() != open(f"{TOP}/{path}", "rb").read():
                shutil.copy(f"{TOP}/{path}", target)

    def make(self, tests, seconds=900):
        """0 where everything builds; -Werror would kill mutants that no test does."""
        argv = ["nice", "-n19", "make", "-s", "-j2", "WARN=-w", "CFLAGS=-std=gnu11 -O1 -fPIE -fno-strict-aliasing "
                "-ftrivial-auto-var-init=zero"] + [f"build/out/tests/{test}" for test in tests]
        return self.run(argv, seconds)

    def run(self, argv, seconds):
        try:
            done = subprocess.run(argv, cwd=self.directory, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
                                  env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired:
            return 124
        return done.returncode

    def judge(self, mutant, seconds):
        """"killed by ...", "survived" or "does not build"."""
        path = f"{self.directory}/{mutant.path}"
        with open(path, encoding="utf-8") as file:
            source = file.read()
        tests = tests_of(mutant.path)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(source[:mutant.start] + mutant.text + source[mutant.end:])
            if self.make(tests[:1]) != 0:
                return "does not build"
            for test in tests:
                if self.make([test]) != 0:
                    return "does not build"
                status = self.run(["nice", "-n19", f"build/out/tests/{test}"], seconds[test])
                if status != 0:
                    return f"killed by {test}" + (" (endless)" if status == 124 else "")
            return "survived"
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(source)


def listed_survivors():
    """key -> reason."""
    found = {}
    if os.path.exists(LISTED):
        with open(LISTED, encoding="utf-8") as file:
            lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
        for key, reason in zip(lines[::2], lines[1::2]):
            found[key] = reason.strip()
    return found


def unchanged(copy, chosen):
    """Builds and runs what will be needed, without a mutation: how long each test may take; None where one fails."""
    seconds = {}
    for test in dict.fromkeys(test for mutant in chosen for test in tests_of(mutant.path)):
        if copy.make([test]) != 0:
            print(f"{test} does not build")
            return None
        began = time.monotonic()
        if copy.run([f"build/out/tests/{test}"], 600) != 0:
            print(f"{test} fails without a mutation")
            return None
        seconds[test] = 15 + 10 * (time.monotonic() - began)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--only", action="append", help="a word of the files' paths")
    parser.add_argument("--again", action="store_true", help="the listed survivors instead of drawn ones")
    parser.add_argument("--least", type=int, help="percent that must be killed; survivors are then told and do not fail")
    parser.add_argument("--directory", default=TOP + "/build/mutate")
    given = parser.parse_args()
    everything = [mutant for path in files(given.only) for mutant in mutants(path)]
    listed = listed_survivors()
    if given.again:
        chosen = [mutant for mutant in everything if mutant.key() in listed]
    else:
        chosen = random.Random(given.seed).sample(everything, min(given.count, len(everything)))
    print(f"seed {given.seed}: {len(chosen)} of {len(everything)} mutants", flush=True)
    chosen.sort(key=lambda mutant: mutant.path)
    copy = Copy(given.directory)
    seconds = unchanged(copy, chosen)
    if seconds is None:
        print("0 passed, 1 failed")
        return 1
    outcomes = {"killed": 0, "listed": 0, "does not build": 0, "survived": 0}
    for mutant in chosen:
        outcome = copy.judge(mutant, seconds)
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
