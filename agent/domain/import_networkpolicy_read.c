// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/import_networkpolicy.h"

static const char *text_of(const struct rn_json *node)
{
	return node && rn_json_type(node) == RN_JSON_STRING ? rn_json_text(node) : NULL;
}

static bool is_list(const struct rn_json *node)
{
	return rn_json_type(node) == RN_JSON_ARRAY;
}

/* NULL where the member is absent or null, as Kubernetes takes it. */
static const struct rn_json *member(const struct rn_json *object, const char *key)
{
	const struct rn_json *n = object && rn_json_type(object) == RN_JSON_OBJECT ? rn_json_get(object, key) : NULL;

	return n && rn_json_type(n) != RN_JSON_NULL ? n : NULL;
}

/* The first member whose name is not among the known ones; NULL: none. */
static const struct rn_json *unknown(const struct rn_json *object, const char *const *known)
{
	for (const struct rn_json *n = rn_json_first(object); n; n = rn_json_next(n)) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], rn_json_key(n)) != 0)
			i++;
		if (!known[i])
			return n;
	}
	return NULL;
}

static void add_ports(struct rn_draft *draft, struct rn_peer_ports *ports, uint8_t protocol, int64_t first,
		      int64_t last)
{
	if (ports->count == ports->room) {
		unsigned room = ports->room ? 2 * ports->room : 2;
		struct rn_port_range *grown = realloc(ports->list, room * sizeof(*grown));

		if (!grown) {
			draft->failed = -ENOMEM;
			return;
		}
		ports->list = grown;
		ports->room = room;
	}
	ports->list[ports->count++] = (struct rn_port_range){protocol, (uint16_t)first, (uint16_t)last};
}

static void read_port(struct rn_draft *draft, const struct rn_json *node, struct rn_peer_ports *ports)
{
	static const char *const known[] = {"protocol", "port", "endPort", NULL};
	bool object = rn_json_type(node) == RN_JSON_OBJECT;
	const struct rn_json *proto = object ? member(node, "protocol") : NULL,
			     *port = object ? member(node, "port") : NULL;
	const char *protocol = proto ? text_of(proto) : "TCP";
	int64_t first = 1, last = 65535;
	struct rn_err ignored;

	if (!object || unknown(node, known)) {
		rn_draft_lost(draft, node, "this is no port of a NetworkPolicy, so it is left out");
		return;
	}
	if (!protocol || (strcmp(protocol, "TCP") != 0 && strcmp(protocol, "UDP") != 0)) {
		rn_draft_lost(draft, node,
			      "the protocol \"%.32s\" is none that a rule here can name, so it is left out",
			      protocol ? protocol : "");
		return;
	}
	if (port && text_of(port)) {
		rn_draft_lost(draft, node,
			      "\"%.60s\" is the name of a port, which only a pod's description resolves, so it is left "
			      "out; write its number",
			      text_of(port));
		return;
	}
	if (port && rn_json_get_int(node, "port", 1, 65535, &first, &ignored) < 0)
		first = 0;
	last = port ? first : last;
	if (member(node, "endPort") && (!port || rn_json_get_int(node, "endPort", first, 65535, &last, &ignored) < 0))
		first = 0;
	if (!first) {
		rn_draft_lost(draft, node,
			      "a port is a number from 1 to 65535, and endPort not below it; this one is left out");
		return;
	}
	add_ports(draft, ports, strcmp(protocol, "TCP") == 0 ? IPPROTO_TCP : IPPROTO_UDP, first, last);
}

static void read_ports(struct rn_draft *draft, const struct rn_json *list, struct rn_peer_ports *ports)
{
	if (!list || (is_list(list) && !rn_json_first(list))) {
		add_ports(draft, ports, IPPROTO_TCP, 1, 65535);
		add_ports(draft, ports, IPPROTO_UDP, 1, 65535);
		return;
	}
	if (!is_list(list)) {
		rn_draft_lost(draft, list, "\"ports\" is a list; this rule is left out");
		return;
	}
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n))
		read_port(draft, n, ports);
}

static void read_block(struct rn_draft *draft, const struct rn_json *block, struct rn_terms *peers)
{
	static const char *const known[] = {"cidr", "except", NULL};
	struct rn_term term = {.type = RN_TERM_BLOCK};
	const char *cidr = text_of(member(block, "cidr"));
	const struct rn_json *except = member(block, "except");
	char text[RN_PREFIX_TEXT];

	if (!cidr || unknown(block, known) || rn_prefix_parse(cidr, &term.prefix) < 0 || (except && !is_list(except))) {
		rn_draft_lost(draft, block,
			      "this is no ipBlock with a \"cidr\" whose host bits are zero, so it is left out");
		return;
	}
	for (const struct rn_json *n = except ? rn_json_first(except) : NULL; n; n = rn_json_next(n)) {
		struct rn_prefix prefix;

		if (!text_of(n) || rn_prefix_parse(text_of(n), &prefix) < 0 || term.none_count == RN_TERM_NONE) {
			rn_draft_lost(draft, n, "what this ipBlock excepts cannot be said, so the ipBlock is left out");
			return;
		}
		snprintf(term.none[term.none_count++], RN_IMPORT_WORD, "prefix:%s", rn_prefix_format(&prefix, text));
	}
	rn_draft_note(draft, block,
		      "an ipBlock means devices that are no pods (that lack the tag k8s) and have such an address in "
		      "this network");
	rn_terms_add(draft, peers, &term);
}

static void read_peer(struct rn_draft *draft, const struct rn_json *node, const char *namespace, struct rn_terms *peers)
{
	static const char *const known[] = {"podSelector", "namespaceSelector", "ipBlock", NULL};
	const struct rn_json *pods = member(node, "podSelector"), *spaces = member(node, "namespaceSelector");
	const struct rn_json *block = member(node, "ipBlock");
	struct rn_term term = {.type = RN_TERM_PODS};
	struct rn_terms terms = {NULL, 0, 0};

	if (rn_json_type(node) != RN_JSON_OBJECT || unknown(node, known) || (!pods && !spaces && !block) ||
	    (block && (pods || spaces))) {
		rn_draft_lost(draft, node, "this is no peer of a NetworkPolicy, so it is left out");
		return;
	}
	if (block) {
		read_block(draft, block, peers);
		return;
	}
	if (!spaces)
		term.namespace = namespace;
	rn_terms_add(draft, &terms, &term);
	if ((!spaces || rn_selector_read(draft, spaces, true, &terms)) &&
	    (!pods || rn_selector_read(draft, pods, false, &terms)))
		for (unsigned i = 0; i < terms.count; i++)
			rn_terms_add(draft, peers, &terms.list[i]);
	rn_terms_done(&terms);
}

static void read_rule(struct rn_draft *draft, const struct rn_json *node, const char *key, const char *namespace,
		      struct rn_peer_rule *rule)
{
	const char *const known[] = {key, "ports", NULL};
	const struct rn_term everyone = {.type = RN_TERM_EVERYONE};
	const struct rn_json *list = member(node, key);

	rule->node = node;
	if (rn_json_type(node) != RN_JSON_OBJECT || unknown(node, known) || (list && !is_list(list))) {
		rn_draft_lost(draft, node, "this is no rule of a NetworkPolicy, so it is left out");
		return;
	}
	read_ports(draft, member(node, "ports"), &rule->ports);
	if (!list || !rn_json_first(list))
		rn_terms_add(draft, &rule->peers, &everyone);
	for (const struct rn_json *n = list ? rn_json_first(list) : NULL; n; n = rn_json_next(n))
		read_peer(draft, n, namespace, &rule->peers);
}

static void read_rules(struct rn_draft *draft, const struct rn_json *list, const char *key, const char *namespace,
		       struct rn_peer_rule **ret, unsigned *ret_count)
{
	if (!list)
		return;
	if (!is_list(list)) {
		rn_draft_lost(draft, list, "this is no list of rules, so it is left out");
		return;
	}
	*ret = calloc(rn_json_count(list) + 1, sizeof(**ret));
	if (!*ret) {
		draft->failed = -ENOMEM;
		return;
	}
	for (const struct rn_json *n = rn_json_first(list); n; n = rn_json_next(n))
		read_rule(draft, n, key, namespace, &(*ret)[(*ret_count)++]);
}

/* False, after a note: nobody knows which. */
static bool read_types(struct rn_draft *draft, const struct rn_json *spec, struct rn_net_policy *p)
{
	const struct rn_json *types = member(spec, "policyTypes"), *egress = member(spec, "egress");

	if (!types || (is_list(types) && !rn_json_first(types))) {
		p->ingress = true;
		p->egress = egress && is_list(egress) && rn_json_first(egress);
		return true;
	}
	for (const struct rn_json *n = is_list(types) ? rn_json_first(types) : types; n; n = rn_json_next(n)) {
		const char *type = text_of(n);

		if (!type || (strcmp(type, "Ingress") != 0 && strcmp(type, "Egress") != 0)) {
			rn_draft_lost(
			    draft, n,
			    "\"policyTypes\" is a list of \"Ingress\" and \"Egress\"; the policy is taken to close "
			    "both and to allow nothing");
			return false;
		}
		p->ingress |= type[0] == 'I';
		p->egress |= type[0] == 'E';
		if (!is_list(types))
			break;
	}
	return true;
}

/* Whom it selects. What cannot be named is isolated with more, up to everybody, and gets no rules. */
static bool read_selected(struct rn_draft *draft, const struct rn_json *spec, struct rn_net_policy *p)
{
	const struct rn_term here = {.type = RN_TERM_PODS, .namespace = p->namespace};
	const struct rn_json *selector = member(spec, "podSelector");

	rn_terms_add(draft, &p->selected, &here);
	if (selector && !rn_selector_read(draft, selector, false, &p->selected))
		return false;
	for (unsigned i = 0; i < p->selected.count; i++) {
		struct rn_term wider = p->selected.list[i];
		char tag[RN_IMPORT_WORD];

		if (wider.none_count)
			rn_draft_lost(
			    draft, selector,
			    "who is not selected because of a label that it has stays closed too, as far as no "
			    "policy lets it");
		wider.none_count = 0;
		if (!rn_term_tag(draft, spec, &wider, tag)) {
			rn_draft_lost(
			    draft, spec,
			    "the tag of those whom this policy selects would have too long a name; it is taken to "
			    "close everybody and to allow nothing");
			return false;
		}
		rn_terms_add(draft, &p->isolated, &wider);
	}
	return true;
}

/* It isolates everybody and allows nothing. */
static void close_all(struct rn_draft *draft, struct rn_net_policy *p)
{
	const struct rn_term everyone = {.type = RN_TERM_EVERYONE};

	rn_terms_done(&p->selected);
	rn_terms_done(&p->isolated);
	rn_terms_add(draft, &p->isolated, &everyone);
	p->ingress = p->egress = true;
}

void rn_net_policy_read(struct rn_cluster *cluster, const struct rn_json *node, struct rn_net_policy *p)
{
	static const char *const known[] = {"podSelector", "policyTypes", "ingress", "egress", NULL};
	struct rn_draft *draft = &cluster->draft;
	const struct rn_json *spec = member(node, "spec"), *metadata = member(node, "metadata");

	memset(p, 0, sizeof(*p));
	p->document = draft->document;
	p->node = node;
	p->name = text_of(member(metadata, "name"));
	p->name = p->name ? p->name : "unnamed";
	p->namespace = text_of(member(metadata, "namespace"));
	if (!p->namespace) {
		p->namespace = cluster->namespace;
		rn_draft_note(draft, node, "this policy names no namespace; it is taken to be in \"%.63s\"",
			      p->namespace);
	}
	if (!spec || rn_json_type(spec) != RN_JSON_OBJECT || unknown(spec, known)) {
		rn_draft_lost(draft, spec ? spec : node,
			      "this policy has no \"spec\" that could be read; it is taken to close "
			      "everybody and to allow nothing");
		close_all(draft, p);
		return;
	}
	if (!read_selected(draft, spec, p) || !read_types(draft, spec, p)) {
		close_all(draft, p);
		return;
	}
	if (p->ingress)
		read_rules(draft, member(spec, "ingress"), "from", p->namespace, &p->in, &p->in_count);
	if (p->egress)
		read_rules(draft, member(spec, "egress"), "to", p->namespace, &p->out, &p->out_count);
}

static void rules_done(struct rn_peer_rule *rules, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		rn_terms_done(&rules[i].peers);
		free(rules[i].ports.list);
	}
	free(rules);
}

void rn_net_policy_done(struct rn_net_policy *policy)
{
	rn_terms_done(&policy->selected);
	rn_terms_done(&policy->isolated);
	rules_done(policy->in, policy->in_count);
	rules_done(policy->out, policy->out_count);
}
