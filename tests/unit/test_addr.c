/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct rn_prefix prefix(const char *text)
{
	struct rn_prefix p;

	assert_int_equal(rn_prefix_parse(text, &p), 0);
	return p;
}

static struct rn_addr addr(const char *text)
{
	struct rn_addr a;

	assert_int_equal(rn_addr_parse(text, &a), 0);
	return a;
}

static void addresses(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = { { "192.0.2.1", "192.0.2.1" },
		     { "::", "::" },
		     { "2001:DB8:0::1", "2001:db8::1" },
		     { "::ffff:192.0.2.1", "192.0.2.1" },
		     { "0.0.0.0", "0.0.0.0" } };
	static const char *const bad[] = { "",	     "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "01.2.3.4",
					   "::1%lo", "::1::", "host",	   "12345::",	"[::1]" };
	struct rn_addr a, untouched = addr("2001:db8::7");
	char text[RN_ADDR_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		a = addr(good[i].in);
		assert_string_equal(rn_addr_format(&a, text), good[i].out);
	}
	for (i = 0; i < COUNT(bad); i++) {
		a = untouched;
		assert_int_equal(rn_addr_parse(bad[i], &a), -EINVAL);
		assert_int_equal(rn_addr_compare(&a, &untouched), 0);
	}
	a = rn_addr_from_v4(0xc0000201);
	assert_true(rn_addr_is_v4(&a));
	assert_int_equal(rn_addr_to_v4(&a), 0xc0000201);
	a = addr("::");
	assert_true(rn_addr_is_zero(&a));
	assert_false(rn_addr_is_v4(&a));
}

static void prefixes(void **state)
{
	static const struct {
		const char *in, *out;
		uint8_t bits;
	} good[] = { { "10.0.0.0/8", "10.0.0.0/8", 104 },
		     { "0.0.0.0/0", "0.0.0.0/0", 96 },
		     { "192.0.2.1/32", "192.0.2.1/32", 128 },
		     { "::ffff:192.0.2.0/120", "192.0.2.0/24", 120 },
		     { "::/0", "::/0", 0 },
		     { "2001:db8::/33", "2001:db8::/33", 33 } };
	static const char *const bad[] = { "",
					   "10.0.0.0",
					   "10.0.0.1/8",
					   "10.0.0.0/33",
					   "10.0.0.0/",
					   "10.0.0.0/08",
					   "10.0.0.0/ 8",
					   "10.0.0.0/+8",
					   "::/129",
					   "2001:db8::1/64",
					   "/8",
					   "10.0.0.0/8/8",
					   "10.0.0.0/4294967304",
					   "2001:db8:8000::/32" };
	struct rn_prefix p;
	char text[RN_PREFIX_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		p = prefix(good[i].in);
		assert_int_equal(p.bits, good[i].bits);
		assert_string_equal(rn_prefix_format(&p, text), good[i].out);
	}
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(rn_prefix_parse(bad[i], &p), -EINVAL);
}

static void endpoints(void **state)
{
	static const char *const good[] = { "192.0.2.1:51821", "[2001:db8::1]:1", "[::]:65535" };
	static const char *const bad[] = { "",
					   "192.0.2.1",
					   "192.0.2.1:",
					   "192.0.2.1:0",
					   "192.0.2.1:65536",
					   "2001:db8::1:80",
					   "[192.0.2.1]:80",
					   "[2001:db8::1]",
					   "[2001:db8::1]80",
					   "[::1:80",
					   "host:80",
					   "192.0.2.1:080" };
	struct rn_endpoint e;
	char text[RN_ENDPOINT_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(rn_endpoint_parse(good[i], &e), 0);
		assert_string_equal(rn_endpoint_format(&e, text), good[i]);
	}
	for (i = 0; i < COUNT(bad); i++)
		assert_int_equal(rn_endpoint_parse(bad[i], &e), -EINVAL);
}

static void containment(void **state)
{
	struct rn_prefix ten = prefix("10.0.0.0/8"), part = prefix("10.128.0.0/9"), other = prefix("11.0.0.0/8");
	struct rn_prefix all = prefix("::/0"), six = prefix("2001:db8::/33");
	struct rn_addr in = addr("10.255.255.255"), out = addr("11.0.0.0"), v6 = addr("2001:db8:8000::");

	(void)state;
	assert_true(rn_prefix_contains(&ten, &in));
	assert_false(rn_prefix_contains(&ten, &out));
	assert_false(rn_prefix_contains(&six, &v6));
	assert_true(rn_prefix_contains(&all, &v6));
	assert_true(rn_prefix_overlap(&ten, &part));
	assert_true(rn_prefix_overlap(&part, &ten));
	assert_false(rn_prefix_overlap(&ten, &other));
}

static void hosts(void **state)
{
	static const struct {
		const char *net;
		uint64_t offset;
		const char *host;
	} cases[] = { { "10.1.0.0/16", 258, "10.1.1.2" },
		      { "10.1.0.0/16", 65536 + 1, "10.1.0.1" },
		      { "2001:db8::/64", 0xffffffffffffffff, "2001:db8::ffff:ffff:ffff:ffff" },
		      { "2001:db8::/121", 0x81, "2001:db8::1" } };
	char text[RN_ADDR_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct rn_prefix p = prefix(cases[i].net);
		struct rn_addr a = rn_prefix_host(&p, cases[i].offset);

		assert_string_equal(rn_addr_format(&a, text), cases[i].host);
	}
}

static void hosts_that_others_reach(void **state)
{
	static const char *const good[] = {"192.0.2.1", "10.0.0.1", "223.255.255.255", "169.253.1.1", "2001:db8::1",
					   "fd00::1", "64:ff9b::c000:201", "fe7f::1"};
	static const char *const bad[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "169.254.1.1", "224.0.0.1",
					  "255.255.255.255", "240.0.0.1", "::", "::1", "::127.0.0.1", "fe80::1", "fec0::1",
					  "ff02::1"};
	struct rn_addr a;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(rn_addr_parse(good[i], &a), 0);
		assert_true(rn_addr_is_host(&a));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(rn_addr_parse(bad[i], &a), 0);
		assert_false(rn_addr_is_host(&a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),   cmocka_unit_test(prefixes), cmocka_unit_test(endpoints),
		cmocka_unit_test(containment), cmocka_unit_test(hosts),   cmocka_unit_test(hosts_that_others_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
