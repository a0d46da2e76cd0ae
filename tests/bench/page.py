#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""New flows a second that the console's page takes in and draws: Chromium on the flow view, the whole way from the kernel.

page_bench.mjs has the browser; this process makes the flows. At each rate for five seconds: how many events the page shows more
than before, how long after the last datagram it shows the last of them, how many frames a second it drew, and the longest
time without one. Chromium shares the machine's CPUs with the five hosts.
"""
import os
import socket
import subprocess
import sys
import time

import bench

sys.path.insert(0, bench.TOP + "/tests/browser")
import driver  # noqa: E402

RATES = (250, 500, 1000, 2000)
SECONDS = 5


class Source:
    """What page_bench.mjs may ask for."""

    def __init__(self, lab):
        self.lab, self.first = lab, 1100

    def link(self):
        return self.lab["gateway"].rnaut("console")["link"]

    def rates(self):
        return list(RATES)

    def flows(self, rate):
        """So many new flows a second for five seconds: how many, and how many seconds it took."""
        count, began = rate * SECONDS, time.time()
        self.lab["laptop"].run(bench.TRAFFIC + ["flows", self.lab["server"].ipv6, str(bench.PORT), str(rate), str(count),
                                                str(self.first)])
        self.first += count
        return [count, time.time() - began]

    def result(self, rounds):
        self.measured = rounds  # pylint: disable=attribute-defined-outside-init
        return True


def main():
    driver.install()
    quiet = bench.wait_quiet()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    lab = bench.standard(hand=("gateway", "rnautd-web", "http", listener))
    sink = lab["server"].popen(bench.TRAFFIC + ["listen", lab["server"].ipv6, str(bench.PORT)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    sink.stdout.readline()
    source = Source(lab)
    browser = subprocess.Popen(["node", bench.TOP + "/tests/browser/page_bench.mjs"], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               env=dict(os.environ, CONSOLE=f"http://127.0.0.1:{listener.getsockname()[1]}"))
    status = driver.talk(browser, source)
    bench.network.kill(sink)
    if status:
        return 1
    best = max((x["offered"] for x in source.measured if x["shown"] >= 0.99 * x["count"]), default=0)
    slowest = max(source.measured, key=lambda x: x["offered"])
    bench.write("page", f"all of {best} flows a second were shown; at {slowest['offered']} a second "
                f"{slowest['frames']} frames a second, {slowest['gap_ms']} ms at most between two, the last event "
                f"{slowest['tail_ms']} ms after its packet", {"unit": "events a second", "others_busy": quiet,
                                                             "results": source.measured})
    return 0


if __name__ == "__main__":
    sys.exit(main())
