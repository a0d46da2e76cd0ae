// SPDX-License-Identifier: Apache-2.0
#include "tests/support/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const users[WORLD_USERS] = {"alice", "bob", "carol", "dave", "erin"};
static const char *const tags[WORLD_TAGS] = {"server", "db", "printer", "lab", "camera"};
static const char *const groups[WORLD_GROUPS] = {"admins", "staff", "guests"};
static const uint16_t edges[] = {1, 22, 53, 80, 443, 1023, 5000, 5100, 8080, 32768, 65535};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static uint32_t selector_number(void *context, const char *text)
{
	struct world *w = context;

	for (uint32_t i = 0; i < w->selector_count; i++)
		if (strcmp(w->selectors[i], text) == 0)
			return i + 1;
	if (w->selector_count == WORLD_SELECTORS_MAX)
		return 0;
	snprintf(w->selectors[w->selector_count], sizeof(w->selectors[0]), "%s", text);
	return ++w->selector_count;
}

struct rn_selector_source world_selectors(struct world *w)
{
	return (struct rn_selector_source){w, selector_number};
}

static void add_selector(struct world *w, struct world_device *d, const char *kind, const char *name)
{
	char text[RN_NAME_MAX + 16];
	uint32_t number, at;

	snprintf(text, sizeof(text), "%s%s", kind, name);
	number = selector_number(w, text);
	for (at = d->selector_count++; at > 0 && d->selectors[at - 1] > number; at--)
		d->selectors[at] = d->selectors[at - 1];
	d->selectors[at] = number;
}

static void random_device(struct world *w, struct rng *rng, unsigned n)
{
	struct world_device *d = &w->devices[n];
	uint32_t first = rng_below(rng, WORLD_TAGS);

	snprintf(d->name, sizeof(d->name), "device-%u", n + 1);
	d->owner = rng_percent(rng, 15) ? 0 : 1 + rng_below(rng, WORLD_USERS);
	d->tag_count = rng_below(rng, 3);
	for (uint32_t i = 0; i < d->tag_count; i++)
		d->tags[i] = tags[(first + i) % WORLD_TAGS];
	d->trust = (uint8_t)rng_below(rng, RN_TRUST_MAX + 1);
	add_selector(w, d, "everyone", "");
	if (d->owner)
		add_selector(w, d, "user:", users[d->owner - 1]);
	for (uint32_t i = 0; i < d->tag_count; i++)
		add_selector(w, d, "tag:", d->tags[i]);
	add_selector(w, d, "device:", d->name);
}

void world_random(struct world *w, struct rng *rng)
{
	memset(w, 0, sizeof(*w));
	for (unsigned n = 0; n < WORLD_DEVICES; n++)
		random_device(w, rng, n);
}

struct rn_party world_party(const struct world_device *d)
{
	return (struct rn_party){
	    .device = d->name,
	    .owner = d->owner ? users[d->owner - 1] : NULL,
	    .tags = d->tags,
	    .tag_count = d->tag_count,
	    .trust = d->trust,
	};
}

uint16_t world_port(struct rng *rng)
{
	uint32_t port = edges[rng_below(rng, EDGES)] + rng_below(rng, 3) - 1;

	return (uint16_t)(rng_percent(rng, 20) ? rng_next(rng) : port);
}

struct text {
	char *out;
	size_t size, at;
};

static void __attribute__((format(printf, 2, 3))) say(struct text *t, const char *format, ...)
{
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(t->out + t->at, t->size - t->at, format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= t->size - t->at)
		abort();
	t->at += (size_t)size;
}

/* No two criteria of a list may be the same: each kind stands at most once. */
static void say_criteria(struct text *t, struct rng *rng, bool destination)
{
	unsigned some = 1 + rng_below(rng, 63);
	bool first = true;

	if (rng_percent(rng, 50))
		some &= 1u << rng_below(rng, 6); /* often just one */
	some |= 64;
#define CRITERION(bit, ...)                                                                                            \
	if (some & (bit)) {                                                                                            \
		say(t, "%s", first ? "" : ", ");                                                                       \
		say(t, __VA_ARGS__);                                                                                   \
		first = false;                                                                                         \
	}
	CRITERION(1, "\"user:%s\"", users[rng_below(rng, WORLD_USERS)])
	CRITERION(2, "\"group:%s\"", groups[rng_below(rng, WORLD_GROUPS)])
	CRITERION(4, "\"tag:%s\"", tags[rng_below(rng, WORLD_TAGS)])
	CRITERION(8, "\"device:device-%u\"", 1 + rng_below(rng, WORLD_DEVICES))
	if (destination)
		CRITERION(16, "\"same-owner\"")
	if (first || rng_percent(rng, 5))
		CRITERION(64, "\"everyone\"")
#undef CRITERION
}

static void say_service(struct text *t, struct rng *rng)
{
	const char *protocol = rng_percent(rng, 60) ? "tcp" : "udp";
	uint32_t from = rng_below(rng, EDGES), to = from + rng_below(rng, (uint32_t)(EDGES - from));

	if (rng_percent(rng, 15))
		say(t, "\"icmp\"");
	else if (rng_percent(rng, 15))
		say(t, "\"%s\"", protocol);
	else if (from == to || rng_percent(rng, 50))
		say(t, "\"%s:%u\"", protocol, edges[from]);
	else
		say(t, "\"%s:%u-%u\"", protocol, edges[from], edges[to]);
}

static void say_rule(struct text *t, struct rng *rng, unsigned number)
{
	bool deny = rng_percent(rng, 25);

	say(t, "{\"id\": \"rule-%u\", \"source_criteria\": [", number);
	say_criteria(t, rng, false);
	say(t, "], \"destination_criteria\": [");
	say_criteria(t, rng, true);
	say(t, "]");
	if (deny || rng_percent(rng, 70)) {
		say(t, ", \"services\": [");
		for (unsigned n = rng_below(rng, 3) + 1; n > 0; n--) {
			say_service(t, rng);
			say(t, "%s", n > 1 ? ", " : "");
		}
		say(t, "]");
	}
	say(t, ", \"action\": \"%s\"", deny ? "deny" : "allow");
	if (!deny && rng_percent(rng, 40))
		say(t, ", \"conditions\": {\"minimum_trust\": %u}", rng_below(rng, RN_TRUST_MAX + 1));
	say(t, "},\n");
}

void world_policy_text(struct rng *rng, unsigned rules, char *out, size_t out_size)
{
	struct text t = {.out = out, .size = out_size};

	say(&t, "{\"groups\": {");
	for (unsigned g = 0; g < WORLD_GROUPS; g++) {
		say(&t, "%s\"%s\": [", g ? ", " : "", groups[g]);
		for (unsigned u = 0; u < WORLD_USERS; u++)
			if (rng_percent(rng, 35))
				say(&t, "\"%s\", ", users[u]);
		say(&t, "]");
	}
	say(&t, "},\n\"tags\": [");
	for (unsigned i = 0; i < WORLD_TAGS; i++)
		say(&t, "\"%s\", ", tags[i]);
	say(&t, "],\n\"rules\": [\n");
	for (unsigned i = 1; i <= rules; i++)
		say_rule(&t, rng, i);
	say(&t, "]}\n");
}
