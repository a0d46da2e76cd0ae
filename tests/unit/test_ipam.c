// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/ipam.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct rn_prefix prefix(const char *text)
{
	struct rn_prefix p;

	if (rn_prefix_parse(text, &p) < 0)
		fail_msg("%s", text);
	return p;
}

static void test_addresses(void **state)
{
	static const struct {
		const char *range;
		uint32_t device;
		const char *address; /* NULL: no room */
	} cases[] = {
	    {"100.64.0.0/16", 1, "100.64.0.1"},
	    {"100.64.0.0/16", 256, "100.64.1.0"},
	    {"100.64.0.0/16", 65534, "100.64.255.254"},
	    {"100.64.0.0/16", 65535, NULL},
	    {"100.64.0.0/16", 0, NULL},
	    {"10.1.2.0/24", 254, "10.1.2.254"},
	    {"10.1.2.0/24", 255, NULL},
	    {"fd00:1:2::/48", 1, "fd00:1:2::1"},
	    {"fd00:1:2::/64", 0xffffffff, "fd00:1:2::ffff:ffff"},
	    {"fd00:1:2::/48", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rn_prefix range = prefix(cases[i].range);
		struct rn_addr a;
		char text[RN_ADDR_TEXT];
		int code = rn_ipam_address(&range, cases[i].device, &a);

		assert_int_equal(code, cases[i].address ? 0 : -ENOSPC);
		if (cases[i].address)
			assert_string_equal(rn_addr_format(&a, text), cases[i].address);
		if (cases[i].address)
			assert_int_equal(rn_ipam_device(&range, &a), cases[i].device);
	}
}

static struct rn_ipam_route route(const char *to, const char *interface)
{
	struct rn_ipam_route r = {.to = prefix(to)};

	snprintf(r.interface, sizeof(r.interface), "%s", interface);
	return r;
}

static void expect_choice(const struct rn_ipam_route *routes, size_t count, const char *expected)
{
	struct rn_prefix range;
	char text[RN_PREFIX_TEXT];

	assert_int_equal(rn_ipam_choose_ipv4(routes, count, &range, NULL), 0);
	assert_string_equal(rn_prefix_format(&range, text), expected);
	assert_int_equal(rn_ipam_check(&range, routes, count, NULL), 0);
}

static void test_choice(void **state)
{
	struct rn_ipam_route routes[] = {
	    route("0.0.0.0/0", "eth0"),	    route("0.0.0.0/1", "tun0"),	     route("128.0.0.0/1", "tun0"),
	    route("::/0", "eth0"),	    route("192.168.1.0/24", "eth0"), route("100.64.0.0/24", "tun1"),
	    route("100.65.3.4/32", "tun1"), route("100.64.0.0/10", "cgn"),   route("10.0.0.0/8", "corp"),
	    route("172.16.0.0/12", "x"),
	};
	struct rn_prefix range;
	struct rn_err err = {""};

	(void)state;
	expect_choice(NULL, 0, "100.64.0.0/16");
	expect_choice(routes, 5, "100.64.0.0/16");
	expect_choice(routes, 6, "100.65.0.0/16");
	expect_choice(routes, 7, "100.66.0.0/16");
	expect_choice(routes, 8, "10.0.0.0/16");
	expect_choice(routes, 9, "172.16.0.0/16");
	assert_int_equal(rn_ipam_choose_ipv4(routes, 10, &range, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "name an IPv4 range"));
}

static void test_check(void **state)
{
	struct rn_ipam_route routes[] = {route("0.0.0.0/0", "eth0"), route("10.1.0.0/16", "eth0"),
					 route("fd00:1::/32", "")};
	static const struct {
		const char *range;
		int code;
		const char *error;
	} cases[] = {
	    {"10.2.0.0/16", 0, ""},
	    {"fd00:2::/48", 0, ""},
	    {"10.0.0.0/8", -EEXIST,
	     "10.0.0.0/8 collides with the route to 10.1.0.0/16 through eth0 of this host; choose another range"},
	    {"10.1.2.0/24", -EEXIST,
	     "10.1.2.0/24 collides with the route to 10.1.0.0/16 through eth0 of this host; choose another range"},
	    {"fd00:1:2::/48", -EEXIST,
	     "fd00:1:2::/48 collides with the route to fd00:1::/32 of this host; choose another range"},
	    {"10.2.0.0/25", -EINVAL, "10.2.0.0/25 is no range for devices; an IPv4 range is /8 to /24"},
	    {"127.0.0.0/16", -EINVAL, "127.0.0.0/16 holds addresses that no device may have; choose another range"},
	    {"224.0.0.0/8", -EINVAL, "224.0.0.0/8 holds addresses that no device may have; choose another range"},
	    {"2001:db8::/48", -EINVAL,
	     "2001:db8::/48 is no range for devices; an IPv6 range is /32 to /64 within fc00::/7"},
	    {"fd00:1:2:3::/96", -EINVAL,
	     "fd00:1:2:3::/96 is no range for devices; an IPv6 range is /32 to /64 within fc00::/7"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rn_prefix range = prefix(cases[i].range);
		struct rn_err err = {""};

		assert_int_equal(rn_ipam_check(&range, routes, COUNT(routes), &err), cases[i].code);
		assert_string_equal(err.text, cases[i].error);
	}
}

static void test_ipv6(void **state)
{
	static const uint8_t id[] = {1, 2, 3, 4, 5};
	struct rn_prefix p = rn_ipam_ipv6(id);
	char text[RN_PREFIX_TEXT];

	(void)state;
	assert_string_equal(rn_prefix_format(&p, text), "fd01:203:405::/48");
	assert_int_equal(rn_ipam_check(&p, NULL, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_choice),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
