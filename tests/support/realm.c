// SPDX-License-Identifier: Apache-2.0
#include "tests/support/realm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const users[REALM_USERS] = {"alice", "bob", "carol", "dave", "erin"};
static const char *const tags[REALM_TAGS] = {"server", "db", "printer", "lab", "camera"};
static const char *const groups[REALM_GROUPS] = {"admins", "staff", "guests"};
static const uint16_t edges[] = {1, 22, 53, 80, 443, 1023, 5000, 5100, 8080, 32768, 65535};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static uint32_t selector_number(void *context, const char *text)
{
	struct realm *r = context;

	for (uint32_t i = 0; i < r->selector_count; i++)
		if (strcmp(r->selectors[i], text) == 0)
			return i + 1;
	if (r->selector_count == REALM_SELECTORS_MAX)
		return 0;
	snprintf(r->selectors[r->selector_count], sizeof(r->selectors[0]), "%s", text);
	return ++r->selector_count;
}

struct rn_selector_source realm_selectors(struct realm *r)
{
	return (struct rn_selector_source){r, selector_number};
}

static void add_selector(struct realm *r, struct realm_device *d, const char *kind, const char *name)
{
	char text[RN_NAME_MAX + 16];
	uint32_t number, at;

	snprintf(text, sizeof(text), "%s%s", kind, name);
	number = selector_number(r, text);
	for (at = d->selector_count++; at > 0 && d->selectors[at - 1] > number; at--)
		d->selectors[at] = d->selectors[at - 1];
	d->selectors[at] = number;
}

static void random_device(struct realm *r, struct rng *rng, unsigned n)
{
	struct realm_device *d = &r->devices[n];
	uint32_t first = rng_below(rng, REALM_TAGS);

	snprintf(d->name, sizeof(d->name), "device-%u", n + 1);
	d->owner = rng_percent(rng, 15) ? 0 : 1 + rng_below(rng, REALM_USERS);
	d->tag_count = rng_below(rng, 3);
	for (uint32_t i = 0; i < d->tag_count; i++)
		d->tags[i] = tags[(first + i) % REALM_TAGS];
	d->trust = (uint8_t)rng_below(rng, RN_TRUST_MAX + 1);
	add_selector(r, d, "everyone", "");
	if (d->owner)
		add_selector(r, d, "user:", users[d->owner - 1]);
	for (uint32_t i = 0; i < d->tag_count; i++)
		add_selector(r, d, "tag:", d->tags[i]);
	add_selector(r, d, "device:", d->name);
}

void realm_random(struct realm *r, struct rng *rng)
{
	memset(r, 0, sizeof(*r));
	for (unsigned n = 0; n < REALM_DEVICES; n++)
		random_device(r, rng, n);
}

struct rn_party realm_party(const struct realm_device *d)
{
	return (struct rn_party){
	    .device = d->name,
	    .owner = d->owner ? users[d->owner - 1] : NULL,
	    .owner_number = d->owner,
	    .tags = d->tags,
	    .tag_count = d->tag_count,
	    .trust = d->trust,
	};
}

uint16_t realm_port(struct rng *rng)
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
	CRITERION(1, "\"user:%s\"", users[rng_below(rng, REALM_USERS)])
	CRITERION(2, "\"group:%s\"", groups[rng_below(rng, REALM_GROUPS)])
	CRITERION(4, "\"tag:%s\"", tags[rng_below(rng, REALM_TAGS)])
	CRITERION(8, "\"device:device-%u\"", 1 + rng_below(rng, REALM_DEVICES))
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
	bool deny = rng_percent(rng, 18);

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

void realm_policy_text(struct rng *rng, unsigned rules, char *out, size_t out_size)
{
	struct text t = {.out = out, .size = out_size};

	say(&t, "{\"groups\": {");
	for (unsigned g = 0; g < REALM_GROUPS; g++) {
		say(&t, "%s\"%s\": [", g ? ", " : "", groups[g]);
		for (unsigned u = 0; u < REALM_USERS; u++)
			if (rng_percent(rng, 35))
				say(&t, "\"%s\", ", users[u]);
		say(&t, "]");
	}
	say(&t, "},\n\"tags\": [");
	for (unsigned i = 0; i < REALM_TAGS; i++)
		say(&t, "\"%s\", ", tags[i]);
	say(&t, "],\n\"rules\": [\n");
	for (unsigned i = 1; i <= rules; i++)
		say_rule(&t, rng, i);
	say(&t, "]}\n");
}
