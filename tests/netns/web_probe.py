#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs inside a host of a test network; speaks HTTP as bytes and knows nothing of the product.

    web_probe.py raw                        standard input: {"address", "port", "ca"?, "requests": [text, ...], "wait"?}; each on
                                            a connection of its own, prints the answers as a JSON list
    web_probe.py polite ADDRESS PORT CA N   N requests of the health route, each over a new TLS connection; prints seconds
    web_probe.py slow KIND COUNT ADDRESS PORT CA FROM ...
                                            COUNT connections from these addresses that are never done, again whenever they are
                                            closed; until input ends; prints {"open", "made"}
    web_probe.py stream ADDRESS PORT CA HEAD  sends HEAD (a text with \\n) and prints "open" and then "end" when it ends
"""
import asyncio
import json
import resource
import socket
import ssl
import sys
import time

REQUESTS = {
    "header": b"GET / HTTP/1.1\r\nHost: gateway\r\nX-Slow: ",
    "body": b"POST /api/v1/session HTTP/1.1\r\nHost: gateway\r\nContent-Length: 60000\r\n\r\n",
    "reader": b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n" * 20000,
}


def context(ca):
    """Verifies the server, under whatever name it was called."""
    made = ssl.create_default_context(cafile=ca)
    made.set_alpn_protocols(["http/1.1"])
    return made


def connect(address, port, ca=None, wait=5):
    plain = socket.create_connection((address, port), wait)
    return context(ca).wrap_socket(plain, server_hostname=address) if ca else plain


def receive(connection):
    parts = []
    try:
        while data := connection.recv(65536):
            parts.append(data)
    except (TimeoutError, OSError):
        pass
    return b"".join(parts)


def raw():
    wanted = json.loads(sys.stdin.read())
    answers = []
    for request in wanted["requests"]:
        with connect(wanted["address"], wanted["port"], wanted.get("ca"), wanted.get("wait", 3)) as connection:
            try:
                connection.sendall(request.encode("latin-1"))
            except OSError:
                pass
            answers.append(receive(connection).decode("latin-1"))
    print(json.dumps(answers))


def polite(address, port, ca, count):
    taken, tries = [], 0
    for _ in range(int(count)):
        began = time.monotonic()
        for _ in range(3):
            tries += 1
            try:
                with connect(address, int(port), ca) as connection:
                    connection.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
                    answer = receive(connection)
            except OSError as error:
                answer = str(error).encode()
            if b" 200 OK\r\n" in answer:
                break
        else:
            raise SystemExit(f"no answer: {answer[:200]!r}")
        taken.append(time.monotonic() - began)
        time.sleep(0.05)
    print(json.dumps({"seconds": taken, "tries": tries}))


class Slow:
    def __init__(self, kind, address, port, ca):
        self.kind, self.address, self.port, self.context = kind, address, port, context(ca)
        self.open = self.made = 0
        self.door = asyncio.Semaphore(64)  # handshakes at once: more than a few and none of them ends

    async def one(self, source):
        secure = self.kind != "silent"
        async with self.door:
            reader, writer = await asyncio.open_connection(
                self.address, self.port, local_addr=(source, 0), ssl=self.context if secure else None,
                server_hostname=self.address if secure else None)
        self.open += 1
        self.made += 1
        try:
            writer.write(REQUESTS.get(self.kind, b""))
            if self.kind == "reader":
                reader._transport.pause_reading()
            while not reader.at_eof():
                await asyncio.sleep(1)
                if self.kind in ("header", "body"):
                    writer.write(b"x")
                    await writer.drain()
                if self.kind == "silent":
                    try:
                        await asyncio.wait_for(reader.read(1), 0.01)
                    except asyncio.TimeoutError:
                        pass
                if writer.is_closing():
                    break
        finally:
            self.open -= 1
            writer.transport.abort()

    async def again(self, source):
        while True:
            try:
                await self.one(source)
            except (OSError, ssl.SSLError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(2)


async def slow(kind, count, address, port, ca, sources):
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
    crowd = Slow(kind, address, int(port), ca)
    tasks = [asyncio.create_task(crowd.again(sources[i % len(sources)])) for i in range(int(count))]
    until = time.monotonic() + 60
    while crowd.made < min(int(count), 300) and time.monotonic() < until:
        await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    print(json.dumps({"open": crowd.open, "made": crowd.made}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps({"open": crowd.open, "made": crowd.made}), flush=True)
    for task in tasks:
        task.cancel()


def stream(address, port, ca, head):
    with connect(address, int(port), ca if ca != "-" else None, 30) as connection:
        connection.sendall(head.replace("\\n", "\r\n").encode())
        first = connection.recv(65536)
        print("open" if b" 200 OK" in first else first.decode("latin-1"), flush=True)
        receive(connection)
        print("end", flush=True)


if __name__ == "__main__":
    command, words = sys.argv[1], sys.argv[2:]
    if command == "slow":
        asyncio.run(slow(*words[:5], words[5:]))
    else:
        {"raw": raw, "polite": polite, "stream": stream}[command](*words)
