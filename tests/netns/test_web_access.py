# SPDX-License-Identifier: Apache-2.0
"""Credentials of the console and the API whose end is a matter of time, on the real processes."""
import json
import subprocess
import time

from harness import case, equal, kill
from test_web import PROBE, TLS, Web, check_answer, get, split
from web_person import as_root, change


@case("web: an API token is good until it expires and not a second longer, for a request and for a stream")
def expired_token(lab, kept):
    web = Web(lab)
    made = web.gateway.rnaut("api-token", "create", "--name", "short", "--role", "admin")
    asked = get("/api/v1/accounts", f"Authorization: Bearer {made['token']}")
    head = get("/api/v1/flows/stream?after=0", f"Authorization: Bearer {made['token']}").replace("\r\n", "\\n")
    reader = web.guest.popen(PROBE + ["stream", web.gateway.underlay4, str(TLS), web.ca, head], stdout=subprocess.PIPE, text=True)
    try:
        equal(reader.stdout.readline().strip(), "open", "the stream")
        equal(split(web.raw([asked])[0])[0], 200, "before")
        # As if its days had passed: nothing but the clock's side of the comparison is otherwise.
        change(web.gateway, f"UPDATE api_tokens SET expires = {int(time.time()) - 1} WHERE id = '{made['id']}'")
        status, _, body = check_answer(web.raw([asked])[0], True, "afterwards")
        equal((status, json.loads(body)["error"]["code"]), (401, "unauthorized"), "afterwards")
        equal(reader.stdout.readline().strip(), "end", "the stream afterwards")
        change(web.gateway, f"UPDATE api_tokens SET expires = {int(time.time()) + 3600} WHERE id = '{made['id']}'")
        equal(split(web.raw([asked])[0])[0], 200, "with another hour")
    finally:
        kill(reader)
        as_root(web.gateway, "DELETE", f"/api/v1/api-tokens/{made['id']}")
