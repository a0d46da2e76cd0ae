// SPDX-License-Identifier: Apache-2.0
/*
 * A flow passes where its source's side lets it out and its destination's side lets it in. A side that no policy
 * isolates lets everything; one that is isolated lets what a rule of such a policy says. So there are rules of three
 * kinds: of an egress rule and an ingress rule together; of an ingress rule, from whom nothing isolates; of an egress
 * rule, to whom nothing isolates. Two ends that nothing isolates stay closed: a network has more than pods.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "domain/import_networkpolicy.h"

#define STEPS_MAX (16u << 20) /* pairs of alternatives that are looked at */

struct maker {
	struct rn_cluster *cluster;
	struct rn_draft *draft;
	struct rn_terms isolated[2]; /* for ingress, for egress */
	uint32_t steps;
	/* Of the rules being made: */
	const struct rn_net_policy *out, *in; /* NULL: none */
	const struct rn_json *at;	      /* the rule whose parts notes are about */
	struct rn_words services;
};

static void add_range(struct rn_draft *draft, struct rn_words *services, uint8_t protocol, unsigned first,
		      unsigned last)
{
	const char *name = protocol == IPPROTO_TCP ? "tcp" : "udp";
	char ports[16] = "";

	if (first == last)
		snprintf(ports, sizeof(ports), ":%u", first);
	else if (first > 1 || last < 65535)
		snprintf(ports, sizeof(ports), ":%u-%u", first, last);
	rn_draft_word(draft, services, name, ports);
}

/* The services of one rule, or (b not NULL) those of both. */
static void set_services(struct maker *m, const struct rn_peer_ports *a, const struct rn_peer_ports *b)
{
	rn_words_done(&m->services);
	for (unsigned i = 0; i < a->count; i++) {
		const struct rn_port_range *x = &a->list[i];

		if (!b)
			add_range(m->draft, &m->services, x->protocol, x->first, x->last);
		for (unsigned k = 0; b && k < b->count; k++) {
			const struct rn_port_range *y = &b->list[k];
			uint16_t first = x->first > y->first ? x->first : y->first;
			uint16_t last = x->last < y->last ? x->last : y->last;

			if (x->protocol == y->protocol && first <= last)
				add_range(m->draft, &m->services, x->protocol, first, last);
		}
	}
}

static void policy_name(const struct rn_net_policy *p, struct rn_import_name *ret)
{
	rn_import_name_escaped(ret, p->namespace, strlen(p->namespace), false);
	rn_import_name_raw(ret, ".");
	rn_import_name_escaped(ret, p->name, strlen(p->name), true);
}

/* The number makes it the only one of its name. */
static void name_rule(const struct maker *m, char *id, size_t id_size, char *comment, size_t comment_size)
{
	struct rn_import_name in = {.size = 0}, out = {.size = 0};

	if (m->in)
		policy_name(m->in, &in);
	if (m->out)
		policy_name(m->out, &out);
	snprintf(id, id_size, "%.50s-%u", m->in ? in.text : out.text, m->draft->rule_count + 1);
	if (m->in && m->out)
		snprintf(comment, comment_size, "egress of %.80s, ingress of %.80s", out.text, in.text);
	else if (m->in)
		snprintf(comment, comment_size, "ingress of %.80s, from whom no policy keeps in", in.text);
	else
		snprintf(comment, comment_size, "egress of %.80s, to whom no policy closes", out.text);
}

static bool isolates(const struct rn_net_policy *p, bool egress)
{
	return egress ? p->egress : p->ingress;
}

/* Does one of the terms hold all of this one? Of two that hold each other the first is kept. */
static bool held(const struct rn_terms *terms, const struct rn_term *term)
{
	for (unsigned i = 0; i < terms->count; i++)
		if (rn_term_implies(term, &terms->list[i]))
			return true;
	return false;
}

/* Whom any policy isolates so, without those that others hold. */
static void find_isolated(struct maker *m, bool egress, struct rn_terms *ret)
{
	const struct rn_cluster *c = m->cluster;

	for (uint32_t i = 0; i < c->count; i++) {
		for (unsigned k = 0; k < c->policies[i].isolated.count && isolates(&c->policies[i], egress); k++) {
			const struct rn_term *x = &c->policies[i].isolated.list[k];
			unsigned kept = 0;

			if (held(ret, x))
				continue;
			for (unsigned t = 0; t < ret->count; t++)
				if (!rn_term_implies(&ret->list[t], x))
					ret->list[kept++] = ret->list[t];
			ret->count = kept;
			rn_terms_add(m->draft, ret, x);
		}
	}
}

/* Without those of the term that a policy isolates. False: nobody is left. */
static bool without_isolated(struct maker *m, const struct rn_term *term, bool egress, struct rn_draft_side *side)
{
	const struct rn_terms *isolated = &m->isolated[egress];
	char tag[RN_IMPORT_WORD];
	struct rn_term both;

	if (held(isolated, term))
		return false;
	for (unsigned i = 0; i < isolated->count; i++) {
		const struct rn_term *x = &isolated->list[i];

		if (rn_term_and(term, x, &both) == 0)
			continue;
		if (x->type != RN_TERM_PODS || !rn_term_tag(m->draft, m->at, x, tag))
			return false;
		rn_draft_word(m->draft, &side->none, "", tag);
	}
	return true;
}

/* out or in of the maker is NULL: that end is one that nothing isolates. */
static void one_rule(struct maker *m, const struct rn_term *source, const struct rn_term *destination)
{
	char id[RN_NAME_MAX + 1], comment[200];
	struct rn_draft_side from = {0}, to = {0};

	if (++m->steps > STEPS_MAX) {
		m->draft->failed = -EMSGSIZE;
		return;
	}
	if (!rn_term_side(m->draft, m->at, source, &from) || !rn_term_side(m->draft, m->at, destination, &to))
		rn_draft_lost(m->draft, m->at,
			      "a tag that stands for what is selected here would have too long a name, so "
			      "that part of the rule is left out");
	else if ((m->out || without_isolated(m, source, true, &from)) &&
		 (m->in || without_isolated(m, destination, false, &to))) {
		name_rule(m, id, sizeof(id), comment, sizeof(comment));
		rn_draft_rule(m->draft, id, comment, &from, &to, &m->services);
	}
	rn_draft_side_done(&from);
	rn_draft_side_done(&to);
}

static void rules_between(struct maker *m, const struct rn_terms *sources, const struct rn_terms *destinations)
{
	for (unsigned i = 0; i < destinations->count; i++)
		for (unsigned k = 0; k < sources->count && !m->draft->failed; k++)
			one_rule(m, &sources->list[k], &destinations->list[i]);
}

/* Whoever is in one of a and in one of b. */
static void intersect(struct maker *m, const struct rn_terms *a, const struct rn_terms *b, struct rn_terms *ret)
{
	for (unsigned i = 0; i < a->count; i++) {
		for (unsigned k = 0; k < b->count; k++) {
			struct rn_term both;
			int code = rn_term_and(&a->list[i], &b->list[k], &both);

			if (++m->steps > STEPS_MAX)
				m->draft->failed = -EMSGSIZE;
			if (code < 0)
				rn_draft_lost(m->draft, m->at,
					      "what two policies say together has more parts than one tag can stand "
					      "for, so that part of the rule is left out");
			else if (code > 0)
				rn_terms_add(m->draft, ret, &both);
			if (m->draft->failed)
				return;
		}
	}
}

static void look_at(struct maker *m, const struct rn_net_policy *out, const struct rn_net_policy *in,
		    const struct rn_json *at)
{
	m->out = out;
	m->in = in;
	m->at = at;
	m->draft->document = in ? in->document : out->document;
}

static void pair(struct maker *m, const struct rn_net_policy *out, const struct rn_peer_rule *lets_out,
		 const struct rn_net_policy *in, const struct rn_peer_rule *lets_in)
{
	struct rn_terms sources = {NULL, 0, 0}, destinations = {NULL, 0, 0};

	look_at(m, out, in, lets_in->node);
	intersect(m, &out->selected, &lets_in->peers, &sources);
	if (sources.count)
		intersect(m, &lets_out->peers, &in->selected, &destinations);
	if (destinations.count) {
		set_services(m, &lets_out->ports, &lets_in->ports);
		rules_between(m, &sources, &destinations);
	}
	rn_terms_done(&sources);
	rn_terms_done(&destinations);
}

static void ingress_of(struct maker *m, const struct rn_net_policy *in)
{
	for (unsigned i = 0; i < in->in_count && !m->draft->failed; i++) {
		const struct rn_peer_rule *lets_in = &in->in[i];

		for (uint32_t p = 0; p < m->cluster->count; p++) {
			const struct rn_net_policy *out = &m->cluster->policies[p];

			for (unsigned k = 0; k < out->out_count && !m->draft->failed; k++)
				pair(m, out, &out->out[k], in, lets_in);
		}
		look_at(m, NULL, in, lets_in->node);
		set_services(m, &lets_in->ports, NULL);
		rules_between(m, &lets_in->peers, &in->selected);
	}
}

static void egress_of(struct maker *m, const struct rn_net_policy *out)
{
	for (unsigned i = 0; i < out->out_count && !m->draft->failed; i++) {
		look_at(m, out, NULL, out->out[i].node);
		set_services(m, &out->out[i].ports, NULL);
		rules_between(m, &out->selected, &out->out[i].peers);
	}
}

/* Is every pod of the namespace isolated so? */
static bool all_isolated(const struct maker *m, const char *namespace, bool egress)
{
	const struct rn_term all = {.type = RN_TERM_PODS, .namespace = namespace};

	return held(&m->isolated[egress], &all);
}

static bool namespace_came_before(const struct rn_cluster *c, uint32_t policy)
{
	for (uint32_t i = 0; i < policy; i++)
		if (strcmp(c->policies[i].namespace, c->policies[policy].namespace) == 0)
			return true;
	return false;
}

/* Tells of the pods that are open since no policy selects them, and closed here. */
static void tell_open(struct maker *m)
{
	const struct rn_cluster *c = m->cluster;
	bool open = false;

	for (uint32_t i = 0; i < c->count && !open; i++)
		open = !namespace_came_before(c, i) && !all_isolated(m, c->policies[i].namespace, true);
	for (uint32_t i = 0; i < c->count && open; i++) {
		const struct rn_net_policy *p = &c->policies[i];

		if (namespace_came_before(c, i) || all_isolated(m, p->namespace, false))
			continue;
		m->draft->document = p->document;
		rn_draft_lost(m->draft, p->node,
			      "pods of the namespace \"%.63s\" that no policy selects for ingress are open in "
			      "Kubernetes, and closed here: allow what they need",
			      p->namespace);
	}
}

void rn_cluster_rules(struct rn_cluster *cluster)
{
	struct maker m = {.cluster = cluster, .draft = &cluster->draft};

	find_isolated(&m, false, &m.isolated[false]);
	find_isolated(&m, true, &m.isolated[true]);
	for (uint32_t i = 0; i < cluster->count && !m.draft->failed; i++)
		ingress_of(&m, &cluster->policies[i]);
	for (uint32_t i = 0; i < cluster->count && !m.draft->failed; i++)
		egress_of(&m, &cluster->policies[i]);
	if (!m.draft->failed)
		tell_open(&m);
	rn_words_done(&m.services);
	rn_terms_done(&m.isolated[false]);
	rn_terms_done(&m.isolated[true]);
}
