#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/openapi.json against the answers of a running core.

  check_openapi.py [--socket PATH]        a core of this host, as root
  check_openapi.py [--socket PATH] WORD.. the same, run by a command prefix (such as nsenter -t PID -n -m)
  check_openapi.py --own                  a gateway of its own in namespaces, made by lab/network.py and removed

It adds a stock client with a name of its own and revokes it; it stores the policy in force again; through the web process
on 127.0.0.1 it calls everything as everybody (roles.py), for which the account admin signs in anew, and sends policies
that nobody should have written (hostile.py). Every operation and
every status that the file lists must occur, and every answer must fit its schema. Prints "N passed, N failed".
"""
import argparse
import copy
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse

import hostile
import roles
from schemas import Failure, Schemas

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
NOBODY = 65534
PREFIX = os.environ.get("RN_PREFIX", "rnapi")
BODY_MAX = 1 << 20


# -- the client --

class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Stranger:
    """For a while another user, who reaches the socket through root's group."""

    def __enter__(self):
        os.seteuid(NOBODY)

    def __exit__(self, *_):
        os.seteuid(0)


class Api:
    def __init__(self, path):
        self.path = path
        with open(f"{TOP}/docs/openapi.json", encoding="utf-8") as file:
            self.document = json.load(file)
        self.schemas = Schemas(self.document)
        self.hit, self.passed, self.failures = set(), 0, []
        self.failure = Failure

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def operation(self, method, target):
        path = urllib.parse.urlsplit(target).path
        for pattern in sorted(self.document["paths"], key=lambda p: "{" in p):
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path):
                return pattern, self.document["paths"][pattern].get(method.lower())
        return None, None

    def takes_text(self, operation):
        """Whoever takes a policy's text takes a large one."""
        schema = body_schema(self, operation)
        return schema is not None and "text" in schema["properties"]

    def step(self, name, check):
        try:
            check()
            self.passed += 1
        except Failure as failure:
            self.failures.append(f"{name}: {failure}")
            print(f"FAILED {name}: {failure}", flush=True)

    def raw(self, method, target, body=None, headers=None):
        connection = Connection(self.path)
        try:
            try:
                headers = headers or {}
                connection.request(method, target, body, headers, encode_chunked="Transfer-Encoding" in headers)
            except BrokenPipeError:
                pass  # the server answers a huge body without reading it all
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def judge(self, method, target, status, headers, text):
        """An answer against the file: its status is listed, its body fits. The decoded body."""
        pattern, operation = self.operation(method, target)
        where = f"{method} {target} {status}"
        listed = operation is not None and str(status) in operation["responses"]
        response = operation["responses"][str(status)] if listed else {}
        if listed and status < 300 and "content" not in response:
            if text:
                raise Failure(f"{where}: a body where none belongs: {text[:80]!r}")
            self.hit.add((pattern, method, str(status)))
            return None
        if listed and status < 300 and "application/json" not in response["content"]:
            if headers.get("Content-Type") not in response["content"]:
                raise Failure(f"{where}: Content-Type {headers.get('Content-Type')}")
            self.hit.add((pattern, method, str(status)))
            return text.decode()
        try:
            value = json.loads(text)
        except ValueError:
            raise Failure(f"{where}: the body is no JSON: {text[:80]!r}") from None
        if headers.get("Content-Type") != "application/json":
            raise Failure(f"{where}: Content-Type {headers.get('Content-Type')}")
        if operation is None:
            self.schemas.check(value, {"$ref": "#/components/schemas/Error"}, where)
            return value
        if not listed and status not in (405, 409, 500, 503, 507):
            raise Failure(f"{where}: the file does not list this status")
        response = self.schemas.resolve(operation["responses"][str(status) if listed else "default"])
        self.schemas.check(value, response["content"]["application/json"]["schema"], where)
        self.hit.add((pattern, method, str(status) if listed else "default"))
        return value

    def call(self, method, target, body=None, want=200, headers=None):
        if isinstance(body, (dict, list, int)):
            _, operation = self.operation(method, target)
            if want < 300:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                self.schemas.check(body, schema, f"request {method} {target}")
            body = json.dumps(body)
        status, got, text = self.raw(method, target, body, headers)
        value = self.judge(method, target, status, got, text)
        if status != want:
            raise Failure(f"{method} {target}: {status} {json.dumps(value)[:200]}, not {want}")
        if status >= 400 and set(value) != {"error"}:
            raise Failure(f"{method} {target}: {status} without an error")
        return value


# -- what is asked --

def body_schema(api, operation):
    content = operation.get("requestBody", {}).get("content")
    return api.schemas.resolve(content["application/json"]["schema"]) if content else None


def example(api, method, path, name):
    """A body that is good, so that one thing at a time can be made bad."""
    key = "QmFzZTY0IG9mIDMyIGJ5dGVzIGZvciB0aGUgdGVzdHM="
    return {
        "/api/v1/session": {"link": "A" * 43},
        "/api/v1/session/password": {"password": "correct horse battery", "current": "wrong"},
        "/api/v1/accounts": {"account": name, "role": "viewer"},
        "/api/v1/accounts/{name}/role": {"role": "viewer"},
        "/api/v1/accounts/{name}/link": {},
        "/api/v1/api-tokens": {"name": name, "role": "viewer"},
        "/api/v1/link": {"up": True},
        "/api/v1/tokens": {"client_type": "iot"},
        "/api/v1/devices": {"client_type": "mobile", "name": name, "wireguard_public_key": key},
        "/api/v1/devices/{name}/quarantine": {"on": True},
        "/api/v1/devices/{name}/trust": {"trust_score": 50},
        "/api/v1/hubs/{name}": {"performance_config": {"caching_enabled": False}},
        "/api/v1/adapters/{name}": {"compression_level": 0},
        "/api/v1/policy": {"text": "{"},
        "/api/v1/policy/check": {"text": "{}"},
        "/api/v1/policy/rollback": {"version": 1},
        "/api/v1/policy/drafts/{name}": {"text": "{}"},
        "/api/v1/policy/drafts/{name}/publish": {"comment": "x"},
        "/api/v1/policy/replay": {"text": "{}"},
        "/api/v1/explain": {"source": name, "destination": name, "protocol": "tcp", "port": 22},
    }[path]


WRONG = {"string": [7, None, ["x"], {"x": 1}], "integer": ["7", None, 1.5, True, -1, 1 << 40, 1e300],
         "boolean": ["true", 0, None], "array": ["x", {"x": 1}, [7], [None], [""], ["A b"], ["x"] * 40], "object": [7]}


def bad_bodies(api, operation, good):
    schema = body_schema(api, operation)
    yield "no body", ""
    yield "no JSON", "{"
    yield "text behind", json.dumps(good) + "x"
    yield "a list", [good]
    yield "a number", 7
    yield "null", "null"
    yield "an unknown field", {**good, "unexpected": 1}
    yield "deep", "[" * 100000
    yield "not UTF-8", b'{"\xff": 1}'
    for first in list(good)[:1]:
        yield "a field twice", json.dumps(good)[:-1] + f", {json.dumps(first)}: {json.dumps(good[first])}}}"
    for field in schema["required"]:
        yield f"without {field}", {k: v for k, v in good.items() if k != field}
    for field, child in schema["properties"].items():
        child = api.schemas.resolve(child)
        for value in WRONG[child["type"]]:
            if value is None and child.get("nullable"):
                continue
            yield f"{field} = {json.dumps(value)[:40]}", {**good, field: value}
        if "pattern" in child or "enum" in child:
            for value in ("", "A", "-x", "x y", "x/y", "\u0000", "x" * 64, "\u202e", "\x1b[2J"):
                yield f"{field} = {value!r}", {**good, field: value}


def check_refusals(api, name, there):
    """there: paths whose object must exist, for what is sent is compared with it."""
    for path, method, operation in api.operations():
        target = path.replace("{name}", there.get(path, name))
        api.step(f"{method} {path}: an unknown parameter",
                 lambda: api.call(method, target + "?unexpected=1", want=400))
        for other in {"PATCH", "DELETE", "OPTIONS", "BREW"} - {m.upper() for m in api.document["paths"][path]}:
            api.step(f"{other} {path}", lambda: api.call(other, target, want=405))
        with Stranger():
            api.step(f"{method} {path}: a stranger", lambda: api.call(method, target, want=403))
            api.step(f"{method} {path}: a stranger with a body",
                     lambda: api.call(method, target, "x" * 3 * BODY_MAX, want=403))
        if not body_schema(api, operation):
            api.step(f"{method} {path}: a body", lambda: api.call(method, target, "{}", want=400))
            continue
        good = example(api, method, path, name)
        for what, body in bad_bodies(api, operation, good):
            api.step(f"{method} {path}: {what}", lambda: api.call(method, target, body, want=400))
        most = 34 * BODY_MAX if api.takes_text(operation) else BODY_MAX
        api.step(f"{method} {path}: a huge body", lambda: api.call(method, target, " " * (most + 1), want=413))
        api.step(f"{method} {path}: a huge body in pieces",
                 lambda: api.call(method, target, iter([b" " * 65536] * (most // 65536 + 4)), want=413,
                                  headers={"Transfer-Encoding": "chunked"}))


def check_paths(api):
    for target in ("/", "/api", "/api/v1", "/api/v1/", "/api/v2/status", "/api/v1/status/", "/api/v1/STATUS",
                   "/api/v1/devices/", "/api/v1/devices/a/b", "/api/v1/devices/a/trust/x", "//api/v1/status",
                   "/api/v1/devices/" + "x" * 64, "/api/v1/../v1/status"):
        api.step("GET " + target, lambda: api.call("GET", target, want=404))
    for target in ("/api/v1/devices/none", "/api/v1/devices/%2e%2e", "/api/v1/devices/%00", "/api/v1/devices/%ff",
                   "/api/v1/devices/A%0d%0aX"):
        api.step("GET " + target, lambda: api.call("GET", target, want=404))
    api.step("a long path", lambda: too_long(api))


def too_long(api):
    status, _, _ = api.raw("GET", "/api/v1/devices/" + "x" * 60000)
    if status not in (400, 414, 431):
        raise Failure(f"{status}, not 414")


def check_reads(api, me):
    api.step("status", lambda: api.call("GET", "/api/v1/status"))
    api.step("devices", lambda: api.call("GET", "/api/v1/devices"))
    api.step("device", lambda: api.call("GET", "/api/v1/devices/" + me))
    api.step("drops", lambda: check_drops(api))
    api.step("link", lambda: api.call("POST", "/api/v1/link", {"up": True}))
    for path in ("health", "hubs", "identities", "accounts", "api-tokens", "tokens"):
        api.step(path, lambda: api.call("GET", "/api/v1/" + path))
    api.step("events", lambda: check_events(api))
    api.step("metrics", lambda: check_metrics(api))
    api.step("pages of devices", lambda: check_pages(api))
    for query in ("after=-1", "after=4294967296", "limit=0", "limit=x"):
        api.step("devices?" + query, lambda: api.call("GET", "/api/v1/devices?" + query, want=400))
    for query in ("after=-1", "after=x", "limit=0", "limit=1001"):
        api.step("events?" + query, lambda: api.call("GET", "/api/v1/events?" + query, want=400))
    for query in ("after=-1", "after=x", "after=", "after=99999999999999999999", "limit=0", "limit=8193", "latest=0",
                  "latest=5&limit=5", "latest=5&after=5"):
        api.step("flows?" + query, lambda: api.call("GET", "/api/v1/flows?" + query, want=400))
    for query in ("before=0", "before=x", "limit=0", "limit=1001", "hours=0", "port=65536", "verdict=maybe",
                  "protocol=gre", "protocol=", "after=1", "rule=a&observed=b"):
        api.step("recorded?" + query, lambda: api.call("GET", "/api/v1/flows/recorded?" + query, want=400))
    api.step("stream with a wrong id",
             lambda: api.call("GET", "/api/v1/flows/stream", want=400, headers={"Last-Event-ID": "x"}))


def check_events(api):
    everything, after = [], 0
    while True:
        page = api.call("GET", f"/api/v1/events?after={after}&limit=2")
        if not page["events"]:
            break
        everything, after = everything + page["events"], page["next"]
    newest = api.call("GET", "/api/v1/events?limit=3")["events"]
    serials = [e["serial"] for e in everything]
    if serials != sorted(set(serials)) or newest != everything[-3:]:
        raise Failure("pages of events do not make the whole")


def check_metrics(api):
    text = api.call("GET", "/api/v1/metrics")
    tool = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    if tool.returncode or tool.stderr or tool.stdout:
        raise Failure(f"promtool: {tool.stdout}{tool.stderr}")
    drops = api.call("GET", "/api/v1/drops")
    for wanted in drops["dropped"]:
        line = f'rnaut_packets_total{{direction="{wanted["direction"]}",reason="{wanted["reason"]}"}} '
        if line not in text:
            raise Failure(f"no {line}")


def check_pages(api):
    whole, paged, after = api.call("GET", "/api/v1/devices")["devices"], [], 0
    while page := api.call("GET", f"/api/v1/devices?after={after}&limit=1")["devices"]:
        paged, after = paged + page, page[-1]["number"]
    if [d["client_id"] for d in paged] != [d["client_id"] for d in whole]:
        raise Failure("pages of devices do not make the whole")


def check_drops(api):
    value = api.call("GET", "/api/v1/drops")
    seen = [(c["direction"], c["reason_number"]) for c in value["dropped"]]
    if len(set(seen)) != len(seen) or [c["direction"] for c in value["passed"]] != ["ingress", "egress"]:
        raise Failure("a counter is there twice, or none")
    names = api.document["components"]["schemas"]["Reason"]["enum"]
    if {(d, n) for d in ("ingress", "egress") for n in range(1, len(names))} != set(seen):
        raise Failure("not every reason of the file has its counters")
    if any(names[c["reason_number"]] != c["reason"] for c in value["dropped"]):
        raise Failure("a reason's name is not that of its number")


def check_policy(api):
    policy = api.call("GET", "/api/v1/policy")
    api.step("policy check", lambda: api.call("POST", "/api/v1/policy/check", {"text": policy["text"]}))
    api.step("policy review", lambda: check_review(api))
    bad = api.call("POST", "/api/v1/policy/check", {"text": '{\n  "rulez": []\n}'})
    if bad["valid"] or "line 2" not in bad["message"]:
        raise Failure(f"a policy with a wrong key: {bad}")
    new = {"text": policy["text"], "comment": "because", "based_on": policy["version"]}
    done = api.call("PUT", "/api/v1/policy", new)
    after = api.call("GET", "/api/v1/policy")
    wanted = {"version": done["version"], "author": "root", "comment": "because", "rolled_back_to": None,
              "bytes": len(policy["text"].encode()), "text": policy["text"], "stored": after["stored"]}
    if after != wanted or after["version"] <= policy["version"]:
        raise Failure("the policy that was stored is not the one that was sent")
    late = api.call("PUT", "/api/v1/policy", new, 409)["error"]
    if late["code"] != "stale" or "by root" not in late["message"] or str(done["version"]) not in late["message"]:
        raise Failure(f"one that is based on an older one: {late}")
    for wrong in ({"comment": "x" * 1001}, {"comment": "two\nlines"}, {"based_on": done["version"] + 1}):
        api.call("PUT", "/api/v1/policy", {"text": policy["text"], **wrong}, 400)
    api.step("policy replay", lambda: check_replay(api, policy))
    api.step("policy history", lambda: check_history(api, policy, after))
    api.step("policy drafts", lambda: check_drafts(api, after))
    api.step("policy observed", lambda: check_observed(api, policy))


def check_replay(api, policy):
    same = api.call("POST", "/api/v1/policy/replay", {"text": policy["text"]})
    if same["changes"] or same["would_deny"]["flows"] or same["would_allow"]["flows"]:
        raise Failure(f"the policy in force changes something: {same}")
    for query in ("hours=0", "hours=8785", "hours=x", "days=1"):
        api.step("replay?" + query, lambda: api.call("POST", "/api/v1/policy/replay?" + query, {"text": "{}"}, 400))
    api.step("replay of nonsense", lambda: api.call("POST", "/api/v1/policy/replay", {"text": "{"}, 400))


def check_observed(api, policy):
    """An observed rule is listed though it has seen nothing; what decides is not listed."""
    rule = {"source_criteria": ["everyone"], "destination_criteria": ["everyone"], "services": ["tcp:1"], "action": "deny"}
    text = json.dumps({"rules": [{**rule, "id": "watched", "observe": True}, {**rule, "id": "not-watched"}]})
    version = api.call("PUT", "/api/v1/policy", {"text": text})["version"]
    seen = api.call("GET", "/api/v1/policy/observed?hours=1")
    api.call("PUT", "/api/v1/policy", {"text": policy["text"]})
    wanted = {"rule": "watched", "action": "deny", "flows": 0, "users": 0, "unowned_devices": 0, "unchanged_flows": 0, "last": None}
    if seen["rules"] != [wanted] or seen["policy_version"] != version:
        raise Failure(f"what was observed: {seen}")
    for query in ("hours=0", "hours=8785", "hours=x", "since=1h"):
        api.step("observed?" + query, lambda: api.call("GET", "/api/v1/policy/observed?" + query, want=400))


def check_review(api):
    """Findings, tests and changes of a policy that is not in force."""
    rule = {"source_criteria": ["everyone"], "destination_criteria": ["everyone"], "action": "allow"}
    test = {"id": "t", "source": {"user": "eve"}, "destination": {"user": "bob"}, "services": ["tcp:22"], "expect": "allow"}
    text = json.dumps({"rules": [{**rule, "id": "all"}, {**rule, "id": "again"}], "tests": [test]})
    value = api.call("POST", "/api/v1/policy/check", {"text": text, "changes": True})
    if not value["valid"] or [(f["kind"], f["rule"], f["other_rule"]) for f in value["findings"]] != [("shadowed", "again", "all")]:
        raise Failure(f"findings: {value}")
    if [(t["id"], t["passed"]) for t in value["tests"]] != [("t", True)] or not any(c["kind"] == "rule" for c in value["changes"]):
        raise Failure(f"tests and changes: {value}")
    if api.call("POST", "/api/v1/policy/check", {"text": text})["changes"]:
        raise Failure("changes that nobody asked for")
    text = json.dumps({"rules": [], "tests": [test]})
    value = api.call("POST", "/api/v1/policy/check", {"text": text, "changes": True})
    if value["valid"] or value["changes"] or value["tests"][0]["passed"] or not value["tests"][0]["sentence"]:
        raise Failure(f"a test that fails: {value}")
    refused = api.call("PUT", "/api/v1/policy", {"text": text}, 400)["error"]
    if refused["message"] != value["message"]:
        raise Failure(f"a policy whose test fails was not refused as it was checked: {refused}")


def check_history(api, before, now):
    at = "/api/v1/policy/history"
    shown = {key: value for key, value in now.items() if key != "text"}
    page = api.call("GET", at + "?limit=1")
    if page != {"versions": [shown], "next": now["version"]}:
        raise Failure(f"the newest version: {page}")
    everything, start = [], ""
    while True:
        page = api.call("GET", at + "?limit=1" + start)
        everything += page["versions"]
        if page["next"] is None:
            break
        start = f"&before={page['next']}"
    if everything != api.call("GET", at + "?limit=1000")["versions"]:
        raise Failure("pages of versions do not make the whole")
    if api.call("GET", f"{at}/{before['version']}") != before or api.call("GET", f"{at}/{now['version']}") != now:
        raise Failure("a version is not what it was when it was in force")
    for gone in ("0", "01", "x", str(now["version"] + 1), "99999999999999999999"):
        api.call("GET", f"{at}/{gone}", want=404)
    for query in ("before=0", "before=x", "limit=0", "limit=1001"):
        api.call("GET", f"{at}?{query}", want=400)
    back = "/api/v1/policy/rollback"
    done = api.call("POST", back, {"version": before["version"], "comment": "it was better", "based_on": now["version"]})
    after = api.call("GET", "/api/v1/policy")
    if (after["text"], after["rolled_back_to"], after["version"]) != (before["text"], before["version"], done["version"]):
        raise Failure(f"after the way back: {after}")
    if api.call("POST", back, {"version": done["version"]}, 409)["error"]["code"] != "exists":
        raise Failure("the way back to the version in force")
    if api.call("POST", back, {"version": now["version"], "based_on": now["version"]}, 409)["error"]["code"] != "stale":
        raise Failure("the way back from an older version")
    api.call("POST", back, {"version": 1}, 404)  # that was the network's record
    api.call("POST", back, {"version": done["version"] + 1000}, 400)


def check_drafts(api, older):
    at, policy = "/api/v1/policy/drafts", api.call("GET", "/api/v1/policy")
    api.call("PUT", at + "/wide", {"text": "not yet", "comment": "for Monday"}, 204)
    draft = api.call("GET", at + "/wide")
    wanted = {"name": "wide", "based_on": policy["version"], "author": "root", "comment": "for Monday", "bytes": 7,
              "text": "not yet", "stored": draft["stored"]}
    listed = api.call("GET", at)["drafts"]
    if draft != wanted or {**listed[-1], "text": "not yet"} != wanted:
        raise Failure(f"the draft: {draft}, {listed}")
    api.call("POST", at + "/wide/publish", {}, 400)
    api.call("PUT", at + "/wide", {"text": policy["text"], "based_on": older["version"]}, 204)
    if api.call("POST", at + "/wide/publish", {}, 409)["error"]["code"] != "stale":
        raise Failure("a draft of an older version")
    api.call("PUT", at + "/wide", {"text": policy["text"], "based_on": policy["version"]}, 204)
    done = api.call("POST", at + "/wide/publish", {"comment": "out"})
    after = api.call("GET", "/api/v1/policy")
    if (after["version"], after["comment"]) != (done["version"], "out") or after["version"] <= policy["version"]:
        raise Failure(f"the draft in force: {after}")
    for method, path, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/publish", {})):
        api.call(method, at + "/wide" + path, body, 404)
    api.call("PUT", at + "/gone", {"text": ""}, 204)
    api.call("DELETE", at + "/gone", want=204)


def check_client(api, name, me):
    """A stock client's life, from its key to its revocation."""
    key = subprocess.run(["sh", "-c", "wg genkey | wg pubkey"], capture_output=True, text=True, check=True).stdout.strip()
    body = {"client_type": "mobile", "name": name, "owner": "api-check", "tags": [], "wireguard_public_key": key}
    made = api.call("POST", "/api/v1/devices", body, 201)
    if made["device"]["client_id"] != name or made["device"]["wireguard_public_key"] != body["wireguard_public_key"]:
        raise Failure("the device made is not the one asked for")
    api.step("again", lambda: api.call("POST", "/api/v1/devices", body, 409))
    lost = {**body, "name": name + "-x", "hub": "none"}
    api.step("no such hub", lambda: api.call("POST", "/api/v1/devices", lost, 404))
    path = "/api/v1/devices/" + name
    for trust in (0, 100, 42):
        api.call("POST", path + "/trust", {"trust_score": trust})
    if api.call("GET", path)["security_context"]["trust_score"] != 42:
        raise Failure("trust was not stored")
    for on in (True, False, True):
        api.call("POST", path + "/quarantine", {"on": on})
        if api.call("GET", path)["security_context"]["quarantined"] != on:
            raise Failure("quarantine was not stored")
    api.step("explain a quarantined", lambda: check_explain(api, name, me, "source_quarantined"))
    api.call("POST", path + "/quarantine", {"on": False})
    api.step("explain", lambda: check_explain(api, me, name, None))
    for what, other in (("quarantine", {"on": True}), ("trust", {"trust_score": 1}), ("revoke", None)):
        api.step(f"{what} of nobody", lambda: api.call("POST", f"/api/v1/devices/none/{what}", other, 404))
    api.step("traffic", lambda: check_traffic(api, made["device"]["virtual_ip"]))
    api.step("recorded", lambda: check_recorded(api, me, name))
    api.call("POST", path + "/revoke")
    if not api.call("GET", path)["security_context"]["revoked"]:
        raise Failure("revocation was not stored")


def check_explain(api, source, destination, reason):
    for protocol, port in (("tcp", 22), ("udp", 53), ("icmp", None), ("icmp4", None), ("icmp6", None)):
        body = {"source": source, "destination": destination, "protocol": protocol}
        if port is not None:
            body["port"] = port
        value = api.call("POST", "/api/v1/explain", body)
        if reason and value["reason"] != reason:
            raise Failure(f"{value['reason']}, not {reason}")
        if (value["verdict"] == "allow") != (value["reason"] == "allowed"):
            raise Failure("verdict and reason contradict each other")
    later = api.call("POST", "/api/v1/explain", {"source": source, "destination": destination, "at": "2040-01-01T00:00:00Z"})
    if later["at"] != "2040-01-01T00:00:00Z" or (reason and later["reason"] != reason):
        raise Failure(f"another time: {later}")
    api.call("POST", "/api/v1/explain", {"source": source, "destination": destination, "at": "tomorrow"}, 400)
    api.call("POST", "/api/v1/explain", {"source": "none", "destination": destination}, 404)
    both = {"source": source, "destination": destination}
    api.call("POST", "/api/v1/explain", {**both, "protocol": "icmp", "port": 1}, 400)


def check_tokens(api, me):
    made = api.call("POST", "/api/v1/tokens", {"client_type": "iot", "owner": "api-check", "lifetime_seconds": 60}, 201)
    again = api.call("POST", "/api/v1/tokens", {"hub_type": "hub"}, 201)
    if made["token"] == again["token"] or made["id"] == again["id"]:
        raise Failure("two tokens are one")
    listed = {t["id"]: t for t in api.call("GET", "/api/v1/tokens")["tokens"]}
    if listed[made["id"]]["owner"] != "api-check" or listed[again["id"]]["hub_type"] != "regional":
        raise Failure(f"the list of tokens: {listed}")
    api.call("DELETE", "/api/v1/tokens/" + made["id"], want=204)
    for gone in (made["id"], "7", "x", "99999999999999999999", "9223372036854775808"):
        api.step("delete token " + gone, lambda: api.call("DELETE", "/api/v1/tokens/" + gone, want=404))
    api.step("both types", lambda: api.call("POST", "/api/v1/tokens", {"hub_type": "hub", "client_type": "iot"}, 400))
    api.step("no such hub", lambda: api.call("POST", "/api/v1/tokens", {"client_type": "iot", "hub": "none"}, 404))
    api.step("a name that exists", lambda: api.call("POST", "/api/v1/tokens", {"client_type": "iot", "name": me}, 409))


def refused(api, target, body, *words):
    message = api.call("POST", target, body, 400)["error"]["message"]
    if any(word not in message for word in words):
        raise Failure(f"{body}: the message does not say {words}: {message}")


def check_hubs(api, me, name):
    """A configuration as it is read is good; each member that differs is refused by its name."""
    for target, kept in (("/api/v1/hubs/" + me, ("hub_type",)), ("/api/v1/adapters/" + name, ("client_type",))):
        now = api.call("GET", target)
        api.call("POST", target, now)
        api.call("POST", target, {})
        for key, value in now.items():
            for part, old in value.items() if isinstance(value, dict) else ((None, value),):
                if key in ("parent_hub", "ends", "target_hub", "fallback_hubs"):
                    continue
                new = ["x"] if isinstance(old, list) else not old if isinstance(old, bool) else (old or 0) + 1 \
                    if isinstance(old, int) else "other"
                path = f"{key}.{part}" if part else key
                refused(api, target, json.dumps({key: {part: new} if part else new}), f'"{path}"', ": ")
        refused(api, target, json.dumps({kept[0]: "nonsense"}), kept[0])
        refused(api, target, '{"network_config": {"x": {}}}' if "hubs" in target else '{"subnet_mask": {"x": {}}}',
                "network_config.x" if "hubs" in target else "subnet_mask")
    refused(api, "/api/v1/hubs/" + me, json.dumps({"parent_hub": me}), "the gateway has no parent")
    refused(api, "/api/v1/hubs/" + me, json.dumps({"ends": "2099-01-01T00:00:00Z"}), "only a project hub")
    refused(api, "/api/v1/hubs/" + me, json.dumps({"ends": "2099-01-01"}), '"ends"')
    for target in ("/api/v1/hubs/none", "/api/v1/hubs/" + name, "/api/v1/adapters/none", "/api/v1/adapters/" + me):
        api.call("GET", target, want=404)
        api.call("POST", target, "{}", want=404)
    adapter = "/api/v1/adapters/" + name
    for body in ({"target_hub": "nowhere"}, {"fallback_hubs": ["nowhere"]}):
        api.call("POST", adapter, body, want=404)
    for body, word in (({"target_hub": name}, "not a hub"), ({"fallback_hubs": [me]}, "twice"),
                       ({"target_hub": 7}, "target_hub"),
                       ({"fallback_hubs": [me] * 4}, "at most 3"), ({"fallback_hubs": me}, "fallback_hubs")):
        refused(api, adapter, json.dumps(body), word)
    tokens = "/api/v1/tokens"
    for body, word in (({"hub_type": "project"}, "end"), ({"hub_type": "hub", "ends": "2099-01-01T00:00:00Z"}, "project"),
                       ({"hub_type": "project", "ends": "2000-01-01T00:00:00Z"}, "future"),
                       ({"client_type": "iot", "ends": "2099-01-01T00:00:00Z"}, "ends"),
                       ({"client_type": "iot", "parent_hub": me}, "parent_hub"),
                       ({"client_type": "iot", "fallback_hubs": [me]}, "twice"),
                       ({"hub_type": "hub", "fallback_hubs": [me]}, "fallback_hubs"),
                       ({"hub_type": "hub", "hub": me}, "parent_hub"),
                       ({"hub_type": "hub", "parent_hub": name}, "not a hub")):
        refused(api, tokens, json.dumps(body), word)
    made = api.call("POST", tokens, {"hub_type": "project", "ends": "2099-01-01T00:00:00Z", "parent_hub": me}, 201)
    listed = {t["id"]: t for t in api.call("GET", tokens)["tokens"]}[made["id"]]
    if (listed["ends"], listed["parent_hub"], listed["hub"]) != ("2099-01-01T00:00:00Z", me, None):
        raise Failure(f"the token of a project hub: {listed}")


class Stream:
    def __init__(self, api, target, headers=""):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(api.path)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        self.data = b""

    def read_until(self, needle):
        while needle not in self.data:
            self.more()
        return self.data

    def events(self, count):
        """The first events of the stream; chunk borders may fall anywhere, so the chunks are put together first."""
        while True:
            body, text = self.data.partition(b"\r\n\r\n")[2], b""
            while b"\r\n" in body:
                size, _, rest = body.partition(b"\r\n")
                size = int(size, 16)
                if len(rest) < size + 2:
                    break
                text, body = text + rest[:size], rest[size + 2:]
            blocks = [block for block in text.decode().split("\n\n")[:-1] if "data: " in block]
            found = [json.loads(block.split("data: ", 1)[1]) for block in blocks]
            if len(found) >= count:
                return found
            self.more()

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except socket.timeout:
            raise Failure(f"nothing more within 20 s of {self.data[-80:]!r}") from None
        if not piece:
            raise Failure("the stream ended")
        self.data += piece

    def close(self):
        self.socket.close()


def check_traffic(api, address):
    """A packet of this host to an address of the overlay makes an event; the stream and the list tell the same."""
    subprocess.run(["ping", "-6", "-c", "2", "-i", "0.3", "-W", "1", address], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    listed = []
    for _ in range(30):
        listed = api.call("GET", "/api/v1/flows?latest=50")["events"]
        if listed:
            break
        time.sleep(0.2)
    if not listed:
        raise Failure("no flow event in 6 s")
    serials = [e["serial"] for e in listed]
    if serials != sorted(set(serials)):
        raise Failure("serials do not rise")
    after = listed[0]["serial"] - 1
    if api.call("GET", f"/api/v1/flows?after={after}&limit=1")["events"] != listed[:1]:
        raise Failure("after and limit give another event")
    for query, headers in ((f"?after={after}", ""), ("", f"Last-Event-ID: {after}\r\n")):
        stream = Stream(api, "/api/v1/flows/stream" + query, headers)
        try:
            events = stream.events(len(listed))
        finally:
            stream.close()
        for event in events:
            api.schemas.check(event, {"$ref": "#/components/schemas/FlowEvent"}, "stream")
        if after > 0 and events[:len(listed)] != listed:
            raise Failure("the stream does not tell what the list tells")


def check_recorded(api, me, name):
    """What check_traffic sent is among the recorded flows, in pages too, and a policy without rules denies it."""
    whole = api.call("GET", f"/api/v1/flows/recorded?source={me}&destination={name}&protocol=icmp")["flows"]
    if not whole or any(f["source"]["client_id"] != me or f["destination"]["client_id"] != name for f in whole):
        raise Failure(f"recorded flows to {name}: {whole}")
    if api.call("GET", "/api/v1/flows/recorded?observed=nothing-of-this-name")["flows"]:
        raise Failure("flows that no rule observed")
    pages, before = [], ""
    while True:
        page = api.call("GET", "/api/v1/flows/recorded?limit=1" + before)
        pages += page["flows"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    serials = [f["serial"] for f in pages]
    if serials != sorted(set(serials), reverse=True) or not set(serials) >= {f["serial"] for f in whole}:
        raise Failure(f"pages of recorded flows: {serials}")
    allowed = sum(f["flows"] for f in pages if f["verdict"] == "allow")
    replayed = api.call("POST", "/api/v1/policy/replay?hours=1", {"text": '{"rules": []}'})
    if replayed["allowed_by_draft"] or replayed["would_deny"]["flows"] != replayed["allowed_now"]:
        raise Failure(f"a policy without rules, after {allowed} flows that were allowed: {replayed}")


def check_streams(api):
    time.sleep(6)  # a reader that left is found by the next keep-alive, within 5 s
    streams = []
    try:
        for _ in range(32):
            stream = Stream(api, "/api/v1/flows/stream")
            streams.append(stream)
            head = stream.read_until(b"\r\n\r\n")
            if b" 200 " not in head or b"Content-Type: text/event-stream" not in head:
                raise Failure(head[:80])
        api.hit.add(("/api/v1/flows/stream", "GET", "200"))
        api.call("GET", "/api/v1/flows/stream", want=503)
        api.step("status beside 32 streams", lambda: api.call("GET", "/api/v1/status"))
    finally:
        for stream in streams:
            stream.close()
    for _ in range(40):
        time.sleep(0.5)
        stream = Stream(api, "/api/v1/flows/stream")
        try:
            if b" 200 " in stream.read_until(b"\r\n\r\n"):
                return
        finally:
            stream.close()
    raise Failure("streams whose readers left are not closed within 20 s")


def check_coverage(api):
    for path, method, operation in api.operations():
        for status in operation["responses"]:
            if (path, status) == ("/api/v1/health", "503"):
                continue  # this host enforces; tests/unit/test_door_web.c has one that does not
            if status != "default" and (path, method, status) not in api.hit:
                raise Failure(f"{method} {path} never answered {status}")


def check_validator(api):
    """The validator itself: each answer of status, spoiled in each place, is refused."""
    value = api.call("GET", "/api/v1/status")
    schema = {"$ref": "#/components/schemas/Status"}
    for key in value:
        for spoiled in ({k: v for k, v in value.items() if k != key}, {**value, key: [1.5]}, {**value, key + "x": 1}):
            try:
                api.schemas.check(copy.deepcopy(spoiled), schema, "spoiled")
            except Failure:
                continue
            raise Failure(f"the validator takes a status with {key} spoiled")


def check(path):
    api = Api(path)
    for at, method, operation in api.operations():
        for response in operation["responses"].values():
            for content in api.schemas.resolve(response).get("content", {}).values():
                api.step("schemas", lambda: api.schemas.audit(content["schema"], f"{method} {at}"))
    me = api.call("GET", "/api/v1/status")["client_id"]
    name = f"api-check-{os.getpid()}-{int(time.time()) % 100000}"
    api.step("validator", lambda: check_validator(api))
    check_reads(api, me)
    api.step("policy", lambda: check_policy(api))
    api.step("tokens", lambda: check_tokens(api, me))
    api.step("client", lambda: check_client(api, name, me))
    api.step("hubs", lambda: check_hubs(api, me, name))
    check_refusals(api, name + "-none", {"/api/v1/hubs/{name}": me, "/api/v1/adapters/{name}": name})
    check_paths(api)
    hostile.check(api, me)
    roles.check(api, name)
    api.step("streams", lambda: check_streams(api))
    api.step("coverage", lambda: check_coverage(api))
    print(f"{api.passed} passed, {len(api.failures)} failed")
    return 1 if api.failures else 0


def check_own(socket_path):
    sys.path.insert(0, f"{TOP}/lab")
    import network
    net = network.Network(PREFIX, say=print)
    network.remove(PREFIX)
    gateway = net.add("gateway", "gateway", 1, owner="alice")
    try:
        net.create()
        net.init_gateway(gateway)
        return gateway.popen([sys.executable, os.path.abspath(__file__), "--socket", socket_path]).wait()
    finally:
        net.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", default="/run/rnaut/api.sock")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("prefix", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("check_openapi.py: run it as root")
    if options.own:
        return check_own(options.socket)
    if options.prefix:
        command = options.prefix + [sys.executable, os.path.abspath(__file__), "--socket", options.socket]
        os.execvp(command[0], command)
    return check(options.socket)


if __name__ == "__main__":
    sys.exit(main())
