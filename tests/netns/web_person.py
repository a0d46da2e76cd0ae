# SPDX-License-Identifier: Apache-2.0
"""People who use the console through a web that is captured, and what the API's description says that each may do."""
import json
import sys
import time

from captured import STATE, database
from harness import TOP, equal, true

RANKS = ("none", "viewer", "operator", "admin", "root")
# Bodies that are good, so that nothing but the role is in the way.
BODIES = {
    "PUT /api/v1/policy": {"text": '{"rules": [{"id": "all", "source_criteria": ["everyone"], "destination_criteria": '
                                   '["everyone"], "action": "allow"}]}'},
    "POST /api/v1/accounts": {"account": "evil", "role": "admin"}, "POST /api/v1/accounts/{name}/role": {"role": "admin"},
    "POST /api/v1/accounts/{name}/link": {}, "POST /api/v1/api-tokens": {"name": "evil", "role": "admin"},
    "POST /api/v1/link": {"up": False}, "POST /api/v1/tokens": {"client_type": "desktop", "name": "evil", "hub": "hub-a"},
    "POST /api/v1/devices": {"client_type": "mobile", "name": "evil", "hub": "hub-a",
                             "wireguard_public_key": "ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="},
    "POST /api/v1/devices/{name}/quarantine": {"on": True}, "POST /api/v1/devices/{name}/trust": {"trust_score": 100},
    "POST /api/v1/hubs/{name}": {"parent_hub": "gateway"}, "POST /api/v1/adapters/{name}": {"compression_level": 0},
    "POST /api/v1/session": {"account": "admin", "password": "not the password"},
    "POST /api/v1/session/password": {"password": "a password of the attacker"},
}
ROOT = """import http.client, socket, sys
c = http.client.HTTPConnection("localhost")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect("/run/rnaut/api.sock")
c.request(sys.argv[1], sys.argv[2], sys.argv[3] or None)
r = c.getresponse()
print(r.status, r.read().decode())
"""


def routes():
    """(method, path, the role that it takes), all that there are."""
    with open(TOP + "/docs/openapi.json", encoding="utf-8") as file:
        paths = json.load(file)["paths"]
    return [(method.upper(), path, operation["x-role"]) for path, methods in paths.items()
            for method, operation in methods.items() if method != "parameters"]


def above(role):
    """The routes that this role does not open."""
    return [route for route in routes() if RANKS.index(route[2]) > RANKS.index(role)]


def filled(path, account):
    """A path whose name is that of something that exists."""
    return path.replace("{name}", account if "/accounts/" in path else "hub-a" if "/hubs/" in path else "laptop")


class Reply:
    def __init__(self, line):
        status, cookie, body = line.split("\t", 2)
        self.status, self.cookie = int(status), cookie.partition("=")[2]
        try:
            self.body = json.loads(body)
        except ValueError:  # only its beginning is kept
            self.body = {}
        self.code = self.body.get("error", {}).get("code", "") if isinstance(self.body, dict) else ""


def ask(captured, requests):
    """Requests of the captured web: (method, path, {cookie, bearer, csrf, body}) each; their replies."""
    lines = ["\t".join((method, path, more.get("cookie", ""), more.get("bearer", ""), more.get("csrf", ""), more.get("body", "")))
             for method, path, more in requests]
    captured.node.write("/run/asks", "\n".join(lines) + "\n", 0o644)
    said, status = captured.attack("ask", seconds=120)
    equal((said[-1:], status, len(said)), (["done"], 0, len(lines) + 1), "the end of the requests")
    return [Reply(line) for line in said[:-1]]


def attempts(wanted, account, **credential):
    """Requests for these routes, with bodies that are good."""
    return [(method, filled(path, account),
             {**credential, "body": json.dumps(BODIES[f"{method} {path}"]) if f"{method} {path}" in BODIES else ""})
            for method, path, _ in wanted]


class Person:
    """Somebody who signs in with a one-time link while web is captured."""

    def __init__(self, captured, name, role):
        self.captured, self.name, self.role = captured, name, role
        link = captured.node.rnaut("console", "--account", name, "--role", role)["link"].partition("#")[2]
        reply, again = ask(captured, [("POST", "/api/v1/session", {"body": json.dumps({"link": link})})] * 2)
        equal((reply.status, again.status), (201, 401), "the link, twice")
        equal((reply.body["account"], reply.body["role"]), (name, role), "the session")
        self.cookie, self.csrf = reply.cookie, reply.body["csrf"]
        true(len(self.cookie) == 43 and len(self.csrf) == 43, f"cookie and CSRF: {reply.cookie} {reply.body}")

    @property
    def credential(self):
        return {"cookie": self.cookie, "csrf": self.csrf}

    def ask(self, *requests):
        return ask(self.captured, [(method, path, {**self.credential, **(more[0] if more else {})})
                                   for method, path, *more in requests])


def access(gateway):
    """Accounts, links, tokens: what no request may change unless it is allowed to."""
    return {"accounts": database(gateway, "SELECT number, name, role, password FROM accounts"),
            "links": database(gateway, "SELECT account, hex(hash) FROM links"),
            "sessions": database(gateway, "SELECT hex(hash), account, created FROM sessions"),
            "API tokens": database(gateway, "SELECT id, name, role, hex(hash), expires FROM api_tokens"),
            "tokens": database(gateway, "SELECT id, name, expires, used_at, device FROM tokens"),
            "policies": database(gateway, "SELECT version, text FROM policies"),
            "done": database(gateway, "SELECT actor, what, object FROM audit WHERE what <> 'sign-in refused'")}


def change(gateway, statement):
    """A row that is otherwise than core has made it, such as one that is older."""
    gateway.run(["sqlite3", "-cmd", ".timeout 10000", f"{STATE}/core/core.db", statement])


def old(seconds):
    return int(time.time()) - seconds


def as_root(gateway, method, path, body=None):
    """What root says on api.sock: status and text."""
    done = gateway.run([sys.executable, "-c", ROOT, method, path, json.dumps(body) if body is not None else ""])
    status, _, text = done.stdout.partition(" ")
    return int(status), text
