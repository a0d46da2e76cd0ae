/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API behind the web's door with core behind it. First byte odd: an administrator's session, and bodies and queries
 * of the input's choice, so that every handler is reached; even: a stranger with credentials of the input's choice.
 * Each request ends in one answer that is not the server's fault; a stranger is told and changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tests/unit/door_world.h"

#define INPUTS_A_WORLD 64
#define DEVICES_A_WORLD 32

static struct door *door;

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
static const char *const paths[] = {
    "/api/v1/health",
    "/api/v1/status",
    "/api/v1/session",
    "/api/v1/session/password",
    "/api/v1/accounts",
    "/api/v1/accounts/bob",
    "/api/v1/accounts/bob/role",
    "/api/v1/accounts/bob/link",
    "/api/v1/api-tokens",
    "/api/v1/api-tokens/1",
    "/api/v1/hubs",
    "/api/v1/hubs/gw",
    "/api/v1/adapters/gw",
    "/api/v1/identities",
    "/api/v1/events",
    "/api/v1/metrics",
    "/api/v1/tokens",
    "/api/v1/tokens/1",
    "/api/v1/link",
    "/api/v1/devices",
    "/api/v1/devices/gw",
    "/api/v1/devices/gw/quarantine",
    "/api/v1/devices/gw/trust",
    "/api/v1/devices/gw/revoke",
    "/api/v1/policy",
    "/api/v1/policy/check",
    "/api/v1/explain",
    "/api/v1/flows",
    "/api/v1/flows/stream",
    "/api/v1/drops",
};
static bool stale;		    /* the administrator has ended its own session */
static char cookie[128], csrf[512]; /* the administrator's */

static void begin(void)
{
	const struct door_answer *answer;
	const char *value;
	char body[600];

	if (door)
		door_free(door);
	stale = false;
	door = door_new();
	snprintf(body, sizeof(body), "{\"link\":\"%s\"}", door->w->link.link);
	answer = door_ask(door, &(struct door_ask){.method = "POST", .path = "/api/v1/session", .body = body});
	CHECK(answer->answered && answer->status / 100 == 2);
	value = strchr(answer->cookie, '=');
	CHECK(value);
	snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(value + 1, ";"), value + 1);
	door_member(answer, "csrf", csrf);
	door_leave(door, door->session);
}

/* The pretended kern keeps so many records and devices; what one input adds must fit. */
static bool nearly_full(void)
{
	const struct world_host *h = &door->w->hosts[0];

	return h->given_count > WORLD_KERN_LOG / 2 || h->devices[DEVICES_A_WORLD].number;
}

static uint64_t version(void)
{
	struct rn_core_status status;

	rn_core_status(door->w->hosts[0].core, &status);
	return status.version;
}

static void ask(struct fuzz *f, bool admin)
{
	struct door_ask in = {.method = methods[fuzz_u8(f) % 6]};
	size_t path_size, query_size, body_size, credential_size;
	uint8_t path = fuzz_u8(f), kind = fuzz_u8(f);
	uint8_t *own = fuzz_block(f, 200, &path_size), *query = fuzz_block(f, 300, &query_size);
	uint8_t *credential = fuzz_block(f, 100, &credential_size), *body = fuzz_block(f, 4096, &body_size);
	char *path_text = fuzz_text(own, path_size), *query_text = fuzz_text(query, query_size);
	char *credential_text = fuzz_text(credential, credential_size), *body_text = fuzz_text(body, body_size);
	const struct door_answer *answer;
	uint64_t before;

	in.path = path_size ? path_text : paths[path % (sizeof(paths) / sizeof(paths[0]))];
	in.query = query_size ? query_text : NULL;
	in.bearer = kind & 1 && !admin ? credential_text : NULL;
	in.cookie = admin ? cookie : kind & 2 ? credential_text : NULL;
	in.csrf = admin ? csrf : kind & 4 ? credential_text : NULL;
	in.last_event = kind & 8 ? "7" : NULL;
	in.body = body_size ? body_text : NULL;
	if (in.path[0] == '/' && strlen(in.path) < 200) {
		before = version();
		answer = door_ask(door, &in);
		CHECK(!answer->answered || answer->status < 500 || answer->status == 503);
		CHECK(admin || !answer->answered || answer->status >= 400 || !strcmp(in.path, "/api/v1/health"));
		CHECK(admin || version() == before);
		stale |= admin && answer->answered && answer->status == 401;
		door_leave(door, door->session);
	}
	free(own);
	free(query);
	free(credential);
	free(body);
	free(path_text);
	free(query_text);
	free(credential_text);
	free(body_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;
	struct fuzz f = {data, size};
	bool admin;

	if (inputs++ % INPUTS_A_WORLD == 0 || stale || nearly_full())
		begin();
	admin = fuzz_u8(&f) & 1;
	for (unsigned i = 0; f.size && i < 8; i++)
		ask(&f, admin);
	return 0;
}
