/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/firewall_match.h"
#include "sys/command.h"
#include "sys/netfilter.h"

#define JUMPS_MAX 16	 /* the kernel's own bound */
#define STEPS_MAX 200000 /* rules looked at; beyond it nothing is known */
#define NFT_TIMEOUT_MS 10000

enum outcome { CONTINUES, ACCEPTED, DROPPED };

struct walk {
	const struct rn_json *list; /* the items of the ruleset */
	const struct rn_firewall_packet *packet;
	const char *family, *table;
	bool some; /* a rule that may match accepts */
	unsigned steps;
};

static const char *member(const struct rn_json *object, const char *key)
{
	const struct rn_json *node = rn_json_get(object, key);

	return node && rn_json_type(node) == RN_JSON_STRING ? rn_json_text(node) : "";
}

/* The item's inside where it is of this kind: {"rule": {...}}. */
static const struct rn_json *inside(const struct rn_json *item, const char *kind)
{
	const struct rn_json *node = rn_json_type(item) == RN_JSON_OBJECT ? rn_json_get(item, kind) : NULL;

	return node && rn_json_type(node) == RN_JSON_OBJECT ? node : NULL;
}

static enum outcome walk_chain(struct walk *w, const char *chain, bool certain, unsigned depth);

/* A verdict as rules and verdict maps have it. Returns what it does to the walk; *ret_left: the chain is left by it. */
static enum outcome verdict(struct walk *w, const struct rn_json *v, bool certain, unsigned depth, bool *ret_left)
{
	const struct rn_json *to = rn_json_get(v, "jump"), *away = rn_json_get(v, "goto");
	enum outcome o = CONTINUES;

	*ret_left = false;
	if (rn_json_get(v, "accept") || rn_json_get(v, "queue")) {
		w->some |= !certain;
		return certain ? ACCEPTED : CONTINUES;
	}
	if (rn_json_get(v, "drop") || rn_json_get(v, "reject"))
		return certain ? DROPPED : CONTINUES;
	*ret_left = certain && (rn_json_get(v, "return") || away);
	to = to ? to : away;
	if (to && rn_json_type(to) == RN_JSON_OBJECT)
		o = walk_chain(w, member(to, "target"), certain, depth + 1);
	return certain ? o : CONTINUES;
}

/* {"vmap": {"key": ..., "data": {"set": [[value, verdict], ...]}}}: the entry that matches, or may. */
static enum outcome verdict_map(struct walk *w, const struct rn_json *map, bool certain, unsigned depth, bool *ret_left)
{
	const struct rn_json *data = rn_json_get(map, "data"), *set = NULL;

	if (data && rn_json_type(data) == RN_JSON_OBJECT)
		set = rn_json_get(data, "set");
	if (!set) /* a named map: its contents change by themselves */
		w->some = true;
	for (const struct rn_json *one = set ? rn_json_first(set) : NULL; one; one = rn_json_next(one)) {
		const struct rn_json *value = rn_json_first(one), *v = value ? rn_json_next(value) : NULL;
		enum rn_match m = rn_firewall_equals(rn_json_get(map, "key"), value, w->packet);
		enum outcome o;

		if (!v || rn_json_type(v) != RN_JSON_OBJECT || m == RN_MATCH_NO)
			continue;
		o = verdict(w, v, certain && m == RN_MATCH_YES, depth, ret_left);
		if (o != CONTINUES || m == RN_MATCH_YES)
			return o;
	}
	return CONTINUES;
}

/* iptables' own extensions, of which nft prints the name alone. */
static enum outcome extension(const struct rn_json *xt, bool *certain)
{
	const char *type = member(xt, "type"), *name = member(xt, "name");

	if (strcmp(type, "target") == 0)
		return *certain && (strcmp(name, "REJECT") == 0 || strcmp(name, "DROP") == 0) ? DROPPED : CONTINUES;
	if (strcmp(name, "comment") != 0)
		*certain = false;
	return CONTINUES;
}

static enum outcome walk_rule(struct walk *w, const struct rn_json *rule, bool certain, unsigned depth, bool *ret_left)
{
	const struct rn_json *list = rn_json_get(rule, "expr"), *part;
	enum outcome o = CONTINUES;

	*ret_left = false;
	if (!list || rn_json_type(list) != RN_JSON_ARRAY)
		return CONTINUES;
	for (const struct rn_json *e = rn_json_first(list); e && o == CONTINUES && !*ret_left; e = rn_json_next(e)) {
		if (rn_json_type(e) != RN_JSON_OBJECT)
			continue;
		if ((part = rn_json_get(e, "match"))) {
			enum rn_match m = rn_firewall_match(part, w->packet);

			if (m == RN_MATCH_NO)
				return CONTINUES;
			certain &= m == RN_MATCH_YES;
		} else if (rn_json_get(e, "limit") || rn_json_get(e, "quota") || rn_json_get(e, "ct count")) {
			certain = false;
		} else if ((part = inside(e, "xt"))) {
			o = extension(part, &certain);
		} else if ((part = inside(e, "vmap"))) {
			o = verdict_map(w, part, certain, depth, ret_left);
		} else {
			o = verdict(w, e, certain, depth, ret_left);
		}
	}
	return o;
}

static enum outcome walk_chain(struct walk *w, const char *chain, bool certain, unsigned depth)
{
	if (depth > JUMPS_MAX)
		return CONTINUES;
	for (const struct rn_json *item = rn_json_first(w->list); item; item = rn_json_next(item)) {
		const struct rn_json *rule = inside(item, "rule");
		enum outcome o;
		bool left;

		if (!rule || strcmp(member(rule, "chain"), chain) != 0 ||
		    strcmp(member(rule, "table"), w->table) != 0 || strcmp(member(rule, "family"), w->family) != 0)
			continue;
		if (++w->steps > STEPS_MAX)
			return CONTINUES;
		o = walk_rule(w, rule, certain, depth, &left);
		if (o != CONTINUES || left)
			return o;
	}
	return CONTINUES;
}

/* One base chain on the way in. */
static enum rn_firewall_answer judge_chain(const struct rn_json *list, const struct rn_json *chain,
					   const struct rn_firewall_packet *packet)
{
	struct walk w = {
	    .list = list, .packet = packet, .family = member(chain, "family"), .table = member(chain, "table")};
	enum outcome o = walk_chain(&w, member(chain, "name"), true, 0);

	if (o == CONTINUES)
		o = strcmp(member(chain, "policy"), "drop") == 0 ? DROPPED : ACCEPTED;
	if (w.steps > STEPS_MAX)
		return RN_FIREWALL_OPEN;
	return o == ACCEPTED ? RN_FIREWALL_OPEN : w.some ? RN_FIREWALL_SOME : RN_FIREWALL_CLOSED;
}

static void keepers(const struct rn_json *list, struct rn_firewall *ret)
{
	for (const struct rn_json *item = rn_json_first(list); item; item = rn_json_next(item)) {
		const struct rn_json *chain = inside(item, "chain"), *table = inside(item, "table");

		ret->ufw |= chain && strstr(member(chain, "name"), "ufw") != NULL;
		ret->firewalld |= table && strcmp(member(table, "name"), "firewalld") == 0;
	}
}

static bool is_input(const struct rn_json *chain)
{
	const char *family = member(chain, "family");

	return strcmp(member(chain, "hook"), "input") == 0 && strcmp(member(chain, "type"), "filter") == 0 &&
	       (strcmp(family, "inet") == 0 || strcmp(family, "ip") == 0 || strcmp(family, "ip6") == 0);
}

void rn_firewall_judge(const struct rn_json *ruleset, const struct rn_firewall_packet *packet, struct rn_firewall *ret)
{
	const struct rn_json *list = rn_json_type(ruleset) == RN_JSON_OBJECT ? rn_json_get(ruleset, "nftables") : NULL;

	memset(ret, 0, sizeof(*ret));
	if (!list || rn_json_type(list) != RN_JSON_ARRAY) {
		ret->answer = RN_FIREWALL_UNKNOWN;
		snprintf(ret->why, sizeof(ret->why), "nft's answer is not a ruleset");
		return;
	}
	keepers(list, ret);
	for (const struct rn_json *item = rn_json_first(list); item; item = rn_json_next(item)) {
		const struct rn_json *chain = inside(item, "chain");
		enum rn_firewall_answer a =
		    chain && is_input(chain) ? judge_chain(list, chain, packet) : RN_FIREWALL_OPEN;

		if (a <= ret->answer)
			continue;
		ret->answer = a;
		snprintf(ret->family, sizeof(ret->family), "%s", member(chain, "family"));
		snprintf(ret->table, sizeof(ret->table), "%s", member(chain, "table"));
		snprintf(ret->chain, sizeof(ret->chain), "%s", member(chain, "name"));
	}
}

static void unknown(struct rn_firewall *ret, const char *why)
{
	memset(ret, 0, sizeof(*ret));
	ret->answer = RN_FIREWALL_UNKNOWN;
	snprintf(ret->why, sizeof(ret->why), "%s", why);
}

void rn_firewall_look(const struct rn_firewall_packet *packet, struct rn_firewall *ret)
{
	static const char *const argv[] = {"nft", "-j", "list", "ruleset", NULL};
	struct rn_json *ruleset = NULL;
	struct rn_err err = {""};
	char *text = NULL;
	size_t size = 0;
	int status = 0, code, tables = rn_netfilter_tables();

	memset(ret, 0, sizeof(*ret));
	if (rn_netfilter_legacy())
		return unknown(ret, "the older iptables has rules here, which cannot be read");
	if (tables == 0)
		return;
	code = rn_command(argv, RN_JSON_SIZE_MAX, NFT_TIMEOUT_MS, &text, &size, &status);
	if (code == -ENOENT)
		return unknown(ret, "there are rules, and no nft to read them");
	if (code == 0 && status == 0)
		ruleset = rn_json_parse(text, size, 0, &err);
	free(text);
	if (!ruleset)
		return unknown(ret, code == -EFBIG ? "there are too many rules" : "nft does not list the rules");
	rn_firewall_judge(ruleset, packet, ret);
	rn_json_free(ruleset);
}

/* firewalld and ufw forget what others add behind their back, so they are told in their own words. */
void rn_firewall_remedy(const struct rn_firewall *f, const struct rn_firewall_packet *packet, char *out, size_t size)
{
	bool tables = strcmp(f->chain, "INPUT") == 0 && strcmp(f->family, "inet") != 0;
	const char *iptables = strcmp(f->family, "ip6") == 0 ? "ip6tables" : "iptables";

	if (f->firewalld && packet->protocol)
		snprintf(out, size, "firewall-cmd --permanent --add-port=%u/%s && firewall-cmd --reload", packet->port,
			 packet->protocol);
	else if (f->firewalld)
		snprintf(out, size,
			 "firewall-cmd --permanent --zone=trusted --add-interface=%s && firewall-cmd --reload",
			 packet->interface);
	else if (f->ufw && packet->protocol)
		snprintf(out, size, "ufw allow %u/%s", packet->port, packet->protocol);
	else if (f->ufw)
		snprintf(out, size, "ufw allow in on %s", packet->interface);
	else if (tables && packet->protocol)
		snprintf(out, size, "%s -I INPUT -p %s --dport %u -j ACCEPT", iptables, packet->protocol, packet->port);
	else if (tables)
		snprintf(out, size, "%s -I INPUT -i %s -j ACCEPT", iptables, packet->interface);
	else if (packet->protocol)
		snprintf(out, size, "nft insert rule %s %s %s %s dport %u accept", f->family, f->table, f->chain,
			 packet->protocol, packet->port);
	else
		snprintf(out, size, "nft insert rule %s %s %s iifname \"%s\" accept", f->family, f->table, f->chain,
			 packet->interface);
}
