/* SPDX-License-Identifier: Apache-2.0 */
/* Hubs through the whole core: their types, parents and names, and the end of a project's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core_world.h"

static int setup(void **state)
{
	*state = world_new();
	return 0;
}

struct sought {
	const char *name;
	struct rn_core_hub hub;
	bool found;
};

static void seek(void *context, const struct rn_core_hub *hub)
{
	struct sought *s = context;
	if (strcmp(hub->record.name, s->name))
		return;
	s->hub = *hub;
	s->found = true;
}

static bool hub_named(struct world *w, const char *name, struct rn_core_hub *ret)
{
	struct sought s = {.name = name};
	assert_int_equal(rn_core_hubs(w->hosts[0].core, seek, &s, NULL), 0);
	*ret = s.hub;
	return s.found;
}

static struct rn_core_device device_named(struct world *w, const char *name)
{
	struct rn_core_device device;
	struct rn_err err = {""};
	if (rn_core_device(w->hosts[0].core, name, &device, &err))
		fail_msg("%s: %s", name, err.text);
	return device;
}

static int64_t now(struct world *w)
{
	return w->begun + w->now_ms / 1000;
}

/* What the answer to a stranger says. */
static void enrol(struct world *w, const struct rn_token *token, struct world_host *host, const char *name,
		  enum rn_kind kind)
{
	world_enroll(w, token, host, name, kind, NULL);
	world_run(w);
}

static struct world_host *stranger(void)
{
	static struct world_host hosts[16];
	static unsigned next;
	struct world_host *h = &hosts[next++ % 16];
	uint8_t secret[RN_KEY_SIZE];
	rn_x25519_keypair(h->noise_public, h->noise_secret);
	rn_x25519_keypair(h->wireguard_public, secret);
	return h;
}

static void refused(struct world *w, const struct rn_token *token, const char *name, enum rn_kind kind,
		    const char *says)
{
	unsigned good = w->enrolled.good;
	enrol(w, token, stranger(), name, kind);
	assert_int_equal(w->enrolled.good, good);
	if (!strstr(w->enrolled.text, says))
		fail_msg("\"%s\" does not say \"%s\"", w->enrolled.text, says);
}

static void every_type_has_its_parent(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	w->ends = now(w) + 86400;
	world_add(w, 1, RN_KIND_REGIONAL, "eu", 0);
	w->parent = "eu";
	world_add(w, 2, RN_KIND_DEPARTMENTAL, "sales", 0);
	w->parent = "sales";
	world_add(w, 3, RN_KIND_PROJECT, "alpha", 0);
	assert_true(hub_named(w, "gw", &hub));
	assert_string_equal(hub.parent_name, "");
	assert_int_equal(hub.record.kind, RN_KIND_GATEWAY);
	assert_true(hub_named(w, "eu", &hub));
	assert_string_equal(hub.parent_name, "gw");
	assert_true(hub.record.ends == 0);
	assert_true(hub_named(w, "sales", &hub));
	assert_string_equal(hub.parent_name, "eu");
	assert_int_equal(hub.record.kind, RN_KIND_DEPARTMENTAL);
	assert_true(hub_named(w, "alpha", &hub));
	assert_string_equal(hub.parent_name, "sales");
	assert_true(hub.record.ends == (uint64_t)w->ends);
	/* Every hub's kern has it so. */
	assert_int_equal(w->hosts[1].devices[hub.record.number].parent, hub.record.parent);
	assert_true(w->hosts[1].devices[hub.record.number].ends == (uint64_t)w->ends);
}

static void on_refused(void *context, int code, const struct rn_err *err, const struct rn_core_token *token)
{
	assert_null(token);
	assert_true(err->text[0] != 0);
	*(int *)context = code;
}

static int try_token(struct world *w, enum rn_kind kind, const char *parent, int64_t ends)
{
	struct rn_core_token_request r = {.kind = kind, .lifetime_s = 3600, .ends = ends};
	int code = 0;
	snprintf(r.hub, sizeof(r.hub), "%s", parent);
	rn_core_token_create(w->hosts[0].core, &r, on_refused, &code);
	return code;
}

static void tokens_that_make_no_sense(void **state)
{
	struct world *w = *state;
	struct world_done done = {0};
	int64_t soon = now(w) + 86400;
	w->ends = soon;
	world_add(w, 1, RN_KIND_PROJECT, "alpha", 0);
	world_add(w, 2, RN_KIND_DESKTOP, "pc", 0);
	world_add(w, 3, RN_KIND_REGIONAL, "eu", 0);
	assert_int_equal(try_token(w, RN_KIND_PROJECT, "", 0), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_PROJECT, "", now(w)), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_PROJECT, "", (int64_t)RN_ENDS_MAX + 1), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_REGIONAL, "", soon), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_DESKTOP, "", soon), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_REGIONAL, "alpha", 0), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_REGIONAL, "pc", 0), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_REGIONAL, "nowhere", 0), -ENOENT);
	rn_core_revoke(w->hosts[0].core, "eu", world_done, &done);
	assert_int_equal(try_token(w, RN_KIND_REGIONAL, "eu", 0), -EINVAL);
	assert_int_equal(try_token(w, RN_KIND_DESKTOP, "eu", 0), -EINVAL);
}

static void two_hubs_have_no_name_in_common(void **state)
{
	struct world *w = *state;
	struct rn_token a = world_token(w, RN_KIND_REGIONAL, "", "", "", 3600);
	struct rn_token b = world_token(w, RN_KIND_DEPARTMENTAL, "", "", "", 3600);
	struct rn_core_hub hub;
	/* At once, and one after the other. */
	world_enroll(w, &a, stranger(), "eu", RN_KIND_REGIONAL, NULL);
	world_enroll(w, &b, stranger(), "eu", RN_KIND_DEPARTMENTAL, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.good, 1);
	refused(w, &b, "eu", RN_KIND_DEPARTMENTAL, "exists");
	refused(w, &b, "gw", RN_KIND_DEPARTMENTAL, "exists");
	assert_true(hub_named(w, "eu", &hub));
	assert_int_equal(hub.record.kind, RN_KIND_REGIONAL);
	enrol(w, &b, stranger(), "eu2", RN_KIND_DEPARTMENTAL);
	assert_int_equal(w->enrolled.good, 2);
}

static void a_project_hub_ends(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	struct rn_core_status status;
	unsigned denied;
	w->ends = now(w) + 600;
	world_add(w, 1, RN_KIND_REGIONAL, "eu", 0);
	world_add(w, 2, RN_KIND_PROJECT, "alpha", 0);
	world_add(w, 3, RN_KIND_SERVER, "db", 2);
	assert_true(hub_named(w, "alpha", &hub) && hub.connected);
	assert_int_equal(device_named(w, "db").hub_gone, RN_HUB_THERE);
	rn_core_status(w->hosts[3].core, &status);
	assert_int_equal(status.hub_gone, RN_HUB_THERE);
	assert_string_equal(status.hub_name, "alpha");
	denied = w->hosts[0].denied;
	world_wait(w, 599000);
	assert_true(hub_named(w, "alpha", &hub));
	world_wait(w, 2000);
	assert_false(hub_named(w, "alpha", &hub));
	assert_true(device_named(w, "alpha").record.flags & RN_DEVICE_REVOKED);
	assert_int_equal(device_named(w, "db").hub_gone, RN_HUB_ENDED);
	assert_false(device_named(w, "db").record.flags & RN_DEVICE_REVOKED);
	assert_int_equal(w->hosts[0].denied, denied + 1);
	assert_true(w->hosts[1].devices[device_named(w, "alpha").record.number].flags & RN_DEVICE_REVOKED);
	/* Its own hosts know it from the record alone. */
	rn_core_status(w->hosts[3].core, &status);
	assert_int_equal(status.hub_gone, RN_HUB_ENDED);
	rn_core_status(w->hosts[2].core, &status);
	assert_int_equal(status.hub_gone, RN_HUB_ENDED);
	rn_core_status(w->hosts[1].core, &status);
	assert_int_equal(status.hub_gone, RN_HUB_THERE);
}

/* Where the gateway was away at the end, it comes to it at its start. */
static void an_end_that_was_missed_is_made_good(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	w->ends = now(w) + 600;
	world_add(w, 1, RN_KIND_PROJECT, "alpha", 0);
	w->ends = now(w) + 1200;
	world_add(w, 2, RN_KIND_PROJECT, "beta", 0);
	w->now_ms += 700000;
	world_restart(&w->hosts[0]);
	world_wait(w, 1000);
	assert_false(hub_named(w, "alpha", &hub));
	assert_true(hub_named(w, "beta", &hub));
	world_wait(w, 600000);
	assert_false(hub_named(w, "beta", &hub));
}

static void nobody_joins_what_has_ended(void **state)
{
	struct world *w = *state;
	struct rn_token late, below, member;
	w->ends = now(w) + 600;
	world_add(w, 1, RN_KIND_PROJECT, "alpha", 0);
	late = world_token(w, RN_KIND_PROJECT, "", "", "", 3600);
	member = world_token(w, RN_KIND_SERVER, "", "", "alpha", 3600);
	world_add(w, 2, RN_KIND_REGIONAL, "eu", 0);
	below = world_token(w, RN_KIND_DEPARTMENTAL, "", "", "eu", 3600);
	/* Before the gateway has come to it, and after. */
	w->now_ms += 600000;
	refused(w, &late, "beta", RN_KIND_PROJECT, "ended");
	refused(w, &member, "db", RN_KIND_SERVER, "ended");
	world_wait(w, 1000);
	refused(w, &late, "beta", RN_KIND_PROJECT, "ended");
	refused(w, &member, "db", RN_KIND_SERVER, "ended");
	assert_int_equal(try_token(w, RN_KIND_SERVER, "alpha", 0), -EINVAL);
	rn_core_revoke(w->hosts[0].core, "eu", world_done, &(struct world_done){0});
	refused(w, &below, "sales", RN_KIND_DEPARTMENTAL, "parent");
}

static unsigned devices(struct world *w)
{
	struct rn_core_status s;
	rn_core_status(w->hosts[0].core, &s);
	return s.devices;
}

/* At whatever step somebody vanishes, there is a hub with all that belongs to it, or none and the token is good. */
static void who_vanishes_meanwhile_leaves_nothing_half_done(void **state)
{
	struct world *w = *state;
	struct rn_token token = world_token(w, RN_KIND_REGIONAL, "", "", "", 3600), orphan;
	struct world_host *h = stranger();
	unsigned before = devices(w);
	/* The gateway dies while ca works. */
	w->ca_silent = true;
	enrol(w, &token, h, "eu", RN_KIND_REGIONAL);
	world_restart(&w->hosts[0]);
	w->ca_silent = false;
	assert_int_equal(devices(w), before);
	/* The hub dies: its session is gone when ca has answered, and the same request again gets the same answer. */
	world_enroll(w, &token, h, "eu", RN_KIND_REGIONAL, NULL);
	world_disconnect(&w->hosts[0], RN_CORE_NET);
	world_run(w);
	world_connect(&w->hosts[0], RN_CORE_NET);
	world_run(w);
	enrol(w, &token, h, "eu", RN_KIND_REGIONAL);
	assert_int_equal(w->enrolled.good, 1);
	assert_int_equal(devices(w), before + 1);
	/* It dies, comes again while ca works, and is answered there; with another key it would be somebody else. */
	token = world_token(w, RN_KIND_REGIONAL, "", "", "", 3600);
	h = stranger();
	w->ca_silent = true;
	world_enroll(w, &token, h, "us", RN_KIND_REGIONAL, NULL);
	unsigned answers = w->enrolled.count;
	world_enroll(w, &token, h, "us", RN_KIND_REGIONAL, NULL);
	world_run(w);
	assert_int_equal(w->enrolled.count, answers); /* not refused */
	refused(w, &token, "us", RN_KIND_REGIONAL, "being used");
	w->ca_silent = false;
	world_answer_ca(w);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
	assert_int_equal(devices(w), before + 2);
	/* The parent is revoked while ca works. */
	orphan = world_token(w, RN_KIND_DEPARTMENTAL, "", "", "eu", 3600);
	w->ca_silent = true;
	world_enroll(w, &orphan, stranger(), "sales", RN_KIND_DEPARTMENTAL, NULL);
	world_run(w);
	rn_core_revoke(w->hosts[0].core, "eu", world_done, &(struct world_done){0});
	w->ca_silent = false;
	world_answer_ca(w);
	world_run(w);
	assert_int_equal(w->enrolled.good, 2);
	assert_non_null(strstr(w->enrolled.text, "parent"));
	assert_int_equal(devices(w), before + 2);
}

static int configure(struct world *w, const char *name, const char *parent, int64_t ends)
{
	struct world_done done = {0};
	rn_core_hub_configure(w->hosts[0].core, name, &(struct rn_core_hub_change){parent, ends}, world_done, &done);
	world_run(w);
	assert_int_equal(done.count, 1);
	assert_true(done.code == 0 || done.text[0]);
	return done.code;
}

static void hubs_are_a_tree(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	w->ends = now(w) + 600;
	world_add(w, 1, RN_KIND_REGIONAL, "eu", 0);
	w->parent = "eu";
	world_add(w, 2, RN_KIND_DEPARTMENTAL, "sales", 0);
	world_add(w, 3, RN_KIND_PROJECT, "alpha", 0);
	assert_int_equal(configure(w, "eu", "eu", 0), -EINVAL);
	assert_int_equal(configure(w, "eu", "sales", 0), -EINVAL);
	assert_int_equal(configure(w, "eu", "alpha", 0), -EINVAL);
	assert_int_equal(configure(w, "gw", "eu", 0), -EINVAL);
	assert_int_equal(configure(w, "sales", "nobody", 0), -ENOENT);
	assert_int_equal(configure(w, "nobody", "gw", 0), -ENOENT);
	assert_int_equal(configure(w, "sales", NULL, now(w) + 60), -EINVAL);
	assert_int_equal(configure(w, "sales", NULL, 0), 0);
	assert_int_equal(configure(w, "sales", "gw", 0), 0);
	assert_int_equal(configure(w, "eu", "sales", 0), 0);
	assert_true(hub_named(w, "eu", &hub));
	assert_string_equal(hub.parent_name, "sales");
	assert_int_equal(w->hosts[2].devices[hub.record.number].parent, hub.record.parent);
}

static void an_end_can_be_moved_until_it_has_come(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	w->ends = now(w) + 600;
	world_add(w, 1, RN_KIND_PROJECT, "alpha", 0);
	assert_int_equal(configure(w, "alpha", NULL, now(w)), -EINVAL);
	assert_int_equal(configure(w, "alpha", NULL, (int64_t)RN_ENDS_MAX + 1), -EINVAL);
	assert_int_equal(configure(w, "alpha", NULL, now(w) + 1200), 0);
	world_wait(w, 700000);
	assert_true(hub_named(w, "alpha", &hub));
	assert_int_equal(configure(w, "alpha", NULL, now(w) + 10), 0);
	world_wait(w, 11000);
	assert_false(hub_named(w, "alpha", &hub));
	assert_int_equal(configure(w, "alpha", NULL, now(w) + 1200), -ENOENT);
}

/* kern begins anew, with this key to other hubs. */
static void mesh_key(struct world *w, unsigned host, uint8_t fill, uint16_t port)
{
	struct world_host *h = &w->hosts[host];
	memset(h->mesh_public, fill, RN_KEY_SIZE);
	h->mesh_port = port;
	world_disconnect(h, RN_CORE_KERN);
	world_connect(h, RN_CORE_KERN);
	world_wait(w, 70000);
}

static void every_hub_tells_its_key_to_other_hubs(void **state)
{
	struct world *w = *state;
	struct rn_core_hub hub;
	uint8_t key[RN_KEY_SIZE];
	world_add(w, 1, RN_KIND_REGIONAL, "eu", 0);
	world_add(w, 2, RN_KIND_REGIONAL, "us", 0);
	world_add(w, 3, RN_KIND_DESKTOP, "pc", 1);
	mesh_key(w, 0, 5, 51822);
	mesh_key(w, 1, 6, 4000);
	assert_true(hub_named(w, "gw", &hub));
	assert_int_equal(hub.record.mesh_key[31], 5);
	assert_int_equal(hub.record.mesh.port, 51822);
	assert_true(hub_named(w, "eu", &hub));
	assert_int_equal(hub.record.mesh_key[0], 6);
	assert_int_equal(hub.record.mesh.port, 4000);
	assert_int_equal(rn_addr_compare(&hub.record.mesh.addr, &hub.record.wireguard.addr), 0);
	assert_int_equal(w->hosts[2].devices[hub.record.number].mesh_key[0], 6);
	/* With another's key it would take its peer away; and a device that is no hub has none. */
	mesh_key(w, 2, 6, 51822);
	assert_true(hub_named(w, "us", &hub));
	assert_true(rn_is_zero(hub.record.mesh_key, RN_KEY_SIZE));
	memcpy(key, w->hosts[1].wireguard_public, RN_KEY_SIZE);
	mesh_key(w, 2, 0, 51822);
	memcpy(w->hosts[2].mesh_public, key, RN_KEY_SIZE);
	world_disconnect(&w->hosts[2], RN_CORE_KERN);
	world_connect(&w->hosts[2], RN_CORE_KERN);
	world_wait(w, 70000);
	assert_true(hub_named(w, "us", &hub));
	assert_true(rn_is_zero(hub.record.mesh_key, RN_KEY_SIZE));
	mesh_key(w, 3, 9, 51822);
	assert_true(rn_is_zero(device_named(w, "pc").record.mesh_key, RN_KEY_SIZE));
	/* A new one, and another port. */
	mesh_key(w, 2, 8, 51822);
	mesh_key(w, 1, 7, 4001);
	assert_true(hub_named(w, "us", &hub));
	assert_int_equal(hub.record.mesh_key[0], 8);
	assert_true(hub_named(w, "eu", &hub));
	assert_int_equal(hub.record.mesh_key[0], 7);
	assert_int_equal(hub.record.mesh.port, 4001);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(every_type_has_its_parent),
	    T(tokens_that_make_no_sense),
	    T(two_hubs_have_no_name_in_common),
	    T(a_project_hub_ends),
	    T(an_end_that_was_missed_is_made_good),
	    T(nobody_joins_what_has_ended),
	    T(who_vanishes_meanwhile_leaves_nothing_half_done),
	    T(hubs_are_a_tree),
	    T(an_end_can_be_moved_until_it_has_come),
	    T(every_hub_tells_its_key_to_other_hubs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
