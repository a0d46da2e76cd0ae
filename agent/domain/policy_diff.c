// SPDX-License-Identifier: Apache-2.0
/*
 * What another policy would change, in words. Whether something is allowed depends on no order of rules, so it can only
 * change where a rule that differs matches: those pairs of devices are judged by both, one source at a time, by the
 * rules that this source has.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_diff.h"

#define WORK_MAX UINT64_C(100000000) /* looks at a rule */
#define CHANGES_MAX 1000000u	     /* pairs of devices */
#define EDGES_MAX 512u		     /* of the ports of a pair's rules; what is beyond counts as cut */
#define TEXTS_MAX 4096u		     /* different lists of services */

/* Rules of one policy that matter to one source, or to one pair. */
struct some {
	struct rn_policy_model model; /* shares all but the list */
	bool *differs;		      /* of each */
};

struct diff {
	const struct rn_policy_model *models[2];
	bool *differs[2]; /* by number - 1 */
	const struct rn_party *devices;
	uint32_t device_count;
	const struct rn_zone_source *zones;
	int64_t now;
	struct rn_policy_diff_change *changes;
	uint32_t change_count, change_room;
	char (*texts)[RN_POLICY_DIFF_WHAT];
	uint32_t text_count;
	struct some of_source[2], of_pair[2];
	void (*each)(void *context, const struct rn_difference *difference);
	void *context;
	uint32_t told;
	uint64_t work;
	bool cut;
};

/* ---- what is told ---- */

static void tell(void *context, const struct rn_difference *difference)
{
	struct diff *d = context;

	if (d->told == RN_DIFFERENCES_MAX)
		d->cut = true;
	else
		d->each(d->context, difference);
	d->told += d->told < RN_DIFFERENCES_MAX;
}

static void tell_rule(void *context, const char *id, const char *what)
{
	struct rn_difference difference = {.kind = RN_DIFFERENCE_RULE};

	snprintf(difference.text, sizeof(difference.text), "rule \"%s\" %s", id, what);
	tell(context, &difference);
}

/* ---- one pair ---- */

/* Does a rule that differs have the party at this end? Where little was changed they are few: they are asked first. */
static bool matters(struct diff *d, const struct rn_policy_model *from, const bool *differs, bool destination,
		    const struct rn_party *party, const struct rn_party *other)
{
	const bool *at = differs, *end = differs + from->rule_count;

	for (; (at = at < end ? memchr(at, 1, (size_t)(end - at)) : NULL); at++, d->work++) {
		const struct rn_access_policy *rule = &from->rules[at - differs];

		if (rn_policy_end_is(from, destination ? &rule->destination : &rule->source, party, other))
			return true;
	}
	return false;
}

/* Out of one list the rules that have the party at this end. */
static void pick(struct diff *d, const struct rn_policy_model *from, const bool *differs, bool destination,
		 const struct rn_party *party, const struct rn_party *other, struct some *ret)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < from->rule_count; i++, d->work++) {
		const struct rn_access_policy *rule = &from->rules[i];
		const struct rn_policy_end *end = destination ? &rule->destination : &rule->source;

		if (!rn_policy_end_is(from, end, party, other))
			continue;
		ret->model.rules[count] = *rule;
		ret->model.rules[count].number = count + 1;
		ret->differs[count] = differs[i];
		count++;
	}
	ret->model.groups = from->groups;
	ret->model.group_count = from->group_count;
	ret->model.rule_count = count;
}

static int by_port(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Where the ports of the pair's rules begin, or have just ended: between two of these all are judged alike. */
static uint32_t edges_of(struct diff *d, uint8_t protocol, uint32_t edges[EDGES_MAX])
{
	uint32_t count = 0, kept = 0;

	edges[count++] = 1;
	edges[count++] = 65536;
	for (unsigned m = 0; m < 2; m++)
		for (uint32_t i = 0; i < d->of_pair[m].model.rule_count; i++) {
			const struct rn_access_policy *rule = &d->of_pair[m].model.rules[i];

			for (uint32_t k = 0; k < rule->service_count; k++) {
				if (rule->services[k].protocol != protocol)
					continue;
				if (count + 2 > EDGES_MAX) {
					d->cut = true;
					break;
				}
				edges[count++] = rule->services[k].first ? rule->services[k].first : 1;
				edges[count++] = rule->services[k].last + 1u;
			}
		}
	qsort(edges, count, sizeof(*edges), by_port);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || edges[kept - 1] != edges[i])
			edges[kept++] = edges[i];
	return kept;
}

static bool allowed(struct diff *d, unsigned m, struct rn_question *q)
{
	struct rn_answer answer;

	d->work += d->of_pair[m].model.rule_count;
	rn_policy_evaluate(&d->of_pair[m].model, q, &answer);
	return answer.reason == RN_ALLOWED;
}

/* Services that a pair loses or gains. */
struct services {
	struct rn_service list[EDGES_MAX];
	uint32_t count;
};

static void add_service(struct services *s, uint8_t protocol, uint32_t first, uint32_t last)
{
	struct rn_service *before = s->count ? &s->list[s->count - 1] : NULL;

	if (before && before->protocol == protocol && before->last + 1u == first)
		before->last = (uint16_t)last;
	else if (s->count < EDGES_MAX)
		s->list[s->count++] = (struct rn_service){protocol, (uint16_t)first, (uint16_t)last};
}

static void judge(struct diff *d, struct rn_question *q, uint32_t first, uint32_t last, struct services ret[2])
{
	bool before, after;

	q->port = q->protocol == IPPROTO_TCP || q->protocol == IPPROTO_UDP ? (uint16_t)first : 0;
	before = allowed(d, 0, q);
	after = allowed(d, 1, q);
	if (before != after)
		add_service(&ret[after], q->protocol, first, last);
}

/* The place of the text, UINT32_MAX: no room. */
static uint32_t intern(struct diff *d, const char *text)
{
	for (uint32_t i = d->text_count; i > 0; i--, d->work++)
		if (strcmp(d->texts[i - 1], text) == 0)
			return i - 1;
	if (d->text_count == TEXTS_MAX) {
		d->cut = true;
		return UINT32_MAX;
	}
	snprintf(d->texts[d->text_count], RN_POLICY_DIFF_WHAT, "%s", text);
	return d->text_count++;
}

static int add_change(struct diff *d, uint32_t source, uint32_t destination, bool gains, const struct services *s)
{
	char text[RN_POLICY_DIFF_WHAT];
	uint32_t what;

	if (s->count == 0)
		return 0;
	rn_policy_diff_services(s->list, s->count, text);
	what = intern(d, text);
	if (d->change_count == CHANGES_MAX)
		d->cut = true;
	if (what == UINT32_MAX || d->change_count == CHANGES_MAX)
		return 0;
	if (d->change_count == d->change_room) {
		uint32_t room = d->change_room ? 2 * d->change_room : 256;
		struct rn_policy_diff_change *grown = reallocarray(d->changes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->changes = grown;
		d->change_room = room;
	}
	d->changes[d->change_count++] = (struct rn_policy_diff_change){source, destination, gains, what};
	return 0;
}

static int compare_pair(struct diff *d, uint32_t source, uint32_t destination)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	const struct rn_party *from = &d->devices[source], *to = &d->devices[destination];
	struct rn_question q = {*from, *to, .at = d->now, .zones = d->zones};
	struct services found[2] = {{.count = 0}, {.count = 0}};
	uint32_t edges[EDGES_MAX];
	bool any = false;
	int code;

	for (unsigned m = 0; m < 2 && !any; m++)
		any = matters(d, &d->of_source[m].model, d->of_source[m].differs, true, to, from);
	for (unsigned m = 0; m < 2 && any; m++)
		pick(d, &d->of_source[m].model, d->of_source[m].differs, true, to, from, &d->of_pair[m]);
	for (unsigned p = 0; any && p < 4; p++) {
		bool ports = p < 2;
		uint32_t count = ports ? edges_of(d, protocols[p], edges) : 0;

		q.protocol = protocols[p];
		for (uint32_t i = 0; i + 1 < count; i++)
			judge(d, &q, edges[i], edges[i + 1] - 1, found);
		if (!ports)
			judge(d, &q, 0, 65535, found);
	}
	code = add_change(d, source, destination, false, &found[0]);
	return code < 0 ? code : add_change(d, source, destination, true, &found[1]);
}

static int compare_source(struct diff *d, uint32_t source)
{
	const struct rn_party *from = &d->devices[source];
	bool any = false;
	int code = 0;

	for (unsigned m = 0; m < 2 && !any; m++)
		any = matters(d, d->models[m], d->differs[m], false, from, from);
	for (unsigned m = 0; m < 2 && any; m++)
		pick(d, d->models[m], d->differs[m], false, from, from, &d->of_source[m]);
	for (uint32_t i = 0; any && i < d->device_count && code == 0; i++) {
		if (d->work > WORK_MAX) {
			d->cut = true;
			return 0;
		}
		if (i != source)
			code = compare_pair(d, source, i);
	}
	return code;
}

/* ---- all ---- */

static int make_room(struct diff *d)
{
	bool good = true;

	for (unsigned m = 0; m < 2; m++) {
		uint32_t rules = d->models[m]->rule_count + 1u;
		struct some *lists[] = {&d->of_source[m], &d->of_pair[m]};

		d->differs[m] = calloc(rules, sizeof(bool));
		good &= d->differs[m] != NULL;
		for (unsigned i = 0; i < 2; i++) {
			lists[i]->model.rules = calloc(rules, sizeof(*lists[i]->model.rules));
			lists[i]->differs = calloc(rules, sizeof(bool));
			good &= lists[i]->model.rules && lists[i]->differs;
		}
	}
	d->texts = calloc(TEXTS_MAX, sizeof(*d->texts));
	return good && d->texts ? 0 : -ENOMEM;
}

static void done(struct diff *d)
{
	for (unsigned m = 0; m < 2; m++) {
		free(d->differs[m]);
		free(d->of_source[m].model.rules);
		free(d->of_source[m].differs);
		free(d->of_pair[m].model.rules);
		free(d->of_pair[m].differs);
	}
	free(d->texts);
	free(d->changes);
}

static int say_changes(struct diff *d)
{
	const struct rn_policy_diff_words words = {.changes = d->changes,
						   .change_count = d->change_count,
						   .texts = d->texts,
						   .devices = d->devices,
						   .each = tell,
						   .context = d};

	return rn_policy_diff_say(&words);
}

int rn_policy_diff(const struct rn_policy_model *before, const struct rn_policy_model *after,
		   const struct rn_party *devices, uint32_t device_count, const struct rn_zone_source *zones,
		   int64_t now, void (*each)(void *context, const struct rn_difference *difference), void *context,
		   bool *ret_cut)
{
	struct diff d = {.models = {before, after},
			 .devices = devices,
			 .device_count = device_count,
			 .zones = zones,
			 .now = now,
			 .each = each,
			 .context = context};
	int code = make_room(&d);

	if (code == 0)
		code = rn_policy_diff_rules(d.models, d.differs, tell_rule, &d);
	for (uint32_t i = 0; i < device_count && code == 0; i++)
		code = compare_source(&d, i);
	if (code == 0)
		code = say_changes(&d);
	*ret_cut = d.cut;
	done(&d);
	return code;
}
