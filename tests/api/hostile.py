# SPDX-License-Identifier: Apache-2.0
"""Policies that nobody should have written: refused whole, in one sentence that says where, and the old one stays.

Each through the unix socket, the web process and the command; what cannot be said in JSON is sent as it is. Nothing here
puts a policy into force, so what explain says before holds after."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

import roles

HUGE = 100 << 20
GROWTH_MAX = 24 << 20  # bytes by which a process may have grown at most at a body of HUGE; what it reads at once
PLACE = re.compile(r"line \d+, column \d+: |rule (\d|\")|the device ")
RULE = {"source_criteria": ["everyone"], "destination_criteria": ["everyone"], "action": "allow"}
WINDOW = {"from": "08:00", "to": "18:00", "zone": "UTC"}


def rules(*more):
    return json.dumps({"rules": [{"id": f"r{i}", **RULE, **one} for i, one in enumerate(more)]})


def named(text):
    """Hostile text wherever a name may stand."""
    word = json.dumps(text)
    yield "id", f'{{"rules": [{{"id": {word}}}]}}'
    yield "key", f'{{{word}: 1, "rules": []}}'
    yield "key of a rule", f'{{"rules": [{{"id": "a", {word}: 1}}]}}'
    yield "group", f'{{"groups": {{{word}: []}}, "rules": []}}'
    yield "member", f'{{"groups": {{"a": [{word}]}}, "rules": []}}'
    yield "inner group", f'{{"groups": {{"a": [{json.dumps("group:" + text)}]}}, "rules": []}}'
    yield "tag", f'{{"tags": [{word}], "rules": []}}'
    yield "action", rules({"action": text})
    for kind in ("", "!", "user:", "group:", "tag:", "device:", "type:", "hub:", "hub-type:", "host:", "prefix:"):
        yield f"criterion {kind}", rules({"source_criteria": [kind + text]})
    yield "service", rules({"services": [text]})
    yield "port", rules({"services": ["tcp:" + text]})
    yield "ICMP type", rules({"services": ["icmp4:" + text]})
    yield "zone", rules({"conditions": {"times": [{**WINDOW, "zone": text}]}})
    yield "clock", rules({"conditions": {"times": [{**WINDOW, "from": text}]}})
    yield "day", rules({"conditions": {"times": [{**WINDOW, "days": [text]}]}})
    yield "moment", rules({"conditions": {"until": text}})
    yield "type", rules({"conditions": {"source_types": [text]}})
    test = {"id": "t", "source": {}, "destination": {}, "services": ["tcp:1"], "expect": "deny"}
    for key, value in (("id", text), ("expect", text), ("rule", text), ("at", text), ("services", [text]),
                       ("source", {"user": text}), ("source", {"tags": [text]}), ("source", {"address": text}),
                       ("source", {"type": text}), ("source", {"hub": text}), ("source", {"device": text})):
        yield f"{key} of a test", json.dumps({"rules": [], "tests": [{**test, key: value}]})


# Names that a terminal, a shell, a path or a database would take for more, and some that end inside a character.
NAMES = ("\x1b[2J\x1b]0;owned\x07", "a\nb", "a\"b'c", "'; DROP TABLE policies; --", "../../etc/passwd", "/etc/passwd", "%s%n",
         "\u202egnp.exe", "\u200b", "\ufeff", "x" * 10000, "\u00e9" * 5000, "x" + "\U0001f600" * 100, "A", "", " ", "..",
         "a" * 64, "-a", "a/b", "\u0430dmin")


def written():
    """What is wrong in the text itself: (what, text, words that the sentence has)."""
    yield "deep lists", "[" * 10000, ("deep",)
    yield "deep objects", '{"rules":' * 10000, ("deep",)
    yield "deep and closed", '{"rules": ' + "[" * 10000 + "]" * 10000 + "}", ("deep",)
    yield "comments in comments", "/*" * 10000 + "*/", ()
    yield "a comment without an end", "/*" + "x" * 1000000, ("*/",)
    yield "half a surrogate pair", '{"rules": [{"id": "\\ud800"}]}', ("surrogate", "column 20")
    yield "pairs turned round", '{"rules": [{"id": "\\udc00\\ud800"}]}', ("surrogate",)
    yield "a NUL", '{"rules": [{"id": "a\\u0000b"}]}', ("u0000",)
    yield "a key twice", '{"rules": [],\n "rules": []}', ("line 2, column 2", '"rules" stands twice')
    yield "a key twice, escaped", '{"rules": [], "rule\\u0073": []}', ('"rules" stands twice',)
    yield "a key of a rule twice", rules({})[:-3] + ', "action": "deny"}]}', ('"action" stands twice',)
    yield "an id twice", rules({}, {"id": "r0"}), ('"r0" is that of rule 1 already',)
    yield "a test's id twice", json.dumps({"rules": [], "tests": [
        {"id": "t", "source": {}, "destination": {}, "services": ["tcp:1"], "expect": "deny"}] * 2}), ('"t"',)
    yield "a number without end", '{"rules": ' + "1" * 1000000 + "}", ()
    yield "a huge exponent", rules({"conditions": {"minimum_trust": 1}}).replace('trust": 1',
                                                                                 'trust": 1e999999999'), ("minimum_trust",)
    for text in ("", " ", "null", "nul", '"', "{", "//", "/", "{}x", "\ufeff{}", "\u2028{}"):
        yield f"the text {text!r}", text, ()


def times():
    for key, value in (("until", "2026-02-30"), ("from", "2026-02-29"), ("until", "2026-13-01"), ("until", "2026-00-10"),
                       ("until", "2026-04-31T00:00:00Z"), ("until", "2026-01-01T24:00:00Z"), ("until", "2026-01-01T12:60:00Z"),
                       ("until", "2026-12-31T23:59:60Z"), ("until", "2026-01-01T00:00:00+01:00"), ("until", "26-01-01"),
                       ("until", "99999999999999999999-01-01"), ("from", "0x7ea-01-01"), ("from", "")):
        yield f"the moment {value}", rules({"conditions": {key: value}}), ("line 1", key)
    for key, value in (("from", "24:00"), ("from", "24:01"), ("to", "24:01"), ("to", "24:00:01"), ("from", "12:60"),
                       ("from", "8:00"),
                       ("from", "08:00:60"), ("from", "-1:00"), ("to", "25:00"), ("from", "\u0661\u0662:00"), ("to", "18")):
        yield f"the time {key} {value}", rules({"conditions": {"times": [{**WINDOW, key: value}]}}), ("line 1", "no time of day")
    for zone in ("Europe/Atlantis", "europe/vienna", "../../etc/passwd", "Europe/../../../etc/passwd", "..", "posixrules/x",
                 "Europe", "Europe/", "leapseconds", "zone.tab", "tzdata.zi", "UTC0", "CET-1CEST", "+01:00", "UTC\u0000",
                 "x" * 300):
        text = rules({"conditions": {"times": [{**WINDOW, "zone": zone}]}})
        yield f"the zone {zone[:30]!r}", text, ("line 1",)
    yield "a window without length", rules({"conditions": {"times": [{**WINDOW, "to": "08:00"}]}}), ("never open",)
    yield "no window", rules({"conditions": {"times": []}}), ("line 1",)
    yield "65 windows", rules({"conditions": {"times": [WINDOW] * 65}}), ("line 1", "64")


def numbers():
    for service in ("tcp:0", "tcp:65536", "tcp:22-", "tcp:-22", "tcp:22-21", "tcp:99999999999999999999", "tcp:22-23-24", "tcp:",
                    "icmp4:3", "icmp6:1", "icmp:8", "tcp:0x16", "tcp: 22", "sctp:1", "tcp:22,23", "tcp:+22"):
        yield f"the service {service}", rules({"services": [service]}), ("line 1",)
    for prefix in ("10.0.0.0/33", "fd77::/129", "10.0.0.0/-1", "10.0.0.0", "10.0.0.1/8", "256.0.0.0/8", "10.0.0.0/8/8", "::/", "/"):
        yield f"the prefix {prefix}", rules({"source_criteria": ["prefix:" + prefix]}), ("line 1",)
    for trust in (-1, 101, 0.5, "50", 1 << 64, True, None):
        yield f"the trust {trust}", rules({"conditions": {"minimum_trust": trust}}), ("line 1", "minimum_trust")
    yield "trust in a deny rule", rules({"action": "deny", "conditions": {"minimum_trust": 1}}), ("line 1", "minimum_trust")


def groups():
    def of(way):
        return json.dumps({"groups": way, "rules": []})
    yield "a group in itself", of({"a": ["group:a"]}), ("in itself", "a > a")
    yield "two groups in each other", of({"a": ["group:b"], "b": ["group:a"]}), ("in itself", "a > b > a")
    yield "a long cycle", of({f"g{i}": [f"group:g{(i + 1) % 9999}"] for i in range(9999)}), ("in itself", "line 1")
    yield "a cycle behind a long way", of({f"g{i}": [f"group:g{min(i + 1, 9000)}"] for i in range(9001)}), ("g9000 > g9000",)
    yield "groups that double", of({f"g{i}": [f"u{i}-{k}" for k in range(40)] + [f"group:g{k}" for k in range(i)]
                                    for i in range(110)}), ("line 1", "too often")
    yield "10,001 groups", of({f"g{i}": [] for i in range(10001)}), ("10000",)
    yield "a group that is not there", of({"a": ["group:b"]}), ("unknown group",)


PARSED = ("100,001 rules", "an end that is too long", "too many services", "tests without end")


def large(device):
    """What is well said, but too much."""
    yield "100,001 rules", rules(*[{}] * 100001), ("100000",)
    yield "65 schedules", rules(*[{"conditions": {"times": [{**WINDOW, "from": f"07:{i % 60:02}:{i // 60:02}"}]}}
                                  for i in range(65)]), ("64", "rule 65")
    yield "an end that is too long", rules({"source_criteria": [f"user:u{i}" for i in range(4097)]}), ("4096",)
    yield "too many services", rules({"services": [f"tcp:{i + 1}" for i in range(257)]}), ("256",)
    yield "5,120 ranges of one pair", rules(*[{"services": [f"tcp:{1 + 2 * (i * 256 + k)}" for k in range(256)]}
                                              for i in range(20)]), ("rule",)
    own = [{"source_criteria": [f"user:u{i % 300}"], "destination_criteria": [f"user:v{i // 300}", "same-owner"]}
           for i in range(66000)]
    yield "132,000 compiled rules", rules(*own), ("131072", "rule 65537")
    test = {"source": {"user": "x"}, "destination": {}, "services": [f"tcp:{k + 1}" for k in range(50)], "expect": "deny"}
    yield "tests without end", json.dumps({"rules": [{"id": f"r{i}", **RULE} for i in range(2000)],
                                           "tests": [{"id": f"t{i}", **test} for i in range(1000)]}), ("too much", "2000 rules")
    prefixes = sorted({mask(address, bits) for address, all_bits in device for bits in range(all_bits - 20, all_bits)})
    yield "a device of 40 prefixes", rules({"source_criteria": prefixes}), ("the device ", "32")


def unix(path):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(path)
    return stream


def mask(address, bits):
    import ipaddress
    return f"prefix:{ipaddress.ip_network(f'{address}/{bits}', strict=False)}"


class Attack:
    def __init__(self, api, me):
        self.api, self.me = api, me
        made, callers = roles.bearers(api, f"hostile-{os.getpid()}")
        self.made, self.web = made, callers["admin"]
        key = subprocess.run(["sh", "-c", "wg genkey | wg pubkey"], capture_output=True, text=True, check=True).stdout.strip()
        self.other = f"hostile-{os.getpid()}"
        api.call("POST", "/api/v1/devices", {"client_type": "iot", "name": self.other, "wireguard_public_key": key}, 201)
        self.rnaut = shutil.which("rnaut")
        self.file = tempfile.NamedTemporaryFile(prefix="hostile-", suffix=".json")
        self.before = self.seen()

    def done(self):
        for one in self.made.values():
            self.api.call("DELETE", "/api/v1/api-tokens/" + one["id"], want=204)
        self.api.call("POST", f"/api/v1/devices/{self.other}/revoke")
        self.file.close()

    def seen(self):
        """What is in force, as far as it is seen from here."""
        question = {"source": self.other, "destination": self.me, "protocol": "tcp", "port": 22, "at": "2027-01-15T09:00:00Z"}
        answer = self.api.call("POST", "/api/v1/explain", question)
        return self.api.call("GET", "/api/v1/policy"), answer, self.api.call("GET", "/api/v1/policy/drafts")

    def unchanged(self, what):
        for before, now in zip(self.before, self.seen()):
            if now != before:
                raise self.api.failure(f"{what}: something else is in force: {now}, not {before}")

    def good_sentence(self, what, sentence, words):
        """One line that a terminal can show, and what it has to say."""
        if not sentence or not sentence.isprintable() or not 10 < len(sentence.encode()) < 400:
            raise self.api.failure(f"{what}: no sentence: {sentence!r}")
        for word in words:
            if word not in sentence:
                raise self.api.failure(f"{what}: the sentence does not say {word!r}: {sentence}")
        if not PLACE.search(sentence):
            raise self.api.failure(f"{what}: the sentence does not say where: {sentence}")

    def command(self, what, text, words, *argv):
        self.file.seek(0)
        self.file.truncate()
        self.file.write(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        self.file.flush()
        done = subprocess.run([self.rnaut, *argv, self.file.name], capture_output=True, check=False, timeout=120)
        lines = [line for line in done.stderr.decode("utf-8").splitlines() if "built with sanitizers" not in line]
        if done.returncode < 1 or len(lines) != 1 or not lines[0].isprintable():
            raise self.api.failure(f"rnaut {' '.join(argv)}: {what}: {done.returncode}, {done.stderr[:300]!r}")
        for word in words:
            if word not in lines[0]:
                raise self.api.failure(f"rnaut {' '.join(argv)}: {what}: does not say {word!r}: {lines[0]}")

    def refused(self, what, text, words=(), commands=("check", "set"), fits=True):
        """In every way that there is to say it."""
        body = {"text": text}
        sentence = self.api.call("PUT", "/api/v1/policy", body, 400)["error"]["message"]
        if any(not c.isprintable() for c in sentence):
            sentence = "".join(c if c.isprintable() else "?" for c in sentence)
        self.good_sentence(what, sentence, words)
        checked = self.api.call("POST", "/api/v1/policy/check", body)
        if checked["valid"] or "?" not in sentence and checked["message"] != sentence:
            raise self.api.failure(f"{what}: check says {checked}")
        self.web.call("PUT", "/api/v1/policy", body, 400, "invalid")
        if fits:  # a replay asks the text alone, whether its tables would fit or not
            self.web.call("POST", "/api/v1/policy/replay", body, 400, "invalid")
        for verb in commands:
            if text and "\x00" not in text:
                self.command(what, text, words if "?" not in sentence else (), "policy", verb)
        self.unchanged(what)


    # -- names --

    def names(self, name):
        """Whatever is made of it: an answer that is JSON and UTF-8, a sentence where it is refused, nothing in force."""
        for where, text in named(name):
            what = f"{where} {name[:20]!r}"
            checked = self.api.call("POST", "/api/v1/policy/check", {"text": text})
            if not checked["valid"]:
                self.sentence_of(what, checked["message"])
        self.unchanged(f"the name {name[:20]!r}")

    def sentence_of(self, what, sentence):
        if not 10 < len(sentence) < 400 or not PLACE.search(sentence) or "\ufffd" in sentence:
            raise self.api.failure(f"{what}: no sentence: {sentence!r}")

    def name_in_the_terminal(self, name):
        for where, text in named(name):
            if where in ("id", "zone", "action", "criterion user:"):
                self.command(where, text, (), "policy", "check")

    # -- what is no policy at all --

    def pids(self):
        """core and web of this host."""
        here, found = os.readlink("/proc/self/ns/net"), {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
                if os.readlink(f"/proc/{pid}/ns/net") == here and b"rnautd" in os.path.basename(words[0]) and words[1:2]:
                    found[words[1].decode()] = pid
            except (OSError, IndexError):
                continue
        return {name: found[name] for name in ("core", "web")}

    def doors(self):
        yield self.api.path, ""
        yield roles.WEB, "".join(f"{key}: {value}\r\n" for key, value in self.web.headers.items())

    def memory(self, pids, word):
        return {name: 1024 * int(re.search(rf"{word}:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])
                for name, pid in pids.items()}

    def huge(self):
        """100 MB are answered before they are read, and nobody keeps them."""
        pids = self.pids()
        for pid in pids.values():
            with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")  # the most so far is what it is now
        before = self.memory(pids, "VmRSS")
        piece = b" " * 65536
        for address, head in self.doors():
            for method, target in (("PUT", "/api/v1/policy"), ("POST", "/api/v1/policy/check"), ("POST", "/api/v1/policy/replay"),
                                   ("PUT", "/api/v1/policy/drafts/huge")):
                answer = b""
                with socket.create_connection(address) if isinstance(address, tuple) else unix(address) as stream:
                    stream.settimeout(20)
                    stream.sendall(f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
                                   f"{head}Content-Length: {HUGE}\r\n\r\n".encode())
                    while b"}" not in answer and (more := stream.recv(65536)):
                        answer += more
                    try:
                        for _ in range(HUGE // len(piece)):
                            stream.sendall(piece)
                        raise self.api.failure(f"{method} {target}: {HUGE} bytes were taken")
                    except OSError:
                        pass  # nobody listens any more
                if not answer.startswith(b"HTTP/1.1 413 ") or b"too_large" not in answer:
                    raise self.api.failure(f"{method} {target}: {answer[:300]!r} for {HUGE} bytes")
        after = self.memory(pids, "VmHWM")
        if any(after[name] - before[name] > GROWTH_MAX for name in pids):
            raise self.api.failure(f"memory went from {before} to {after}")
        with open(self.file.name, "wb") as file:
            file.truncate(HUGE)
        for argv in (("policy", "check"), ("policy", "set"), ("policy", "import", "tailscale"),
                     ("policy", "import", "networkpolicy")):
            done = subprocess.run([self.rnaut, *argv, self.file.name], capture_output=True, text=True, check=False, timeout=60)
            if done.returncode < 1 or "larger than" not in done.stderr:
                raise self.api.failure(f"{argv}: {done.returncode} {done.stderr[:200]}")
        self.unchanged("100 MB")

    def bodies(self):
        """Bytes that JSON cannot say, in the request itself."""
        for what, body, word in (("bytes above", b'{"text": "\xff"}', "UTF-8"),
                                 ("a surrogate in UTF-8", b'{"text": "\xed\xa0\x80"}', "UTF-8"),
                                 ("an overlong slash", b'{"text": "\xc0\xaf"}', "UTF-8"),
                                 ("half a pair", b'{"text": "\\ud800"}', "surrogate"),
                                 ("a NUL", b'{"text": "\\u0000"}', "u0000"),
                                 ("text twice", b'{"text": "{}", "text": "{\\"rules\\": []}"}', "twice"),
                                 ("deep", b'{"text": ' + b"[" * 10000, "deep"), ("text as a list", b'{"text": []}', "text"),
                                 ("a key beside it", b'{"text": "{}", "author": "root"}', "author")):
            for method, target in (("PUT", "/api/v1/policy"), ("POST", "/api/v1/policy/check"), ("POST", "/api/v1/policy/replay"),
                                   ("PUT", "/api/v1/policy/drafts/bad")):
                for caller in (self.api, self.web):
                    answer = caller.call(method, target, body, 400)
                    if word not in answer["error"]["message"]:
                        raise self.api.failure(f"{method} {target}: {what}: {answer}")
            self.unchanged(what)
        for what, text in (("bytes", b'{"rules": [\n\xff]}'), ("a NUL", b"{}\0"), ("nothing but bytes", bytes(range(256)) * 100)):
            self.command(what, text, (), "policy", "check")
            self.command(what, text, (), "policy", "set")

    def words(self):
        """Comments, versions and names of drafts that are none."""
        text = self.before[0]["text"]
        for wrong in ({"comment": "a\x1b[2J"}, {"comment": "a\u2028b" * 1000}, {"comment": "a\tb"}, {"comment": 1}, {"based_on": 0},
                      {"based_on": -1}, {"based_on": 1.5}, {"based_on": "1"}, {"based_on": 1 << 63}, {"based_on": 1 << 70},
                      {"based_on": None}, {"based_on": (1 << 63) - 1}, {"rolled_back_to": 1}):
            self.api.call("PUT", "/api/v1/policy", json.dumps({"text": text, **wrong}), 400)
            self.web.call("PUT", "/api/v1/policy", {"text": text, **wrong}, 400)
        for version in (0, -1, "1", 1.5, None, [], True, 1 << 63, (1 << 63) - 1, 1 << 31):
            self.api.call("POST", "/api/v1/policy/rollback", json.dumps({"version": version}), 400)
        for word in ("0", "-1", "x", "99999999999999999999", "1 OR 1=1", "../1", ""):
            done = subprocess.run([self.rnaut, "policy", "rollback", "--", word], capture_output=True, text=True, check=False)
            if done.returncode < 1 or len(done.stderr.strip().splitlines()) != 1:
                raise self.api.failure(f"rollback {word!r}: {done}")
        for name in ("..", "%2e%2e", "A", "x" * 64, "%00", "%0a", "a%2fb", "%ff", "\u0430".encode().hex()):
            status, _, answer = self.api.raw("PUT", "/api/v1/policy/drafts/" + name, json.dumps({"text": "{}"}))
            if name == "\u0430".encode().hex():  # that is a good name, if an odd one
                self.api.call("DELETE", "/api/v1/policy/drafts/" + name, want=204)
            elif status not in (400, 404) or not json.loads(answer)["error"]["message"]:
                raise self.api.failure(f"a draft {name}: {status} {answer[:100]!r}")
        self.unchanged("words")

    def drafts(self):
        """A draft may be anything; what is published must be a policy."""
        at = "/api/v1/policy/drafts/hostile"
        for what, text, words in list(written())[:8] + list(groups())[:3]:
            self.api.call("PUT", at, {"text": text}, 204)
            if self.api.call("GET", at)["text"] != text:
                raise self.api.failure(f"the draft is not what was stored: {what}")
            refused = self.api.call("POST", at + "/publish", {}, 400)["error"]["message"]
            self.good_sentence(what, refused, words)
        self.api.call("DELETE", at, want=204)
        self.unchanged("drafts")

    def imports(self):
        """Other people's files."""
        bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
        for kind, what, text in (
                ("networkpolicy", "aliases", bomb), ("networkpolicy", "an alias of itself", "a: &a [*a]\n"),
                ("networkpolicy", "deep", "[" * 10000),
                ("networkpolicy", "deep blocks", "".join(" " * i + "a:\n" for i in range(2000))),
                ("networkpolicy", "tags", "!!python/object/apply:os.system [id]\n"), ("networkpolicy", "bytes", b"\xff\xfe\0"),
                ("networkpolicy", "keys twice", "kind: NetworkPolicy\nkind: NetworkPolicy\n"),
                ("networkpolicy", "merge", "a: &a {b: 1}\nc:\n  <<: *a\n"),
               
                ("tailscale", "deep", "[" * 10000), ("tailscale", "half a pair", '{"acls": [{"action": "\\ud800"}]}'),
                ("tailscale", "keys twice", '{"acls": [], "acls": []}'), ("tailscale", "bytes", b'{"acls": ["\xff"]}'),
                ("tailscale", "a list", "[]"), ("tailscale", "nothing", ""), ("tailscale", "a comment", "/*")):
            self.command(f"{kind}: {what}", text, (), "policy", "import", kind)

    def in_vain(self):
        """What no packet can match is said, and can be set."""
        window = {"days": ["sun"], "from": "02:30", "to": "02:40", "zone": "Europe/Vienna"}
        cases = [({"conditions": {"until": "2020-01-01"}}, "never"),
                 ({"conditions": {"from": "2030-01-01", "until": "2029-01-01"}}, "never"),
                 ({"source_criteria": ["tag:t", "!tag:t"]}, "never"), ({"source_criteria": ["group:empty"]}, "never"),
                 ({"source_criteria": ["type:iot"], "conditions": {"source_types": ["mobile"]}}, "never"),
                 ({"services": ["tcp:22", "tcp:22"]}, "redundant"), ({"services": ["tcp:20-30", "tcp:25-40"]}, None),
                 ({"conditions": {"times": [window, {**window, "from": "02:35", "to": "02:50"}]}}, None),
                 # In the night of the change this window is all gap.
                 ({"conditions": {"times": [window], "from": "2027-03-28", "until": "2027-03-29"}}, "never")]
        for change, kind in cases:
            text = json.dumps({"groups": {"empty": []}, "tags": ["t"], "rules": [{"id": "r", **RULE, **change}]})
            value = self.api.call("POST", "/api/v1/policy/check", {"text": text})
            found = [f["kind"] for f in value["findings"] if f["rule"] == "r"]
            if not value["valid"] or (kind and kind not in found) or (kind is None and found):
                raise self.api.failure(f"{change}: {value}")


def check(api, me):
    attack = Attack(api, me)
    try:
        own = api.call("GET", "/api/v1/devices/" + me)
        device = [(own["virtual_ipv4"], 32), (own["virtual_ip"], 128)]
        for cases in (written(), times(), numbers(), groups()):
            for what, text, words in cases:
                api.step(f"hostile: {what}", lambda: attack.refused(what, text, words))
        for what, text, words in large(device):
            api.step(f"hostile: {what}", lambda: attack.refused(what, text, words, ("set",), what in PARSED))
        for name in NAMES:
            api.step(f"hostile: the name {name[:20]!r}", lambda: attack.names(name))
            api.step(f"hostile: the name {name[:20]!r} in a terminal", lambda: attack.name_in_the_terminal(name))
        for act in (attack.huge, attack.bodies, attack.words, attack.drafts, attack.imports, attack.in_vain):
            api.step(f"hostile: {act.__name__}", act)
    finally:
        attack.done()
