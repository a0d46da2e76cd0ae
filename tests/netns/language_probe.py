#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs inside a host of a test network, beside probe.py: many connections at once, and datagrams with the time on them.

    language_probe.py many              one TCP connection to each of the first line's [[address, port], ...]; prints how many
                                        there are. Each further line {"wanted": [index, ...], "quiet": S, "patience": S} sends a
                                        byte on all of them and waits for what is wanted, and for "quiet" at least; prints which
                                        gave back all that they were sent ("all"), and which a part of it ("some")
    language_probe.py say ADDRESS PORT,PORT  a datagram to each port every 20 ms that says when, until input ends; prints the times
    language_probe.py stamp PORT,PORT   receives them until input ends; prints [[port, sent, received by the kernel], ...]
"""
import json
import select
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35
EVERY = 0.02


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


# -- many --

def connect(targets):
    """All at once; who is not connected after 30 s is None."""
    poll, waiting, found = select.epoll(), {}, [None] * len(targets)
    for number, (address, port) in enumerate(targets):
        connection = socket.socket(family(address))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        connection.connect_ex((address, port))
        waiting[connection.fileno()] = number, connection
        poll.register(connection, select.EPOLLOUT)
    deadline = time.monotonic() + 30
    while waiting and time.monotonic() < deadline:
        for descriptor, _ in poll.poll(1):
            number, connection = waiting.pop(descriptor)
            poll.unregister(descriptor)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found[number] = connection
    return found


def ask(connections, owed, wanted, quiet, patience):
    poll, index = select.epoll(), {}
    for number, connection in enumerate(connections):
        connection.send(b"x")
        owed[number] += 1
        index[connection.fileno()] = number
        poll.register(connection, select.EPOLLIN)
    began, wanted, heard = time.monotonic(), set(wanted), set()
    while (passed := time.monotonic() - began) < quiet or (passed < patience and any(owed[n] for n in wanted)):
        for descriptor, _ in poll.poll(0.05):
            number = index[descriptor]
            try:
                data = connections[number].recv(4096)
            except OSError:
                data = b""
            if not data:
                poll.unregister(descriptor)
                continue
            owed[number] -= len(data)
            heard.add(number)
    return {"all": sorted(n for n in heard if owed[n] == 0), "some": sorted(n for n in heard if owed[n])}


def many():
    connections = connect(json.loads(sys.stdin.readline()))
    print(sum(c is not None for c in connections), flush=True)
    owed = [0] * len(connections)
    for line in sys.stdin:
        print(json.dumps(ask(connections, owed, **json.loads(line))), flush=True)


# -- say, stamp --

def ended(seconds):
    """Has input ended? Waits for it so long."""
    return bool(select.select([sys.stdin], [], [], max(0.0, seconds))[0])


def say(address, ports):
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sent = {int(port): [] for port in ports.split(",")}
    print("ready", flush=True)
    following = time.monotonic()
    while not ended(following - time.monotonic()):
        for port, times in sent.items():
            now = time.time()
            try:
                sock.sendto(struct.pack("!d", now), (address, port))
            except OSError:  # dropped at our own door
                pass
            times.append(now)
        following = max(following + EVERY, time.monotonic())
    print(json.dumps(sent), flush=True)


def stamp(ports):
    found, doors = [], {}
    for port in ports.split(","):
        door = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        door.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        door.bind(("::", int(port)))
        doors[door] = int(port)
    print("ready", flush=True)
    while True:
        readable = select.select([sys.stdin, *doors], [], [])[0]
        for door in readable:
            if door is sys.stdin:
                continue
            data, ancillary, _, _ = door.recvmsg(64, 64)
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            found.append([doors[door], struct.unpack("!d", data[:8])[0], seconds + nanoseconds / 1e9])
        if readable == [sys.stdin]:
            break
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    {"many": many, "say": say, "stamp": stamp}[sys.argv[1]](*sys.argv[2:])
