/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/peers.h"

static const uint8_t secret[RN_KEY_SIZE] = {9};

static struct rn_device_record hub(uint32_t number)
{
	return (struct rn_device_record){
	    .number = number, .hub = number, .kind = RN_KIND_REGIONAL, .wireguard_key = {(uint8_t)number}};
}

/* What is sent to a hub it reads, so a node has no tunnel to one that it knows to be revoked, the one in use too. */
static void a_hub_that_is_revoked_has_no_peer(void **state)
{
	struct rn_peers *p = rn_peers_new(5, 1, secret, 51820);
	struct rn_device_record own = {.number = 5, .hub = 1, .homes = {1, 2}, .home_count = 2}, a = hub(1), b = hub(2);
	struct rn_network network = {.ipv6 = {{{0xfd}}, 48}};

	(void)state;
	assert_non_null(p);
	assert_int_equal(rn_peers_network(p, &network), 0);
	assert_int_equal(rn_peers_device(p, &own), 0);
	assert_int_equal(rn_peers_device(p, &a), 0);
	assert_int_equal(rn_peers_device(p, &b), 0);
	assert_int_equal(rn_peers_count(p), 2);
	b.flags |= RN_DEVICE_REVOKED;
	assert_int_equal(rn_peers_device(p, &b), 0);
	assert_int_equal(rn_peers_count(p), 1);
	a.flags |= RN_DEVICE_REVOKED;
	assert_int_equal(rn_peers_device(p, &a), 0);
	assert_int_equal(rn_peers_count(p), 0);
	rn_peers_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hub_that_is_revoked_has_no_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
