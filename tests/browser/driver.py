# SPDX-License-Identifier: Apache-2.0
"""A program for node that drives the browser and asks this process, a line of JSON each way, for what only the network can do."""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)) + "/lab")
from network import LabError  # noqa: E402


def install():
    """The packages of package-lock.json, unless they are there."""
    lock, done = HERE + "/package-lock.json", HERE + "/node_modules/.rnaut-lock"
    with open(lock, "rb") as file:
        wanted = file.read()
    if os.path.exists(done) and open(done, "rb").read() == wanted:
        return
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE, check=True,
                   stdin=subprocess.DEVNULL)
    shutil.copyfile(lock, done)


def talk(process, net):
    """Answers what the browser's side asks, passes on what it says."""
    for line in process.stdout:
        if not line.startswith("ask "):
            print(line, end="", flush=True)
            continue
        request = json.loads(line[4:])
        try:
            answer = {"value": getattr(net, request["name"])(*request["values"])}
        except (LabError, OSError, subprocess.SubprocessError, ValueError, AttributeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        process.stdin.write(json.dumps(answer) + "\n")
        process.stdin.flush()
    return process.wait()
