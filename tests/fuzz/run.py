#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Replays every corpus and then fuzzes each target: run.py [--seconds N] [--merge] [WORD ...]. Ends with "N passed, N failed".

--merge takes what is new in build/fuzz/found into the committed corpora, each reduced to what adds coverage."""
import argparse
import base64
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS, CORPUS = TOP + "/build/fuzz/tests/fuzz", TOP + "/tests/fuzz/corpus"
FOUND, CRASHES = TOP + "/build/fuzz/found", TOP + "/build/fuzz/crashes"
DICTIONARIES = {"policy": "policy", "policy_after": "policy", "json": "json", "conf": "json", "self": "json",
                "wg_conf": "json", "flow_line": "json", "door": "json", "import": "json", "firewall": "nft",
                "uapi": "uapi", "web_head": "http", "web_target": "http"}
# What one input leaves behind the next finds: the leak checker would stop at each, so it looks once, at the end.
STATEFUL = ("ca", "core", "door", "store")
LONGEST = {"local": 2048, "core": 4096, "door": 2048, "session": 1024, "datagram": 2600}
SEED = os.environ.get("SEED", "1")  # the same draws each time, as far as the time goes; 0: others each time
ENV = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:handle_abort=1:quarantine_size_mb=64",
           UBSAN_OPTIONS="print_stacktrace=1")


def targets(words):
    names = sorted(os.path.basename(path)[len("fuzz_"):-len(".c")] for path in glob.glob(TOP + "/tests/fuzz/fuzz_*.c"))
    return [name for name in names if not words or any(word in name for word in words)]


def options(name):
    chosen = ["-timeout=90", "-rss_limit_mb=1500", f"-max_len={LONGEST.get(name, 4096)}", "-print_final_stats=1",
              f"-seed={SEED}", f"-artifact_prefix={CRASHES}/{name}-"]
    if name in STATEFUL:
        chosen.append("-detect_leaks=0")
    if name in DICTIONARIES:
        chosen.append(f"-dict={TOP}/tests/fuzz/dict/{DICTIONARIES[name]}.dict")
    return chosen


def run(argv, seconds):
    try:
        done = subprocess.run(argv, cwd=TOP, env=ENV, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace", text=True)
    except subprocess.TimeoutExpired as error:
        return 124, (error.stdout or b"").decode(errors="replace") + f"\nended after {seconds} s"
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout


def one(name, seconds):
    """The corpus, then new inputs: what failed, or None, and a line about it."""
    program, corpus, found = f"{PROGRAMS}/fuzz_{name}", f"{CORPUS}/{name}", f"{FOUND}/{name}"
    os.makedirs(found, exist_ok=True)
    kept = [corpus] if os.path.isdir(corpus) else []
    inputs = len(os.listdir(corpus)) if kept else 0
    if inputs:
        status, text = run([program, *options(name), "-runs=0", *kept], 400)
        if status != 0:
            return text, f"{name}: an input of the corpus fails"
    if not seconds:
        return None, f"{name}: {inputs} inputs"
    status, text = run(["nice", program, *options(name), f"-max_total_time={seconds}", found, *kept], seconds + 240)
    if status != 0:
        return text, f"{name}: a new input fails; see build/fuzz/crashes"
    runs = re.search(r"number_of_executed_units: (\d+)", text)
    edges = re.findall(r"cov: (\d+)", text)
    return None, f"{name}: {inputs} inputs, {int(runs.group(1)) if runs else 0:,} runs, {edges[-1] if edges else 0} edges"


def told(text):
    """The few lines of a failed run that say what it was and where, and the input itself: build/ may be out of reach."""
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if re.search(r"does not hold|ERROR: |runtime error|ended after|SUMMARY", line)][:3]
    frames = [line for line in lines if re.match(r"#\d+ .* in (?!fuzz_fail|_assert|_fail)", line) and TOP in line
              and f"{PROGRAMS}/" not in line][:4]
    written = re.search(r"Test unit written to (\S+)", text)
    if written and os.path.exists(written.group(1)):
        with open(written.group(1), "rb") as file:
            frames.append("input, base64: " + base64.b64encode(file.read()).decode())
    return said + frames or lines[-3:]


def merge(name):
    """Into one small corpus: libFuzzer keeps the shortest inputs that reach everything."""
    program, corpus, found = f"{PROGRAMS}/fuzz_{name}", f"{CORPUS}/{name}", f"{FOUND}/{name}"
    os.makedirs(found, exist_ok=True)
    sources = [path for path in (corpus, found) if os.path.isdir(path)]
    with tempfile.TemporaryDirectory(dir=TOP + "/build/fuzz") as fresh:
        status, text = run([program, *options(name), "-merge=1", fresh, *sources], 600)
        if status != 0:
            return text, f"{name}: cannot be merged"
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.copytree(fresh, corpus)
    os.chmod(corpus, 0o755)
    size = sum(entry.stat().st_size for entry in os.scandir(corpus))
    return None, f"{name}: {len(os.listdir(corpus))} inputs, {size} bytes"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    os.makedirs(CRASHES, exist_ok=True)
    passed = failed = 0
    failures = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        work = [pool.submit(merge, name) if given.merge else pool.submit(one, name, given.seconds)
                for name in targets(given.words)]
        for done in work:
            problem, line = done.result()
            failed += problem is not None
            passed += problem is None
            if problem is not None:
                print("\n".join("    " + text for text in problem.splitlines()[-60:]))
                failures += [line] + ["  " + text for text in told(problem)]
            print(("FAILED " if problem is not None else "ok ") + line, flush=True)
    print("".join(f"FAILED {text}\n" for text in failures), end="")  # together at the end, where a log's tail shows them
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
