/* SPDX-License-Identifier: Apache-2.0 */
/* A device that lists two hubs under a gateway, and one that is at the second. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core_world.h"
#include "domain/homes.h"
#include "proto/session.h"

enum { GATEWAY, HUB_A, LAPTOP, HUB_B, SERVER }; /* of world_host; the device's number is one more */
#define NUMBER(host) ((host) + 1u)

static struct rn_core *gateway(struct world *w)
{
	return w->hosts[GATEWAY].core;
}

static const struct rn_device_record *device(struct world *w, unsigned host, unsigned of)
{
	return &w->hosts[host].devices[NUMBER(of)];
}

static bool knows(struct world *w, unsigned host, unsigned of)
{
	return device(w, host, of)->number == NUMBER(of);
}

static int set(struct world *w, const char *target, const char *first, const char *second)
{
	struct rn_core_homes change = {.target = target, .fallbacks_given = first != NULL};
	struct world_done d = {0};
	if (first && *first)
		change.fallbacks[change.fallback_count++] = first;
	if (second)
		change.fallbacks[change.fallback_count++] = second;
	rn_core_device_homes(gateway(w), "laptop", &change, world_done, &d);
	world_run(w);
	assert_int_equal(d.count, 1);
	return d.code;
}

static int setup(void **state)
{
	struct world *w = world_new();
	world_add(w, HUB_A, RN_KIND_REGIONAL, "hub-a", GATEWAY);
	world_add(w, LAPTOP, RN_KIND_DESKTOP, "laptop", HUB_A);
	world_add(w, HUB_B, RN_KIND_DEPARTMENTAL, "hub-b", GATEWAY);
	world_add(w, SERVER, RN_KIND_SERVER, "server", HUB_B);
	assert_int_equal(set(w, NULL, "hub-b", NULL), 0);
	world_wait(w, 1500);
	*state = w;
	return 0;
}

static uint32_t told(struct world *w, unsigned host)
{
	return w->hosts[host].homes[NUMBER(LAPTOP)].hub;
}

static void the_next_hub_knows_it_already(void **state)
{
	struct world *w = *state;
	assert_true(knows(w, HUB_B, LAPTOP));
	assert_true(knows(w, SERVER, LAPTOP));
	assert_true(knows(w, LAPTOP, HUB_A) && knows(w, LAPTOP, HUB_B));
	assert_false(knows(w, LAPTOP, SERVER));
	assert_true(world_session(&w->hosts[LAPTOP], HUB_A) && world_session(&w->hosts[LAPTOP], HUB_B));
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_A));
}

static void lists_are_checked_by_name(void **state)
{
	struct world *w = *state;
	assert_int_equal(set(w, "nowhere", NULL, NULL), -ENOENT);
	assert_int_equal(set(w, "server", NULL, NULL), -EINVAL);
	assert_int_equal(set(w, NULL, "hub-b", "hub-b"), -EINVAL);
	assert_int_equal(set(w, NULL, "hub-a", NULL), -EINVAL);
	assert_int_equal(set(w, NULL, "hub-b", "laptop"), -EINVAL);
	assert_int_equal(set(w, NULL, "hub-b", NULL), 0);
	assert_int_equal(set(w, NULL, "hub-b", "gw"), 0);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->home_count, 3);
	assert_int_equal(set(w, NULL, "", NULL), 0);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->home_count, 0);
}

static void too_many_are_refused(void **state)
{
	struct world *w = *state;
	struct rn_core_homes change = {
	    .fallbacks_given = true, .fallbacks = {"hub-b", "gw", "hub-b", "gw"}, .fallback_count = 4};
	struct world_done d = {0};
	rn_core_device_homes(gateway(w), "laptop", &change, world_done, &d);
	assert_int_equal(d.code, -EINVAL);
	rn_core_device_homes(gateway(w), "hub-a", &change, world_done, &d);
	assert_int_equal(d.code, -EINVAL);
	rn_core_device_homes(gateway(w), "nobody", &change, world_done, &d);
	assert_int_equal(d.code, -ENOENT);
}

/* Where the policy names hubs, who has moved is meant by the other's. */
static void a_move_changes_who_is_meant(void **state)
{
	static const char policy[] =
	    "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"hub:hub-a\"], "
	    "\"destination_criteria\": [\"hub:hub-b\"]}]}";
	struct world *w = *state;
	struct world_done d = {0};
	struct rn_device_record before;
	rn_core_policy_set(gateway(w), &(struct rn_core_policy_new){.text = policy, .size = strlen(policy)}, world_done,
			   &d);
	world_wait(w, 1500);
	assert_int_equal(d.code, 0);
	assert_int_equal(d.count, 1);
	before = *device(w, HUB_B, LAPTOP);
	assert_int_not_equal(before.identity, device(w, HUB_B, SERVER)->identity);
	assert_int_equal(set(w, "hub-b", "", NULL), 0);
	world_wait(w, 2000);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
	assert_int_not_equal(device(w, HUB_B, LAPTOP)->identity, before.identity);
	assert_int_equal(device(w, HUB_B, LAPTOP)->identity, device(w, HUB_B, SERVER)->identity);
}

/* People move it: addresses stay, its old hub hears of it, and it goes to the new one by itself. */
static void a_move_keeps_addresses(void **state)
{
	struct world *w = *state;
	struct rn_device_record before = *device(w, LAPTOP, LAPTOP);
	assert_int_equal(set(w, "hub-b", "", NULL), 0);
	world_wait(w, 2000);
	const struct rn_device_record *after = device(w, HUB_A, LAPTOP);
	assert_int_equal(after->hub, NUMBER(HUB_B));
	assert_memory_equal(&after->ipv6, &before.ipv6, sizeof(before.ipv6));
	assert_memory_equal(&after->ipv4, &before.ipv4, sizeof(before.ipv4));
	assert_int_equal(after->number, before.number);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
	assert_true(knows(w, LAPTOP, SERVER));
	assert_true(world_session(&w->hosts[LAPTOP], HUB_B));
	assert_false(world_session(&w->hosts[LAPTOP], HUB_A));
	/* Of what comes later its old hub hears too, so nothing stale is left there. */
	struct world_done d = {0};
	rn_core_trust(gateway(w), "laptop", 7, world_done, &d);
	world_run(w);
	assert_int_equal(device(w, HUB_A, LAPTOP)->trust, 7);
}

static void it_moves_when_its_hub_dies(void **state)
{
	struct world *w = *state;
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	/* The next hub takes its word, the gateway signs it, everybody hears. */
	assert_int_equal(told(w, HUB_B), NUMBER(HUB_B));
	assert_true(w->hosts[HUB_B].homes[NUMBER(LAPTOP)].moved == w->hosts[LAPTOP].homes[NUMBER(LAPTOP)].moved);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
	assert_true(device(w, HUB_B, LAPTOP)->moved == w->hosts[HUB_B].homes[NUMBER(LAPTOP)].moved);
	assert_int_equal(device(w, SERVER, LAPTOP)->hub, NUMBER(HUB_B));
	assert_int_equal(device(w, HUB_A, LAPTOP)->hub, NUMBER(HUB_B));
	assert_true(knows(w, LAPTOP, SERVER));
}

static void it_stays_where_nobody_answers(void **state)
{
	struct world *w = *state;
	w->hosts[HUB_B].mute = true;
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(told(w, LAPTOP), 0);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->hub, NUMBER(HUB_A));
	w->hosts[HUB_B].mute = false;
	world_wait(w, 1500);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
}

static void it_comes_back_once(void **state)
{
	struct world *w = *state;
	world_hub_dies(w, LAPTOP, HUB_A);
	world_wait(w, 20000);
	assert_false(world_session(&w->hosts[LAPTOP], HUB_A));
	w->hosts[HUB_A].mute = false;
	world_wait(w, 70000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	world_wait(w, 20000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_A));
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_A));
	/* And goes again at once when it dies again, but does not come back within five minutes. */
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	w->hosts[HUB_A].mute = false;
	world_wait(w, 200000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	world_wait(w, 150000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_A));
}

static void cut(struct world *w)
{
	world_disconnect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_run(w);
}

/* Nobody can sign anything: the hub admits who lists it, and no other host believes it. */
static void without_the_gateway_the_hub_admits_it(void **state)
{
	struct world *w = *state;
	cut(w);
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	assert_int_equal(told(w, HUB_B), NUMBER(HUB_B));
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_A));
	assert_int_equal(told(w, HUB_A), 0);
	assert_true(knows(w, LAPTOP, SERVER));
	/* Its kern starts again: it is told once more. */
	world_disconnect(&w->hosts[HUB_B], RN_CORE_KERN);
	w->hosts[HUB_B].homes[NUMBER(LAPTOP)].hub = 0;
	world_connect(&w->hosts[HUB_B], RN_CORE_KERN);
	world_run(w);
	assert_int_equal(told(w, HUB_B), NUMBER(HUB_B));
	/* When the gateway is back it signs what it missed. */
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_wait(w, 60000);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
}

static struct rn_core_status status(struct world *w, unsigned host)
{
	struct rn_core_status s;
	rn_core_status(w->hosts[host].core, &s);
	return s;
}

#define YEARS (10 * 365 * 86400ll)

/* How old is what a hub knows, by a clock that is years ahead for a while: never younger than it is. */
static void a_clock_that_jumps_makes_nothing_younger(void **state)
{
	struct world *w = *state;
	w->begun += YEARS;
	world_wait(w, 1000);
	assert_in_range(status(w, HUB_B).upstream_age, 0, 60);
	w->begun -= YEARS;
	world_wait(w, 1000);
	cut(w);
	w->now_ms += 3600000;
	world_wait(w, 1000);
	assert_in_range(status(w, HUB_B).upstream_age, 3600, 3700);
	world_restart(&w->hosts[HUB_B]);
	world_wait(w, 1000);
	assert_in_range(status(w, HUB_B).upstream_age, 3600, 4300);
	/* Nobody can say it, where the clock was set back since. */
	w->begun -= YEARS;
	assert_int_equal(status(w, HUB_B).upstream_age, 0);
	assert_int_equal(status(w, HUB_B).upstream_heard, 0);
	/* Heard again, by the clock that it has now. */
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_wait(w, 30000);
	assert_true(status(w, HUB_B).upstream_connected);
	cut(w);
	w->now_ms += 600000;
	world_wait(w, 1000);
	assert_in_range(status(w, HUB_B).upstream_age, 600, 700);
}

/* The device's own record tells its kern first, and its core's word comes after each time. */
static void its_kern_is_told_again(void **state)
{
	struct world *w = *state;
	cut(w);
	world_hub_dies(w, LAPTOP, HUB_A);
	world_disconnect(&w->hosts[LAPTOP], RN_CORE_KERN);
	w->hosts[LAPTOP].homes[NUMBER(LAPTOP)].hub = 0;
	world_connect(&w->hosts[LAPTOP], RN_CORE_KERN);
	world_run(w);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
}

/* A project's hub is over at its second, also for who is at it: the gateway's word may come later or never. */
static void it_leaves_a_hub_that_has_ended(void **state)
{
	struct world *w = world_new();
	(void)state;
	w->ends = w->begun + 3600;
	world_add(w, HUB_A, RN_KIND_PROJECT, "hub-a", GATEWAY);
	world_add(w, LAPTOP, RN_KIND_DESKTOP, "laptop", HUB_A);
	world_add(w, HUB_B, RN_KIND_REGIONAL, "hub-b", GATEWAY);
	assert_int_equal(set(w, NULL, "hub-b", NULL), 0);
	world_wait(w, 1500);
	assert_int_equal(told(w, LAPTOP), 0);
	cut(w);
	w->now_ms = 3600 * 1000;
	world_wait(w, 1500);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	assert_int_equal(told(w, HUB_B), NUMBER(HUB_B));
	world_wait(w, 120000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	world_free(w);
}

static void say_home(struct world *w, unsigned hub, uint32_t device_number, uint64_t moved)
{
	struct rn_message m = {.type = RN_MESSAGE_HOME, .home = {device_number, moved}};
	uint8_t data[64];
	int size = rn_message_encode(&m, data, sizeof(data));
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE,
				 .session = world_session(&w->hosts[LAPTOP], hub),
				 .block = data,
				 .block_size = (size_t)size};
	assert_true(size > 0);
	rn_core_receive(w->hosts[hub].core, RN_CORE_NET, &local);
	world_run(w);
}

static void an_older_move_is_refused(void **state)
{
	struct world *w = *state;
	world_hub_dies(w, LAPTOP, HUB_A);
	uint64_t moved = device(w, HUB_B, LAPTOP)->moved;
	w->hosts[HUB_B].homes[NUMBER(LAPTOP)].hub = 0;
	say_home(w, HUB_B, NUMBER(LAPTOP), moved);
	say_home(w, HUB_B, NUMBER(LAPTOP), moved - 1);
	say_home(w, HUB_B, NUMBER(SERVER), moved + 1);
	assert_int_equal(told(w, HUB_B), 0);
	w->hosts[HUB_A].mute = false;
	world_wait(w, 3000);
	say_home(w, HUB_A, NUMBER(LAPTOP), moved);
	assert_int_equal(told(w, HUB_A), 0);
}

/* A device speaks for itself: it can send nobody else to a hub. */
static void nobody_is_moved_by_another(void **state)
{
	struct world *w = *state;
	say_home(w, HUB_B, NUMBER(SERVER), 1ull << 41);
	say_home(w, HUB_B, NUMBER(HUB_B), 1ull << 41);
	assert_int_equal(told(w, HUB_B), 0);
	say_home(w, HUB_B, NUMBER(LAPTOP), 1ull << 41);
	assert_int_equal(told(w, HUB_B), NUMBER(HUB_B));
}

/* It moved while the gateway was away; then people moved it elsewhere. Their word is the later one. */
static void the_later_word_counts(void **state)
{
	struct world *w = *state;
	cut(w);
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	w->now_ms += 5000;
	assert_int_equal(set(w, "gw", "hub-b", NULL), 0);
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_wait(w, 60000);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(GATEWAY));
	assert_int_equal(device(w, LAPTOP, LAPTOP)->hub, NUMBER(GATEWAY));
	assert_true(world_session(&w->hosts[LAPTOP], GATEWAY));
	assert_int_equal(device(w, HUB_A, LAPTOP)->hub, NUMBER(GATEWAY));
}

/* What the laptop seals for the gateway, as a hub hands it on. */
static void ask_gateway(struct world *w, unsigned by, uint64_t sequence, uint32_t hub, uint64_t moved)
{
	uint8_t plain[64], box[128], data[256];
	struct rn_writer p = rn_writer(plain, sizeof(plain));
	struct rn_message m = {.type = RN_MESSAGE_REQUEST,
			       .request = {.device = NUMBER(LAPTOP), .id = 1, .sealed = box}};
	rn_write_u8(&p, RN_REQUEST_HOME);
	rn_write_u64(&p, sequence);
	rn_write_u32(&p, hub);
	rn_write_u64(&p, moved);
	m.request.sealed_size = p.at + RN_SEAL_OVERHEAD;
	assert_int_equal(
	    rn_box_seal(w->hosts[LAPTOP].params.anchor.box_public, w->hosts[LAPTOP].noise_secret, plain, p.at, box), 0);
	int size = rn_message_encode(&m, data, sizeof(data));
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE,
				 .session = world_session(&w->hosts[by], GATEWAY),
				 .block = data,
				 .block_size = (size_t)size};
	assert_true(size > 0 && local.session);
	rn_core_receive(gateway(w), RN_CORE_NET, &local);
	world_run(w);
}

static void the_gateway_signs_within_the_list(void **state)
{
	struct world *w = *state;
	const struct rn_device_record *d = device(w, HUB_B, LAPTOP);
	uint64_t now = (uint64_t)w->begun * 1000, sequence = now + 5000;
	ask_gateway(w, HUB_B, sequence, NUMBER(GATEWAY), now);
	ask_gateway(w, HUB_B, sequence + 1, NUMBER(SERVER), now);
	ask_gateway(w, HUB_B, sequence + 2, NUMBER(HUB_B), UINT64_MAX);
	assert_true(d->hub == NUMBER(HUB_A) && d->moved == 0);
	w->now_ms += 120000;
	ask_gateway(w, HUB_B, sequence + 3, NUMBER(HUB_B), now);
	assert_true(d->hub == NUMBER(HUB_B) && d->moved == now);
	ask_gateway(w, HUB_B, sequence + 4, NUMBER(HUB_A), now - 1);
	ask_gateway(w, HUB_B, sequence + 5, NUMBER(HUB_A), now);
	assert_true(d->hub == NUMBER(HUB_B) && d->moved == now);
	/* A hub speaks only for devices that list it. */
	assert_int_equal(set(w, "hub-a", "", NULL), 0);
	uint64_t moved = d->moved;
	ask_gateway(w, HUB_B, sequence + 6, NUMBER(HUB_A), moved + 1);
	assert_true(d->moved == moved);
	w->now_ms += 120000;
	ask_gateway(w, HUB_A, sequence + 7, NUMBER(HUB_B), moved + 1);
	assert_true(d->moved == moved);
	ask_gateway(w, HUB_A, sequence + 8, NUMBER(HUB_A), moved + 1);
	assert_true(d->moved == moved + 1);
}

static unsigned moves;

/* hub-b answers for the device what it cannot read, and repeats it later. */
static bool repeat(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	static uint8_t kept[256];
	static size_t kept_size;
	(void)w;
	if (to != GATEWAY || !*size || data[0] != RN_MESSAGE_REQUEST)
		return true;
	moves++;
	if (kept_size) {
		memcpy(data, kept, kept_size);
		*size = kept_size;
	} else if (*size <= sizeof(kept)) {
		memcpy(kept, data, *size);
		kept_size = *size;
	}
	return true;
}

/* A hub that repeats the sealed word of before moves nobody. */
static void a_repeated_request_moves_nobody(void **state)
{
	struct world *w = *state;
	w->tamper = repeat;
	moves = 0;
	world_hub_dies(w, LAPTOP, HUB_A);
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
	w->hosts[HUB_A].mute = false;
	world_wait(w, 90000);
	assert_true(moves > 1);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_A));
	/* The gateway goes on believing the first, since the second never came. */
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
}

static unsigned refusals(struct world *w, unsigned hub, unsigned of)
{
	struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = 4711};
	unsigned closed = w->hosts[hub].closed;
	open.role = of == SERVER ? RN_KIND_SERVER : RN_KIND_DESKTOP;
	memcpy(open.key, w->hosts[of].noise_public, RN_KEY_SIZE);
	rn_core_receive(w->hosts[hub].core, RN_CORE_NET, &open);
	return w->hosts[hub].closed - closed;
}

/* hub-a cannot claim a device that does not list it; one that did it lets in, to tell it so, and takes for nobody's. */
static void a_hub_that_is_not_listed_admits_nobody(void **state)
{
	struct world *w = *state;
	assert_int_equal(set(w, "hub-b", "", NULL), 0);
	world_wait(w, 2000);
	assert_int_equal(refusals(w, HUB_A, SERVER), 1);
	assert_int_equal(refusals(w, HUB_A, LAPTOP), 0);
	struct rn_message m = {.type = RN_MESSAGE_HOME, .home = {NUMBER(LAPTOP), 1ull << 41}};
	uint8_t data[64];
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE, .session = 4711, .block = data};
	local.block_size = (size_t)rn_message_encode(&m, data, sizeof(data));
	rn_core_receive(w->hosts[HUB_A].core, RN_CORE_NET, &local);
	world_run(w);
	assert_int_equal(told(w, HUB_A), 0);
}

static unsigned heard_of_server, heard_of_itself;

static bool count_records(struct world *w, unsigned to, uint8_t *data, size_t *size)
{
	struct rn_device_record r;
	struct rn_message m;
	(void)w;
	if (to != LAPTOP || rn_message_decode(data, *size, &m) || m.type != RN_MESSAGE_RECORD ||
	    rn_record_get_device(m.record.piece, m.record.piece_size, &r))
		return true;
	heard_of_server += r.number == NUMBER(SERVER);
	heard_of_itself += r.number == NUMBER(LAPTOP);
	return true;
}

static void revoke(struct world *w, const char *name)
{
	struct world_done d = {0};
	rn_core_revoke(gateway(w), name, world_done, &d);
	world_run(w);
	assert_int_equal(d.code, 0);
}

/* hub-a is captured: it goes on answering after it was revoked, and the device hears of that all the same. */
static void it_leaves_a_hub_that_is_revoked(void **state)
{
	struct world *w = *state;
	revoke(w, "hub-a");
	world_wait(w, 3000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	assert_int_equal(device(w, HUB_B, LAPTOP)->hub, NUMBER(HUB_B));
}

/* It is revoked while it is away, or tells nobody: who else the device lists tells it. */
static void the_next_hub_says_that_it_is_revoked(void **state)
{
	struct world *w = *state;
	world_hang_up(&w->hosts[HUB_A]);
	revoke(w, "hub-a");
	world_wait(w, 5000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
}

/* And so where that hub heard of it while the device was not there. */
static void the_next_hub_says_so_later_too(void **state)
{
	struct world *w = *state;
	w->hosts[HUB_B].mute = true;
	world_disconnect(&w->hosts[HUB_B], RN_CORE_NET);
	world_hang_up(&w->hosts[HUB_A]);
	revoke(w, "hub-a");
	world_wait(w, 5000);
	assert_int_equal(told(w, LAPTOP), 0);
	w->hosts[HUB_B].mute = false;
	world_connect(&w->hosts[HUB_B], RN_CORE_NET);
	world_wait(w, 60000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
}

/* A fallback that is revoked keeps its session and answers: nobody goes there. */
static void it_goes_to_no_hub_that_is_revoked(void **state)
{
	struct world *w = *state;
	assert_int_equal(set(w, NULL, "hub-b", "gw"), 0);
	world_wait(w, 1500);
	revoke(w, "hub-b");
	assert_true(world_session(&w->hosts[LAPTOP], HUB_B));
	world_hub_dies(w, LAPTOP, HUB_A);
	world_wait(w, 3000);
	assert_int_equal(told(w, LAPTOP), NUMBER(GATEWAY));
}

/* Its core is killed before the gateway has signed the move: its kern stays where it is, and so does core. */
static void a_move_outlasts_a_restart(void **state)
{
	struct world *w = *state;
	cut(w);
	world_hub_dies(w, LAPTOP, HUB_A);
	uint64_t moved = w->hosts[LAPTOP].homes[NUMBER(LAPTOP)].moved;
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	w->hosts[HUB_A].mute = false;
	world_restart(&w->hosts[LAPTOP]);
	world_wait(w, 3000);
	assert_int_equal(told(w, LAPTOP), NUMBER(HUB_B));
	assert_true(w->hosts[LAPTOP].homes[NUMBER(LAPTOP)].moved == moved);
	assert_int_equal(world_upstream(&w->hosts[LAPTOP]), world_session(&w->hosts[LAPTOP], HUB_B));
	world_connect(&w->hosts[GATEWAY], RN_CORE_NET);
	world_wait(w, 30000);
	assert_int_equal(device(w, LAPTOP, LAPTOP)->hub, NUMBER(HUB_B));
}

/* Who repeats its word with ever new counters is heard a few times, and not with one that nobody will sign. */
static void moving_is_limited(void **state)
{
	struct world *w = *state;
	say_home(w, HUB_B, NUMBER(LAPTOP), UINT64_MAX);
	assert_int_equal(told(w, HUB_B), 0);
	uint64_t first = device(w, HUB_B, LAPTOP)->moved + 1;
	for (unsigned i = 0; i < 1000; i++)
		say_home(w, HUB_B, NUMBER(LAPTOP), first + i);
	assert_in_range(w->hosts[HUB_B].homes[NUMBER(LAPTOP)].moved, first, first + 9);
	world_wait(w, 10000);
	say_home(w, HUB_B, NUMBER(LAPTOP), first + 1000);
	assert_int_equal(w->hosts[HUB_B].homes[NUMBER(LAPTOP)].moved, first + 1000);
}

/* Taken off a hub's list, a device that stays there all the same hears of itself, and of nobody else who is there. */
static void who_is_listed_no_more_hears_no_more(void **state)
{
	struct world *w = *state;
	struct world_done d = {0};
	uint64_t session = world_session(&w->hosts[LAPTOP], HUB_B);
	struct rn_message m = {.type = RN_MESSAGE_SUBSCRIBE};
	uint8_t data[64];
	struct rn_local local = {.type = RN_LOCAL_NET_MESSAGE, .session = session, .block = data};
	local.block_size = (size_t)rn_message_encode(&m, data, sizeof(data));
	heard_of_server = heard_of_itself = 0;
	w->tamper = count_records;
	rn_core_receive(w->hosts[HUB_B].core, RN_CORE_NET, &local);
	world_run(w);
	assert_int_equal(heard_of_server, 1);
	assert_int_equal(set(w, NULL, "", NULL), 0);
	heard_of_server = heard_of_itself = 0;
	rn_core_trust(gateway(w), "server", 9, world_done, &d);
	rn_core_trust(gateway(w), "laptop", 9, world_done, &d);
	world_run(w);
	assert_int_equal(device(w, HUB_B, SERVER)->trust, 9);
	assert_int_equal(heard_of_server, 0);
	assert_true(heard_of_itself > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, world_gone)
	const struct CMUnitTest tests[] = {
	    T(the_next_hub_knows_it_already),
	    T(lists_are_checked_by_name),
	    T(too_many_are_refused),
	    T(a_move_changes_who_is_meant),
	    T(a_move_keeps_addresses),
	    T(it_moves_when_its_hub_dies),
	    T(it_stays_where_nobody_answers),
	    T(it_comes_back_once),
	    T(without_the_gateway_the_hub_admits_it),
	    T(a_clock_that_jumps_makes_nothing_younger),
	    T(its_kern_is_told_again),
	    T(an_older_move_is_refused),
	    T(nobody_is_moved_by_another),
	    T(the_later_word_counts),
	    T(the_gateway_signs_within_the_list),
	    T(a_repeated_request_moves_nobody),
	    T(a_hub_that_is_not_listed_admits_nobody),
	    cmocka_unit_test(it_leaves_a_hub_that_has_ended),
	    T(it_leaves_a_hub_that_is_revoked),
	    T(the_next_hub_says_that_it_is_revoked),
	    T(the_next_hub_says_so_later_too),
	    T(it_goes_to_no_hub_that_is_revoked),
	    T(a_move_outlasts_a_restart),
	    T(moving_is_limited),
	    T(who_is_listed_no_more_hears_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
