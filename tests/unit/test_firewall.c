/* SPDX-License-Identifier: Apache-2.0 */
/* Rulesets as nft prints them, and what becomes of a new connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/firewall.h"

/* clang-format off */
#define TABLE(family, name) "{\"table\":{\"family\":\"" family "\",\"name\":\"" name "\"}}"
#define CHAIN(family, table, name, policy) \
	",{\"chain\":{\"family\":\"" family "\",\"table\":\"" table "\",\"name\":\"" name "\",\"type\":\"filter\"," \
	"\"hook\":\"input\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define PLAIN(family, table, name) ",{\"chain\":{\"family\":\"" family "\",\"table\":\"" table "\",\"name\":\"" name "\"}}"
#define RULE(family, table, chain, expr) \
	",{\"rule\":{\"family\":\"" family "\",\"table\":\"" table "\",\"chain\":\"" chain "\",\"expr\":[" expr "]}}"
#define META(key, op, value) "{\"match\":{\"op\":\"" op "\",\"left\":{\"meta\":{\"key\":\"" key "\"}},\"right\":" value "}}"
#define PORT(protocol, value) \
	"{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"" protocol \
	"\",\"field\":\"dport\"}},\"right\":" value "}}"
#define ACCEPT "{\"accept\":null}"
#define DROP "{\"drop\":null}"
#define JUMP(chain) "{\"jump\":{\"target\":\"" chain "\"}}"
#define GOTO(chain) "{\"goto\":{\"target\":\"" chain "\"}}"
#define MINE(expr) RULE("inet", "filter", "input", expr)
#define DROPPING TABLE("inet", "filter") CHAIN("inet", "filter", "input", "drop")
#define KNOWN "{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":[\"established\",\"related\"]}}"
/* clang-format on */

static const struct rn_firewall_packet overlay = {"rn0", NULL, 0};
static const struct rn_firewall_packet tunnel = {"eth0", "udp", 51820};

static struct rn_firewall judge(const char *items, const struct rn_firewall_packet *packet)
{
	struct rn_firewall f;
	struct rn_err err = {""};
	struct rn_json *root;
	char text[8192];

	snprintf(text, sizeof(text), "{\"nftables\":[%s]}", items);
	root = rn_json_parse(text, strlen(text), 0, &err);
	if (!root)
		fail_msg("%s: %s", err.text, text);
	rn_firewall_judge(root, packet, &f);
	rn_json_free(root);
	return f;
}

static void test_answers(void **state)
{
	static const struct {
		const char *what, *items;
		enum rn_firewall_answer overlay, tunnel;
	} cases[] = {
	    {"no rule at all", TABLE("inet", "filter"), RN_FIREWALL_OPEN, RN_FIREWALL_OPEN},
	    {"drops all", DROPPING, RN_FIREWALL_CLOSED, RN_FIREWALL_CLOSED},
	    {"older connections are not new ones", DROPPING MINE(KNOWN "," ACCEPT), RN_FIREWALL_CLOSED,
	     RN_FIREWALL_CLOSED},
	    {"another interface", DROPPING MINE(META("iifname", "==", "\"lo\"") "," ACCEPT), RN_FIREWALL_CLOSED,
	     RN_FIREWALL_CLOSED},
	    {"ours", DROPPING MINE(META("iifname", "==", "\"rn0\"") "," ACCEPT), RN_FIREWALL_OPEN, RN_FIREWALL_CLOSED},
	    {"ours by a pattern", DROPPING MINE(META("iifname", "==", "\"rn*\"") "," ACCEPT), RN_FIREWALL_OPEN,
	     RN_FIREWALL_CLOSED},
	    {"ours in a set", DROPPING MINE(META("iifname", "==", "{\"set\":[\"eth1\",\"rn0\"]}") "," ACCEPT),
	     RN_FIREWALL_OPEN, RN_FIREWALL_CLOSED},
	    {"all but one", DROPPING MINE(META("iifname", "!=", "\"eth0\"") "," ACCEPT), RN_FIREWALL_OPEN,
	     RN_FIREWALL_CLOSED},
	    {"a set that has a name", DROPPING MINE(META("iifname", "==", "\"@inside\"") "," ACCEPT), RN_FIREWALL_SOME,
	     RN_FIREWALL_SOME},
	    {"a service", DROPPING MINE(PORT("tcp", "22") "," ACCEPT), RN_FIREWALL_SOME, RN_FIREWALL_CLOSED},
	    {"the port", DROPPING MINE(PORT("udp", "51820") "," ACCEPT), RN_FIREWALL_SOME, RN_FIREWALL_OPEN},
	    {"the port's range", DROPPING MINE(PORT("udp", "{\"set\":[53,{\"range\":[51820,51821]}]}") "," ACCEPT),
	     RN_FIREWALL_SOME, RN_FIREWALL_OPEN},
	    {"beside the port", DROPPING MINE(PORT("udp", "{\"range\":[51821,51830]}") "," ACCEPT), RN_FIREWALL_SOME,
	     RN_FIREWALL_CLOSED},
	    {"dropped before it is accepted", DROPPING MINE(DROP) MINE(META("iifname", "==", "\"rn0\"") "," ACCEPT),
	     RN_FIREWALL_CLOSED, RN_FIREWALL_CLOSED},
	    {"accepting policy with a drop",
	     TABLE("inet", "filter") CHAIN("inet", "filter", "input", "accept")
		 MINE(META("iifname", "==", "\"rn0\"") ",{\"reject\":null}"),
	     RN_FIREWALL_CLOSED, RN_FIREWALL_OPEN},
	    {"a limit lets only some in", DROPPING MINE("{\"limit\":{\"rate\":5}}," ACCEPT), RN_FIREWALL_SOME,
	     RN_FIREWALL_SOME},
	    {"a chain that comes back",
	     DROPPING PLAIN("inet", "filter", "more") MINE(JUMP("more"))
		 MINE(META("iifname", "==", "\"rn0\"") "," ACCEPT),
	     RN_FIREWALL_OPEN, RN_FIREWALL_CLOSED},
	    {"a chain that does not", DROPPING PLAIN("inet", "filter", "more") MINE(GOTO("more")) MINE(ACCEPT),
	     RN_FIREWALL_CLOSED, RN_FIREWALL_CLOSED},
	    {"return",
	     DROPPING PLAIN("inet", "filter", "more") MINE(JUMP("more")) MINE(ACCEPT)
		 RULE("inet", "filter", "more", "{\"return\":null}") RULE("inet", "filter", "more", DROP),
	     RN_FIREWALL_OPEN, RN_FIREWALL_OPEN},
	    {"chains that call each other",
	     DROPPING PLAIN("inet", "filter", "a") MINE(JUMP("a")) RULE("inet", "filter", "a", JUMP("a")),
	     RN_FIREWALL_CLOSED, RN_FIREWALL_CLOSED},
	    {"another table of the same name", DROPPING RULE("ip", "filter", "input", ACCEPT), RN_FIREWALL_CLOSED,
	     RN_FIREWALL_CLOSED},
	    {"iptables' own match",
	     TABLE("ip", "filter") CHAIN("ip", "filter", "INPUT", "drop")
		 RULE("ip", "filter", "INPUT", "{\"xt\":{\"type\":\"match\",\"name\":\"conntrack\"}}," ACCEPT),
	     RN_FIREWALL_SOME, RN_FIREWALL_SOME},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rn_firewall a = judge(cases[i].items, &overlay), b = judge(cases[i].items, &tunnel);

		if (a.answer != cases[i].overlay || b.answer != cases[i].tunnel)
			fail_msg("%s: %d and %d", cases[i].what, a.answer, b.answer);
	}
}

static void test_verdict_maps(void **state)
{
	static const char states[] = DROPPING MINE(
	    "{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},\"data\":{\"set\":[[\"established\",{\"accept\":null}],"
	    "[\"invalid\",{\"drop\":null}]]}}}");
	static const char zones[] = DROPPING PLAIN("inet", "filter", "inside")
	    MINE("{\"vmap\":{\"key\":{\"meta\":{\"key\":\"iifname\"}},\"data\":{\"set\":[[\"eth0\",{\"drop\":null}],"
		 "[\"rn0\",{\"goto\":{\"target\":\"inside\"}}]]}}}") RULE("inet", "filter", "inside", ACCEPT);

	(void)state;
	assert_int_equal(judge(states, &overlay).answer, RN_FIREWALL_CLOSED);
	assert_int_equal(judge(zones, &overlay).answer, RN_FIREWALL_OPEN);
	assert_int_equal(judge(zones, &tunnel).answer, RN_FIREWALL_CLOSED);
	assert_int_equal(
	    judge(DROPPING MINE("{\"vmap\":{\"key\":{\"meta\":{\"key\":\"iifname\"}},\"data\":\"@zones\"}}"), &overlay)
		.answer,
	    RN_FIREWALL_SOME);
}

static void expect(const char *items, const struct rn_firewall_packet *packet, const char *line)
{
	struct rn_firewall f = judge(items, packet);
	char out[200];

	rn_firewall_remedy(&f, packet, out, sizeof(out));
	assert_string_equal(out, line);
}

static void test_remedies(void **state)
{
	(void)state;
	expect(DROPPING, &overlay, "nft insert rule inet filter input iifname \"rn0\" accept");
	expect(DROPPING, &tunnel, "nft insert rule inet filter input udp dport 51820 accept");
	expect(TABLE("ip6", "filter") CHAIN("ip6", "filter", "INPUT", "drop"), &overlay,
	       "ip6tables -I INPUT -i rn0 -j ACCEPT");
	expect(TABLE("ip", "filter") CHAIN("ip", "filter", "INPUT", "drop") PLAIN("ip", "filter", "ufw-before-input"),
	       &overlay, "ufw allow in on rn0");
	expect(TABLE("inet", "firewalld") CHAIN("inet", "firewalld", "filter_INPUT", "drop"), &tunnel,
	       "firewall-cmd --permanent --add-port=51820/udp && firewall-cmd --reload");
}

/* Whatever a file says, there is an answer. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
	    "[]", "{}", "{\"nftables\":{}}",
	    "{\"nftables\":[1,null,[],{\"rule\":1},{\"chain\":[]},{\"rule\":{\"expr\":[1]}}]}",
	    "{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"c\",\"type\":\"filter\","
	    "\"hook\":\"input\"}},"
	    "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"expr\":[{\"match\":1},{\"match\":{}},{"
	    "\"vmap\":{}},"
	    "{\"vmap\":{\"key\":1,\"data\":{\"set\":[[],[1],[1,2]]}}},{\"jump\":1},{\"xt\":{}},{\"match\":{\"op\":\"=="
	    "\","
	    "\"left\":{\"meta\":1},\"right\":{\"set\":{}}}}]}}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rn_err err = {""};
		struct rn_json *root = rn_json_parse(texts[i], strlen(texts[i]), 0, &err);
		struct rn_firewall f;

		assert_non_null(root);
		rn_firewall_judge(root, &overlay, &f);
		rn_firewall_judge(root, &tunnel, &f);
		rn_json_free(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_verdict_maps),
	    cmocka_unit_test(test_remedies),
	    cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
