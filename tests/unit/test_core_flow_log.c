/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal says of flows whose rule says "log". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core_world.h"
#include "service/core_state.h"

#define POLICY                                                                                                         \
	"{\"rules\": [{\"id\": \"no-telnet\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": "         \
	"[\"everyone\"], \"services\": [\"tcp:23\"], \"action\": \"deny\", \"log\": true}]}"

static char lines[1 << 17];

/* What the gateway's core writes of these events, without the time before it. */
static const char *said(struct world *w, const struct rn_event *events, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t got;
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	rn_flow_log(w->hosts[0].core, (const uint8_t *)events, size);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	got = fread(lines, 1, sizeof(lines) - 1, file);
	lines[got] = 0;
	fclose(file);
	return lines;
}

static int set_up(void **state)
{
	struct world_done d = {0};
	int code = world_of_three(state);
	struct world *w = *state;
	if (code)
		return code;
	rn_core_policy_set(w->hosts[0].core, &(struct rn_core_policy_new){.text = POLICY, .size = sizeof(POLICY) - 1},
			   world_done, &d);
	world_run(w);
	setenv("JOURNAL_STREAM", "1:2", 1);
	rn_log_setup("core", RN_LOG_INFO);
	return d.code;
}

static struct rn_event telnet(void)
{
	return (struct rn_event){.generation = 7,
				 .source = {{0xfd, 0x77, [15] = 2}},
				 .destination = rn_addr_from_v4(0x0a4d0001),
				 .source_port = htons(40000),
				 .destination_port = htons(23),
				 .source_number = 2,
				 .destination_number = 3,
				 .rule = 1,
				 .reason = RN_DENY_RULE,
				 .protocol = IPPROTO_TCP,
				 .source_trust = 42,
				 .flags = RN_EVENT_LOG};
}

static void a_line(void **state)
{
	struct rn_event e = telnet();
	assert_string_equal(said(*state, &e, sizeof(e)),
			    "<5>core: denied by rule no-telnet: hub -> laptop tcp:23, source trust 42, policy "
			    "generation 7\n");
	e.reason = RN_ALLOWED;
	e.protocol = IPPROTO_UDP;
	e.destination_port = htons(65535);
	assert_string_equal(said(*state, &e, sizeof(e)),
			    "<5>core: allowed by rule no-telnet: hub -> laptop udp:65535, source trust 42, policy "
			    "generation 7\n");
	e.reason = RN_DENY_RULE;
	e.generation = UINT64_MAX;
	e.source_trust = 0;
	for (unsigned i = 0; i < 2; i++) { /* what follows the colon of ports is no port */
		e.protocol = i ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		assert_string_equal(said(*state, &e, sizeof(e)),
				    "<5>core: denied by rule no-telnet: hub -> laptop icmp, source trust 0, policy "
				    "generation 18446744073709551615\n");
	}
	e.protocol = 47;
	e.generation = 1;
	assert_string_equal(
	    said(*state, &e, sizeof(e)),
	    "<5>core: denied by rule no-telnet: hub -> laptop 47, source trust 0, policy generation 1\n");
}

static void who_has_no_name_is_an_address(void **state)
{
	struct rn_event e = telnet();
	e.source_number = 0;
	e.destination_number = 999;
	assert_string_equal(said(*state, &e, sizeof(e)),
			    "<5>core: denied by rule no-telnet: fd77::2 -> 10.77.0.1 tcp:23, source trust 42, policy "
			    "generation 7\n");
	e.rule = 999; /* of a policy that is not here any more */
	assert_string_equal(said(*state, &e, sizeof(e)),
			    "<5>core: denied by rule : fd77::2 -> 10.77.0.1 tcp:23, source trust 42, policy "
			    "generation 7\n");
}

static void who_does_not_log_is_not_there(void **state)
{
	struct rn_event e[3] = {telnet(), telnet(), telnet()};
	e[0].flags = 0;
	e[1].destination_port = htons(24);
	said(*state, e, sizeof(e) - 1); /* the last one is not whole */
	assert_non_null(strstr(lines, "tcp:24,"));
	assert_ptr_equal(strchr(lines, '\n'), strrchr(lines, '\n'));
}

/* Whoever floods does not fill the disk: a burst, then one in 10 ms; in between the events are in `rnaut flows`. */
static void a_flood(void **state)
{
	struct world *w = *state;
	struct rn_event e[600];
	unsigned count = 0;
	for (unsigned i = 0; i < 600; i++)
		e[i] = telnet();
	said(w, e, sizeof(e));
	for (const char *at = lines; (at = strchr(at, '\n')); at++)
		count++;
	assert_int_equal(count, 500);
	assert_string_equal(said(w, e, sizeof(e)), "");
	w->now_ms += 10;
	said(w, e, sizeof(e));
	assert_true(*lines && strchr(lines, '\n') == strrchr(lines, '\n'));
}

/* Names come from signed records, and such a record is taken by nobody. */
static void a_name_of_two_lines(void **state)
{
	static const char *const names[] = {"a\nb", "a\x1b[2J", "a b", "", "\xe2\x80\xae"};
	static const uint8_t seed[RN_KEY_SIZE] = {7};
	struct world *w = *state;
	struct rn_record_head head = {.epoch = 1, .version = 1 << 20, .issued = 1};
	struct rn_ledger *ledger = rn_ledger_new();
	static uint8_t blob[RN_RECORD_SIZE_MAX];
	struct rn_device_record d = rn_ledger_device(world_books(&w->hosts[0])->ledger, 3)->record;
	struct rn_ledger_entry *entry;
	int size = rn_record_put_device(&head, &d, seed, blob, sizeof(blob));
	uint8_t *name = size > 0 ? memmem(blob, (size_t)size, "laptop", 6) : NULL;
	assert_non_null(name);
	assert_int_equal(rn_ledger_take(ledger, blob, (size_t)size, &entry), 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(d.name, sizeof(d.name), "%s", names[i]);
		assert_int_equal(rn_record_put_device(&head, &d, seed, blob, sizeof(blob)), -EINVAL);
	}
	/* Nor where whoever signs has been captured. */
	name[3] = '\n';
	head.version++;
	assert_int_equal(rn_ledger_take(ledger, blob, (size_t)size, &entry), -EBADMSG);
	rn_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_line, set_up, world_gone),
	    cmocka_unit_test_setup_teardown(who_has_no_name_is_an_address, set_up, world_gone),
	    cmocka_unit_test_setup_teardown(who_does_not_log_is_not_there, set_up, world_gone),
	    cmocka_unit_test_setup_teardown(a_flood, set_up, world_gone),
	    cmocka_unit_test_setup_teardown(a_name_of_two_lines, world_of_three, world_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
