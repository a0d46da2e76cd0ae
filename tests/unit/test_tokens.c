/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment through the whole core: one use of a token, and every way to be refused. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"

static int setup(void **state)
{
	*state = world_new();
	return 0;
}

/* A host with new keys, which is none of the world's. */
static struct world_host *stranger(void)
{
	static struct world_host hosts[128];
	static unsigned next;
	struct world_host *h = &hosts[next++ % 128];
	uint8_t secret[RN_KEY_SIZE];
	rn_x25519_keypair(h->noise_public, h->noise_secret);
	rn_x25519_keypair(h->wireguard_public, secret);
	return h;
}

static unsigned devices(struct world *w)
{
	struct rn_core_status s;
	rn_core_status(w->hosts[0].core, &s);
	return s.devices;
}

static void of_a_hundred_uses_one_succeeds(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "", "alice", "", 3600);
	char name[16];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		world_enroll(w, &token, stranger(), name, RN_KIND_DESKTOP, NULL);
	}
	world_run(w);
	assert_int_equal(w->enrolled.count, 100);
	assert_int_equal(w->enrolled.good, 1);
	assert_int_equal(w->ca_asked, 1);
	assert_int_equal(devices(w), 2);
	/* And none later, also not after a restart. */
	world_restart(&w->hosts[0]);
	world_enroll(w, &token, stranger(), "later", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
	assert_non_null(strstr(w->enrolled.text, "used"));
}

static void a_lost_answer_is_given_again(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "laptop", "alice", "", 3600);
	struct world_host *h = stranger();
	world_enroll(w, &token, h, "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	world_enroll(w, &token, h, "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
	assert_int_equal(w->ca_asked, 1);
	assert_int_equal(devices(w), 2);
	assert_int_equal(w->enrolled.device, 2);
	/* With another key it is somebody else. */
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
}

static void a_token_whose_certificate_failed_is_good_again(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	w->ca_code = -EREMOTEIO;
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 0);
	assert_string_equal(w->enrolled.text, "the ca says no");
	assert_int_equal(devices(w), 1);
	world_disconnect(&w->hosts[0], RN_CORE_CA);
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.status, EAGAIN);
	world_connect(&w->hosts[0], RN_CORE_CA);
	w->ca_code = 0;
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
}

static void ca_going_away_meanwhile_frees_the_token(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	w->ca_silent = true;
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.count, 0);
	world_disconnect(&w->hosts[0], RN_CORE_CA);
	assert_int_equal(w->enrolled.status, EAGAIN);
	world_connect(&w->hosts[0], RN_CORE_CA);
	/* And one that is there but does not answer. */
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_wait(w, 5100);
	assert_int_equal(w->enrolled.count, 2);
	w->ca_silent = false;
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
}

static void an_expired_token_is_refused(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_DESKTOP, "", "", "", 60);
	w->now_ms += 60000;
	world_enroll(w, &token, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 0);
	assert_non_null(strstr(w->enrolled.text, "expired"));
}

static void with_other_role(struct rn_message_enroll *m)
{
	m->role = RN_KIND_SERVER;
}
static void as_gateway(struct rn_message_enroll *m)
{
	m->role = RN_KIND_GATEWAY;
}
static void as_hub(struct rn_message_enroll *m)
{
	m->role = RN_KIND_REGIONAL;
}
static void with_other_name(struct rn_message_enroll *m)
{
	snprintf(m->name, sizeof(m->name), "other");
}
static void with_bad_name(struct rn_message_enroll *m)
{
	snprintf(m->name, sizeof(m->name), "../etc");
}
static void with_the_gateways_name(struct rn_message_enroll *m)
{
	snprintf(m->name, sizeof(m->name), "gw");
}
static void with_other_noise_key(struct rn_message_enroll *m)
{
	m->noise_key[3] ^= 1;
}
static void with_zero_wireguard_key(struct rn_message_enroll *m)
{
	memset(m->wireguard_key, 0, RN_KEY_SIZE);
}
static void with_other_token(struct rn_message_enroll *m)
{
	m->token ^= 2;
}

static void refused(struct world *w, struct rn_token *token, const char *name,
		    void (*tweak)(struct rn_message_enroll *), const char *says)
{
	unsigned good = w->enrolled.good, count = w->enrolled.count;
	world_enroll(w, token, stranger(), name, RN_KIND_DESKTOP, tweak);
	world_run(w);
	assert_int_equal(w->enrolled.count, count + 1);
	assert_int_equal(w->enrolled.good, good);
	if (!strstr(w->enrolled.text, says))
		fail_msg("\"%s\" does not say \"%s\"", w->enrolled.text, says);
}

static void every_wrong_request_is_refused(void **state)
{
	struct world *w = *state;
	struct rn_token named = world_token(w, RN_KIND_DESKTOP, "laptop", "", "", 3600);
	struct rn_token free_name = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	struct rn_token bad_seed = free_name;
	bad_seed.seed[0] ^= 1;
	refused(w, &named, "laptop", with_other_role, "desktop");
	refused(w, &named, "laptop", as_gateway, "desktop");
	refused(w, &named, "laptop", as_hub, "desktop");
	refused(w, &named, "laptop", with_other_name, "named laptop");
	refused(w, &free_name, "laptop", with_bad_name, "no name");
	refused(w, &free_name, "laptop", with_the_gateways_name, "exists");
	refused(w, &free_name, "laptop", with_other_noise_key, "another key");
	refused(w, &free_name, "laptop", with_zero_wireguard_key, "lacks a key");
	refused(w, &free_name, "laptop", with_other_token, "does not know");
	refused(w, &bad_seed, "laptop", NULL, "not signed");
	assert_int_equal(w->ca_asked, 0);
	assert_int_equal(devices(w), 1);
	/* None of that used up anything. */
	world_enroll(w, &named, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_enroll(w, &free_name, stranger(), "phone", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
	assert_int_equal(devices(w), 3);
}

static void two_tokens_for_one_name(void **state)
{
	struct world *w = *state;
	struct rn_token a = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	struct rn_token b = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	world_enroll(w, &a, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_enroll(w, &b, stranger(), "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
	world_enroll(w, &b, stranger(), "laptop2", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
}

static void a_wireguard_key_belongs_to_one_device(void **state)
{
	struct world *w = *state;
	struct rn_token a = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	struct rn_token b = world_token(w, RN_KIND_DESKTOP, "", "", "", 3600);
	struct world_host *first = stranger(), *second = stranger();
	memcpy(second->wireguard_public, first->wireguard_public, RN_KEY_SIZE);
	world_enroll(w, &a, first, "laptop", RN_KIND_DESKTOP, NULL);
	world_run(w);
	world_enroll(w, &b, second, "phone", RN_KIND_DESKTOP, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
	assert_non_null(strstr(w->enrolled.text, "WireGuard key"));
	assert_int_equal(devices(w), 2);
}

static void on_refused(void *context, int code, const struct rn_err *err, const struct rn_core_token *token)
{
	assert_null(token);
	assert_true(err->text[0] != 0);
	*(int *)context = code;
}

static void tokens_that_make_no_sense(void **state)
{
	struct world *w = *state;
	struct rn_core *core = w->hosts[0].core;
	struct rn_core_token_request good = {.kind = RN_KIND_DESKTOP, .lifetime_s = 3600}, r;
	int code = 0;
#define TRY(change, want)                                                                                              \
	do {                                                                                                           \
		r = good;                                                                                              \
		change;                                                                                                \
		code = 0;                                                                                              \
		rn_core_token_create(core, &r, on_refused, &code);                                                     \
		assert_int_equal(code, want);                                                                          \
	} while (0)
	TRY(r.kind = RN_KIND_GATEWAY, -EINVAL);
	TRY(r.kind = 99, -EINVAL);
	TRY(r.lifetime_s = 59, -EINVAL);
	TRY(r.lifetime_s = 31 * 86400, -EINVAL);
	TRY(snprintf(r.name, sizeof(r.name), "Bad Name"), -EINVAL);
	TRY(snprintf(r.owner, sizeof(r.owner), "-"), -EINVAL);
	TRY(snprintf(r.hub, sizeof(r.hub), "nowhere"), -ENOENT);
	TRY(snprintf(r.name, sizeof(r.name), "gw"), -EEXIST);
	TRY((r.tags[0] = "no tag", r.tag_count = 1), -EINVAL);
	world_disconnect(&w->hosts[0], RN_CORE_CA);
	TRY((void)r, -EAGAIN);
#undef TRY
}

static void seen_device(void *context, const struct rn_core_device *d)
{
	if (!strcmp(d->record.name, "laptop"))
		*(struct rn_core_device *)context = *d;
}

static void a_device_is_what_its_token_says(void **state)
{
	struct world *w = *state;
	struct rn_core_token_request r = {
	    .kind = RN_KIND_DESKTOP, .lifetime_s = 3600, .tags = {"db", "eu"}, .tag_count = 2, .owner = "alice"};
	struct world_done d = {0};
	struct rn_core_device seen = {0};
	struct rn_err err = {""};
	uint8_t key[RN_KEY_SIZE] = {7};
	snprintf(r.name, sizeof(r.name), "laptop");
	rn_core_device_add(w->hosts[0].core, &r, key, world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
	assert_int_equal(rn_core_devices(w->hosts[0].core, 0, UINT_MAX, seen_device, &seen, &err), 0);
	assert_int_equal(seen.tag_count, 2);
	assert_string_equal(seen.tags[1], "eu");
	assert_string_equal(seen.record.owner_name, "alice");
	assert_string_equal(seen.hub_name, "gw");
	assert_int_equal(seen.record.flags, 0);
	assert_true(seen.created > 0);
	assert_int_equal(rn_addr_to_v4(&seen.record.ipv4), (100u << 24) + (80u << 16) + 2);
	rn_core_device_add(w->hosts[0].core, &r, key, world_done, &d);
	assert_int_equal(d.code, -EEXIST);
	snprintf(r.name, sizeof(r.name), "laptop2");
	rn_core_device_add(w->hosts[0].core, &r, key, world_done, &d);
	assert_int_equal(d.code, -EEXIST);
	r.kind = RN_KIND_REGIONAL;
	rn_core_device_add(w->hosts[0].core, &r, key, world_done, &d);
	assert_int_equal(d.code, -EINVAL);
}

static void strangers_can_only_enrol(void **state)
{
	struct world *w = *state;
	uint8_t data[64];
	struct rn_message message = {.type = RN_MESSAGE_SUBSCRIBE};
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = 77};
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE, .session = 77, .block = data};
	unsigned closed = w->hosts[0].closed;
	memset(open.key, 9, RN_KEY_SIZE);
	assert_true(rn_core_receive(w->hosts[0].core, RN_CORE_NET, &open));
	local.block_size = (size_t)rn_message_encode(&message, data, sizeof(data));
	assert_true(rn_core_receive(w->hosts[0].core, RN_CORE_NET, &local));
	assert_int_equal(w->hosts[0].closed, closed + 1);
	/* With a certificate that says device, but no record of the key. */
	open.session = 78;
	open.role = RN_KIND_DESKTOP;
	assert_true(rn_core_receive(w->hosts[0].core, RN_CORE_NET, &open));
	assert_int_equal(w->hosts[0].closed, closed + 2);
	/* Nonsense ends the session, not core's trust in net. */
	open.session = 79;
	open.role = 0;
	assert_true(rn_core_receive(w->hosts[0].core, RN_CORE_NET, &open));
	local.session = 79;
	local.block_size = 3;
	assert_true(rn_core_receive(w->hosts[0].core, RN_CORE_NET, &local));
	assert_int_equal(w->hosts[0].closed, closed + 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(of_a_hundred_uses_one_succeeds),
	    T(a_lost_answer_is_given_again),
	    T(a_token_whose_certificate_failed_is_good_again),
	    T(ca_going_away_meanwhile_frees_the_token),
	    T(an_expired_token_is_refused),
	    T(every_wrong_request_is_refused),
	    T(two_tokens_for_one_name),
	    T(a_wireguard_key_belongs_to_one_device),
	    T(tokens_that_make_no_sense),
	    T(a_device_is_what_its_token_says),
	    T(strangers_can_only_enrol),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
