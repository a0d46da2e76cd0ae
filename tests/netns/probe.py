#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs inside a host of a test network; speaks plain sockets and knows nothing of the product.

    probe.py serve TCP,TCP UDP,UDP       echoes on these ports, every address
    probe.py try                         standard input: [[protocol, address, port], ...]; prints which were answered
    probe.py flow ADDRESS PORT           one TCP connection; each line of input is sent; prints "echo" or "silence"
    probe.py bulk ADDRESS PORT BYTES [held]  random bytes to an echoing port; prints JSON: did the same come back, and in what time;
                                         held: connects, says "established", and begins when input ends
    probe.py count PORT                  counts numbered datagrams from everybody until input ends; prints JSON
    probe.py number ADDRESS PORT N RATE  sends at least N numbered datagrams, and on until input ends; prints how many
    probe.py pair ADDRESS PORT N RATE    both: two ends that number their datagrams to each other; prints JSON
"""
import asyncio
import hashlib
import json
import os
import select
import socket
import struct
import sys
import threading
import time

TRIES, PATIENCE = 2, 1.0
SO_RCVBUFFORCE = 33


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


# -- serve --

async def echo_tcp(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


class EchoUdp(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.transport.sendto(data, peer)


async def serve(tcp_ports, udp_ports):
    for port in filter(None, tcp_ports.split(",")):
        await asyncio.start_server(echo_tcp, ["0.0.0.0", "::"], int(port))
    for port in filter(None, udp_ports.split(",")):
        for address in ("0.0.0.0", "::"):
            sock = socket.socket(family(address), socket.SOCK_DGRAM)
            if ":" in address:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, int(port)))
            await asyncio.get_running_loop().create_datagram_endpoint(EchoUdp, sock=sock)
    print("ready", flush=True)
    await asyncio.Event().wait()


# -- try --

def answered_tcp(address, port):
    with socket.create_connection((address, port), timeout=PATIENCE * 2) as connection:
        connection.sendall(b"hello")
        return connection.recv(16) == b"hello"


def answered_udp(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((address, port))
        client.send(b"hello")
        return client.recv(16) == b"hello"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def answered_icmp(address, number):
    six = ":" in address
    identifier = (os.getpid() + number) & 0xffff
    body = struct.pack("!HH", identifier, 1) + b"rn probe"
    kind, reply = (128, 129) if six else (8, 0)
    packet = struct.pack("!BBH", kind, 0, 0) + body
    if not six:
        packet = struct.pack("!BBH", kind, 0, checksum(packet)) + body
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with socket.socket(family(address), socket.SOCK_RAW, protocol) as client:
        client.connect((address, 0))
        client.send(packet)
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([client], [], [], left)[0]:
                return False
            data = client.recv(2048)
            icmp = data if six else data[(data[0] & 15) * 4:]
            if icmp[0] == reply and icmp[4:8] == body[:4]:
                return True
    return False


def attempt(number, protocol, address, port):
    job = {"tcp": lambda: answered_tcp(address, port), "udp": lambda: answered_udp(address, port),
           "icmp": lambda: answered_icmp(address, number)}[protocol]
    for _ in range(TRIES):
        try:
            if job():
                return True
        except OSError:
            pass
    return False


def try_all():
    jobs = json.load(sys.stdin)
    results = [False] * len(jobs)

    def one(number):
        results[number] = attempt(number, *jobs[number])

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(results))


# -- flow --

def flow(address, port):
    connection = socket.create_connection((address, int(port)), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print("established", flush=True)
    owed = 0
    for line in sys.stdin:
        seconds = float(line)
        connection.sendall(b"x")
        owed += 1
        deadline = time.monotonic() + seconds
        while owed and (left := deadline - time.monotonic()) > 0:
            if select.select([connection], [], [], left)[0]:
                data = connection.recv(4096)
                if not data:
                    break
                owed -= len(data)
        print("silence" if owed else "echo", flush=True)


# -- bulk --

def bulk(address, port, size, held=""):
    """Sends and reads at once; a way that is lost for long ends it."""
    connection = socket.create_connection((address, int(port)), timeout=10)
    if held:
        print("established", flush=True)
        sys.stdin.read()
    block, left, back = os.urandom(1 << 16), int(size), 0
    sent, received = hashlib.sha256(), hashlib.sha256()
    began = time.monotonic()
    connection.setblocking(False)
    view = memoryview(b"")
    while left or view or back < int(size):
        if not view and left:
            view = memoryview(block)[:min(left, len(block))]
            left -= len(view)
            sent.update(view)
        readable, writable, _ = select.select([connection], [connection] if view else [], [], 30)
        if not readable and not writable:
            break
        if writable:
            view = view[connection.send(view):]
        if readable:
            data = connection.recv(1 << 16)
            if not data:
                break
            received.update(data)
            back += len(data)
    print(json.dumps({"same": sent.digest() == received.digest() and back == int(size), "bytes": back,
                      "seconds": time.monotonic() - began}), flush=True)


# -- count, number --

def count(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    sock.bind(("::", int(port)))
    print("ready", flush=True)
    seen, twice, poll = set(), 0, select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    while True:
        ready = dict(poll.poll())
        if sock.fileno() in ready:
            number = struct.unpack("!I", sock.recv(2048)[:4])[0]
            twice += number in seen
            seen.add(number)
        elif sys.stdin.fileno() in ready:
            break
    last = max(seen, default=-1)
    missing = [n for n in range(last) if n not in seen]
    print(json.dumps({"received": len(seen), "twice": twice, "last": last, "missing": missing[:200]}))


def number(address, port, least, rate):
    sock = socket.socket(family(address), socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    least, rate, sent, burst, refused = int(least), float(rate), 0, 10, 0
    began = time.monotonic()
    while sent < least or not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(burst):
            try:
                sock.send(struct.pack("!I", sent) + bytes(60))
            except OSError:  # a local drop shows as an error; the number counts as sent
                refused += 1
            sent += 1
        pause = began + sent / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
    print(json.dumps({"sent": sent, "refused": refused}))


# -- pair --

class Pair:
    """One end. Never more than WINDOW numbers are under way, so that no queue between the ends overflows however busy the
    machine is: what is missing was dropped. A datagram is its number and how many the sender has received; number ACK
    only says the latter."""

    WINDOW, ACK, STALL = 24, 0xffffffff, 3.0

    def __init__(self, address, port, least, rate):
        self.sock = socket.socket(family(address), socket.SOCK_DGRAM)
        self.sock.bind(("", int(port)))
        self.peer = (address, int(port))
        self.least, self.rate = int(least), float(rate)
        self.sent = self.acked = self.given_up = self.twice = 0
        self.seen = set()
        self.began = None  # when the other end was there
        self.progress = self.heard = time.monotonic()
        self.spoke = 0.0

    def send(self, number):
        try:
            self.sock.sendto(struct.pack("!II", number, len(self.seen)) + bytes(56), self.peer)
        except OSError:  # a local drop; the number counts as sent
            pass
        self.spoke = time.monotonic()

    def receive(self):
        number, acked = struct.unpack("!II", self.sock.recv(2048)[:8])
        if self.began is None:
            self.began = self.progress = time.monotonic()
        if acked > self.acked:
            self.acked, self.progress = acked, time.monotonic()
        if number != self.ACK:
            self.twice += number in self.seen
            self.seen.add(number)
            self.heard = time.monotonic()

    def may_send(self, now):
        if self.began is None:
            return False
        if now - self.progress > self.STALL:  # those are lost: make room for others
            self.given_up, self.progress = self.sent - self.acked, now
        return self.sent - self.acked - self.given_up < self.WINDOW and self.sent < (now - self.began) * self.rate

    def run(self):
        poll, stop = select.poll(), False
        poll.register(self.sock, select.POLLIN)
        poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
        while True:
            for descriptor, _ in poll.poll(2):
                if descriptor == self.sock.fileno():
                    self.receive()
                else:
                    stop = True
                    poll.unregister(sys.stdin)
            now = time.monotonic()
            if stop and self.sent >= self.least:
                if now - self.heard > 2 and (self.acked == self.sent or now - self.progress > self.STALL):
                    break
            elif self.may_send(now):
                self.send(self.sent)
                self.sent += 1
            if now - self.spoke > 0.01:
                self.send(self.ACK)
        last = max(self.seen, default=-1)
        missing = [n for n in range(last + 1) if n not in self.seen]
        print(json.dumps({"sent": self.sent, "received": len(self.seen), "twice": self.twice, "missing": missing[:50]}))


def pair(*words):
    Pair(*words).run()


def main():
    command, *words = sys.argv[1:]
    if command == "serve":
        asyncio.run(serve(*words))
    else:
        {"try": try_all, "flow": flow, "bulk": bulk, "count": count, "number": number, "pair": pair}[command](*words)


if __name__ == "__main__":
    main()
