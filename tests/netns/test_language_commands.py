# SPDX-License-Identifier: Apache-2.0
"""`rnaut policy` from a check to a rollback, as somebody types it, and the packets that follow each step."""
import re

from harness import HERE_POLICY, QUIET, RNAUT, SLOW, Flow, case, equal, one_sentence, true, wait_for
from test_language import policies
from test_matrix import start_servers

BOB_WEB = '"services": ["tcp:80", "tcp:8080", "icmp"]'
TESTS = """  "tests": [
    {"id": "bob-ssh", "source": {"device": "phone"}, "destination": {"device": "server"}, "services": ["tcp:22"],
     "expect": "deny", "rule": "bob-no-ssh"},
    {"id": "bob-8080", "source": {"user": "bob"}, "destination": {"tags": ["web"]}, "services": ["tcp:8080"], "at": "2027-01-15",
     "expect": "%s"},
  ],
}
"""
IN_VAIN = """    {"id": "bob-again", "source_criteria": ["user:bob"], "destination_criteria": ["tag:web"], "services": ["tcp:80"],
     "action": "allow"},
  ],
"""


def texts():
    """The lab's policy; bob without port 8080, with tests; the same with a test that fails; with a rule in vain."""
    with open(HERE_POLICY, encoding="utf-8") as file:
        lab = file.read()
    body, brace, _ = lab.rpartition("}")
    equal((lab.count(BOB_WEB), brace), (1, "}"), "the lab's policy")
    narrow = body.replace(BOB_WEB, '"services": ["tcp:80", "icmp"]') + TESTS
    rules, _, _ = body.rpartition("  ],\n")
    return {"lab": lab, "narrow": narrow % "deny", "failing": narrow % "allow",
            "vain": rules.replace(BOB_WEB, '"services": ["tcp:80", "icmp"]') + IN_VAIN + "}\n"}


class Typed:
    """Commands on the gateway."""

    def __init__(self, lab):
        self.lab, self.gateway = lab, lab["gateway"]
        self.files = {}
        for name, text in texts().items():
            self.files[name] = f"/run/words-{name}.json"
            self.gateway.write(self.files[name], text)

    def says(self, *words, has=(), hasnt=()):
        """The command's text, each of whose expected lines is a pattern."""
        text = self.gateway.run([RNAUT, "policy", *words]).stdout
        for pattern in has:
            true(re.search(pattern, text, re.M), f"rnaut policy {' '.join(words)} does not say {pattern!r}:\n{text}")
        for pattern in hasnt:
            true(not re.search(pattern, text, re.M), f"rnaut policy {' '.join(words)} says {pattern!r}:\n{text}")
        return text

    def refuses(self, *words, because, out=()):
        done = self.gateway.run([RNAUT, "policy", *words], check=False)
        one_sentence(done, *because)
        for pattern in out:
            true(re.search(pattern, done.stdout, re.M), f"{' '.join(words)} does not say {pattern!r}:\n{done.stdout}")

    def version(self):
        return self.gateway.rnaut("policy", "get")["version"]

    def kernels(self):
        return [self.lab[name].rnaut("status")["datapath"]["policy_version"] for name in ("gateway", "hub-a")]


def refused(typed, flow):
    """What is not good is not in force, in no kernel."""
    wait_for("both to have the policy in force", lambda: typed.kernels() == [typed.version()] * 2, 20 * SLOW)
    before = typed.version(), typed.kernels()
    failing, place = typed.files["failing"], r"failing\.json:\d+:\d+: "
    said = 'the test "bob-8080" fails: tcp:8080'
    for verb in ("check", "set"):
        typed.refuses(verb, failing, because=["not accepted: 1 of 2 tests failed"], out=[f"{place}failed: {said}"])
    typed.says("draft", "hasty", failing)
    typed.refuses("draft", "hasty", "--publish", because=["hasty is not accepted: 1 of 2 tests failed"],
                  out=[rf"^hasty:\d+:\d+: failed: {said}"])
    typed.says("draft", "hasty", "--delete", has=["^draft hasty is deleted$"])
    equal((typed.version(), typed.kernels()), before, "version of the policy")
    true(flow.answers(5 * SLOW), "the flow ended with a policy that was refused")


def looked_at(typed):
    """What check and diff say; nothing changes by it."""
    before = typed.version()
    lost = "^phone loses access to server.*8080"
    typed.says("check", typed.files["narrow"], has=["^the policy is good; 2 tests pass$"])
    typed.says("check", typed.files["vain"], has=[r'vain\.json:\d+:\d+: shadowed: rule "bob-again" .*"bob-web" \(line \d+\)',
                                                  "^the policy is good$"])
    typed.says("diff", typed.files["narrow"], has=['^rule "bob-web" has changed$', lost, r"^-.*tcp:8080", "^--- in force$"],
               hasnt=["gains? access", "is new", "is gone", "laptop"])
    typed.says("diff", typed.files["lab"], has=["^the same$"])
    equal(typed.version(), before, "version of the policy")


def explained(lab):
    told = lab["gateway"].explain("phone", "server", "tcp", 8080)
    conditions = {c["condition"]: c["met"] for c in told["nearest_conditions"]}
    equal((told["reason"], told["nearest_rule"], conditions, told["hub"]),
          ("default_deny", "bob-web", {"source_criteria": True, "destination_criteria": True, "services": False}, "hub-a"),
          "explain of what was taken away")
    text = lab["gateway"].run([RNAUT, "explain", "phone", "server", "8080"], check=False).stdout
    true(re.search(r"nearest rule bob-web\n.*\n.*\n +not met: services", text) and re.search("decided on +hub-a", text), text)


@case("language: rnaut policy: check, diff, set, history, conflict, rollback and drafts, and the packets follow")
def typed_commands(lab, kept):
    start_servers(lab, kept)
    typed = Typed(lab)
    with policies(lab):
        typed.says("set", typed.files["lab"])
        first, flow = typed.version(), Flow(lab["phone"], lab["server"].ipv6, 8080)

        def follows(passes, what):
            equal(flow.answers(30 * SLOW if passes else QUIET), passes, f"{what}: the flow answers")

        try:
            follows(True, "to begin with")
            looked_at(typed)
            refused(typed, flow)
            typed.says("draft", "stale", typed.files["lab"], "--comment", "from before")
            typed.says("set", typed.files["narrow"], "--comment", "ticket 7", "--based-on", str(first),
                       has=[r"^version \d+ of the policy is in force; .*enforced on hub-a"])
            follows(False, "narrow is set")
            explained(lab)
            second = typed.version()
            for words in (["set", typed.files["lab"], "--based-on", str(first)],
                          ["rollback", str(first), "--based-on", str(first)], ["draft", "stale", "--publish"]):
                typed.refuses(*words, because=[f"version {second} was put into force by root", str(first)])
            equal(typed.version(), second, "version after conflicts")
            follows(False, "what is based on an older version was refused")
            typed.says("rollback", str(first), "--comment", "bob complained")
            follows(True, "rolled back")
            third = typed.version()
            typed.says("history", "--limit", "3", has=[rf"^ *{third} .* root .*version {first} again: bob complained$",
                                                       rf"^ *{second} .* root .*ticket 7$", rf"^ *{first} .* root"])
            equal(typed.gateway.rnaut("policy", "get", str(second))["text"], texts()["narrow"], "the text of an older version")
            typed.says("diff", str(second), has=[rf"^--- version {second}$", r"^\+.*tcp:8080"])
            typed.says("draft", "next", typed.files["narrow"], "--comment", "for monday")
            typed.says("draft", has=[rf"^next +{third} .* root .*for monday$", rf"^stale +{first} .*from before$"])
            typed.says("diff", "draft:next", has=["^phone loses access to server.*8080"])
            follows(True, "a draft is stored")
            typed.says("draft", "next", "--publish", has=[r"^version \d+ of the policy is in force"])
            follows(False, "the draft is published")
            typed.says("draft", hasnt=["^next"])
            typed.says("history", "--limit", "1", has=[rf"^ *{typed.version()} .* root .*for monday$"])
            typed.says("draft", "stale", "--delete")
            wait_for("all kernels", lambda: set(typed.kernels()) == {typed.version()}, 20 * SLOW)
        finally:
            flow.close()
