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

#include "domain/policy_names.h"
#include "domain/policy_tools.h"

#define WORK_MAX UINT64_C(100000000) /* looks at a rule */
#define CHANGES_MAX 1000000u	     /* pairs of devices */
#define EDGES_MAX 512u		     /* of the ports of a pair's rules; what is beyond counts as cut */
#define TEXTS_MAX 4096u		     /* different lists of services */
#define WHAT_MAX 160u		     /* bytes of such a list */
#define NAMED_MAX 3u		     /* devices named in a sentence */

/* One pair: the services, as text, that are lost or gained. */
struct change {
	uint32_t source, destination;
	bool gains;
	uint32_t what; /* place among the texts */
};

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
	struct change *changes;
	uint32_t change_count, change_room;
	char (*texts)[WHAT_MAX];
	uint32_t text_count;
	struct some of_source[2], of_pair[2];
	void (*each)(void *context, const struct rn_difference *difference);
	void *context;
	uint32_t told;
	uint64_t work;
	bool cut;
};

/* ---- rules that differ ---- */

static bool same_group(const struct rn_group *a, const struct rn_group *b)
{
	return a->user_count == b->user_count &&
	       (!a->user_count || memcmp(a->users, b->users, a->user_count * sizeof(*a->users)) == 0);
}

static bool same_criterion(const struct diff *d, const struct rn_criterion *a, const struct rn_criterion *b)
{
	if (a->type != b->type || a->no != b->no || a->kind != b->kind || strcmp(a->name, b->name) != 0 ||
	    a->prefix.bits != b->prefix.bits || rn_addr_compare(&a->prefix.addr, &b->prefix.addr) != 0)
		return false;
	return a->type != RN_CRITERION_GROUP ||
	       same_group(&d->models[0]->groups[a->group], &d->models[1]->groups[b->group]);
}

static bool same_end(const struct diff *d, const struct rn_policy_end *a, const struct rn_policy_end *b)
{
	if (a->count != b->count || a->minimum_trust != b->minimum_trust || a->types != b->types ||
	    a->managed != b->managed)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_criterion(d, &a->criteria[i], &b->criteria[i]))
			return false;
	return true;
}

static bool same_services(const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	if (a->service_count != b->service_count)
		return false;
	for (uint32_t i = 0; i < a->service_count; i++)
		if (a->services[i].protocol != b->services[i].protocol ||
		    a->services[i].first != b->services[i].first || a->services[i].last != b->services[i].last)
			return false;
	return true;
}

/* But for comments and log, which change no verdict. */
static bool same_rule(const struct diff *d, const struct rn_access_policy *a, const struct rn_access_policy *b)
{
	return a->deny == b->deny && a->observe == b->observe && a->from == b->from && a->until == b->until &&
	       a->time_count == b->time_count &&
	       (!a->time_count || memcmp(a->times, b->times, a->time_count * sizeof(*a->times)) == 0) &&
	       same_services(a, b) && same_end(d, &a->source, &b->source) &&
	       same_end(d, &a->destination, &b->destination);
}

static void tell(struct diff *d, const struct rn_difference *difference)
{
	if (d->told == RN_DIFFERENCES_MAX)
		d->cut = true;
	else
		d->each(d->context, difference);
	d->told += d->told < RN_DIFFERENCES_MAX;
}

static void tell_rule(struct diff *d, const char *id, const char *what)
{
	struct rn_difference difference = {.kind = RN_DIFFERENCE_RULE};

	snprintf(difference.text, sizeof(difference.text), "rule \"%s\" %s", id, what);
	tell(d, &difference);
}

static int name_rules(const struct rn_policy_model *model, struct rn_named_list *ret)
{
	uint32_t first;

	ret->list = calloc(model->rule_count + 1u, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (; ret->count < model->rule_count; ret->count++)
		ret->list[ret->count] = (struct rn_named){.name = model->rules[ret->count].id, .place = ret->count};
	(void)rn_named_sort(ret, &first);
	return 0;
}

static void compare_rule(struct diff *d, uint32_t place, const struct rn_named_list *old, bool *kept)
{
	const struct rn_access_policy *rule = &d->models[1]->rules[place];
	const struct rn_named *was = rn_named_find(old, rule->id);
	bool differs = !was || !same_rule(d, &d->models[0]->rules[was->place], rule);

	d->differs[1][place] = differs;
	if (was) {
		kept[was->place] = true;
		d->differs[0][was->place] = differs;
	}
	if (differs)
		tell_rule(d, rule->id, was ? "has changed" : "is new");
}

static int compare_rules(struct diff *d)
{
	const struct rn_policy_model *before = d->models[0];
	bool *kept = calloc(before->rule_count + 1u, sizeof(*kept));
	struct rn_named_list old = {0};
	int code = kept ? name_rules(before, &old) : -ENOMEM;

	for (uint32_t i = 0; i < d->models[1]->rule_count && code == 0; i++)
		compare_rule(d, i, &old, kept);
	for (uint32_t i = 0; i < before->rule_count && code == 0; i++)
		if (!kept[i]) {
			d->differs[0][i] = true;
			tell_rule(d, before->rules[i].id, "is gone");
		}
	free(old.list);
	free(kept);
	return code;
}

/* ---- one pair ---- */

/* Out of one list the rules that have the party at this end; false: none of them differs. */
static bool pick(struct diff *d, const struct rn_policy_model *from, const bool *differs, bool destination,
		 const struct rn_party *party, const struct rn_party *other, struct some *ret)
{
	bool any = false;
	uint32_t count = 0;

	for (uint32_t i = 0; i < from->rule_count; i++, d->work++) {
		const struct rn_access_policy *rule = &from->rules[i];
		const struct rn_policy_end *end = destination ? &rule->destination : &rule->source;

		if (!rn_policy_end_is(from, end, party, other))
			continue;
		ret->model.rules[count] = *rule;
		ret->model.rules[count].number = count + 1;
		ret->differs[count] = differs[i];
		any |= differs[i];
		count++;
	}
	ret->model.groups = from->groups;
	ret->model.group_count = from->group_count;
	ret->model.rule_count = count;
	return any;
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

/* "tcp:22, udp"; "everything" where nothing is left out. */
static void say_services(const struct services *s, char out[WHAT_MAX])
{
	char text[RN_SERVICE_TEXT];
	uint32_t whole = 0;
	size_t used = 0;

	for (uint32_t i = 0; i < s->count; i++)
		whole += s->list[i].first <= 1 && s->list[i].last == 65535;
	if (whole == 4) {
		snprintf(out, WHAT_MAX, "everything");
		return;
	}
	for (uint32_t i = 0; i < s->count; i++) {
		const struct rn_service *one = &s->list[i];
		bool both = one->protocol == IPPROTO_ICMP && i + 1 < s->count;

		if (used > WHAT_MAX - 40) {
			snprintf(out + used, WHAT_MAX - used, " and more");
			return;
		}
		used += (size_t)snprintf(out + used, WHAT_MAX - used, "%s%s", i ? ", " : "",
					 both ? "icmp" : rn_service_format(one, text));
		i += both; /* icmp6 comes right after icmp4 */
	}
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
	snprintf(d->texts[d->text_count], WHAT_MAX, "%s", text);
	return d->text_count++;
}

static int add_change(struct diff *d, uint32_t source, uint32_t destination, bool gains, const struct services *s)
{
	char text[WHAT_MAX];
	uint32_t what;

	if (s->count == 0)
		return 0;
	say_services(s, text);
	what = intern(d, text);
	if (d->change_count == CHANGES_MAX)
		d->cut = true;
	if (what == UINT32_MAX || d->change_count == CHANGES_MAX)
		return 0;
	if (d->change_count == d->change_room) {
		uint32_t room = d->change_room ? 2 * d->change_room : 256;
		struct change *grown = reallocarray(d->changes, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->changes = grown;
		d->change_room = room;
	}
	d->changes[d->change_count++] = (struct change){source, destination, gains, what};
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

	for (unsigned m = 0; m < 2; m++)
		any |= pick(d, &d->of_source[m].model, d->of_source[m].differs, true, to, from, &d->of_pair[m]);
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

	for (unsigned m = 0; m < 2; m++)
		any |= pick(d, d->models[m], d->differs[m], false, from, from, &d->of_source[m]);
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

/* ---- in words ---- */

/* Changes of one kind at one destination, and after they are joined at several. */
struct bunch {
	uint32_t first, count; /* of changes, whose sources are ascending */
	uint64_t hash;	       /* of the sources */
};

static int by_destination(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

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

static bool same_kind(const struct change *a, const struct change *b)
{
	return a->gains == b->gains && a->what == b->what;
}

static bool same_sources(const struct diff *d, const struct bunch *a, const struct bunch *b)
{
	if (a->count != b->count || a->hash != b->hash)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (d->changes[a->first + i].source != d->changes[b->first + i].source)
			return false;
	return true;
}

/* ": a, b, c and 4 more" of count names. */
static void say_names(const struct diff *d, const uint32_t *places, uint32_t count, char *out, size_t size)
{
	uint32_t named = count < NAMED_MAX ? count : NAMED_MAX;
	size_t used = 0;

	for (uint32_t i = 0; i < named; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", d->devices[places[i]].device);
	if (count > named)
		snprintf(out + used, size - used, " and %u more", count - named);
}

/* "db-1:5432", "db-1 (udp:53)", "tcp:22 of 4 devices" */
static void say_target(const struct diff *d, const struct change *c, uint32_t destinations, char *out, size_t size)
{
	const char *what = d->texts[c->what], *name = d->devices[c->destination].device;

	if (destinations > 1)
		snprintf(out, size, "%s of %u devices", what, destinations);
	else if (strncmp(what, "tcp:", 4) == 0 && what[4 + strspn(what + 4, "0123456789")] == '\0')
		snprintf(out, size, "%s:%s", name, what + 4);
	else
		snprintf(out, size, "%s (%s)", name, what);
}

/* Bunches [from, to) have the same sources and kind. */
static void say_bunches(struct diff *d, const struct bunch *bunches, uint32_t from, uint32_t to)
{
	const struct bunch *b = &bunches[from];
	const struct change *c = &d->changes[b->first];
	uint32_t places[NAMED_MAX], destinations = to - from;
	struct rn_difference difference = {.kind = c->gains ? RN_DIFFERENCE_GAINS : RN_DIFFERENCE_LOSES,
					   .sources = b->count,
					   .destinations = destinations};
	char target[250], sources[230], names[230];

	for (uint32_t i = 0; i < NAMED_MAX && i < b->count; i++)
		places[i] = c[i].source;
	say_names(d, places, b->count, names, sizeof(names));
	snprintf(sources, sizeof(sources), "%u devices", b->count);
	say_target(d, c, destinations, target, sizeof(target));
	snprintf(difference.text, sizeof(difference.text), "%s %s access to %s%s%s", b->count == 1 ? names : sources,
		 b->count == 1 ? (c->gains ? "gains" : "loses") : (c->gains ? "gain" : "lose"), target,
		 b->count == 1 ? "" : ": ", b->count == 1 ? "" : names);
	tell(d, &difference);
}

static uint32_t make_bunches(const struct diff *d, struct bunch *ret)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < d->change_count; i++) {
		const struct change *c = &d->changes[i];
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
static void say_kind(struct diff *d, struct bunch *bunches, uint32_t from, uint32_t to)
{
	uint32_t begin = from;

	qsort(bunches + from, to - from, sizeof(*bunches), by_sources);
	for (uint32_t i = from + 1; i <= to; i++)
		if (i == to || !same_sources(d, &bunches[i - 1], &bunches[i])) {
			say_bunches(d, bunches, begin, i);
			begin = i;
		}
}

static int say_changes(struct diff *d)
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
		code = compare_rules(&d);
	for (uint32_t i = 0; i < device_count && code == 0; i++)
		code = compare_source(&d, i);
	if (code == 0)
		code = say_changes(&d);
	*ret_cut = d.cut;
	done(&d);
	return code;
}
