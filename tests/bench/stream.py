#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""New flows a second that reach a reader of the gateway's event stream, which is what the console's page reads.

The laptop opens so many flows a second to the server (each a datagram from a source port of its own); every one is an
event of the hub, which its core tells the gateway's, which writes it to the reader as a server-sent event. At each rate
for five seconds: how many came, how many were reported lost, and how long after the last datagram the last came. Then
the other end of the same path alone: how fast the newest 8,192 events are written to a reader who was away.
"""
import json
import subprocess
import sys
import threading
import time

import api
import bench

RATES = (250, 500, 1000, 2000, 4000)
SECONDS = 5
SPACE = 50000  # source ports


class Reader(threading.Thread):
    """Reads events for as long as somebody adds to it."""

    def __init__(self, door, path):
        super().__init__(daemon=True)
        self.connection, self.seen, self.lost, self.last = door.stream(path), 0, 0, None

    def run(self):
        file = self.connection.makefile("rb")
        kind = "event"
        try:
            for line in file:
                if line.startswith(b"event:"):
                    kind = line[6:].strip().decode()
                elif line.startswith(b"data:"):
                    self.take(kind, line[5:])
                    kind = "event"
        except (OSError, ValueError):
            pass

    def take(self, kind, data):
        if kind == "lost":
            self.lost += int(json.loads(data)["count"])
            return
        self.last = time.time()
        self.seen += b'"kind":"new"' in data

    def close(self):
        try:
            self.connection.shutdown(2)
        except OSError:
            pass
        self.connection.close()


def newest(door):
    """Serial of the newest event; -1 is an answer, since a stream after nothing begins with all that is stored."""
    events = json.loads(door.request("GET", "/flows?latest=1")[3])["events"]
    return int(events[-1]["serial"]) if events else -1


def one_rate(lab, door, rate, first):
    reader = Reader(door, f"/flows/stream?after={max(1, newest(door))}")
    reader.start()
    time.sleep(0.5)
    count, began = rate * SECONDS, time.time()
    lab["laptop"].run(bench.TRAFFIC + ["flows", lab["server"].ipv6, str(bench.PORT), str(rate), str(count), str(first)])
    took = time.time() - began
    time.sleep(1.5)
    reader.close()
    reader.join(5)
    return {"offered": round(count / took), "came": round(reader.seen / took), "count": count, "events": reader.seen,
            "lost": reader.lost, "tail_seconds": round(max(0.0, (reader.last or began) - began - took), 3)}


def burst(door):
    """Events a second of what is stored, from the first to the last that a new reader is sent."""
    reader = Reader(door, "/flows/stream?after=1")
    began = time.time()
    reader.start()
    before = -1
    while reader.seen != before:
        before = reader.seen
        time.sleep(0.5)
    reader.close()
    reader.join(5)
    return {"events": reader.seen, "per_second": round(reader.seen / max(1e-6, (reader.last or began) - began))}


def measure(lab, door):
    results, first = [], 1100
    for rate in RATES:
        if first + rate * SECONDS > 1100 + SPACE:
            first = 1100
            time.sleep(35)  # until the flows of these ports are over
        results.append(one_rate(lab, door, rate, first))
        first += rate * SECONDS
    bursts = [burst(door) for _ in range(bench.rounds())]
    return {"door": door.name, "rates": results, "burst": bench.summary([b["per_second"] for b in bursts]),
            "burst_events": bursts[-1]["events"]}


def main():
    quiet = bench.wait_quiet()
    lab = bench.standard()
    sink = lab["server"].popen(bench.TRAFFIC + ["listen", lab["server"].ipv6, str(bench.PORT)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    sink.stdout.readline()
    results = [measure(lab, door) for door in api.doors(lab["gateway"])]
    bench.network.kill(sink)
    best = {r["door"]: max((x["came"] for x in r["rates"] if x["events"] >= 0.99 * x["count"]), default=0) for r in results}
    line = "; ".join(f"{r['door']}: all of {best[r['door']]} flows a second came; stored ones at {r['burst']['median']:.0f} "
                     "a second" for r in results)
    bench.write("stream", line, {"unit": "events a second", "others_busy": quiet, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
