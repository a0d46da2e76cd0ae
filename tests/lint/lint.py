#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything `make lint` runs: our own rules, clang-tidy and cppcheck. Ends with "N passed, N failed"."""
import concurrent.futures
import glob
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = "libnl-3.0 libnl-genl-3.0 libnl-route-3.0 gnutls libcjson libbpf".split()


def run(argv):
    done = subprocess.run(argv, cwd=TOP, text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def compile_flags():
    packages = subprocess.run(["pkg-config", "--cflags"] + PACKAGES, text=True, check=True, stdout=subprocess.PIPE)
    return ["-std=gnu11", "-Iagent", "-Iinclude", "-Ibuild/out", "-D_GNU_SOURCE", '-DRN_VERSION="lint"',
            *packages.stdout.split()]


def layers():
    return run([sys.executable, "-B", "tests/lint/layers.py"])


def tidy(paths):
    status, text = run(["clang-tidy", "--quiet", *paths, "--", *compile_flags()])
    kept = [line for line in text.splitlines() if "warnings generated" not in line and "warning generated" not in line]
    return status, "\n".join(kept) + "\n" if kept else ""


def cppcheck():
    return run(["cppcheck", "--quiet", "--std=c11", "--enable=warning,portability", "--inline-suppr", "-j2",
                "--error-exitcode=1", "--suppress=missingIncludeSystem", "--suppress=normalCheckLevelMaxBranches",
                "-Dnla_for_each_nested(a,b,c)=while(0)", "-Dnla_for_each_attr(a,b,c,d)=while(0)",
                "-Iagent", "-Iinclude", "-Ibuild/out", "-D_GNU_SOURCE", '-DRN_VERSION="lint"', "agent"])


def main():
    os.chdir(TOP)
    files = sorted(glob.glob("agent/**/*.c", recursive=True))
    jobs = [("layers", layers), ("cppcheck", cppcheck)]
    jobs += [("clang-tidy " + " ".join(part), lambda part=part: tidy(part)) for part in
             (files[i:i + 6] for i in range(0, len(files), 6))]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for (name, _), (status, text) in zip(jobs, pool.map(lambda job: job[1](), jobs)):
            failed += status != 0
            passed += status == 0
            if status != 0 or name == "layers":
                print(f"{'ok' if status == 0 else 'FAILED'}: {name}\n{text}", end="", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
