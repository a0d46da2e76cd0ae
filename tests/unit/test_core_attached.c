/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/core_attached.h"

static struct rn_device_record record(uint32_t number, uint32_t hub)
{
	return (struct rn_device_record){
	    .number = number, .hub = hub, .kind = number == hub ? RN_KIND_REGIONAL : RN_KIND_SERVER};
}

static void devices_are_counted_at_their_hub(void **state)
{
	struct rn_attached *a = rn_attached_new();
	struct rn_device_record hub = record(1, 1), other = record(2, 2), server = record(3, 1), moved = record(3, 2);
	(void)state;
	assert_int_equal(rn_attached_put(a, NULL, &hub), 0);
	assert_int_equal(rn_attached_put(a, NULL, &server), 0);
	assert_int_equal(rn_attached_put(a, &server, &server), 0);
	assert_int_equal(rn_attached_put(a, NULL, &other), 0);
	assert_int_equal(rn_attached_count(a, 1), 2);
	assert_int_equal(rn_attached_put(a, &server, &moved), 0);
	assert_int_equal(rn_attached_count(a, 1), 1);
	assert_int_equal(rn_attached_count(a, 2), 2);
	rn_attached_remove(a, &moved);
	rn_attached_remove(a, &other);
	assert_int_equal(rn_attached_count(a, 2), 0);
	assert_int_equal(rn_attached_hub(a, 0), 1);
	assert_int_equal(rn_attached_hub(a, 1), 0);
	rn_attached_free(a);
}

static void hubs_come_and_go(void **state)
{
	struct rn_attached *a = rn_attached_new();
	uint64_t sum = 0;
	(void)state;
	for (uint32_t n = 1; n <= 1000; n++) {
		struct rn_device_record hub = record(n, n);
		assert_int_equal(rn_attached_put(a, NULL, &hub), 0);
	}
	for (uint32_t n = 1; n <= 1000; n += 2) {
		struct rn_device_record hub = record(n, n);
		rn_attached_remove(a, &hub);
	}
	for (unsigned i = 0; rn_attached_hub(a, i); i++) {
		assert_int_equal(rn_attached_hub(a, i) % 2, 0);
		sum += rn_attached_hub(a, i);
	}
	assert_int_equal(sum, 250500);
	rn_attached_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(devices_are_counted_at_their_hub),
	    cmocka_unit_test(hubs_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
