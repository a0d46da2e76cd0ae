#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the sources by the rules of docs/architecture.md: include directions, foreign headers, calls, sizes."""
import os
import re
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What a layer may include, besides itself. Siblings never include each other.
BELOW = {
    "base": [], "domain": ["base"], "proto": ["base"], "sys": ["base"],
    "service": ["base", "domain", "proto", "sys"],
    "role": ["base", "domain", "proto", "sys", "service", "api"],
    "api": ["base", "domain", "proto", "sys", "service"],
    "cli": ["base", "domain", "proto", "sys", "service"],
}
MAIN = {"agent/rnautd.c": ["base", "role", "sys"], "agent/rnaut.c": ["base", "cli", "sys"]}
# Single headers that a layer may see although the table says no: decided in the architecture, named one by one.
ALSO = {
    ("sys", "proto/local.h"): "frames these messages", ("sys", "domain/record.h"): "records and kinds in self.json",
    ("proto", "domain/record.h"): "kinds and records in messages",
}
# A foreign library is spoken to in these files and nowhere else.
FOREIGN = {
    r"sodium\.h": ["agent/base/crypto.c"], r"c[jJ][sS][oO][nN]/|cJSON\.h": ["agent/base/json.c"],
    r"uv\.h": ["agent/sys/loop.c"], r"bpf/(libbpf|bpf|btf)\.h": ["agent/sys/datapath.c", "agent/sys/datapath_filter.c",
                                                             "agent/sys/datapath_mesh.c", "agent/sys/pin.c",
                                                             "agent/sys/steering.c"],
    r"netlink/|libnl": ["agent/sys/netlink.c", "agent/sys/wireguard_kernel.c"],
    r"gnutls/": ["agent/sys/x509.c", "agent/sys/x509_console.c", "agent/sys/http_tls.c"],
    r"sqlite3\.h": ["agent/sys/store_run.h"],
    r"microhttpd\.h": ["agent/sys/http_internal.h"], r"seccomp\.h": ["agent/sys/sandbox.c"],
    r"cap-ng\.h": ["agent/sys/sandbox.c"], r"curl/": ["agent/sys/http_client.c"], r"qrencode\.h": ["agent/sys/qr.c"],
    r"yaml\.h": ["agent/sys/yaml.c"],
}
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|strncat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|system|popen|"
                    r"alloca|tmpnam|mktemp|rand|srand|asctime|ctime)\s*\(")
EXIT = re.compile(r"(?<![\w.>])exit\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
COLUMNS, FUNCTION_LINES, FILE_LINES = 132, 70, 600


def sources():
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=TOP,
                            text=True, check=True, stdout=subprocess.PIPE).stdout
    return [p for p in listed.splitlines() if os.path.isfile(os.path.join(TOP, p))]


def blank_comments(text):
    """The text with comments and strings blanked, every line in its place."""
    def blank(found):
        item = found.group(0)
        return re.sub(r"[^\n]", " ", item) if item.startswith("/") else '""'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def includes(text):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', text, flags=re.M)


def check_includes(path, text):
    parts = path.split("/")
    layer = parts[1] if len(parts) > 2 and parts[0] == "agent" else None
    allowed = MAIN.get(path) or (BELOW.get(layer, []) + [layer] if layer else None)
    for name in includes(text):
        first = name.split("/")[0]
        if allowed is not None and first in BELOW and first not in allowed and (layer, name) not in ALSO:
            yield f"{path}: {layer or 'main'} may not include {name}"
        if layer == "service" and first == "service" and sibling(path, name):
            yield f"{path}: services do not include each other: {name}"
        if parts[0] == "agent":
            for pattern, homes in FOREIGN.items():
                if re.match(pattern, name) and path not in homes:
                    yield f"{path}: {name} belongs to {' and '.join(homes)}"
        if path.startswith("bpf/") and first in BELOW:
            yield f"{path}: bpf may not include {name}"


def sibling(path, name):
    """Is name the header of another service than path's? One service's files share the first word of their names."""
    def noun(file):
        return re.split(r"[._]", os.path.basename(file))[0]
    return noun(path) != noun(name)


def check_calls(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = BANNED.search(line)
        if found:
            yield f"{path}:{number}: {found.group(1)} is not used here"
        if EXIT.search(line) and path not in MAIN and path.startswith("agent/"):
            yield f"{path}:{number}: exit belongs to the main files"


def functions(text):
    """(first line, lines) of every function, by the braces in the first column."""
    begin = None
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            yield begin, number - begin - 1
            begin = None


def check_text(path, text):
    lines = text.split("\n")
    if "SPDX-License-Identifier:" not in "\n".join(lines[:2]):
        yield f"{path}: no SPDX line at its beginning"
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > COLUMNS:
            yield f"{path}:{number}: {len(line.expandtabs(8))} columns"
        if UNFINISHED.search(line) and not path.endswith("layers.py"):
            yield f"{path}:{number}: unfinished"


def main():
    problems, lengths, checks = [], [], 0
    for path in sources():
        if not re.search(r"\.(c|h|def|py|sh)$|^Makefile$", path):
            continue
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            text = file.read()
        checks += 1
        problems += check_text(path, text)
        if not re.search(r"\.(c|h|def)$", path):
            continue
        plain = blank_comments(text)
        problems += check_includes(path, text)
        if not path.startswith("tests/"):
            problems += check_calls(path, plain)
        if path.startswith("agent/") or path.startswith("bpf/"):
            if text.count("\n") > FILE_LINES:
                problems.append(f"{path}: {text.count(chr(10))} lines")
            for number, length in functions(plain):
                lengths.append(length)
                if length > FUNCTION_LINES:
                    problems.append(f"{path}:{number}: a function of {length} lines")
    for problem in problems:
        print(problem)
    if lengths:
        lengths.sort()
        print(f"functions: {len(lengths)}, lines: median {statistics.median(lengths):g}, "
              f"90 % {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")
    bad = len({p.split(":")[0] for p in problems})
    print(f"{checks - bad} passed, {bad} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
