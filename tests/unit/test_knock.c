/* SPDX-License-Identifier: Apache-2.0 */
/* A knock is answered by who has the key, to this question, and by nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/knock.h"
#include "session_world.h"

static struct world_packet ask(struct world *w, struct world_host *host, const struct rn_knock *knock)
{
	const struct rn_endpoint from = {{{0xfd, 9}}, 7};
	size_t before = w->kept_count;

	world_inject(host, &from, knock->datagram, sizeof(knock->datagram));
	assert_int_equal(w->kept_count, before + 1);
	return w->kept[before];
}

static void test_answers(void **state)
{
	struct world *w = world_new(3);
	struct world_host *host = world_add(w, 4), *other = world_add(w, 4);
	struct rn_knock knock, second;
	struct world_packet answer;
	uint8_t changed[RN_DATAGRAM_MAX];

	(void)state;
	w->keep = true;
	rn_knock_make(host->public, &knock);
	rn_knock_make(host->public, &second);
	answer = ask(w, host, &knock);
	assert_true(rn_knock_answered(&knock, answer.data, answer.size));
	assert_false(rn_knock_answered(&second, answer.data, answer.size));
	for (size_t i = 0; i < answer.size; i++) {
		memcpy(changed, answer.data, answer.size);
		changed[i] ^= 1;
		assert_false(rn_knock_answered(&knock, changed, answer.size));
		assert_false(rn_knock_answered(&knock, answer.data, i));
	}
	memcpy(changed, answer.data, answer.size);
	changed[answer.size] = 0;
	assert_false(rn_knock_answered(&knock, changed, answer.size + 1));
	/* Who has another key says nothing at all. */
	world_inject(other, &host->endpoint, knock.datagram, sizeof(knock.datagram));
	assert_int_equal(w->kept_count, 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
