/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/issuance.h"
#include "proto/message.h"
#include "service/ca_create.h"
#include "service/ca_issue.h"
#include "sys/files.h"

#define NOW 1790000000ll
#define RECORD (RN_ISSUANCE_ENTRY_SIZE + 16)

struct network {
	char dir[64], ca_dir[80], journal[96];
	struct rn_ca_created created;
	struct rn_ca *ca;
	uint32_t id;
	int64_t now, now_ms;
};

struct device {
	uint8_t seed[RN_KEY_SIZE]; /* of its token */
	uint64_t token;
	uint8_t key[RN_KEY_SIZE];
	enum rn_kind kind;
	const char *name;
};

static int open_again(struct network *n)
{
	rn_ca_free(n->ca);
	n->ca = NULL;
	return rn_ca_open(n->ca_dir, n->created.root_public, n->now, &n->ca, NULL);
}

static struct network *network_make(void)
{
	struct network *n = calloc(1, sizeof(*n));
	struct rn_owner self = {geteuid(), getegid()};
	struct rn_ca_create create = {.dir = n->dir, .name = "gateway", .owners = {self, self, self, self}, .now = NOW};
	struct rn_err err = {""};

	strcpy(n->dir, "/tmp/rnaut-test-ca-XXXXXX");
	assert_non_null(mkdtemp(n->dir));
	if (rn_ca_create(&create, &n->created, &err) < 0)
		fail_msg("%s", err.text);
	snprintf(n->ca_dir, sizeof(n->ca_dir), "%s/ca", n->dir);
	snprintf(n->journal, sizeof(n->journal), "%s/journal", n->ca_dir);
	n->now = NOW;
	n->now_ms = 1000000;
	assert_int_equal(open_again(n), 0);
	return n;
}

static void network_free(struct network *n)
{
	static const char *const files[] = {"net/noise.key",  "net/leaf.der",	"net/issuer.der", "kern/wireguard.key",
					    "ca/issuing.key", "ca/issuing.der", "ca/journal",	  "root/root.key",
					    "root/root.der",  "anchor",		"self.json",	  "format"};
	static const char *const dirs[] = {"net", "kern", "ca", "root"};
	char path[160];

	rn_ca_free(n->ca);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", n->dir, files[i]);
		unlink(path);
	}
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", n->dir, dirs[i]);
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(rmdir(n->dir), 0);
	free(n);
}

static struct rn_local handle(struct network *n, struct rn_local request)
{
	struct rn_local answer;

	request.number = ++n->id;
	assert_int_equal(rn_ca_handle(n->ca, &request, n->now, n->now_ms, &answer), 0);
	assert_int_equal(answer.type, RN_LOCAL_CA_ANSWER);
	assert_int_equal(answer.number, n->id);
	assert_true(answer.code == 0 || answer.text[0]);
	assert_true(answer.code == 0 || !answer.block);
	return answer;
}

static struct device device_make(uint64_t token, const char *name)
{
	struct device d = {.token = token, .kind = RN_KIND_DESKTOP, .name = name};

	rn_random(d.seed, sizeof(d.seed));
	rn_random(d.key, sizeof(d.key));
	return d;
}

static int token_for(struct network *n, const struct device *d, const char *name, int64_t life)
{
	struct rn_local request = {.type = RN_LOCAL_CA_TOKEN,
				   .token = d->token,
				   .role = (uint8_t)d->kind,
				   .expires = (uint64_t)(n->now + life)};

	rn_ed25519_public(d->seed, request.key2);
	snprintf(request.text, sizeof(request.text), "%s", name);
	return handle(n, request).code;
}

static size_t enroll_bytes(const struct device *d, uint8_t out[1024])
{
	struct rn_message message = {.type = RN_MESSAGE_ENROLL};
	uint8_t data[512];
	int size;

	message.enroll.token = d->token;
	message.enroll.role = (uint8_t)d->kind;
	snprintf(message.enroll.name, sizeof(message.enroll.name), "%s", d->name);
	memcpy(message.enroll.noise_key, d->key, RN_KEY_SIZE);
	size = rn_message_enroll_signed(&message.enroll, data, sizeof(data));
	rn_ed25519_sign(d->seed, data, (size_t)size, message.enroll.signature);
	size = rn_message_encode(&message, out, 1024);
	assert_true(size > 0);
	return (size_t)size;
}

static struct rn_local issue_as(struct network *n, const struct device *d, const uint8_t *sender)
{
	static uint8_t bytes[1024];
	struct rn_local request = {.type = RN_LOCAL_CA_ISSUE, .block = bytes, .block_size = enroll_bytes(d, bytes)};

	memcpy(request.key, sender, RN_KEY_SIZE);
	return handle(n, request);
}

static struct rn_local issue(struct network *n, const struct device *d)
{
	return issue_as(n, d, d->key);
}

static struct rn_local renew(struct network *n, const uint8_t *key, const uint8_t *der, size_t size)
{
	struct rn_local request = {.type = RN_LOCAL_CA_RENEW, .block = der, .block_size = size};

	memcpy(request.key, key, RN_KEY_SIZE);
	return handle(n, request);
}

static int revoke_key(struct network *n, const uint8_t *key)
{
	struct rn_local request = {.type = RN_LOCAL_CA_REVOKE};

	memcpy(request.key, key, RN_KEY_SIZE);
	return handle(n, request).code;
}

static struct rn_leaf read_leaf(struct network *n, const struct rn_local *answer)
{
	struct rn_issuer *issuer;
	struct rn_leaf leaf;

	assert_int_equal(rn_issuer_new(n->created.issuer, n->created.issuer_size, n->created.root_public, n->now,
				       &issuer), 0);
	assert_int_equal(rn_issuer_verify(issuer, answer->block, answer->block_size, n->now, 0, &leaf), 0);
	rn_issuer_free(issuer);
	return leaf;
}

static void test_issue(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(7, "laptop");
	struct rn_local answer;
	struct rn_leaf leaf;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	assert_int_equal(token_for(n, &d, "", 600), 0); /* core asks twice: the same token */
	answer = issue(n, &d);
	assert_int_equal(answer.code, 0);
	leaf = read_leaf(n, &answer);
	assert_string_equal(leaf.kind, "desktop");
	assert_string_equal(leaf.name, "laptop");
	assert_memory_equal(leaf.key, d.key, RN_KEY_SIZE);
	network_free(n);
}

static void test_created_files(void **state)
{
	static const char *const secrets[] = {"net/noise.key", "kern/wireguard.key", "ca/issuing.key", "root/root.key"};
	struct network *n = network_make();
	struct rn_ca_create create = {.dir = n->dir, .name = "gateway"};
	struct rn_anchor anchor = {.epoch = 1}, read;
	uint8_t wire[RN_ANCHOR_SIZE], noise[RN_KEY_SIZE], public[RN_KEY_SIZE];
	struct rn_ca *second;
	struct rn_err err = {""};
	char path[160];
	struct stat st;

	(void)state;
	for (unsigned i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", n->dir, secrets[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, RN_KEY_SIZE);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(stat(n->ca_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(path, sizeof(path), "%s/net/noise.key", n->dir);
	assert_int_equal(rn_file_read_exact(path, noise, sizeof(noise)), 0);
	rn_x25519_public(noise, public);
	assert_memory_equal(public, n->created.noise_key, RN_KEY_SIZE);
	memset(anchor.policy_public, 1, RN_KEY_SIZE);
	memset(anchor.box_public, 2, RN_KEY_SIZE);
	assert_int_equal(rn_ca_create_anchor(&create, 1, &anchor, &err), 0);
	snprintf(path, sizeof(path), "%s/anchor", n->dir);
	assert_int_equal(rn_file_read_exact(path, wire, sizeof(wire)), 0);
	assert_int_equal(rn_anchor_get(wire, sizeof(wire), n->created.fingerprint, &read), 0);
	assert_memory_equal(&read, &anchor, sizeof(read));
	/* two of them at once would be two journals */
	assert_int_equal(rn_ca_open(n->ca_dir, n->created.root_public, NOW, &second, &err), -EBUSY);
	network_free(n);
}

static void test_same_request_same_leaf(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(7, "laptop"), other = d;
	uint8_t first[RN_CERT_MAX];
	struct rn_local answer;
	size_t size;

	(void)state;
	assert_int_equal(token_for(n, &d, "laptop", 600), 0);
	answer = issue(n, &d);
	assert_int_equal(answer.code, 0);
	size = answer.block_size;
	memcpy(first, answer.block, size);
	for (unsigned i = 0; i < 3; i++) {
		n->now += 100;
		answer = issue(n, &d);
		assert_int_equal(answer.code, 0);
		assert_int_equal(answer.block_size, size);
		assert_memory_equal(answer.block, first, size);
		assert_int_equal(open_again(n), 0); /* killed after the journal, before the answer */
	}
	other.key[0] ^= 1; /* the token's holder tries another key */
	assert_int_equal(issue(n, &other).code, EALREADY);
	n->now = NOW + 600;
	assert_int_equal(issue(n, &d).code, EKEYEXPIRED);
	network_free(n);
}

static void test_hundred_uses_one_success(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(9, "laptop");
	unsigned good = 0, used = 0;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct device one = d;
		uint16_t code;

		rn_random(one.key, sizeof(one.key));
		code = issue(n, &one).code;
		good += code == 0;
		used += code == EALREADY;
	}
	assert_int_equal(good, 1);
	assert_int_equal(used, 99);
	network_free(n);
}

static void test_refusals(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(1, "laptop"), e;
	uint8_t other[RN_KEY_SIZE] = {1}, bytes[1024];
	struct rn_local request = {.type = RN_LOCAL_CA_ISSUE, .block = bytes};
	size_t size;

	(void)state;
	assert_int_equal(token_for(n, &d, "laptop", 600), 0);
	e = d;
	e.token = 2;
	assert_int_equal(issue(n, &e).code, ENOKEY);
	e = d;
	rn_random(e.seed, sizeof(e.seed));
	assert_int_equal(issue(n, &e).code, EKEYREJECTED);
	e = d;
	e.kind = RN_KIND_SERVER;
	assert_int_equal(issue(n, &e).code, EACCES);
	e = d;
	e.name = "server";
	assert_int_equal(issue(n, &e).code, EACCES);
	assert_int_equal(issue_as(n, &d, other).code, EKEYREJECTED);
	/* every single byte of the request counts */
	size = enroll_bytes(&d, bytes);
	request.block_size = size;
	memcpy(request.key, d.key, RN_KEY_SIZE);
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1;
		assert_int_not_equal(handle(n, request).code, 0);
		bytes[i] ^= 1;
		request.block_size = i;
		assert_int_equal(handle(n, request).code, EBADMSG);
		request.block_size = size;
	}
	n->now += 600;
	assert_int_equal(issue(n, &d).code, EKEYEXPIRED);
	n->now -= 1;
	assert_int_equal(issue(n, &d).code, 0);
	network_free(n);
}

static void test_token_rules(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(1, "laptop"), e = d;
	struct rn_local hello = {.type = RN_LOCAL_CA_HELLO}, answer;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 0), EINVAL);
	assert_int_equal(token_for(n, &d, "", 32 * 86400), EINVAL);
	assert_int_equal(token_for(n, &d, "No Name", 600), EINVAL);
	e.kind = RN_KIND_GATEWAY;
	assert_int_equal(token_for(n, &e, "", 600), EINVAL);
	e.kind = 99;
	assert_int_equal(token_for(n, &e, "", 600), EINVAL);
	e = d;
	e.token = 0;
	assert_int_equal(token_for(n, &e, "", 600), EINVAL);
	assert_int_equal(token_for(n, &d, "", 600), 0);
	rn_random(e.seed, sizeof(e.seed));
	e.token = d.token;
	assert_int_equal(token_for(n, &e, "", 600), EEXIST);
	assert_int_equal(rn_ca_handle(n->ca, &hello, n->now, n->now_ms, &answer), -EBADMSG);
	network_free(n);
}

static void test_renew(void **state)
{
	struct network *n = network_make(), *foreign = network_make();
	struct device d = device_make(1, "laptop");
	uint8_t der[RN_CERT_MAX], newer[RN_CERT_MAX];
	struct rn_local answer;
	struct rn_leaf first, second;
	size_t size;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	answer = issue(n, &d);
	first = read_leaf(n, &answer);
	size = answer.block_size;
	memcpy(der, answer.block, size);
	/* at once: the same */
	answer = renew(n, d.key, der, size);
	assert_int_equal(answer.code, 0);
	assert_memory_equal(answer.block, der, size);
	/* tomorrow: a new one, for seven days, and the old one still renews if that answer was lost */
	n->now += 86400;
	answer = renew(n, d.key, der, size);
	assert_int_equal(answer.code, 0);
	memcpy(newer, answer.block, answer.block_size);
	second = read_leaf(n, &answer);
	assert_int_equal(second.not_after, n->now + RN_LEAF_SECONDS);
	assert_memory_equal(second.key, d.key, RN_KEY_SIZE);
	assert_string_equal(second.name, "laptop");
	assert_true(memcmp(first.serial, second.serial, RN_SERIAL_SIZE));
	assert_int_equal(open_again(n), 0);
	answer = renew(n, d.key, der, size);
	assert_int_equal(answer.code, 0);
	assert_memory_equal(answer.block, newer, answer.block_size);
	/* long expired: allowed. Somebody else's, changed, or of another network: not */
	n->now += 60 * 86400;
	assert_int_equal(renew(n, d.key, der, size).code, 0);
	assert_int_equal(renew(n, n->created.noise_key, der, size).code, EKEYREJECTED);
	assert_int_equal(renew(n, d.key, der, size - 1).code, EBADMSG);
	assert_int_equal(renew(foreign, d.key, der, size).code, EBADMSG);
	/* the gateway's own */
	assert_int_equal(renew(n, n->created.noise_key, n->created.leaf, n->created.leaf_size).code, 0);
	network_free(n);
	network_free(foreign);
}

static void test_revoke(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(1, "laptop"), e = device_make(2, "laptop");
	uint8_t der[RN_CERT_MAX], zero[RN_KEY_SIZE] = {0};
	struct rn_local answer;
	size_t size;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	assert_int_equal(token_for(n, &e, "", 600), 0);
	answer = issue(n, &d);
	size = answer.block_size;
	memcpy(der, answer.block, size);
	assert_int_equal(revoke_key(n, zero), EINVAL);
	assert_int_equal(revoke_key(n, d.key), 0);
	assert_int_equal(revoke_key(n, d.key), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(renew(n, d.key, der, size).code, EKEYREVOKED);
		assert_int_equal(issue(n, &d).code, EKEYREVOKED);
		memcpy(e.key, d.key, RN_KEY_SIZE); /* the revoked key by another token */
		assert_int_equal(issue(n, &e).code, EKEYREVOKED);
		assert_int_equal(open_again(n), 0);
	}
	network_free(n);
}

static void test_key_under_another_name(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(1, "laptop"), e = device_make(2, "server");

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	assert_int_equal(token_for(n, &e, "", 600), 0);
	assert_int_equal(issue(n, &d).code, 0);
	memcpy(e.key, d.key, RN_KEY_SIZE);
	assert_int_equal(issue(n, &e).code, EEXIST);
	network_free(n);
}

static void test_rate(void **state)
{
	struct network *n = network_make();
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < RN_CA_BURST + 50; i++) {
		struct device d = device_make(100 + i, "laptop");
		uint16_t code;

		assert_int_equal(token_for(n, &d, "", 600), 0);
		code = issue(n, &d).code;
		assert_true(code == 0 || code == EAGAIN);
		good += code == 0;
	}
	assert_int_equal(good, RN_CA_BURST);
	n->now_ms += 60000;
	good = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct device d = device_make(1000 + i, "laptop");

		assert_int_equal(token_for(n, &d, "", 600), 0);
		good += issue(n, &d).code == 0;
	}
	assert_int_equal(good, RN_CA_PER_MINUTE);
	network_free(n);
}

static void put_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

/* The journal holds: the gateway's leaf, a token, the leaf of its device. It is cut at every byte, then bent at every one. */
static void test_torn_and_broken_journal(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(5, "laptop");
	uint8_t whole[4096];
	size_t size;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	assert_int_equal(issue(n, &d).code, 0);
	rn_ca_free(n->ca);
	n->ca = NULL;
	assert_int_equal(rn_file_read(n->journal, whole, sizeof(whole), &size), 0);
	assert_int_equal(size, 8 + 3 * RECORD);
	for (size_t cut = 0; cut <= size; cut++) {
		struct device other = d;
		struct stat st;

		put_file(n->journal, whole, cut);
		assert_int_equal(open_again(n), cut < 8 ? -EBADMSG : 0);
		if (cut < 8)
			continue;
		assert_int_equal(stat(n->journal, &st), 0);
		assert_int_equal(st.st_size, 8 + (cut - 8) / RECORD * RECORD);
		rn_random(other.key, sizeof(other.key));
		assert_int_equal(issue(n, &other).code, cut < 8 + 2 * RECORD ? ENOKEY : cut < size ? 0 : EALREADY);
		assert_int_equal(open_again(n), 0); /* and what was written behind the cut is good */
	}
	for (size_t at = 0; at < size; at++) {
		rn_ca_free(n->ca);
		n->ca = NULL;
		whole[at] ^= 0x10;
		put_file(n->journal, whole, size);
		/* the last record may be torn in place; anything before it is damage */
		assert_int_equal(open_again(n), at < 8 + 2 * RECORD ? -EBADMSG : 0);
		whole[at] ^= 0x10;
	}
	network_free(n);
}

/* Found by tests/fuzz/fuzz_journal.c: bytes behind the name were taken, and a kind that does not exist. */
static void test_an_entry_has_one_form(void **state)
{
	struct rn_issuance_entry entry = {.type = RN_ISSUANCE_ISSUED, .kind = RN_KIND_DESKTOP, .time = NOW, .name = "pc"};
	uint8_t record[RN_ISSUANCE_ENTRY_SIZE];

	(void)state;
	rn_issuance_put(&entry, record);
	assert_int_equal(rn_issuance_get(record, &entry), 0);
	record[RN_ISSUANCE_ENTRY_SIZE - 2] = 1;
	assert_int_equal(rn_issuance_get(record, &entry), -EBADMSG);
	record[RN_ISSUANCE_ENTRY_SIZE - 2] = 0;
	record[1] = 5;
	assert_int_equal(rn_issuance_get(record, &entry), -EBADMSG);
	entry.time = RN_MOMENT_MAX;
	rn_issuance_put(&entry, record);
	assert_int_equal(rn_issuance_get(record, &entry), 0);
	entry.time = RN_MOMENT_MAX + 1;
	rn_issuance_put(&entry, record);
	assert_int_equal(rn_issuance_get(record, &entry), -EBADMSG);
}

/* Found by tests/fuzz/fuzz_journal.c: the latest end that a token may have was counted past the end of time. */
static void test_a_token_near_the_end_of_time(void **state)
{
	struct rn_issuance *issuance = rn_issuance_new();
	struct rn_issuance_entry token = {
	    .type = RN_ISSUANCE_TOKEN, .kind = RN_KIND_DESKTOP, .token = 1, .time = INT64_MAX, .key = {1}};
	struct rn_err err = {""};

	(void)state;
	assert_non_null(issuance);
	assert_int_equal(rn_issuance_token(issuance, &token, INT64_MAX - 1, &err), 0);
	assert_int_equal(rn_issuance_token(issuance, &token, INT64_MAX - RN_ISSUANCE_TOKEN_SECONDS, &err), 0);
	assert_int_equal(rn_issuance_token(issuance, &token, INT64_MAX - RN_ISSUANCE_TOKEN_SECONDS - 1, &err), -EINVAL);
	assert_int_equal(rn_issuance_token(issuance, &token, INT64_MAX, &err), -EINVAL);
	rn_issuance_free(issuance);
}

/* A disk that is full in the middle of a record: refused, nothing half done, and it goes on when there is room. */
static void test_full_disk(void **state)
{
	struct network *n = network_make();
	struct device d = device_make(5, "laptop");
	struct rlimit limit, old;
	struct stat before, after;

	(void)state;
	assert_int_equal(token_for(n, &d, "", 600), 0);
	assert_int_equal(stat(n->journal, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (unsigned room = 0; room < RECORD; room += 7) {
		limit = old;
		limit.rlim_cur = (rlim_t)before.st_size + room;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_not_equal(issue(n, &d).code, 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(stat(n->journal, &after), 0);
		assert_int_equal(after.st_size, before.st_size);
	}
	assert_int_equal(issue(n, &d).code, 0);
	assert_int_equal(open_again(n), 0);
	assert_int_equal(issue(n, &d).code, 0);
	network_free(n);
}

static void test_damaged_state_is_refused(void **state)
{
	struct network *n = network_make();
	uint8_t key[RN_KEY_SIZE] = {7}, good[RN_KEY_SIZE];
	struct rn_err err = {""};
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/issuing.key", n->ca_dir);
	assert_int_equal(rn_file_read_exact(path, good, sizeof(good)), 0);
	put_file(path, key, sizeof(key));
	assert_int_equal(open_again(n), -EBADMSG); /* key and certificate differ */
	put_file(path, good, sizeof(good));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(rn_ca_open(n->ca_dir, n->created.root_public, NOW, &n->ca, &err), -EPERM);
	assert_non_null(strstr(err.text, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(rn_ca_open(n->ca_dir, key, NOW, &n->ca, &err), -EBADMSG); /* another root */
	assert_int_equal(rn_ca_open(n->ca_dir, n->created.root_public, NOW + 731 * 86400, &n->ca, &err), -EKEYEXPIRED);
	assert_int_equal(open_again(n), 0);
	network_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issue),
		cmocka_unit_test(test_created_files),
		cmocka_unit_test(test_same_request_same_leaf),
		cmocka_unit_test(test_hundred_uses_one_success),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_token_rules),
		cmocka_unit_test(test_renew),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_key_under_another_name),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_torn_and_broken_journal),
		cmocka_unit_test(test_an_entry_has_one_form),
		cmocka_unit_test(test_a_token_near_the_end_of_time),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_damaged_state_is_refused),
	};

	if (rn_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
