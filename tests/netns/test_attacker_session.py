# SPDX-License-Identifier: Apache-2.0
"""What a captured web can do in other people's names and against core: sessions, passwords, guesses, floods."""
import json
import re

from captured import Captured, goes_on, memory, processes
from harness import SANITIZED, SLOW, case, equal, number, true, wait_for
from test_attacker_web import Untouched
from test_matrix import start_servers
from web_person import Person, above, as_root, ask, attempts, change, old, routes


@case("attacker in web: without a credential, or with one that is forged, old or another's, no route is open")
def strangers(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    tokens = [gateway.rnaut("api-token", "create", "--name", f"prey-{i}", "--role", "admin")["token"] for i in range(3)]
    ids, secrets = zip(*(token.split(".")[1:] for token in tokens))
    change(gateway, f"UPDATE api_tokens SET expires = {old(1)} WHERE id = '{ids[2]}'")
    with Captured(lab, gateway, "web") as captured:
        eve, idle, aged = (Person(captured, name, "admin") for name in ("eve", "idle", "aged"))
        other = Person(captured, "vera", "viewer")
        change(gateway, f"UPDATE sessions SET used = {old(8 * 3600 + 60)} WHERE account = (SELECT number FROM accounts "
               "WHERE name = 'idle')")
        change(gateway, f"UPDATE sessions SET created = {old(7 * 86400 + 60)} WHERE account = (SELECT number FROM accounts "
               "WHERE name = 'aged')")
        closed = [route for route in routes() if route[2] != "none"]
        true(len(closed) > 30, f"{len(closed)} routes")
        guess = "A" * 43
        with Untouched(lab):
            for what, credential in (("none", {}), ("a guessed session", {"cookie": guess, "csrf": guess}),
                                     ("an idle session", idle.credential), ("an old session", aged.credential),
                                     ("a bearer's session", {"bearer": eve.cookie}), ("a session's token", {"cookie": tokens[0]}),
                                     ("another's secret", {"bearer": f"rna1.{ids[0]}.{secrets[1]}"}),
                                     ("a guessed secret", {"bearer": f"rna1.{ids[0]}.{guess}"}),
                                     ("a token that has expired", {"bearer": tokens[2]}),
                                     ("a good session behind a bad token", {**eve.credential, "bearer": "rna1.x.y"})):
                replies = ask(captured, attempts(closed, "admin", **credential))
                equal({(reply.status, reply.code) for reply in replies}, {(401, "unauthorized")}, what)
            changing = [route for route in closed if route[0] != "GET"]
            for what, csrf in (("no CSRF token", ""), ("a guessed one", guess), ("another's", other.csrf),
                               ("the cookie", eve.cookie)):
                replies = ask(captured, attempts(changing, "admin", cookie=eve.cookie, csrf=csrf))
                equal({(reply.status, reply.code) for reply in replies}, {(403, "csrf")}, what)
        equal([reply.status for reply in eve.ask(("GET", "/api/v1/accounts"))], [200], "the good session")
    for name in ("eve", "idle", "aged", "vera"):
        equal(as_root(gateway, "DELETE", f"/api/v1/accounts/{name}")[0], 204, name)
    for token in ids:
        equal(as_root(gateway, "DELETE", f"/api/v1/api-tokens/{token}")[0], 204, token)
    goes_on(lab)


@case("attacker in web: a session that passes through may do what its person may, and becomes nothing more")
def sessions(lab, kept):
    gateway = lab["gateway"]
    with Captured(lab, gateway, "web") as captured:
        for role in ("viewer", "operator", "admin"):
            person = Person(captured, f"p-{role}", role)
            forbidden = above(role)
            true(forbidden, f"nothing is above {role}")
            with Untouched(lab):
                replies = ask(captured, attempts(forbidden, person.name, **person.credential))
                equal({(reply.status, reply.code) for reply in replies}, {(403, "forbidden")}, f"above {role}")
                # Another's name in the body or the path makes no other session of it.
                replies = person.ask(("POST", "/api/v1/session", {"body": '{"account":"admin"}'}),
                                     ("POST", "/api/v1/session", {"body": '{"link":"%s"}' % person.cookie}))
                true(all(reply.status in (400, 401) and not reply.cookie for reply in replies), f"another's session as {role}")
                readable = [route for route in routes() if route not in forbidden and route[0] == "GET"]
                replies = ask(captured, attempts(readable, person.name, **person.credential))
                true(all(reply.status in (200, 404) for reply in replies), f"what a {role} reads")
    for role in ("viewer", "operator", "admin"):
        equal(as_root(gateway, "DELETE", f"/api/v1/accounts/p-{role}")[0], 204, role)


@case("attacker in web: a session gets no password where there is one, and a token none at all")
def passwords(lab, kept):
    gateway = lab["gateway"]
    own, others = "the person's own words", "the attacker's own words"
    with Captured(lab, gateway, "web") as captured:
        person = Person(captured, "pat", "viewer")
        reply, = person.ask(("POST", "/api/v1/session/password", {"body": json.dumps({"password": own})}))
        equal(reply.status, 204, "the person's own password")
        equal(person.ask(("GET", "/api/v1/session"))[0].status, 401, "the session before it")
        person.cookie = reply.cookie
        person.csrf = person.ask(("GET", "/api/v1/session"))[0].body["csrf"]
        token = gateway.rnaut("api-token", "create", "--name", "pat-token", "--role", "admin")
        with Untouched(lab):
            path, wanted = "/api/v1/session/password", {"password": others}
            replies = person.ask(("POST", path, {"body": json.dumps(wanted)}),
                                 ("POST", path, {"body": json.dumps({**wanted, "current": others})}))
            equal([reply.status for reply in replies], [400, 403], "without the password")
            reply, = ask(captured, [("POST", path, {"bearer": token["token"], "body": json.dumps(wanted)})])
            equal(reply.status, 403, "with a token")
    equal(as_root(gateway, "DELETE", "/api/v1/accounts/pat")[0], 204, "pat")
    equal(as_root(gateway, "DELETE", f"/api/v1/api-tokens/{token['id']}")[0], 204, "the token")


@case("attacker in web: a session it kept ends with the person's sign-out, with another role and with the account")
def ended(lab, kept):
    gateway = lab["gateway"]
    ends = {"sign-out": None, "role": ("POST", "/api/v1/accounts/%s/role", {"role": "operator"}),
            "account": ("DELETE", "/api/v1/accounts/%s")}
    with Captured(lab, gateway, "web") as captured:
        for what, request in ends.items():
            person = Person(captured, f"end-{what}", "viewer")
            equal(person.ask(("GET", "/api/v1/devices"))[0].status, 200, "before")
            if request:
                lines = captured.begin("stream", person.cookie)
                wait_for("the stream", lambda said=lines: "open 200" in said(), 20 * SLOW)
                true(as_root(gateway, request[0], request[1] % person.name, *request[2:])[0] in (200, 204), what)
                equal(captured.end("stream", 120), 0, "status")
                equal(lines(), ["open 200", "ended by core", "done"], f"the stream after the end by {what}")
            else:
                equal(person.ask(("DELETE", "/api/v1/session"))[0].status, 204, what)
            with Untouched(lab):
                replies = ask(captured, attempts([r for r in routes() if r[2] != "none"], person.name, **person.credential))
                equal({reply.status for reply in replies}, {401}, f"after the end by {what}")
    for what in ("sign-out", "role"):
        equal(as_root(gateway, "DELETE", f"/api/v1/accounts/end-{what}")[0], 204, what)


@case("attacker in web: forged sources buy no more guesses at an account and no more hashes in all")
def guesses(lab, kept):
    start_servers(lab, kept)
    links = number("RN_LINKS", 6000, 1000)
    with Untouched(lab), Captured(lab, lab["gateway"], "web") as captured:
        lines, _ = captured.attack("guess_account", "admin", str(links), seconds=400)
        seen, refused, took = (int(n) for n in re.fullmatch(r"(\d+) of 20 guesses looked at, (\d+) of \d+ links, (\d+) ms",
                                                            lines[0]).groups())
        print(f"    {lines[0]}", flush=True)
        equal(refused, links, "links, each from a source of its own")
        true(0 < seen <= 5 * (took // 60000 + 1), f"more than five guesses a minute: {lines[0]}")
        lines, _ = captured.attack("guess_all", "10000", seconds=400)
        hashed, _, took = (int(n) for n in re.fullmatch(r"(\d+) hashed, (\d+) sent away, (\d+) ms", lines[0]).groups())
        print(f"    {lines[0]}", flush=True)
        true(0 < hashed <= 4 * (took // 1000 + 1), f"hashes: {lines[0]}")
        equal(as_root(lab["gateway"], "GET", "/api/v1/health")[0], 200, "core afterwards")
    goes_on(lab)


def flooded(lab, captured, core):
    """Bodies that never end, answers that nobody reads, connections without number: core's memory while it holds the bodies."""
    gateway = lab["gateway"]
    lines = captured.begin("hold")
    wait_for("bodies that never end", lambda: "256 held" in lines(), 60 * SLOW)
    gateway.rnaut("status")  # what core had read before it
    held = memory(core)
    goes_on(lab)  # the hub is served meanwhile
    captured.tell_to_end()
    equal(captured.end("hold", 120), 0, "status")
    lines, _ = captured.attack("unread", seconds=240)
    true(lines[-1] == "done" and int(lines[0].split()[0]) > 1000, f"answers that nobody reads: {lines}")
    gateway.rnaut("status")
    lines, _ = captured.attack("dial_again", seconds=120)
    true(lines[-1] == "done" and int(lines[0].split()[1]) > 500, f"dialling: {lines}")
    gateway.rnaut("status")
    return held


@case("attacker in web: a flood keeps core from nobody else, and takes memory once and not each time")
def flood(lab, kept):
    start_servers(lab, kept)
    core = processes(lab["gateway"], "web")["core"]
    sizes = [memory(core)]
    with Untouched(lab), Captured(lab, lab["gateway"], "web") as captured:
        for _ in range(3):
            sizes += [flooded(lab, captured, core), memory(core)]
    print(f"    core in MiB before, while and after each of three floods: {sizes}", flush=True)
    true(max(sizes) - sizes[0] < (200 if SANITIZED else 48), f"MiB: {sizes}")
    if not SANITIZED:  # which keep what is freed
        true(sizes[-1] - sizes[2] < 4, f"MiB after each flood: {sizes}")
    goes_on(lab)


@case("attacker in web: root's own acts stay root's even with an admin's token, and the next web serves")
def roots_own(lab, kept):
    start_servers(lab, kept)
    gateway = lab["gateway"]
    admin = gateway.rnaut("api-token", "create", "--name", "everything", "--role", "admin")
    try:
        with Untouched(lab), Captured(lab, gateway, "web") as captured:
            rooted = [route for route in routes() if route[2] == "root"]
            true(rooted, "no route is root's")
            replies = ask(captured, attempts(rooted, "admin", bearer=admin["token"]))
            equal({(reply.status, reply.code) for reply in replies}, {(403, "forbidden")}, "root's acts for an admin")
        wait_for("the honest web", lambda: gateway.unit_pid("rnautd-web"), 20 * SLOW)
    finally:
        as_root(gateway, "DELETE", f"/api/v1/api-tokens/{admin['id']}")
    goes_on(lab)
