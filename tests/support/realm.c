// SPDX-License-Identifier: Apache-2.0
#include "tests/support/realm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"

static const char *const users[REALM_USERS] = {"alice", "bob", "carol", "dave", "erin"};
static const char *const tags[REALM_TAGS] = {"server", "db", "printer", "lab", "camera"};
static const char *const groups[REALM_GROUPS] = {"admins", "staff", "guests"};
static const enum rn_kind kinds[] = {RN_KIND_DESKTOP, RN_KIND_MOBILE,	RN_KIND_SERVER,
				     RN_KIND_IOT,     RN_KIND_REGIONAL, RN_KIND_PROJECT};
static const char *const hubs[] = {"hub-1", "hub-2", "hub-3"};
static const char *const prefixes[] = {"10.77.0.0/29", "10.77.0.8/30", "fd77::/125", "fd77::8/126",
				       "10.77.0.3/32", "fd77::5/128",  "0.0.0.0/0",  "fd00::/8"};
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
	for (at = 0; at < d->selector_count; at++)
		if (d->selectors[at] == number)
			return;
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

/* The device's own addresses, and those of the list. */
static void add_prefixes(struct realm *r, struct realm_device *d)
{
	const struct rn_addr *own[] = {&d->ipv4, &d->ipv6};
	char host[RN_PREFIX_TEXT];

	for (unsigned i = 0; i < 2; i++)
		if (!rn_addr_is_zero(own[i]))
			add_selector(r, d, "prefix:", rn_prefix_format(&(struct rn_prefix){*own[i], 128}, host));
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct rn_prefix prefix;

		if (rn_prefix_parse(prefixes[i], &prefix) < 0)
			abort();
		if (rn_prefix_contains(&prefix, &d->ipv4) || rn_prefix_contains(&prefix, &d->ipv6))
			add_selector(r, d, "prefix:", prefixes[i]);
	}
}

/* What only the whole language asks about. */
static void random_rest(struct realm *r, struct rng *rng, unsigned n)
{
	struct realm_device *d = &r->devices[n];
	bool hub;

	d->kind = kinds[rng_below(rng, sizeof(kinds) / sizeof(kinds[0]))];
	d->managed = rng_percent(rng, 60);
	hub = rn_kind_is_hub(d->kind);
	d->hub = hub ? d->name : hubs[rng_below(rng, 3)];
	d->ipv4 = rn_addr_from_v4(0x0a4d0001u + n);
	d->ipv6.b[0] = 0xfd;
	d->ipv6.b[1] = 0x77;
	d->ipv6.b[15] = (uint8_t)(n + 1);
	if (rng_percent(rng, 20))
		d->ipv4 = (struct rn_addr){{0}};
	add_selector(r, d, hub ? "hub-type:" : "type:", rn_kind_name(d->kind));
	add_selector(r, d, d->managed ? "managed" : "unmanaged", "");
	add_selector(r, d, "hub:", d->hub);
	add_prefixes(r, d);
}

void realm_random(struct realm *r, struct rng *rng)
{
	memset(r, 0, sizeof(*r));
	for (unsigned n = 0; n < REALM_DEVICES; n++)
		random_device(r, rng, n);
	for (unsigned n = 0; n < REALM_DEVICES; n++)
		random_rest(r, rng, n);
}

struct rn_party realm_party(const struct realm_device *d)
{
	return (struct rn_party){
	    .device = d->name,
	    .owner = d->owner ? users[d->owner - 1] : NULL,
	    .owner_number = d->owner,
	    .tags = d->tags,
	    .tag_count = d->tag_count,
	    .kind = d->kind,
	    .managed = d->managed,
	    .hub = d->hub,
	    .ipv6 = d->ipv6,
	    .ipv4 = d->ipv4,
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

/* ---- the whole language ---- */

static const char *any_kind(struct rng *rng, bool hub)
{
	static const enum rn_kind of[2][2] = {{RN_KIND_SERVER, RN_KIND_DESKTOP}, {RN_KIND_REGIONAL, RN_KIND_PROJECT}};

	return rn_kind_name(of[hub][rng_below(rng, 2)]);
}

/* One criterion of the kind `bit`, without quotes. */
static void say_one(struct text *t, struct rng *rng, unsigned bit)
{
	switch (bit) {
	case 0:
		say(t, "user:%s", users[rng_below(rng, REALM_USERS)]);
		break;
	case 1:
		say(t, "group:%s", rng_percent(rng, 30) ? "all" : groups[rng_below(rng, REALM_GROUPS)]);
		break;
	case 2:
		say(t, "tag:%s", tags[rng_below(rng, REALM_TAGS)]);
		break;
	case 3:
		say(t, "device:device-%u", 1 + rng_below(rng, REALM_DEVICES));
		break;
	case 4:
		say(t, "type:%s", any_kind(rng, false));
		break;
	case 5:
		say(t, "hub:%s", hubs[rng_below(rng, 3)]);
		break;
	case 6:
		say(t, "hub-type:%s", any_kind(rng, true));
		break;
	case 7:
		say(t, "prefix:%s", prefixes[rng_below(rng, sizeof(prefixes) / sizeof(prefixes[0]))]);
		break;
	default:
		say(t, rng_percent(rng, 50) ? "host:10.77.0.%u" : "host:fd77::%u", 1 + rng_below(rng, 9));
	}
}

/* Each kind stands at most once with ! and once without. */
static void say_whole_criteria(struct text *t, struct rng *rng, bool destination)
{
	unsigned some = 1u << rng_below(rng, 9), none = 0;
	bool first = true;

	for (unsigned n = rng_below(rng, 4); n > 0; n--)
		some |= 1u << rng_below(rng, 9);
	if (rng_percent(rng, 30))
		none = 1u << rng_below(rng, 9) | (rng_percent(rng, 30) ? 1u << rng_below(rng, 9) : 0);
	if (none && rng_percent(rng, 40))
		some = 0;
	for (unsigned bit = 0; bit < 18; bit++) {
		if (!((bit < 9 ? some >> bit : none >> (bit - 9)) & 1))
			continue;
		say(t, "%s\"%s", first ? "" : ", ", bit < 9 ? "" : "!");
		say_one(t, rng, bit % 9);
		say(t, "\"");
		first = false;
	}
	if (destination && rng_percent(rng, 15))
		say(t, ", \"same-owner\"");
	if (rng_percent(rng, 25))
		say(t, ", \"everyone\"");
}

static void say_whole_service(struct text *t, struct rng *rng)
{
	static const char *const echo[] = {"icmp", "icmp4", "icmp6", "icmp4:echo", "icmp6:128"};

	if (rng_percent(rng, 20))
		say(t, "\"%s\"", echo[rng_below(rng, 5)]);
	else
		say_service(t, rng);
}

static void say_moment(struct text *t, const char *key, int64_t when)
{
	char text[RN_MOMENT_TEXT];

	rn_moment_format(when, text);
	say(t, "\"%s\": \"%s\", ", key, text);
}

static void say_window(struct text *t, struct rng *rng, int64_t around)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	uint32_t from = (uint32_t)((around + 86400 - 7200 + rng_below(rng, 14400)) % 86400),
		 to = (from + 1 + rng_below(rng, 10000)) % 86400;
	unsigned today = (unsigned)((around / 86400 + 3) % 7);

	to = to ? to : 1;
	say(t, "{\"from\": \"%02u:%02u:%02u\", \"to\": \"%02u:%02u:%02u\", \"zone\": \"UTC\"", from / 3600,
	    from / 60 % 60, from % 60, to / 3600, to / 60 % 60, to % 60);
	if (rng_percent(rng, 40))
		say(t, ", \"days\": [\"%s\", \"%s\"]", days[today], days[(today + 1 + rng_below(rng, 6)) % 7]);
	say(t, "}, ");
}

static void say_whole_conditions(struct text *t, struct rng *rng, bool deny, int64_t around)
{
	static const char *const ends[] = {"source", "destination"};

	if (!deny && rng_percent(rng, 35))
		say(t, "\"minimum_trust\": %u, ", rng_below(rng, RN_TRUST_MAX + 1));
	if (!deny && rng_percent(rng, 20))
		say(t, "\"minimum_destination_trust\": %u, ", rng_below(rng, RN_TRUST_MAX + 1));
	for (unsigned i = 0; i < 2; i++) {
		if (rng_percent(rng, 8))
			say(t, "\"%s_types\": [\"%s\", \"iot\"], ", ends[i], any_kind(rng, false));
		if (rng_percent(rng, 12))
			say(t, "\"%s_managed\": %s, ", ends[i], rng_percent(rng, 60) ? "true" : "false");
	}
	if (rng_percent(rng, 12))
		say_moment(t, "from", around - 6000 + rng_below(rng, 8000));
	if (rng_percent(rng, 12))
		say_moment(t, "until", around - 2000 + rng_below(rng, 8000));
	if (rng_percent(rng, 70))
		return;
	say(t, "\"times\": [");
	for (unsigned n = 1 + rng_below(rng, 3); n > 0; n--)
		say_window(t, rng, around);
	say(t, "]");
}

static void say_whole_rule(struct text *t, struct rng *rng, unsigned number, int64_t around)
{
	bool deny = rng_percent(rng, 18);

	say(t, "{\"id\": \"rule-%u\", \"source_criteria\": [", number);
	say_whole_criteria(t, rng, false);
	say(t, "], \"destination_criteria\": [");
	say_whole_criteria(t, rng, true);
	say(t, "]");
	if (deny || rng_percent(rng, 60)) {
		say(t, ", \"services\": [");
		for (unsigned n = rng_below(rng, 3) + 1; n > 0; n--) {
			say_whole_service(t, rng);
			say(t, "%s", n > 1 ? ", " : "");
		}
		say(t, "]");
	}
	say(t, ", \"action\": \"%s\", \"log\": %s, \"observe\": %s, \"conditions\": {", deny ? "deny" : "allow",
	    rng_percent(rng, 20) ? "true" : "false", rng_percent(rng, 10) ? "true" : "false");
	say_whole_conditions(t, rng, deny, around);
	say(t, "}},\n");
}

void realm_policy_whole(struct rng *rng, unsigned rules, int64_t around, char *out, size_t out_size)
{
	struct text t = {.out = out, .size = out_size};

	say(&t, "{\"groups\": {\"all\": [\"group:%s\", \"group:%s\"]", groups[0], groups[1]);
	for (unsigned g = 0; g < REALM_GROUPS; g++) {
		say(&t, ", \"%s\": [", groups[g]);
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
		say_whole_rule(&t, rng, i, around);
	say(&t, "]}\n");
}

struct rn_policy_model *realm_policy_made(struct realm *r, struct rng *rng, unsigned rules, int64_t around,
					  uint64_t seed, char *out, size_t out_size, struct rn_policy_record *ret)
{
	struct rn_selector_source selectors = realm_selectors(r);
	struct rn_policy_model *model;
	struct rn_err err = {""};

	realm_policy_whole(rng, rules, around, out, out_size);
	model = rn_policy_parse(out, strlen(out), &err);
	if (model && rn_policy_compile(model, &selectors, NULL, around, ret, &err) == 0)
		return model;
	fprintf(stderr, "seed %llu: %s\n%s\n", (unsigned long long)seed, err.text, out);
	abort();
}
