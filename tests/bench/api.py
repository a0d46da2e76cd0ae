# SPDX-License-Identifier: Apache-2.0
"""A client of the API that knows when it sent the first byte: over the gateway's socket, or over HTTPS in its namespace."""
import ctypes
import json
import os
import socket
import ssl
import time

CLONE_NEWNET = 0x40000000


def socket_in(netns):
    """A TCP socket that lives in another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if libc.setns(here, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        return made
    finally:
        os.close(here)
        os.close(there)


class Local:
    """The unix socket of a host's core."""

    name = "unix socket"

    def __init__(self, node):
        self.path, self.headers = f"/proc/{node.pid}/root/run/rnaut/api.sock", "Host: local\r\n"

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(30)
        connection.connect(self.path)
        return connection

    def request(self, method, path, body=None):
        """(Unix seconds of the first byte, seconds until the answer was there, status, answer)."""
        data = json.dumps(body).encode() if body is not None else b""
        head = f"{method} /api/v1{path} HTTP/1.1\r\n{self.headers}Content-Length: {len(data)}\r\n"
        head += "Content-Type: application/json\r\nConnection: close\r\n\r\n"
        with self.connect() as connection:
            began = time.time()
            connection.sendall(head.encode() + data)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
            took = time.time() - began
        top, _, rest = answer.partition(b"\r\n\r\n")
        return began, took, int(top.split()[1]), rest

    def stream(self, path):
        """An open connection whose answer's head has not been read."""
        connection = self.connect()
        connection.sendall(f"GET /api/v1{path} HTTP/1.1\r\n{self.headers}\r\n".encode())
        return connection


class Https(Local):
    """The gateway's front door with an API token. TLS is set up before the request, as a browser's connection is."""

    name = "HTTPS"

    def __init__(self, node):  # pylint: disable=super-init-not-called
        token = node.rnaut("api-token", "create", "--name", f"bench-{os.getpid()}", "--role", "admin")["token"]
        self.node, self.headers = node, f"Host: {node.underlay4}:8443\r\nAuthorization: Bearer {token}\r\n"
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def connect(self):
        plain = socket_in(self.node.netns)
        plain.settimeout(30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.connect((self.node.underlay4, 8443))
        return self.context.wrap_socket(plain, server_hostname=self.node.underlay4)


def doors(node):
    """Every way in that this build has."""
    found = [Local(node)]
    try:
        found.append(Https(node))
    except Exception as error:  # pylint: disable=broad-except
        print(f"  BENCH  no HTTPS here: {error}", flush=True)
    return found
