# SPDX-License-Identifier: Apache-2.0
"""Everything as everybody, through the web process: strangers, each role, and credentials that are not good (any more)."""
import http.client
import json
import time

ROLES = ("viewer", "operator", "admin")
WEB = ("127.0.0.1", 8080)
PASSWORD = "correct horse battery staple"


class Caller:
    """Somebody at the web process, with a credential; judged by the same file as the unix socket."""

    def __init__(self, api, headers=None):
        self.api, self.headers = api, headers or {}

    def raw(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(*WEB, timeout=20)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            try:
                connection.request(method, target, body, {**self.headers, **(headers or {})})
            except (BrokenPipeError, ConnectionResetError):
                pass  # answered before the whole of a huge body was sent
            answer = connection.getresponse()
            stream = answer.getheader("Content-Type") == "text/event-stream"
            return answer.status, answer.headers, b"" if stream else answer.read()
        finally:
            connection.close()

    def call(self, method, target, body=None, want=200, code=None):
        status, headers, text = self.raw(method, target, body)
        if headers.get("Content-Type") == "text/event-stream" and status == want:
            return None
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"):
            if name not in headers:
                raise self.api.failure(f"{method} {target} {status}: no {name}")
        if status == 429 and not 1 <= int(headers.get("Retry-After", "0")) <= 60:
            raise self.api.failure(f"{method} {target}: 429 without Retry-After")
        value = self.api.judge(method, target, status, headers, text)
        if status != want or (code and value["error"]["code"] != code):
            raise self.api.failure(f"{method} {target}: {status} {text[:200]!r}, not {want} {code or ''}")
        return value


class Session(Caller):
    """By the cookie; csrf False leaves the token out, a text is sent instead of it."""

    def __init__(self, api, body, csrf=True):
        super().__init__(api)
        status, headers, text = self.raw("POST", "/api/v1/session", body)
        self.answer = api.judge("POST", "/api/v1/session", status, headers, text)
        if status != 201:
            raise api.failure(f"sign-in: {status} {text!r}")
        self.cookie = headers["Set-Cookie"].split(";")[0]
        if "; Path=/; Secure; HttpOnly; SameSite=Strict" not in headers["Set-Cookie"]:
            raise api.failure(f"cookie {headers['Set-Cookie']}")
        self.use(csrf)

    def use(self, csrf=True):
        self.headers = {"Cookie": self.cookie}
        if csrf:
            self.headers["X-Rnaut-Csrf"] = self.answer["csrf"] if csrf is True else csrf
        return self


def link_of(api, name):
    return api.call("POST", f"/api/v1/accounts/{name}/link", {}, 201)["link"].removeprefix("/login#")


def bearers(api, name):
    made = {role: api.call("POST", "/api/v1/api-tokens", {"name": f"{name}-{role}", "role": role}, 201) for role in ROLES}
    return made, {role: Caller(api, {"Authorization": "Bearer " + made[role]["token"]}) for role in ROLES}


def may(role, needed):
    order = ("none",) + ROLES + ("root",)
    return order.index(role) >= order.index(needed)


# What an empty call with enough of a role gets, where that is not its 200: no body, or a name that nothing has.
def expected(operation, method, path):
    if (path, method) == ("/api/v1/session", "DELETE"):
        return 403  # a token has no session
    if "requestBody" in operation:
        return 400
    return 404 if "{name}" in path else 200


def check_matrix(api, callers, strangers, name):
    for path, method, operation in api.operations():
        target, needed = path.replace("{name}", name + "-none"), operation["x-role"]
        for what, caller in strangers.items():
            want = 401 if needed != "none" else expected(operation, method, path)
            api.step(f"{method} {path} by {what}", lambda: caller.call(method, target, want=want))
        for role, caller in callers.items():
            good = may(role, needed)
            api.step(f"{method} {path} by a {role}",
                     lambda: caller.call(method, target, want=expected(operation, method, path) if good else 403,
                                         code=None if good else "forbidden"))


def check_csrf(api, session, name):
    """Every method but GET needs the session's own token, whatever else the request is."""
    token = session.answer["csrf"]
    for what, csrf in (("no CSRF token", False), ("a wrong one", "A" * 43), ("a short one", token[:-1]),
                       ("the cookie", session.cookie.split("=")[1])):
        session.use(csrf)
        for path, method, operation in api.operations():
            if operation["x-role"] != "none":
                target = path.replace("{name}", name + "-none")
                want, code = (expected(operation, method, path), None) if method == "GET" else (403, "csrf")
                api.step(f"{method} {path} with {what}", lambda: session.call(method, target, want=want, code=code))
    session.use(True)


def check_bodies(api, admin, viewer, stranger, revoked):
    one = b" " * ((1 << 20) + 1)
    large = b" " * ((34 << 20) + 1)
    for path, method, operation in api.operations():
        if "requestBody" not in operation or operation["x-role"] == "root":
            continue
        target = path.replace("{name}", "x")
        none = operation["x-role"] == "none"
        text = api.takes_text(operation)
        big = one[:(64 << 10) + 1] if none else large if text else one
        api.step(f"{method} {path}: a huge body", lambda: admin.call(method, target, big, want=413))
        if text:
            api.step(f"{method} {path}: a large body", lambda: admin.call(method, target, one, want=400))
            if operation["x-role"] == "viewer":
                api.step(f"{method} {path}: a viewer's large body",
                         lambda: viewer.call(method, target, one, want=413, code="too_large"))
            api.step(f"{method} {path}: a large body with a revoked token",
                     lambda: revoked.call(method, target, large[1:], want=401))
        for bad in (b"{", b"[]", b"null", b'{"unexpected": 1}', b'{"\xff": 1}', b"[" * 60000, b'{"a": 1e999}'):
            api.step(f"{method} {path}: {bad[:12]!r}", lambda: admin.call(method, target, bad, want=400))
        if not none:
            api.step(f"{method} {path}: a stranger's huge body", lambda: stranger.call(method, target, one, want=413))
            api.step(f"{method} {path}: a huge body with a revoked token",
                     lambda: revoked.call(method, target, one[2:], want=401))


def check_accounts(api, admin, name):
    """An account's life, and that nobody is locked out."""
    account = name + "-account"
    made = admin.call("POST", "/api/v1/accounts", {"account": account, "role": "viewer"}, 201)
    admin.call("POST", "/api/v1/accounts", {"account": account, "role": "viewer"}, 409, "exists")
    admin.call("POST", f"/api/v1/accounts/{account}-x/role", {"role": "viewer"}, 404)
    admin.call("POST", f"/api/v1/accounts/{account}-x/link", {}, 404)
    for reserved in ("root", "nobody"):
        admin.call("POST", "/api/v1/accounts", {"account": reserved, "role": "viewer"}, 409)
    session = Session(api, {"link": made["link"].removeprefix("/login#")})
    Caller(api).call("POST", "/api/v1/session", {"link": made["link"].removeprefix("/login#")}, 401)
    session.call("GET", "/api/v1/accounts", want=403)
    session.call("POST", f"/api/v1/accounts/{account}/role", {"role": "admin"}, 403)  # one's own, upwards
    admin.call("POST", f"/api/v1/accounts/{account}/role", {"role": "operator"})
    session.call("GET", "/api/v1/session", want=401)  # its sessions ended
    session = Session(api, {"link": link_of(api, account)})
    session.call("POST", "/api/v1/session/password", {"password": "short"}, 400)
    status, headers, _ = session.raw("POST", "/api/v1/session/password", {"password": PASSWORD})
    if status != 204 or not headers["Set-Cookie"].startswith("__Host-rnaut="):
        raise api.failure(f"password: {status}")
    api.hit.add(("/api/v1/session/password", "POST", "204"))
    session.call("GET", "/api/v1/session", want=401)
    again = Session(api, {"account": account, "password": PASSWORD})
    api.step("a stream ends with its session", lambda: check_stream(api, admin, again, account))
    for last in ({"role": "viewer"}, None):
        target = "/api/v1/accounts/admin" + ("/role" if last else "")
        admins = [a["account"] for a in admin.call("GET", "/api/v1/accounts")["accounts"] if a["role"] == "admin"]
        if admins == ["admin"]:
            admin.call("POST" if last else "DELETE", target, last, 409, "last_admin")
    admin.call("DELETE", "/api/v1/accounts/" + account, want=204)
    Caller(api).call("POST", "/api/v1/session", {"account": account, "password": PASSWORD}, 401)


def check_stream(api, admin, session, account):
    connection = http.client.HTTPConnection(*WEB, timeout=20)
    connection.request("GET", "/api/v1/flows/stream", headers=session.headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise api.failure(f"stream: {answer.status}")
    admin.call("POST", f"/api/v1/accounts/{account}/role", {"role": "viewer"})
    begun = time.monotonic()
    while answer.read1(65536):
        if time.monotonic() - begun > 15:
            raise api.failure("the stream goes on for 15 s after its session ended")
    connection.close()


def check_actors(api, token, session, name):
    """The audit names who did it: root, the account, the token."""
    for caller in (api, token, session):
        caller.call("POST", "/api/v1/tokens", {"client_type": "iot", "name": name + "-device"}, 201)
    events = token.call("GET", "/api/v1/events?limit=3")["events"]
    if [e["actor"] for e in events] != ["root", f"token {name}-admin", "admin"]:
        raise api.failure(f"actors: {events}")


def check_guessing(api):
    """Within a minute: five failures, then 429 for this source, whatever it tries."""
    stranger, seen = Caller(api), []
    for _ in range(12):
        status, headers, text = stranger.raw("POST", "/api/v1/session", {"account": "admin", "password": "guess"})
        api.judge("POST", "/api/v1/session", status, headers, text)
        seen.append(status)
        time.sleep(0.3)
    if seen.count(401) > 5 or seen[-1] != 429 or set(seen) - {401, 429}:
        raise api.failure(f"answers to guesses: {seen}")


def check(api, name):
    stranger = Caller(api)
    made, callers = bearers(api, name)
    gone = api.call("POST", "/api/v1/api-tokens", {"name": name + "-gone", "role": "admin"}, 201)
    api.call("POST", "/api/v1/api-tokens", {"name": name + "-gone", "role": "admin"}, 409)
    api.call("DELETE", "/api/v1/api-tokens/" + gone["id"], want=204)
    ended = Session(api, {"link": link_of(api, "admin")})
    ended.call("DELETE", "/api/v1/session", want=204)
    token = made["admin"]["token"]
    strangers = {"a stranger": stranger, "a revoked token": Caller(api, {"Authorization": "Bearer " + gone["token"]}),
                 "an ended session": ended}
    for what, wrong in (("a token with a wrong secret", token[:-2] + ("AA" if token[-2:] != "AA" else "BB")),
                        ("a token with another's id", ".".join(["rna1", made["viewer"]["id"], token.split(".")[2]])),
                        ("an enrolment token", "rnt1.AAAA"), ("a long token", "rna1." + "a" * 240)):
        strangers[what] = Caller(api, {"Authorization": "Bearer " + wrong})
    # With a cookie that is good beside a bearer that is not, the bearer counts.
    session = Session(api, {"link": link_of(api, "admin")})
    strangers["a bad bearer beside a good cookie"] = Caller(api, {**session.headers, "Authorization": "Bearer rna1.x.y"})
    check_matrix(api, callers, strangers, name)
    check_csrf(api, session, name)
    check_bodies(api, callers["admin"], callers["viewer"], stranger, strangers["a revoked token"])
    api.step("actors", lambda: check_actors(api, callers["admin"], session, name))
    api.step("accounts", lambda: check_accounts(api, session, name))
    api.step("passwords of tokens", lambda: callers["viewer"].call(
        "POST", "/api/v1/session/password", {"password": PASSWORD}, 403))
    api.step("guessing", lambda: check_guessing(api))
    api.step("guessing a current password", lambda: session.call(
        "POST", "/api/v1/session/password", {"password": PASSWORD}, 429))
    for one in made.values():
        api.call("DELETE", "/api/v1/api-tokens/" + one["id"], want=204)
