#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traffic of the benchmarks, one job a process, run within a host:

  traffic.py listen ADDRESS PORT                  counts and keeps the kernel's arrival times until standard input ends,
                                                  then writes one JSON line: [[number, seconds], ...]
  traffic.py send ADDRESS PORT RATE               RATE numbered datagrams a second until it is killed
  traffic.py flows ADDRESS PORT RATE COUNT FIRST  COUNT datagrams, each from a source port of its own from FIRST on
"""
import json
import selectors
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listen(address, port):
    arrivals, poll = [], selectors.DefaultSelector()
    with socket.socket(family(address), socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        receiver.bind((address, port))
        poll.register(receiver, selectors.EVENT_READ)
        poll.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in poll.select():
                if key.fileobj is sys.stdin:
                    print(json.dumps(arrivals), flush=True)
                    return
                data, ancillary, _, _ = receiver.recvmsg(64, 64)
                seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
                arrivals.append([struct.unpack_from("!Q", data)[0] if len(data) >= 8 else 0,
                                 seconds + nanoseconds / 1e9])


def paced(rate):
    """Numbers, each at its time; after a pause of the machine the ones that were missed come at once."""
    began, number = time.monotonic(), 0
    while True:
        delay = began + number / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        yield number
        number += 1


def send(address, port, rate):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))
        for number in paced(rate):
            try:
                sender.send(struct.pack("!Q", number))
            except OSError:
                pass


def flows(address, port, rate, count, first):
    for number in paced(rate):
        if number == count:
            return
        with socket.socket(family(address), socket.SOCK_DGRAM) as sender:
            sender.bind(("", first + number))
            sender.sendto(struct.pack("!Q", number), (address, port))


if __name__ == "__main__":
    words = [int(word) if word.isdigit() else word for word in sys.argv[1:]]
    {"listen": listen, "send": send, "flows": flows}[words[0]](*words[1:])
