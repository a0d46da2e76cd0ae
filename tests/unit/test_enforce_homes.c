/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that list this hub, in its tables: when they are attached here, and whom its kern believes about it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enforce_world.h"

#define EU 2
#define LAPTOP 7

static struct rn_device_record eu(void)
{
	struct rn_device_record d = device(EU, 100, 0);

	d.kind = RN_KIND_REGIONAL;
	d.hub = EU;
	d.mesh_key[0] = EU;
	return d;
}

/* At EU, and lists this hub behind it. */
static struct rn_device_record laptop(uint64_t moved)
{
	struct rn_device_record d = device(LAPTOP, 1, 0);

	d.hub = EU;
	d.homes[0] = EU;
	d.homes[1] = SELF;
	d.home_count = 2;
	d.moved = moved;
	return d;
}

static bool attached(struct hub *h)
{
	return state_of(h, LAPTOP) & RN_STATE_ATTACHED;
}

static uint32_t peer(struct hub *h)
{
	uint64_t state = state_of(h, LAPTOP);

	return state & RN_STATE_REMOTE ? RN_STATE_PEER(state) : 0;
}

static int here(struct hub *h, uint64_t moved)
{
	struct rn_err err = {""};

	return rn_enforce_here(h->enforce, LAPTOP, moved, &err);
}

static void prepare(struct hub *h)
{
	policy(h, 5);
	assert_int_equal(give(h, 10, eu()), 0);
	assert_int_equal(give(h, 11, laptop(100)), 0);
	assert_true(peer(h) && !attached(h));
	assert_non_null(mesh_find(&mesh, peer(h), 1));
}

static void it_comes_and_goes(void **state)
{
	struct hub *h = *state;
	uint32_t before;

	prepare(h);
	before = peer(h);
	assert_int_equal(here(h, 101), 0);
	assert_true(attached(h) && !peer(h));
	/* Nobody of this identity is behind EU any more, so no frame of EU's may speak as it. */
	assert_null(mesh_find(&mesh, before, 1));
	/* Another version that counts no further move changes nothing of it; a trust that falls, falls. */
	struct rn_device_record d = laptop(100);
	d.trust = 3;
	assert_int_equal(give(h, 12, d), 0);
	assert_true(attached(h) && (state_of(h, LAPTOP) & RN_STATE_TRUST_MASK) == 3);
	/* The gateway signs what the device said: the same. */
	d = laptop(101);
	d.hub = SELF;
	assert_int_equal(give(h, 13, d), 0);
	assert_true(attached(h));
	/* It has gone back. */
	assert_int_equal(give(h, 14, laptop(102)), 0);
	assert_true(!attached(h) && peer(h) == before);
	assert_non_null(mesh_find(&mesh, before, 1));
	assert_int_equal(here(h, 101), -ESTALE);
	assert_int_equal(here(h, 102), -ESTALE);
	assert_false(attached(h));
	assert_int_equal(here(h, 103), 0);
	assert_true(attached(h));
}

static void only_who_lists_this_hub(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = laptop(100);

	prepare(h);
	assert_int_equal(here(h, 101), 0);
	assert_int_equal(here(h, 100), -ESTALE);
	/* The gateway takes this hub off the list: what was claimed is over, and cannot be claimed again. */
	d.home_count = 0;
	d.homes[0] = d.homes[1] = 0;
	d.left[0] = SELF;
	d.left_count = 1;
	assert_int_equal(give(h, 12, d), 0);
	assert_true(!attached(h) && peer(h));
	assert_int_equal(here(h, 500), -EACCES);
	assert_int_equal(rn_enforce_here(h->enforce, 99, 500, NULL), -EACCES);
	assert_int_equal(rn_enforce_here(h->enforce, SELF, 500, NULL), -EACCES);
	assert_int_equal(rn_enforce_here(h->enforce, EU, 500, NULL), -EACCES);
	assert_false(attached(h));
}

static void what_is_taken_away_stays_away(void **state)
{
	struct hub *h = *state;
	struct rn_device_record d = laptop(100);

	prepare(h);
	d.flags |= RN_DEVICE_QUARANTINED;
	assert_int_equal(give(h, 12, d), 0);
	assert_int_equal(here(h, 101), 0);
	assert_true(attached(h) && (state_of(h, LAPTOP) & RN_STATE_QUARANTINED));
	assert_false(gets_through(h, LAPTOP));
	d.flags |= RN_DEVICE_REVOKED;
	assert_int_equal(give(h, 13, d), 0);
	assert_true(state_of(h, LAPTOP) & RN_STATE_REVOKED);
	rn_enforce_remove(h->enforce, LAPTOP);
	assert_int_equal(here(h, 200), -EACCES);
}

/* A kern that starts again finds it where its tables have it, and is told again by core after its record. */
static void after_a_restart(void **state)
{
	struct hub *h = *state;

	prepare(h);
	assert_int_equal(here(h, 101), 0);
	restart(h);
	assert_true(attached(h));
	assert_int_equal(here(h, 101), -EACCES);
	policy(h, 5);
	assert_true(give(h, 10, eu()) >= 0);
	assert_int_equal(give(h, 11, laptop(100)), 0);
	assert_int_equal(here(h, 101), 0);
	assert_true(attached(h) && !peer(h));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, enforce_setup, enforce_teardown)
	const struct CMUnitTest tests[] = {
	    T(it_comes_and_goes),
	    T(only_who_lists_this_hub),
	    T(what_is_taken_away_stays_away),
	    T(after_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
