// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "import_world.h"
#include "sys/yaml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DOCUMENTS 16

static int import(const char *text, const char *namespace, struct rn_import *ret, struct rn_err *err)
{
	struct rn_json *root = rn_yaml_parse(text, strlen(text), err);
	struct rn_import_document documents[DOCUMENTS];
	size_t count = 0;
	int code;

	if (!root)
		fail_msg("%s: %s", text, err->text);
	for (const struct rn_json *n = rn_json_first(root); n; n = rn_json_next(n)) {
		assert_true(count < DOCUMENTS);
		documents[count++] = (struct rn_import_document){"policies.yaml", n};
	}
	code = rn_import_networkpolicy(documents, count, namespace, ret, err);
	rn_json_free(root);
	return code;
}

static void test_example(void **state)
{
	(void)state;
	assert_example(import, "networkpolicy", "yaml");
}

static void holds(const char *text, const char *namespace, const char *has, const char *has_not)
{
	assert_holds(import, text, namespace, has, has_not);
}

#define POLICY(spec)                                                                                                   \
	"{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p, namespace: n}, spec: " spec "}\n"
#define NOTHING "\"rules\":\t[]"

static void test_pieces(void **state)
{
	(void)state;
	holds(POLICY("{podSelector: {}, ingress: [{}]}"), NULL, "\"source_criteria\":\t[\"everyone\"]", NULL);
	holds(POLICY("{podSelector: {}, ingress: [{from: []}]}"), NULL, "everyone", NULL);
	holds(POLICY("{podSelector: {}, ingress: [{from: null, ports: null}]}"), NULL, "[\"tcp\", \"udp\"]", NULL);
	holds(POLICY("{podSelector: {}, ingress: []}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, policyTypes: [Egress], ingress: [{}]}"), NULL, NOTHING, NULL);
	/* A list whose only peer is lost is no list of everybody. */
	holds(POLICY("{podSelector: {}, ingress: [{from: [{}]}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, ingress: [{ports: [{port: http}]}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, ingress: [{ports: [{port: 9, endPort: 8}]}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, ingress: [{ports: [{endPort: 8}]}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, ingress: [{ports: [{port: \"80\"}]}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {a: 1}}}]}]}"), NULL, NOTHING,
	      NULL);
	holds(POLICY("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1/8}}]}]}"), NULL, NOTHING, NULL);
	/* What cannot be read closes everybody. */
	holds(POLICY("{podSelector: {matchLabels: [a]}, ingress: [{}]}") "---\n" POLICY(
		  "{podSelector: {}, ingress: [{}]}"),
	      NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, policyTypes: [All], ingress: [{}]}"), NULL, NOTHING, NULL);
	holds(POLICY("{podSelector: {}, more: 1, ingress: [{}]}"), NULL, NOTHING, NULL);
	/* Labels in any order are one tag; a namespace is its name whichever way it is asked for. */
	holds(POLICY("{podSelector: {matchLabels: {b: x, a: ''}}, ingress: [{from: [{namespaceSelector: {matchLabels: "
		     "{kubernetes.io/metadata.name: m}}, podSelector: {}}]}]}"),
	      NULL, "[\"tag:k8s-ns.m\"]", NULL);
	holds(POLICY("{podSelector: {matchLabels: {b: x, a: ''}}, ingress: [{}]}"), NULL,
	      "[\"tag:k8s-ns.n.a._empty.b.x\"]", NULL);
	holds("{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p}, spec: {podSelector: {}, "
	      "ingress: [{}]}}",
	      "here", "tag:k8s-ns.here", NULL);
}

static void refused(const char *text, const char *sentence)
{
	assert_refused(import, text, sentence);
}

static void test_refused(void **state)
{
	(void)state;
	refused("[1]", "policies.yaml: line 1, column 1: a Kubernetes object is a mapping");
	refused("{kind: AdminNetworkPolicy}", "other policies may deny");
	refused("{kind: NetworkPolicy, apiVersion: crd.projectcalico.org/v1}", "other policies may deny");
	refused("{kind: List, items: {}}", "\"items\" must be a list");
}

/* --- Random policies and a walk over what they mean, by Kubernetes' rules. --- */
#define SPACES 3
#define KEYS 3
#define ABSENT 0
static const char *const spaces[SPACES] = {"shop", "reports", "x-1"};
static const char *const keys[KEYS] = {"app", "tier", "app.kubernetes.io/name"};
static const char *const values[] = {NULL, "web", "db", "v1.2", ""}; /* ABSENT first */

struct selector {
	unsigned is[KEYS]; /* a value, ABSENT: not asked for */
	unsigned in[2];	   /* of the last key, instead; both 0: not */
	bool exists, gone; /* the second key */
	unsigned not_in;   /* of the first key */
};
struct peer {
	enum { PODS, SPACED, BLOCK } type;
	struct selector pods;
	unsigned space; /* that its namespace selector asks for: by name; SPACES: all; more: those labelled env=prod */
	unsigned block;
};
struct rule {
	struct peer peers[2];
	unsigned peer_count; /* 0: everybody */
	unsigned first, last;
	uint8_t protocol; /* 0: no ports are named */
};
struct policy {
	unsigned space;
	struct selector selected;
	bool ingress, egress;
	struct rule in[2], out[2];
	unsigned in_count, out_count;
};
struct end {
	bool pod;
	unsigned space, labels[KEYS];
	uint32_t ipv4;
	struct party party;
};

static struct selector random_selector(bool no)
{
	struct selector s = {.is = {0}};

	for (unsigned k = 0; k < KEYS; k++)
		s.is[k] = chance(4) ? ABSENT : 1 + chance(3 + (k == 2));
	if (chance(5) == 0)
		s.in[0] = 1 + chance(4), s.in[1] = 1 + chance(4);
	s.exists = chance(8) == 0;
	s.gone = no && chance(8) == 0;
	s.not_in = no && chance(6) == 0 ? 1 + chance(4) : 0;
	return s;
}

static struct rule random_rule(void)
{
	struct rule r = {.peer_count = chance(3)};

	for (unsigned i = 0; i < r.peer_count; i++)
		r.peers[i] = (struct peer){chance(3), random_selector(true), chance(SPACES + 2), chance(3)};
	if (chance(2)) {
		r.protocol = chance(3) ? IPPROTO_TCP : IPPROTO_UDP;
		r.first = 1 + chance(4);
		r.last = chance(3) ? r.first + chance(3) : 65535;
	}
	return r;
}

static struct policy random_policy(bool lossless)
{
	struct policy p = {.space = chance(SPACES), .selected = random_selector(!lossless)};

	p.ingress = chance(3);
	p.egress = !p.ingress || chance(2);
	p.in_count = p.ingress ? chance(3) : 0;
	p.out_count = p.egress ? chance(3) : 0;
	for (unsigned i = 0; i < 2; i++) {
		p.in[i] = random_rule();
		p.out[i] = random_rule();
	}
	return p;
}

static void write_selector(struct text *t, const struct selector *s)
{
	add(t, "{matchLabels: {");
	for (unsigned k = 0; k < KEYS; k++)
		if (s->is[k])
			add(t, "%s: '%s', ", keys[k], values[s->is[k]]);
	add(t, "}, matchExpressions: [");
	if (s->in[0])
		add(t, "{key: %s, operator: In, values: ['%s', '%s']}, ", keys[2], values[s->in[0]], values[s->in[1]]);
	if (s->exists)
		add(t, "{key: %s, operator: Exists}, ", keys[1]);
	if (s->gone)
		add(t, "{key: %s, operator: DoesNotExist, values: []}, ", keys[1]);
	if (s->not_in)
		add(t, "{key: %s, operator: NotIn, values: ['%s']}, ", keys[0], values[s->not_in]);
	add(t, "]}");
}

static void write_peer(struct text *t, const struct peer *p)
{
	static const char *const blocks[] = {"{cidr: 10.0.0.0/29}", "{cidr: 10.0.0.0/8, except: [10.0.0.2/32]}",
					     "{cidr: 10.0.0.4/32}"};

	if (p->type == BLOCK) {
		add(t, "{ipBlock: %s}, ", blocks[p->block]);
		return;
	}
	add(t, "{podSelector: ");
	write_selector(t, &p->pods);
	if (p->type == SPACED && p->space < SPACES)
		add(t, ", namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}", spaces[p->space]);
	else if (p->type == SPACED)
		add(t, ", namespaceSelector: {%s}", p->space == SPACES ? "" : "matchLabels: {env: prod}");
	add(t, "}, ");
}

static void write_rules(struct text *t, const char *key, const char *ends, const struct rule *rules, unsigned count)
{
	add(t, ",\n  %s: [", key);
	for (unsigned i = 0; i < count; i++) {
		add(t, "{%s: [", ends);
		for (unsigned k = 0; k < rules[i].peer_count; k++)
			write_peer(t, &rules[i].peers[k]);
		add(t, "], ");
		if (rules[i].protocol && rules[i].last == 65535 && rules[i].first == 1)
			add(t, "ports: [{protocol: %s}]", rules[i].protocol == IPPROTO_TCP ? "TCP" : "UDP");
		else if (rules[i].protocol)
			add(t, "ports: [{protocol: %s, port: %u, endPort: %u}]",
			    rules[i].protocol == IPPROTO_TCP ? "TCP" : "UDP", rules[i].first, rules[i].last);
		add(t, "}, ");
	}
	add(t, "]");
}

static char *write_policies(const struct policy *policies, unsigned count)
{
	struct text t = {NULL, 0, 0};

	for (unsigned i = 0; i < count; i++) {
		const struct policy *p = &policies[i];

		add(&t,
		    "---\n{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: p%u, namespace: "
		    "%s}, spec: {\n"
		    "  policyTypes: [%s%s%s], podSelector: ",
		    i, spaces[p->space], p->ingress ? "Ingress" : "", p->ingress && p->egress ? ", " : "",
		    p->egress ? "Egress" : "");
		write_selector(&t, &p->selected);
		write_rules(&t, "ingress", "from", p->in, p->in_count);
		write_rules(&t, "egress", "to", p->out, p->out_count);
		add(&t, "}}\n");
	}
	return t.at;
}

/* Unescapes one part of a tag, up to a dot; the rest is at the return value, NULL at the end. */
static const char *part_of(const char *tag, char *ret)
{
	while (*tag && *tag != '.') {
		unsigned byte;

		if (tag[0] == '_' && sscanf(tag, "_%2x", &byte) == 1 && strspn(tag + 1, "0123456789abcdef") >= 2) {
			*ret++ = (char)byte;
			tag += 3;
		} else {
			*ret++ = *tag++;
		}
	}
	*ret = '\0';
	return *tag ? tag + 1 : NULL;
}

/* What a tag stands for: itself, or what a note says. */
static const char *meaning(const struct rn_import *out, const char *tag, char *ret, size_t size)
{
	const char *word = " stands for ";

	if (strncmp(tag, "k8s._h.", 7) != 0)
		return tag;
	for (size_t i = 0; i < out->note_count; i++) {
		const char *found = strstr(out->notes[i].text, word), *is = strstr(out->notes[i].text, tag);

		if (!found || !is)
			continue;
		snprintf(ret, size, "%s", found + strlen(word));
		return ret;
	}
	fail_msg("no note says what %s stands for", tag);
	return NULL;
}

/* Does the pod carry the tag? As docs/import.md says what a tag stands for. */
static bool carries(const struct end *e, const char *tag)
{
	char key[80], value[80];

	tag = part_of(tag, key);
	if (strcmp(key, "k8s-ns") == 0) {
		tag = part_of(tag, value);
		if (strcmp(value, spaces[e->space]) != 0)
			return false;
	} else {
		assert_string_equal(key, "k8s");
	}
	while (tag) {
		bool of_namespace;
		const char *has = NULL;

		tag = part_of(tag, key);
		of_namespace = strcmp(key, "_ns") == 0;
		if (of_namespace)
			tag = part_of(tag, key);
		assert_non_null(tag);
		tag = part_of(tag, value);
		if (of_namespace && strcmp(key, "env") == 0)
			has = e->space == 0 ? "prod" : "test";
		for (unsigned k = 0; k < KEYS && !of_namespace; k++)
			if (strcmp(keys[k], key) == 0)
				has = values[e->labels[k]];
		if (!has || (strcmp(value, "_any") != 0 && strcmp(strcmp(value, "_empty") == 0 ? "" : value, has) != 0))
			return false;
	}
	return true;
}

static struct end random_end(const struct rn_import *out, const struct judge *judge)
{
	struct end e = {.pod = chance(5), .space = chance(SPACES)};
	char full[512];
	const char *tag;

	for (unsigned k = 0; k < KEYS; k++)
		e.labels[k] = chance(5);
	e.ipv4 = e.pod ? 0x0ac80000 + chance(8) : 0x0a000000 + chance(10);
	e.party.ipv4 = e.ipv4;
	for (unsigned i = 0; e.pod && (tag = judge_tag(judge, i)); i++)
		if (carries(&e, meaning(out, tag, full, sizeof(full)))) {
			assert_true(e.party.tag_count < WORLD_TAGS);
			snprintf(e.party.tags[e.party.tag_count++], 64, "%s", tag);
		}
	return e;
}

static bool selects(const struct selector *s, const struct end *e)
{
	for (unsigned k = 0; k < KEYS; k++)
		if (s->is[k] && e->labels[k] != s->is[k])
			return false;
	if (s->in[0] && e->labels[2] != s->in[0] && e->labels[2] != s->in[1])
		return false;
	if ((s->exists && !e->labels[1]) || (s->gone && e->labels[1]))
		return false;
	return !s->not_in || e->labels[0] != s->not_in;
}

static bool is_peer(const struct peer *p, unsigned space, const struct end *e)
{
	if (p->type == BLOCK && e->pod)
		return false; /* what Kubernetes leaves open */
	if (p->type == BLOCK)
		return p->block == 0   ? e->ipv4 < 0x0a000008
		       : p->block == 1 ? e->ipv4 != 0x0a000002
				       : e->ipv4 == 0x0a000004;
	if (!e->pod || !selects(&p->pods, e))
		return false;
	if (p->type == PODS)
		return e->space == space;
	return p->space == SPACES || (p->space > SPACES ? e->space == 0 : e->space == p->space);
}

static bool lets(const struct rule *rules, unsigned count, unsigned space, const struct end *peer, uint8_t protocol,
		 uint16_t port)
{
	for (unsigned i = 0; i < count; i++) {
		bool is = rules[i].peer_count == 0;

		for (unsigned k = 0; k < rules[i].peer_count; k++)
			is |= is_peer(&rules[i].peers[k], space, peer);
		if (is && (!rules[i].protocol ||
			   (rules[i].protocol == protocol && port >= rules[i].first && port <= rules[i].last)))
			return true;
	}
	return false;
}

/* *ret_isolated: does any policy select the end? */
static bool side_lets(const struct policy *policies, unsigned count, bool egress, const struct end *e,
		      const struct end *peer, uint8_t protocol, uint16_t port, bool *ret_isolated)
{
	bool let = false;

	*ret_isolated = false;
	for (unsigned i = 0; i < count; i++) {
		const struct policy *p = &policies[i];

		if (!(egress ? p->egress : p->ingress) || !e->pod || e->space != p->space || !selects(&p->selected, e))
			continue;
		*ret_isolated = true;
		let |= egress ? lets(p->out, p->out_count, p->space, peer, protocol, port)
			      : lets(p->in, p->in_count, p->space, peer, protocol, port);
	}
	return let || !*ret_isolated;
}

static bool only_open_is_lost(const struct rn_import *out)
{
	for (size_t i = 0; i < out->note_count; i++)
		if (out->notes[i].lost && !strstr(out->notes[i].text, "are open in Kubernetes"))
			return false;
	return true;
}

#define FILES 2500
#define FLOWS 200

static void test_never_wider(void **state)
{
	unsigned there = 0, here = 0, exact = 0;

	(void)state;
	chance_begin("networkpolicy");
	for (unsigned f = 0; f < FILES; f++) {
		struct policy policies[6];
		unsigned count = 1 + chance(COUNT(policies));
		struct rn_err err = {""};
		struct rn_import out;
		struct judge *judge;
		bool all;
		char *text;

		for (unsigned i = 0; i < count; i++)
			policies[i] = random_policy(f % 4);
		text = write_policies(policies, count);
		if (import(text, NULL, &out, &err) < 0)
			fail_msg("%s\n%s", text, err.text);
		all = only_open_is_lost(&out);
		exact += all;
		judge = judge_open(out.text);
		for (unsigned i = 0; i < FLOWS; i++) {
			struct end a = random_end(&out, judge), b = random_end(&out, judge);
			uint8_t protocol = chance(3) ? IPPROTO_TCP : chance(2) ? IPPROTO_UDP : IPPROTO_ICMP;
			uint16_t port = protocol == IPPROTO_ICMP ? 0 : (uint16_t)(1 + chance(7));
			bool kept_in, closed, original, ours;

			original = side_lets(policies, count, true, &a, &b, protocol, port, &kept_in);
			original &= side_lets(policies, count, false, &b, &a, protocol, port, &closed);
			original &= protocol != IPPROTO_ICMP; /* what Kubernetes leaves open */
			ours = judge_allows(judge, &a.party, &b.party, protocol, port);
			there += original && (kept_in || closed);
			here += ours;
			if ((ours && !original) || (all && original && !ours && (kept_in || closed))) {
				fprintf(stderr,
					"%s\n%s\nallowed there %d, here %d: %s %s %u %u %u .%u to %s %s %u %u %u .%u, "
					"protocol %u port %u",
					text, out.text, original, ours, a.pod ? "pod" : "host", spaces[a.space],
					a.labels[0], a.labels[1], a.labels[2], a.ipv4 & 255, b.pod ? "pod" : "host",
					spaces[b.space], b.labels[0], b.labels[1], b.labels[2], b.ipv4 & 255, protocol,
					port);
				fail();
			}
		}
		judge_close(judge);
		rn_import_done(&out);
		free(text);
	}
	fprintf(stderr, "of %u flows %u are allowed there with a policy's consent, %u here; %u of %u files are exact\n",
		FILES * FLOWS, there, here, exact, FILES);
	assert_true(exact > FILES / 2);
	assert_true(here > FILES * FLOWS / 20 && here > there * 8 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_example),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_never_wider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
