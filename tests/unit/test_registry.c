/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's books: addresses, identities that only become finer, changes that happen whole or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/core_numbering.h"
#include "service/core_policies.h"
#include "service/core_registry.h"

#define NOW 1800000000

struct fixture {
	char dir[64], path[96];
	struct rn_books books;
	struct rn_err err;
};

static void begin(struct fixture *f, struct rn_change *c)
{
	assert_int_equal(rn_change_begin(c, &f->books, NOW, &f->err), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rn_network network = {.lease_seconds = RN_LEASE_SECONDS};
	struct rn_change c;
	uint32_t everyone;
	assert_int_equal(rn_crypto_start(), 0);
	snprintf(f->dir, sizeof(f->dir), "/tmp/rn-registry-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/core.db", f->dir);
	assert_int_equal(rn_store_open(f->path, true, &f->books.store, &f->err), 0);
	f->books.ledger = rn_ledger_new();
	f->books.epoch = 1;
	assert_int_equal(rn_numbering_open(&f->books, 0, &f->err), 0);
	memset(f->books.policy_seed, 5, RN_KEY_SIZE);
	assert_int_equal(rn_prefix_parse("fd00:1:2::/48", &network.ipv6), 0);
	assert_int_equal(rn_prefix_parse("10.9.8.0/24", &network.ipv4), 0);
	begin(f, &c);
	assert_int_equal(rn_store_add_selector(f->books.store, "everyone", &everyone, &f->err), 0);
	assert_int_equal(rn_change_network(&c, &network), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	*state = f;
	return 0;
}

static void close_books(struct fixture *f)
{
	rn_numbering_close(&f->books);
	rn_store_close(f->books.store);
	rn_prefixes_done(&f->books.prefixes);
	rn_ledger_free(f->books.ledger);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close_books(f);
	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int add_in(struct rn_change *c, const char *name, const char *owner, const char *tags,
		  struct rn_device_record *ret)
{
	struct rn_new_device d = {.kind = RN_KIND_DESKTOP, .hub = 99, .trust = 50, .tags = tags};
	snprintf(d.name, sizeof(d.name), "%s", name);
	snprintf(d.owner_name, sizeof(d.owner_name), "%s", owner);
	rn_random(d.noise_key, RN_KEY_SIZE);
	rn_random(d.wireguard_key, RN_KEY_SIZE);
	if (owner[0])
		assert_int_equal(rn_store_user(c->books->store, owner, NOW, &d.owner, c->err), 0);
	return rn_registry_add(c, &d, ret);
}

static struct rn_device_record add(struct fixture *f, const char *name, const char *owner, const char *tags)
{
	struct rn_device_record r;
	struct rn_change c;
	begin(f, &c);
	assert_int_equal(add_in(&c, name, owner, tags, &r), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	return r;
}

static const struct rn_device_record *get(struct fixture *f, const char *name)
{
	return &rn_ledger_by_name(f->books.ledger, name)->record;
}

static uint64_t newest(struct fixture *f)
{
	return rn_ledger_newest(f->books.ledger)->version;
}

static void numbers_and_addresses(void **state)
{
	struct fixture *f = *state;
	char text[RN_ADDR_TEXT];
	struct rn_device_record a = add(f, "a", "alice", ""), b = add(f, "b", "alice", "");
	assert_int_equal(a.number, 1);
	assert_int_equal(b.number, 2);
	assert_string_equal(rn_addr_format(&b.ipv4, text), "10.9.8.2");
	assert_string_equal(rn_addr_format(&b.ipv6, text), "fd00:1:2::2");
	assert_int_equal(a.owner, b.owner);
	assert_ptr_equal(rn_ledger_by_address(f->books.ledger, &b.ipv4), rn_ledger_device(f->books.ledger, 2));
	assert_null(rn_ledger_by_noise_key(f->books.ledger, (const uint8_t[RN_KEY_SIZE]){0}));
}

static void an_aborted_change_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct rn_device_record r;
	struct rn_change c;
	uint64_t before = newest(f);
	begin(f, &c);
	assert_int_equal(add_in(&c, "a", "", "t\n", &r), 0);
	rn_change_abort(&c);
	assert_int_equal(newest(f), before);
	assert_null(rn_ledger_by_name(f->books.ledger, "a"));
	assert_int_equal(add(f, "a", "", "t\n").number, 1);
	begin(f, &c);
	assert_int_equal(add_in(&c, "a", "", "", &r), -EEXIST);
	rn_change_abort(&c);
	assert_non_null(strstr(f->err.text, "exists"));
}

static void addresses_run_out(void **state)
{
	struct fixture *f = *state;
	struct rn_device_record r;
	struct rn_change c;
	begin(f, &c);
	assert_int_equal(rn_store_set_number(f->books.store, "device", 253, &f->err), 0);
	assert_int_equal(add_in(&c, "last", "", "", &r), 0);
	assert_int_equal(add_in(&c, "toomuch", "", "", &r), -ENOSPC);
	rn_change_abort(&c);
	assert_non_null(strstr(f->err.text, "no address"));
}

static void put_policy(struct fixture *f, const char *text)
{
	struct rn_policy_held held = {0};
	struct rn_change c;
	begin(f, &c);
	if (rn_policy_put(&c, text, strlen(text), &held))
		fail_msg("%s", f->err.text);
	assert_int_equal(rn_change_commit(&c), 0);
	rn_policy_held_done(&held);
}

#define RULE(source, destination)                                                                                      \
	"{\"tags\": [\"db\", \"web\"], \"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": "       \
	"[\"" source "\"], \"destination_criteria\": [\"" destination "\"]}]}"

static void identities_become_finer_before_the_policy(void **state)
{
	struct fixture *f = *state;
	add(f, "a", "alice", "db\n");
	add(f, "b", "bob", "db\n");
	add(f, "c", "alice", "");
	assert_int_equal(get(f, "a")->identity, get(f, "c")->identity);
	assert_int_equal(get(f, "a")->selector_count, 1);
	put_policy(f, RULE("user:alice", "tag:db"));
	/* a: everyone, alice, db; b: everyone, db; c: everyone, alice. */
	assert_int_equal(get(f, "a")->selector_count, 3);
	assert_int_equal(get(f, "b")->selector_count, 2);
	assert_int_equal(get(f, "c")->selector_count, 2);
	assert_int_not_equal(get(f, "a")->identity, get(f, "c")->identity);
	assert_int_not_equal(get(f, "b")->identity, get(f, "c")->identity);
	const struct rn_ledger_entry *policy = rn_ledger_policy(f->books.ledger);
	assert_ptr_equal(policy, rn_ledger_newest(f->books.ledger));
	for (unsigned i = 0; i < 3; i++)
		assert_true(rn_ledger_at(f->books.ledger, i)->version < policy->version);
	/* A policy that names less makes nothing coarser, and one that names nothing new signs nothing but itself. */
	uint32_t identity = get(f, "a")->identity;
	uint64_t before = newest(f);
	put_policy(f, RULE("everyone", "user:alice"));
	assert_int_equal(get(f, "a")->identity, identity);
	assert_int_equal(newest(f), before + 1);
	assert_string_equal(rn_ledger_rule(f->books.ledger, 1), "r");
	assert_string_equal(rn_ledger_rule(f->books.ledger, 2), "");
	/* A device that comes later has the selectors that are known by then. */
	assert_int_equal(add(f, "d", "alice", "db\nweb\n").selector_count, 3);
	assert_int_equal(get(f, "d")->identity, identity);
}

/* A set is of the prefixes of the policy in force and of the one that takes its place, and of none before. */
static void prefixes_are_those_of_the_policy(void **state)
{
	struct fixture *f = *state;
	add(f, "a", "alice", "");
	add(f, "b", "bob", "");
	put_policy(f, RULE("prefix:10.9.8.2/32", "everyone"));
	assert_int_equal(get(f, "a")->selector_count, 1);
	assert_int_equal(get(f, "b")->selector_count, 2);
	put_policy(f, RULE("host:fd00:1:2::1", "prefix:10.9.8.0/24"));
	assert_int_equal(get(f, "a")->selector_count, 3);
	assert_int_equal(get(f, "b")->selector_count, 3);
	put_policy(f, RULE("everyone", "prefix:10.9.8.0/24"));
	put_policy(f, RULE("everyone", "prefix:10.9.8.0/24"));
	assert_int_equal(get(f, "a")->selector_count, 2);
	assert_int_equal(get(f, "b")->selector_count, 2);
	assert_int_equal(get(f, "a")->identity, get(f, "b")->identity);
	/* One that comes later is in it too. */
	assert_int_equal(add(f, "c", "", "").selector_count, 2);
}

static void a_device_is_meant_by_type_and_management(void **state)
{
	struct fixture *f = *state;
	add(f, "a", "alice", "");
	put_policy(f, RULE("type:server", "type:desktop"));
	assert_int_equal(get(f, "a")->selector_count, 2);
	put_policy(f, "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"], "
		      "\"destination_criteria\": [\"everyone\"], \"conditions\": {\"source_managed\": true, "
		      "\"destination_managed\": false, \"destination_types\": [\"iot\"]}}]}");
	assert_int_equal(get(f, "a")->selector_count, 3);
}

static int refused(struct fixture *f, const char *text)
{
	struct rn_policy_held held = {0};
	struct rn_change c;
	begin(f, &c);
	int rc = rn_policy_put(&c, text, strlen(text), &held);
	rn_policy_held_done(&held);
	rn_change_abort(&c);
	return rc;
}

static void a_device_of_too_many_criteria_is_named(void **state)
{
	struct fixture *f = *state;
	char text[4096], prefix[RN_PREFIX_TEXT];
	struct rn_prefix p;
	size_t at;
	add(f, "a", "alice", "");
	uint64_t before = newest(f);
	at = (size_t)snprintf(text, sizeof(text),
			      "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", "
			      "\"destination_criteria\": [\"everyone\"], \"source_criteria\": [");
	for (unsigned bits = 1; bits <= 32; bits++) {
		assert_int_equal(rn_addr_parse("10.9.8.1", &p.addr), 0);
		p.bits = (uint8_t)(96 + bits);
		p.addr = rn_prefix_host(&p, 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\"prefix:%s\", ", rn_prefix_format(&p, prefix));
	}
	snprintf(text + at, sizeof(text) - at, "]}]}");
	assert_int_equal(refused(f, text), -EMSGSIZE);
	assert_non_null(strstr(f->err.text, "the device a would be meant by more than 32 criteria"));
	assert_int_equal(newest(f), before);
}

static void a_policy_whose_tests_fail_is_refused(void **state)
{
	struct fixture *f = *state;
	add(f, "a", "alice", "");
	assert_int_equal(
	    refused(f, "{\"rules\": [], \"tests\": [{\"id\": \"t\", \"source\": {\"device\": \"a\"}, "
		       "\"destination\": {\"user\": \"alice\"}, \"services\": [\"tcp:22\"], \"expect\": \"allow\"}]}"),
	    -EINVAL);
	assert_non_null(strstr(f->err.text, "the test \"t\" fails: tcp:22 is denied"));
	assert_int_equal(
	    refused(f, "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": [\"everyone\"], "
		       "\"destination_criteria\": [\"same-owner\"]}], \"tests\": [{\"id\": \"t\", \"source\": "
		       "{\"device\": \"a\"}, \"destination\": {\"user\": \"alice\"}, \"services\": [\"tcp:22\"], "
		       "\"expect\": \"allow\"}]}"),
	    0);
}

static struct rn_policy_record policy_of(struct fixture *f)
{
	const struct rn_ledger_entry *entry = rn_ledger_policy(f->books.ledger);
	struct rn_policy_record policy;
	assert_int_equal(rn_record_get_policy(entry->blob, entry->size, &policy), 0);
	return policy;
}

/* Every device's own version is good enough for the policy, and the one before it is not. */
static void policy_needs(struct fixture *f, unsigned need_count)
{
	const struct rn_ledger_entry *entry;
	struct rn_policy_record policy = policy_of(f);
	assert_int_equal(policy.need_count, need_count);
	for (unsigned i = 0; (entry = rn_ledger_at(f->books.ledger, i)); i++)
		assert_true(rn_policy_record_need(&policy, entry->device) <= entry->version);
	rn_policy_record_done(&policy);
}

static void a_policy_lists_devices_that_changed(void **state)
{
	struct fixture *f = *state;
	struct rn_change c;
	add(f, "a", "alice", "db\n");
	add(f, "b", "bob", "");
	put_policy(f, RULE("everyone", "everyone"));
	policy_needs(f, 0);
	assert_int_equal(get(f, "a")->policy, 0);
	uint64_t first = rn_ledger_policy(f->books.ledger)->version,
		 old = rn_ledger_device(f->books.ledger, 1)->version;
	put_policy(f, RULE("everyone", "tag:db"));
	policy_needs(f, 1);
	struct rn_policy_record policy = policy_of(f);
	assert_true(rn_policy_record_need(&policy, 1) > old);
	rn_policy_record_done(&policy);
	/* Signed in the same change, so under the policy before. */
	assert_int_equal(get(f, "a")->policy, first);
	struct rn_device_record b = *get(f, "b");
	begin(f, &c);
	b.trust = 9;
	assert_int_equal(rn_change_device(&c, &b), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	assert_int_equal(get(f, "b")->policy, rn_ledger_policy(f->books.ledger)->version);
	put_policy(f, RULE("everyone", "tag:db"));
	policy_needs(f, 2);
}

/* More than RN_NEEDS_MAX devices that changed: all are signed once more, and the list begins anew. */
static void a_full_list_signs_all_again(void **state)
{
	struct fixture *f = *state;
	struct rn_network network = {.lease_seconds = RN_LEASE_SECONDS};
	struct rn_device_record r;
	struct rn_change c;
	char name[16];
	assert_int_equal(rn_prefix_parse("fd00:1:2::/48", &network.ipv6), 0);
	begin(f, &c);
	assert_int_equal(rn_change_network(&c, &network), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	begin(f, &c);
	assert_int_equal(rn_store_set_number(f->books.store, "device", 1000, &f->err), 0);
	for (unsigned i = 0; i < RN_NEEDS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		assert_int_equal(add_in(&c, name, "", i < RN_NEEDS_MAX ? "db\n" : "web\n", &r), 0);
	}
	assert_int_equal(rn_change_commit(&c), 0);
	put_policy(f, RULE("everyone", "tag:db"));
	policy_needs(f, RN_NEEDS_MAX);
	uint64_t before = newest(f);
	put_policy(f, RULE("everyone", "tag:web"));
	policy_needs(f, 0);
	struct rn_policy_record policy = policy_of(f);
	assert_true(policy.since > before);
	assert_int_equal(rn_policy_record_need(&policy, 1001), policy.since);
	rn_policy_record_done(&policy);
	assert_int_equal(get(f, "d3")->selector_count, 2);
	r = *get(f, "d3");
	begin(f, &c);
	assert_int_equal(rn_change_device(&c, &r), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	put_policy(f, RULE("everyone", "tag:web"));
	policy_needs(f, 1);
}

static void a_policy_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct rn_policy_held held = {0};
	struct rn_change c;
	uint32_t number;
	const char *text = RULE("user:zoe", "tag:nosuch");
	add(f, "a", "zoe", "");
	uint64_t before = newest(f);
	begin(f, &c);
	assert_true(rn_policy_put(&c, text, strlen(text), &held) < 0);
	rn_change_abort(&c);
	assert_int_equal(newest(f), before);
	assert_int_equal(rn_store_selector(f->books.store, "user:zoe", &number, &f->err), -ENOENT);
}

static void everything_is_there_after_a_restart(void **state)
{
	struct fixture *f = *state;
	add(f, "a", "alice", "db\n");
	put_policy(f, RULE("user:alice", "tag:db"));
	struct rn_device_record a = *get(f, "a");
	uint64_t version = newest(f);
	close_books(f);
	assert_int_equal(rn_store_open(f->path, false, &f->books.store, &f->err), 0);
	f->books.ledger = rn_ledger_new();
	assert_int_equal(rn_ledger_load(f->books.ledger, f->books.store, &f->err), 0);
	assert_int_equal(rn_numbering_open(&f->books, 0, &f->err), 0);
	assert_int_equal(newest(f), version);
	assert_memory_equal(get(f, "a"), &a, sizeof(a));
	struct rn_policy_held held;
	assert_int_equal(rn_policy_load(&f->books, &held, &f->err), 0);
	assert_int_equal(held.about.version, version);
	assert_int_equal(held.model->rule_count, 1);
	rn_policy_held_done(&held);
	assert_int_equal(get(f, "a")->identity, a.identity);
	/* With whom everything is the same it is one identity, and one record; with whom not, one more. */
	assert_int_equal(add(f, "b", "alice", "db\n").identity, a.identity);
	assert_true(newest(f) > version);
	assert_int_not_equal(add(f, "c", "alice", "").identity, a.identity);
}

static void records_are_signed_and_old_ones_are_not_taken(void **state)
{
	struct fixture *f = *state;
	uint8_t public[RN_KEY_SIZE], old[2048];
	struct rn_record_head head;
	struct rn_ledger_entry *entry;
	struct rn_change c;
	add(f, "a", "", "");
	const struct rn_ledger_entry *first = rn_ledger_device(f->books.ledger, 1);
	size_t size = first->size;
	memcpy(old, first->blob, size);
	rn_ed25519_public(f->books.policy_seed, public);
	assert_int_equal(rn_record_verify(old, size, public, &head), 0);
	assert_int_equal(head.epoch, 1);
	struct rn_device_record r = first->record;
	r.trust = 1;
	begin(f, &c);
	assert_int_equal(rn_change_device(&c, &r), 0);
	assert_int_equal(rn_change_commit(&c), 0);
	assert_int_equal(get(f, "a")->trust, 1);
	assert_int_equal(rn_ledger_take(f->books.ledger, old, size, &entry), -ESTALE);
	old[40] ^= 1;
	assert_int_equal(rn_record_verify(old, size, public, &head), -EBADMSG);
	assert_int_equal(rn_ledger_take(f->books.ledger, old, 10, &entry), -EBADMSG);
	rn_ledger_remove(f->books.ledger, 1);
	rn_ledger_remove(f->books.ledger, 1);
	assert_int_equal(rn_ledger_count(f->books.ledger), 0);
}

static void tags_are_checked(void **state)
{
	struct fixture *f = *state;
	const char *tags[RN_TAGS_MAX + 1];
	char out[2048];
	for (int i = 0; i <= RN_TAGS_MAX; i++)
		tags[i] = "a-tag-with-the-longest-name-that-there-can-be-0123456789-01234567";
	assert_int_equal(rn_registry_join_tags(tags, RN_TAGS_MAX + 1, out, sizeof(out), &f->err), -EINVAL);
	assert_int_equal(rn_registry_join_tags((const char *[]){"a", "b"}, 2, out, sizeof(out), &f->err), 0);
	assert_string_equal(out, "a\nb\n");
	assert_int_equal(rn_registry_join_tags((const char *[]){"a\nb"}, 1, out, sizeof(out), &f->err), -EINVAL);
	assert_int_equal(rn_registry_join_tags(NULL, 0, out, sizeof(out), &f->err), 0);
	assert_string_equal(out, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(numbers_and_addresses),
	    T(an_aborted_change_leaves_nothing),
	    T(addresses_run_out),
	    T(identities_become_finer_before_the_policy),
	    T(prefixes_are_those_of_the_policy),
	    T(a_device_is_meant_by_type_and_management),
	    T(a_device_of_too_many_criteria_is_named),
	    T(a_policy_whose_tests_fail_is_refused),
	    T(a_policy_lists_devices_that_changed),
	    T(a_full_list_signs_all_again),
	    T(a_policy_that_fails_leaves_nothing),
	    T(everything_is_there_after_a_restart),
	    T(records_are_signed_and_old_ones_are_not_taken),
	    T(tags_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
