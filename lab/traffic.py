#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the lab's hosts say to each other: traffic.py web|echo|fetch|udp|knock ADDRESS ..., one job a process, for ever."""
import http.client
import http.server
import socket
import sys
import threading
import time

WEB_PORT, ECHO_PORT = 8080, 9000


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"Hello from the lab.\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def web(ipv6, ipv4):
    if ipv4 != "-":
        server = http.server.ThreadingHTTPServer((ipv4, WEB_PORT), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    Server6((ipv6, WEB_PORT), Page).serve_forever()


def echo(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, ECHO_PORT))
        while True:
            data, peer = server.recvfrom(2048)
            server.sendto(data, peer)


def every(seconds, name, job):
    """Does job again and again and says how it went."""
    while True:
        try:
            outcome = job()
        except OSError as error:
            outcome = type(error).__name__ + ": " + str(error)
        print(f"{name}: {outcome}", flush=True)
        time.sleep(seconds)


def fetch(address, seconds):
    def once():
        connection = http.client.HTTPConnection(address, WEB_PORT, timeout=3)
        try:
            connection.request("GET", "/")
            return f"{connection.getresponse().status}"
        finally:
            connection.close()
    every(float(seconds), f"GET http://[{address}]:{WEB_PORT}/", once)


def udp(address, seconds):
    def once():
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect((address, ECHO_PORT))
            client.send(b"hello")
            return f"{len(client.recv(2048))} bytes back"
    every(float(seconds), f"udp {address} {ECHO_PORT}", once)


def knock(address, port, seconds):
    def once():
        socket.create_connection((address, int(port)), timeout=2).close()
        return "open"
    every(float(seconds), f"tcp {address} {port}", once)


if __name__ == "__main__":
    {"web": web, "echo": echo, "fetch": fetch, "udp": udp, "knock": knock}[sys.argv[1]](*sys.argv[2:])
