#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console in a browser, against a network in namespaces: run.py [WORD ...] runs the cases with one of the words.

console.mjs drives the browser and asks this process, a line of JSON each way, for what only the network can do.
"""
import json
import os
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
os.environ.setdefault("RN_PREFIX", "rnweb")
sys.path.insert(0, TOP + "/tests/netns")
sys.path.insert(0, TOP + "/lab")
import lab as lab_module  # noqa: E402
import network  # noqa: E402
from driver import install, talk  # noqa: E402
from harness import PREFIX, PROBE, Flow, show_logs  # noqa: E402
from network import LabError, kill, wait_for  # noqa: E402


class Network:
    """What console.mjs may ask for; each method takes and returns what JSON can carry."""

    def __init__(self, lab):
        self.lab, self.flow, self.started = lab, None, []

    def link(self):
        return self.lab["gateway"].rnaut("console")["link"]

    def begin_flow(self):
        """One TCP connection from the laptop to the server; does it answer?"""
        self.flow = Flow(self.lab["laptop"], self.lab["server"].ipv6, 80)
        return self.flow.answers(5)

    def flow_answers(self, seconds):
        return self.flow.answers(seconds)

    def end_flow(self):
        self.flow.close()
        return True

    def flood(self, packets, rate):
        """So many packets that no rule allows, each one an event of the hub: what a node may report is limited."""
        phone, server = self.lab["phone"], self.lab["server"]
        done = phone.run(PROBE + ["number", server.ipv6, "7", str(packets), str(rate)], timeout=120)
        return json.loads(done.stdout)["sent"]

    def use_configuration(self, text):
        """The tablet takes what the console made; does the server answer it, which bob's devices may ping?"""
        self.lab.configure(self.lab["tablet"], "hub-a", text)
        lab_module.reach(self.lab["tablet"], self.lab["server"].ipv6)
        return True

    def restart_web(self):
        pid = self.lab["gateway"].unit_pid("rnautd-web")
        os.kill(pid, 9)
        wait_for("rnautd-web to be back", lambda: self.lab["gateway"].unit_pid("rnautd-web") not in (0, pid), 20)
        return True

    def close(self):
        for process in self.started:
            kill(process)


def main(words):
    if os.geteuid() != 0:
        print("The browser test needs root for its network; run this with sudo.\n0 passed, 1 failed")
        return 1
    install()
    network.remove(PREFIX)
    lab = lab_module.standard(PREFIX, say=lambda text: print(f"  LAB    {text}", flush=True))
    lab.add("tablet", "mobile", 14, owner="bob", stock=True)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    lab["gateway"].hand("rnautd-web", "http", listener)
    net, status = Network(lab), 1
    try:
        lab_module.bring_up(lab)
        lab_module.start_traffic(lab)
        net.started.append(lab["server"].popen(PROBE + ["serve", "80", ""], stdout=subprocess.DEVNULL))
        lab_module.reach(lab["laptop"], lab["server"].ipv6)
        environment = dict(os.environ, CONSOLE=f"http://127.0.0.1:{listener.getsockname()[1]}",
                           SCREENS=TOP + "/build/screens")
        process = subprocess.Popen(["node", HERE + "/console.mjs", *words], env=environment, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        status = talk(process, net)
    except (LabError, SystemExit) as error:
        print(f"FAILED the network comes up: {error}\n0 passed, 1 failed")
    finally:
        if status:
            show_logs(lab)
        net.close()
        network.remove(PREFIX)
    if not status:
        shutil.rmtree(f"{TOP}/build/test/{PREFIX}", ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
