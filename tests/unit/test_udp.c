/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "sys/udp.h"

struct received {
	unsigned count, bytes;
	struct rn_endpoint from;
	uint8_t last[RN_UDP_DATAGRAM_MAX];
};

static void note(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	struct received *r = context;

	r->count++;
	r->bytes += (unsigned)size;
	r->from = *from;
	memcpy(r->last, data, size);
}

static void receive(struct rn_udp *udp, struct received *r, unsigned want)
{
	struct pollfd p = {rn_udp_fd(udp), POLLIN, 0};

	while (r->count < want && poll(&p, 1, 2000) == 1)
		assert_true(rn_udp_receive(udp, note, r) >= 0);
	assert_int_equal(r->count, want);
}

static struct rn_endpoint local(const char *address, uint16_t port)
{
	struct rn_endpoint e = {.port = port};

	assert_int_equal(rn_addr_parse(address, &e.addr), 0);
	return e;
}

static void test_both_families(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "::1"};
	struct rn_udp *a, *b;

	(void)state;
	assert_int_equal(rn_udp_open(0, &a, NULL), 0);
	assert_int_equal(rn_udp_open(0, &b, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		const struct rn_endpoint to = local(addresses[i], rn_udp_port(b));
		struct received r = {0};

		for (unsigned n = 0; n < 150; n++)
			assert_int_equal(rn_udp_send(a, &to, "hello", 5), 0);
		assert_int_equal(rn_udp_flush(a), 0);
		receive(b, &r, 150);
		assert_int_equal(r.bytes, 750);
		assert_memory_equal(r.last, "hello", 5);
		assert_int_equal(r.from.port, rn_udp_port(a));
		assert_memory_equal(&r.from.addr, &to.addr, sizeof(to.addr));
		/* and the answer finds its way back by what `from` said */
		memset(&r.count, 0, sizeof(r.count));
		assert_int_equal(rn_udp_send(b, &r.from, "x", 1), 0);
		assert_int_equal(rn_udp_flush(b), 0);
		receive(a, &r, 1);
	}
	rn_udp_close(a);
	rn_udp_close(b);
}

/* A host with several addresses answers from the one that was spoken to. */
static void test_answers_from_where_it_was_asked(void **state)
{
	struct rn_udp *asker, *host;
	struct received asked = {0}, answered = {0};
	struct rn_endpoint to;

	(void)state;
	assert_int_equal(rn_udp_open(0, &asker, NULL), 0);
	assert_int_equal(rn_udp_open(0, &host, NULL), 0);
	to = local("127.0.0.5", rn_udp_port(host));
	assert_int_equal(rn_udp_send(asker, &to, "?", 1), 0);
	assert_int_equal(rn_udp_flush(asker), 0);
	receive(host, &asked, 1);
	assert_int_equal(rn_udp_send(host, &asked.from, "!", 1), 0);
	assert_int_equal(rn_udp_flush(host), 0);
	receive(asker, &answered, 1);
	assert_memory_equal(&answered.from.addr, &to.addr, sizeof(to.addr));
	assert_int_equal(answered.from.port, to.port);
	rn_udp_close(asker);
	rn_udp_close(host);
}

static void test_port_in_use(void **state)
{
	struct rn_err err = {""};
	struct rn_udp *a, *b = NULL;

	(void)state;
	assert_int_equal(rn_udp_open(0, &a, NULL), 0);
	assert_int_equal(rn_udp_open(rn_udp_port(a), &b, &err), -EADDRINUSE);
	assert_null(b);
	assert_non_null(strstr(err.text, "in use"));
	rn_udp_close(a);
}

static void test_bad_destinations_and_sizes(void **state)
{
	const struct rn_endpoint nowhere = local("240.0.0.1", 9);
	uint8_t big[RN_UDP_DATAGRAM_MAX + 1] = {0};
	struct received r = {0};
	struct rn_endpoint to;
	struct rn_udp *a, *b;

	(void)state;
	assert_int_equal(rn_udp_open(0, &a, NULL), 0);
	assert_int_equal(rn_udp_open(0, &b, NULL), 0);
	to = local("127.0.0.1", rn_udp_port(b));
	assert_int_equal(rn_udp_send(a, &to, big, sizeof(big)), -EMSGSIZE);
	assert_int_equal(rn_udp_send(a, &nowhere, "lost", 4), 0);
	assert_int_equal(rn_udp_send(a, &to, big, sizeof(big) - 1), 0);
	assert_int_equal(rn_udp_send(a, &nowhere, "lost", 4), 0);
	assert_int_equal(rn_udp_send(a, &to, "kept", 4), 0);
	assert_int_equal(rn_udp_flush(a), 0);
	receive(b, &r, 2);
	assert_int_equal(r.bytes, RN_UDP_DATAGRAM_MAX + 4);
	rn_udp_close(a);
	rn_udp_close(b);
	rn_udp_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_answers_from_where_it_was_asked),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_bad_destinations_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
