/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one device more costs a hub: control messages in and out, bytes, CPU of its core; among 100 and among 10,000 of
 * its own that are all connected. And one more elsewhere, which must cost it nothing. Prints the figures
 * (docs/benchmarks.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_numbering.h"
#include "service/core_registry.h"
#include "service/core_state.h"

#define FEW 100u
#define MANY 10000u
#define ROUNDS 15
#define HUB 2u /* its number; host 1 */

struct cost {
	double in, out, bytes, us;
};

static struct rn_new_device new_device(const char *word, uint32_t i, uint32_t hub)
{
	struct rn_new_device d = {.kind = RN_KIND_DESKTOP, .hub = hub, .trust = RN_TRUST_START, .tags = ""};
	snprintf(d.name, sizeof(d.name), "%s-%u", word, i);
	rn_random(d.noise_key, RN_KEY_SIZE);
	rn_random(d.wireguard_key, RN_KEY_SIZE);
	return d;
}

/* Devices of this hub, signed and stored by the gateway. */
static void add(struct world *w, const char *word, uint32_t first, uint32_t count, uint32_t hub)
{
	struct rn_core *gateway = w->hosts[0].core;
	struct rn_device_record record;
	struct rn_err err = {""};
	struct rn_change change;
	for (uint32_t i = first; i < first + count;) {
		assert_int_equal(rn_change_begin(&change, &gateway->books, w->begun, &err), 0);
		for (uint32_t k = 0; k < 500 && i < first + count; k++, i++) {
			struct rn_new_device d = new_device(word, i, hub);
			if (rn_registry_add(&change, &d, &record))
				fail_msg("%s", err.text);
		}
		assert_int_equal(rn_change_commit(&change), 0);
		rn_core_publish(gateway);
		world_run(w);
	}
}

static void connect_all(struct world *w)
{
	static uint64_t session = 0x7000000000000000ull;
	struct rn_core *hub = w->hosts[1].core;
	const struct rn_ledger_entry *entry, *newest = rn_ledger_newest(hub->books.ledger);
	struct rn_message subscribe = {.type = RN_MESSAGE_SUBSCRIBE,
				       .subscribe = {.epoch = newest->epoch, .version = newest->version}};
	uint8_t data[64];
	int size = rn_message_encode(&subscribe, data, sizeof(data));
	for (unsigned i = 0; (entry = rn_ledger_at(hub->books.ledger, i)); i++) {
		struct rn_local open = {.type = RN_LOCAL_NET_OPEN, .session = ++session, .role = RN_KIND_DESKTOP};
		struct rn_local say = {
		    .type = RN_LOCAL_NET_MESSAGE, .session = session, .block = data, .block_size = (size_t)size};
		if (entry->record.hub != HUB || rn_kind_is_hub(entry->record.kind) ||
		    rn_downstream_of(hub, entry->device))
			continue;
		memcpy(open.key, entry->record.noise_key, RN_KEY_SIZE);
		assert_true(rn_core_receive(hub, RN_CORE_NET, &open));
		assert_true(rn_core_receive(hub, RN_CORE_NET, &say));
	}
	world_run(w);
}

static void one_more(struct world *w, uint32_t i)
{
	add(w, "more", i, 1, HUB);
}

static void one_more_elsewhere(struct world *w, uint32_t i)
{
	add(w, "elsewhere", i, 1, 1);
}

static void one_changes(struct world *w, uint32_t i)
{
	char name[32];
	struct world_done d = {0};
	snprintf(name, sizeof(name), "own-%u", i);
	rn_core_trust(w->hosts[0].core, name, (uint8_t)(i % 100), world_done, &d);
	world_run(w);
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static double median(double *list)
{
	qsort(list, ROUNDS, sizeof(*list), ascending);
	return list[ROUNDS / 2];
}

static struct cost cost_of(struct world *w, void (*act)(struct world *w, uint32_t i))
{
	static uint32_t at;
	double in[ROUNDS], out[ROUNDS], bytes[ROUNDS], us[ROUNDS];
	struct world_host *hub = &w->hosts[1];
	for (int i = 0; i < ROUNDS; i++) {
		struct world_host before = *hub;
		act(w, at++ % FEW);
		world_run(w);
		in[i] = (double)(hub->taken - before.taken);
		out[i] = (double)(hub->said - before.said);
		bytes[i] = (double)(hub->said_bytes - before.said_bytes);
		us[i] = (double)(hub->busy_ns - before.busy_ns) / 1000;
	}
	return (struct cost){median(in), median(out), median(bytes), median(us)};
}

static const struct {
	const char *what;
	void (*act)(struct world *w, uint32_t i);
} acts[] = {
    {"one device more", one_more}, {"one of its own changes", one_changes}, {"one more elsewhere", one_more_elsewhere}};
#define ACTS 3

static void look(struct world *w, uint32_t own, struct cost ret[ACTS])
{
	for (unsigned a = 0; a < ACTS; a++) {
		ret[a] = cost_of(w, acts[a].act);
		printf("%-22s among %5u: %5.0f messages in, %6.0f out, %8.0f bytes out, core %8.0f us\n", acts[a].what,
		       own, ret[a].in, ret[a].out, ret[a].bytes, ret[a].us);
	}
}

static void one_device_more(void **state)
{
	struct world *w = world_new();
	struct cost few[ACTS], many[ACTS];
	(void)state;
	world_add(w, 1, RN_KIND_REGIONAL, "hub", 0);
	w->hosts[0].crowded = w->hosts[1].crowded = true;
	add(w, "own", 0, FEW, HUB);
	connect_all(w);
	look(w, FEW, few);
	add(w, "own", FEW, MANY - FEW, HUB);
	connect_all(w);
	assert_int_equal(w->hosts[1].core->session_count, MANY + ROUNDS);
	look(w, MANY, many);
	for (unsigned a = 0; a < 2; a++)
		printf("%-22s 10,000 to 100: CPU of core %.1f\n", acts[a].what, many[a].us / few[a].us);
	/* From the gateway it hears the same, whatever it has. */
	for (unsigned a = 0; a < ACTS; a++)
		assert_true(many[a].in == few[a].in);
	/* Elsewhere is nothing to it; at home each of its devices hears of it, once with a mark. */
	assert_true(many[2].in == 0 && many[2].out == 0);
	assert_in_range((unsigned)many[0].out, MANY, 2 * (MANY + 3 * ROUNDS) + 10);
	world_free(w);
}

/* Devices that wait for a number, and then for another: a policy may make everybody finer. */
static double wait_twice(uint32_t count)
{
	struct world *w = world_new();
	struct rn_books *books = &w->hosts[0].core->books;
	uint32_t set[RN_SELECTORS_MAX] = {1, 2, 3, 77};
	struct rn_err err = {""};
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int twice = 0; twice < 2; twice++)
		for (uint32_t i = 1; i <= count; i++)
			assert_int_equal(rn_numbering_pend(books, i, set, twice ? 4 : 3, &err), 0);
	assert_int_equal(rn_numbering_pending(books), count);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	world_free(w);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static void many_wait_for_a_number(void **state)
{
	double few = wait_twice(20000), many = wait_twice(200000);
	(void)state;
	printf("20,000 devices that wait: %.1f ms; 200,000: %.1f ms\n", few, many);
	assert_true(many < few * 50 + 1000); /* a walk through all for each would take ten seconds and more */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_device_more), cmocka_unit_test(many_wait_for_a_number)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
