// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "episode.h"

#define CANDIDATES 220u /* rules that are tried at once */
#define TRIES 3000u

/* realm_policy_text writes a rule a line. */
static bool is_rule(const char *line)
{
	return strncmp(line, "{\"id\"", 5) == 0;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

unsigned policy_rules(const char *text)
{
	unsigned count = 0;

	for (const char *line = text; *line; line = next_line(line))
		count += is_rule(line);
	return count;
}

void policy_without(const char *text, const bool *without, char out[EPISODE_POLICY_SIZE])
{
	unsigned rule = 0;
	size_t at = 0;

	for (const char *line = text; *line; line = next_line(line)) {
		size_t size = (size_t)(next_line(line) - line);

		if (is_rule(line) && without[rule++])
			continue;
		if (at + size >= EPISODE_POLICY_SIZE)
			abort();
		memcpy(out + at, line, size);
		at += size;
	}
	out[at] = '\0';
}

bool pair_possible(const struct episode *e, unsigned source, unsigned destination)
{
	if (source == destination)
		return false;
	if (e->home[source] && e->home[destination]) /* from one other hub to another it comes not this way */
		return false;
	return e->role == RN_ROLE_HUB || source == e->self || destination == e->self;
}

static struct witness random_witness(const struct episode *e, struct rng *rng)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
	struct witness w;

	do {
		w.source = rng_percent(rng, 40) ? e->self : rng_below(rng, REALM_DEVICES);
		w.destination = rng_percent(rng, 40) ? e->self : rng_below(rng, REALM_DEVICES);
	} while (!pair_possible(e, w.source, w.destination));
	w.protocol = protocols[rng_below(rng, 4)];
	w.port = w.protocol == IPPROTO_ICMP ? 0 : realm_port(rng);
	w.trust = rng_percent(rng, 50) ? RN_TRUST_MAX : (uint8_t)rng_below(rng, RN_TRUST_MAX + 1);
	w.destination_trust = rng_percent(rng, 50) ? RN_TRUST_MAX : (uint8_t)rng_below(rng, RN_TRUST_MAX + 1);
	w.v6 = rng_percent(rng, 50);
	w.at = EPISODE_AROUND - 7200 + rng_below(rng, 18000);
	return w;
}

/* Number of the rule that decides the witness, or would if it were not observed alone; 0: none. */
static uint32_t decides(const struct episode *e, const struct rn_policy_model *m, const struct witness *w)
{
	struct rn_question q = {realm_party(&e->realm.devices[w->source]),
				realm_party(&e->realm.devices[w->destination]), .protocol = w->protocol,
				.port = w->port, .at = w->at};
	struct rn_answer x;

	if (q.protocol == IPPROTO_ICMP && w->v6)
		q.protocol = IPPROTO_ICMPV6;
	q.source.trust = w->trust;
	q.destination.trust = w->destination_trust;
	rn_policy_evaluate(m, &q, &x);
	if (x.observed)
		return x.observed;
	return x.reason == RN_ALLOWED || x.reason == RN_DENY_RULE ? x.rule : 0;
}

/* Finds witnesses for the rules of a text; false in found where there is none. */
static void find_witnesses(const struct episode *e, struct rng *rng, const char *text, struct witness *witnesses,
			   bool *found)
{
	struct rn_policy_model *m = rn_policy_parse(text, strlen(text), NULL);

	if (!m)
		abort();
	for (unsigned i = 0; i < TRIES; i++) {
		struct witness w = random_witness(e, rng);
		uint32_t rule = decides(e, m, &w);

		if (rule && (!found[rule - 1] || rng_percent(rng, 30))) {
			found[rule - 1] = true;
			witnesses[rule - 1] = w;
		}
	}
	rn_policy_model_free(m);
}

/* Most rules about everybody go: what they allow hides the others, and nothing is denied for want of a rule. */
static void narrow(struct rng *rng, char *text)
{
	static char less[4 * EPISODE_POLICY_SIZE];
	size_t at = 0;

	for (const char *line = text; *line; line = next_line(line)) {
		size_t size = (size_t)(next_line(line) - line);
		const char *broad = strstr(line, "\"everyone\"");

		if (is_rule(line) && broad && broad < line + size && rng_percent(rng, 85))
			continue;
		memcpy(less + at, line, size);
		at += size;
	}
	less[at] = '\0';
	memcpy(text, less, at + 1);
}

unsigned policy_make(const struct episode *e, struct rng *rng, char out[EPISODE_POLICY_SIZE],
		     struct witness witnesses[EPISODE_RULES_MAX])
{
	static char text[4 * EPISODE_POLICY_SIZE];
	unsigned wanted = EPISODE_RULES_MIN + rng_below(rng, EPISODE_RULES_MAX - EPISODE_RULES_MIN + 1), kept;

	do {
		unsigned rules = wanted * 5;
		struct witness all[CANDIDATES];
		bool found[CANDIDATES] = {false}, without[CANDIDATES];

		if (rules > CANDIDATES)
			rules = CANDIDATES;
		realm_policy_whole(rng, rules, EPISODE_AROUND, text, sizeof(text));
		narrow(rng, text);
		rules = policy_rules(text);
		find_witnesses(e, rng, text, all, found);
		kept = 0;
		/* A rule that decides nothing changes nothing by going, and a witness keeps its rule when others go. */
		for (unsigned i = 0; i < rules; i++) {
			without[i] = !found[i] || kept == wanted;
			if (!without[i])
				witnesses[kept++] = all[i];
		}
		if (kept >= EPISODE_RULES_MIN)
			policy_without(text, without, out);
	} while (kept < EPISODE_RULES_MIN);
	return kept;
}
