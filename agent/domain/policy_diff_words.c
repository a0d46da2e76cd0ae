// SPDX-License-Identifier: Apache-2.0
/* Who loses or gains access to what, in words: pairs that are alike are one sentence. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_diff.h"

#define NAMED_MAX 3u   /* devices named of several */
#define NAMES_MAX 256u /* bytes of so many names */

void rn_policy_diff_services(const struct rn_service *list, uint32_t count, char out[RN_POLICY_DIFF_WHAT])
{
	char text[RN_SERVICE_TEXT];
	uint32_t whole = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < count; i++)
		whole += list[i].first <= 1 && list[i].last == 65535;
	if (whole == 4) {
		snprintf(out, RN_POLICY_DIFF_WHAT, "everything");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct rn_service *one = &list[i];
		bool both = one->protocol == IPPROTO_ICMP && i + 1 < count;

		if (used > RN_POLICY_DIFF_WHAT - 40) {
			snprintf(out + used, RN_POLICY_DIFF_WHAT - used, " and more");
			return;
		}
		used += (size_t)snprintf(out + used, RN_POLICY_DIFF_WHAT - used, "%s%s", i ? ", " : "",
					 both ? "icmp" : rn_service_format(one, text));
		i += both; /* icmp6 comes right after icmp4 */
	}
}

/* Changes of one kind at one destination, and after they are joined at several. */
struct bunch {
	uint32_t first, count; /* of changes, whose sources are ascending */
	uint64_t hash;	       /* of the sources */
};

static int by_destination(const void *a, const void *b)
{
	const struct rn_policy_diff_change *x = a, *y = b;

	if (x->gains != y->gains)
		return x->gains ? 1 : -1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	if (x->destination != y->destination)
		return x->destination < y->destination ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

/* Bunches of one kind with the same sources come together; `first` rises with kind and what. */
static int by_sources(const void *a, const void *b)
{
	const struct bunch *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static bool same_kind(const struct rn_policy_diff_change *a, const struct rn_policy_diff_change *b)
{
	return a->gains == b->gains && a->what == b->what;
}

static bool same_sources(const struct rn_policy_diff_words *d, const struct bunch *a, const struct bunch *b)
{
	if (a->count != b->count || a->hash != b->hash)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (d->changes[a->first + i].source != d->changes[b->first + i].source)
			return false;
	return true;
}

/* "a", "3 devices (a, b, c)", "7 devices (a, b, c and 4 more)": source or destination of the bunches from `bunches` on.
 */
static void say_devices(const struct rn_policy_diff_words *d, const uint32_t places[NAMED_MAX], uint32_t count,
			char out[NAMES_MAX])
{
	uint32_t named = count < NAMED_MAX ? count : NAMED_MAX;
	size_t used;

	if (count == 1) {
		snprintf(out, NAMES_MAX, "%s", d->devices[places[0]].device);
		return;
	}
	used = (size_t)snprintf(out, NAMES_MAX, "%u devices (", count);
	for (uint32_t i = 0; i < named; i++)
		used +=
		    (size_t)snprintf(out + used, NAMES_MAX - used, "%s%s", i ? ", " : "", d->devices[places[i]].device);
	if (count > named)
		used += (size_t)snprintf(out + used, NAMES_MAX - used, " and %u more", count - named);
	snprintf(out + used, NAMES_MAX - used, ")");
}

/* "db-1:5432", "udp:53, icmp on db-1", "tcp:22 on 2 devices (db-1, db-2)" */
static void say_target(const char *what, const char *where, bool single, char *out, size_t size)
{
	if (single && strncmp(what, "tcp:", 4) == 0 && what[4 + strspn(what + 4, "0123456789")] == '\0')
		snprintf(out, size, "%s:%s", where, what + 4);
	else
		snprintf(out, size, "%s on %s", what, where);
}

/* Bunches [from, to) have the same sources and kind. */
static void say_bunches(const struct rn_policy_diff_words *d, const struct bunch *bunches, uint32_t from, uint32_t to)
{
	const struct rn_policy_diff_change *c = &d->changes[bunches[from].first];
	uint32_t sources = bunches[from].count, destinations = to - from;
	uint32_t who[NAMED_MAX] = {0}, where[NAMED_MAX] = {0};
	struct rn_difference difference = {.kind = c->gains ? RN_DIFFERENCE_GAINS : RN_DIFFERENCE_LOSES,
					   .sources = sources,
					   .destinations = destinations};
	char source_text[NAMES_MAX], destination_text[NAMES_MAX], target[NAMES_MAX + RN_POLICY_DIFF_WHAT];

	for (uint32_t i = 0; i < NAMED_MAX && i < sources; i++)
		who[i] = c[i].source;
	for (uint32_t i = 0; i < NAMED_MAX && i < destinations; i++)
		where[i] = d->changes[bunches[from + i].first].destination;
	say_devices(d, who, sources, source_text);
	say_devices(d, where, destinations, destination_text);
	say_target(d->texts[c->what], destination_text, destinations == 1, target, sizeof(target));
	snprintf(difference.text, sizeof(difference.text), "%s %s%s access to %s", source_text,
		 c->gains ? "gain" : "lose", sources == 1 ? "s" : "", target);
	d->each(d->context, &difference);
}

static uint32_t make_bunches(const struct rn_policy_diff_words *d, struct bunch *ret)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < d->change_count; i++) {
		const struct rn_policy_diff_change *c = &d->changes[i];
		struct bunch *b;

		if (i == 0 || !same_kind(c, &d->changes[i - 1]) || c->destination != d->changes[i - 1].destination)
			ret[count++] = (struct bunch){i, 0, 14695981039346656037u};
		b = &ret[count - 1];
		b->count++;
		b->hash = (b->hash ^ c->source) * 1099511628211u;
	}
	return count;
}

/* Bunches [from, to) are of one kind. */
static void say_kind(const struct rn_policy_diff_words *d, struct bunch *bunches, uint32_t from, uint32_t to)
{
	uint32_t begin = from;

	qsort(bunches + from, to - from, sizeof(*bunches), by_sources);
	for (uint32_t i = from + 1; i <= to; i++)
		if (i == to || !same_sources(d, &bunches[i - 1], &bunches[i])) {
			say_bunches(d, bunches, begin, i);
			begin = i;
		}
}

int rn_policy_diff_say(const struct rn_policy_diff_words *d)
{
	struct bunch *bunches = calloc(d->change_count + 1u, sizeof(*bunches));
	uint32_t count, begin = 0;

	if (!bunches)
		return -ENOMEM;
	if (d->change_count)
		qsort(d->changes, d->change_count, sizeof(*d->changes), by_destination);
	count = make_bunches(d, bunches);
	for (uint32_t i = 1; i <= count; i++)
		if (i == count || !same_kind(&d->changes[bunches[i - 1].first], &d->changes[bunches[i].first])) {
			say_kind(d, bunches, begin, i);
			begin = i;
		}
	free(bunches);
	return 0;
}
