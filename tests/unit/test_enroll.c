/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/hello.h"
#include "proto/message.h"
#include "proto/session.h"
#include "service/enroll.h"
#include "sys/files.h"
#include "sys/udp.h"
#include "sys/x509.h"

/*
 * A gateway in a thread, real down to its UDP socket, that can be told to lie in one respect at a time. What must hold:
 * whoever is not the gateway of the token never gets a message, and no lie in an answer leaves a state behind.
 */
struct network {
	uint8_t root_seed[RN_KEY_SIZE], root_public[RN_KEY_SIZE], fingerprint[RN_SHA256_SIZE];
	uint8_t issuing_seed[RN_KEY_SIZE], issuing[RN_CERT_MAX], anchor[RN_ANCHOR_SIZE];
	size_t issuing_size;
	struct rn_issuer *issuer;
};

enum hello_lie { HONEST_HELLO, NO_HELLO, LEAF_ONLY, GARBAGE, OTHER_ISSUER, OTHER_ANCHOR, OTHER_NETWORK };
enum answer_lie {
	HONEST_ANSWER,
	REFUSES,
	BAD_BYTES,
	ANCHOR_OF_ANOTHER,
	LEAF_OF_ANOTHER_KEY,
	LEAF_OF_ANOTHER_NAME,
	LEAF_OF_ANOTHER_KIND,
	NO_NUMBER,
	NO_UPSTREAM,
	SILENT,
};

struct gateway {
	struct network *net, *other;
	uint8_t secret[RN_KEY_SIZE], public[RN_KEY_SIZE], token_public[RN_KEY_SIZE];
	const char *kind;
	const uint8_t *leaf_key; /* NULL: its own */
	int64_t leaf_from;
	enum hello_lie hello;
	enum answer_lie answer;

	struct rn_udp *udp;
	struct rn_sessions *sessions;
	pthread_t thread;
	atomic_bool stop;
	/* what it saw */
	atomic_uint datagrams, messages, good_requests;
	uint8_t request[1024];
	size_t request_size;
};

static struct network home, abroad;

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void network_make(struct network *n)
{
	uint8_t serial[RN_SERIAL_SIZE], public[RN_KEY_SIZE];
	struct rn_anchor anchor = {.epoch = 1};

	rn_random(n->root_seed, RN_KEY_SIZE);
	rn_random(n->issuing_seed, RN_KEY_SIZE);
	rn_ed25519_public(n->root_seed, n->root_public);
	rn_sha256(n->root_public, RN_KEY_SIZE, n->fingerprint);
	rn_ed25519_public(n->issuing_seed, public);
	rn_x509_serial(serial);
	n->issuing_size = (size_t)rn_x509_issuing(n->root_seed, public, serial, time(NULL) - 86400, n->issuing);
	assert_int_equal(rn_issuer_new(n->issuing, n->issuing_size, n->root_public, time(NULL), &n->issuer), 0);
	memcpy(anchor.root_public, n->root_public, RN_KEY_SIZE);
	rn_anchor_put(&anchor, n->root_seed, n->anchor);
}

static size_t leaf_make(const struct network *n, const uint8_t *key, const char *kind, const char *name, int64_t from,
			uint8_t out[RN_CERT_MAX])
{
	struct rn_leaf leaf = {.not_before = from};
	int size;

	rn_x509_serial(leaf.serial);
	memcpy(leaf.key, key, RN_KEY_SIZE);
	snprintf(leaf.kind, sizeof(leaf.kind), "%s", kind);
	snprintf(leaf.name, sizeof(leaf.name), "%s", name);
	size = rn_x509_leaf(n->issuer, n->issuing_seed, &leaf, out);
	assert_true(size > 0);
	return (size_t)size;
}

static bool admit(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size)
{
	struct gateway *g = context;
	const struct network *n = g->hello == OTHER_NETWORK ? g->other : g->net;
	uint8_t leaf[RN_CERT_MAX];
	struct rn_hello hello = {.leaf = leaf};
	int size;

	assert_int_equal(ask->size, 0); /* a stranger shows nothing */
	hello.leaf_size = leaf_make(n, g->leaf_key ? g->leaf_key : g->public, g->kind, "gateway", g->leaf_from, leaf);
	if (g->hello != LEAF_ONLY) {
		hello.issuer = g->hello == OTHER_ISSUER ? g->other->issuing : n->issuing;
		hello.issuer_size = g->hello == OTHER_ISSUER ? g->other->issuing_size : n->issuing_size;
		hello.anchor = g->hello == OTHER_ANCHOR ? g->other->anchor : n->anchor;
		hello.anchor_size = RN_ANCHOR_SIZE;
	}
	size = rn_hello_encode(&hello, ret_hello, RN_HELLO_MAX);
	assert_true(size > 0);
	if (g->hello == GARBAGE)
		memset(ret_hello, 0x5a, (size_t)size);
	*ret_size = g->hello == NO_HELLO ? 0 : (size_t)size;
	return true;
}

static size_t make_answer(struct gateway *g, const struct rn_message_enroll *enroll, uint8_t out[RN_MESSAGE_MAX])
{
	const struct network *n = g->answer == ANCHOR_OF_ANOTHER ? g->other : g->net;
	struct rn_message m = {.type = RN_MESSAGE_ENROLLED};
	uint8_t leaf[RN_CERT_MAX], key[RN_KEY_SIZE];
	int size;

	memcpy(key, enroll->noise_key, RN_KEY_SIZE);
	if (g->answer == LEAF_OF_ANOTHER_KEY)
		key[3] ^= 1;
	m.enrolled.leaf_size = leaf_make(n, key,
					 g->answer == LEAF_OF_ANOTHER_KIND ? "gateway" : rn_kind_name(enroll->role),
					 g->answer == LEAF_OF_ANOTHER_NAME ? "other" : enroll->name, time(NULL), leaf);
	m.enrolled.leaf = leaf;
	m.enrolled.issuer = n->issuing;
	m.enrolled.issuer_size = n->issuing_size;
	m.enrolled.anchor = n->anchor;
	m.enrolled.anchor_size = RN_ANCHOR_SIZE;
	m.enrolled.device = g->answer == NO_NUMBER ? 0 : 12;
	m.enrolled.hub = 1;
	memcpy(m.enrolled.upstream_key, g->public, RN_KEY_SIZE);
	if (g->answer != NO_UPSTREAM) {
		m.enrolled.upstream.addr = rn_addr_from_v4(0x7f000001);
		m.enrolled.upstream.port = rn_udp_port(g->udp);
	}
	if (g->answer == REFUSES) {
		m.enrolled = (struct rn_message_enrolled){.status = EALREADY};
		snprintf(m.enrolled.text, sizeof(m.enrolled.text), "this token\033[31m has been used already");
	}
	size = rn_message_encode(&m, out, RN_MESSAGE_MAX);
	assert_true(size > 0);
	if (g->answer == BAD_BYTES)
		out[size / 2] ^= 0xff;
	return (size_t)size;
}

static void on_message(struct gateway *g, const struct rn_session_event *event)
{
	static uint8_t answer[RN_MESSAGE_MAX];
	struct rn_message m;
	uint8_t data[512];
	int size;

	g->messages++;
	assert_int_equal(rn_message_decode(event->data, event->size, &m), 0);
	assert_int_equal(m.type, RN_MESSAGE_ENROLL);
	size = rn_message_enroll_signed(&m.enroll, data, sizeof(data));
	g->good_requests += !memcmp(m.enroll.noise_key, event->peer, RN_KEY_SIZE) &&
			    rn_ed25519_verify(g->token_public, data, (size_t)size, m.enroll.signature);
	memcpy(g->request, event->data, event->size);
	g->request_size = event->size;
	if (g->answer == SILENT)
		return;
	rn_sessions_send(g->sessions, clock_ms(), event->session, answer, make_answer(g, &m.enroll, answer));
}

static void on_event(void *context, const struct rn_session_event *event)
{
	if (event->type == RN_SESSION_MESSAGE)
		on_message(context, event);
}

static void send_datagram(void *context, const struct rn_endpoint *to, const uint8_t *data, size_t size)
{
	struct gateway *g = context;

	rn_udp_send(g->udp, to, data, size);
}

static void receive(void *context, const struct rn_endpoint *from, const uint8_t *data, size_t size)
{
	struct gateway *g = context;

	g->datagrams++;
	rn_sessions_receive(g->sessions, clock_ms(), from, data, size);
}

static void *serve(void *context)
{
	struct gateway *g = context;

	while (!g->stop) {
		struct pollfd p = {rn_udp_fd(g->udp), POLLIN, 0};

		if (poll(&p, 1, 10) > 0)
			rn_udp_receive(g->udp, receive, g);
		rn_sessions_tick(g->sessions, clock_ms());
		rn_udp_flush(g->udp);
	}
	return NULL;
}

struct attempt {
	struct gateway gateway;
	struct rn_enroll in;
	char dir[64];
	struct rn_self self;
	struct rn_err err;
};

static int unconfined(struct rn_err *err)
{
	(void)err;
	return 0;
}

static struct attempt *attempt_make(void)
{
	struct attempt *a = calloc(1, sizeof(*a));
	const struct rn_owner self = {geteuid(), getegid()};

	assert_non_null(a);
	a->gateway.net = &home;
	a->gateway.other = &abroad;
	a->gateway.kind = "gateway";
	a->gateway.leaf_from = time(NULL);
	rn_x25519_keypair(a->gateway.public, a->gateway.secret);
	strcpy(a->dir, "/tmp/rnaut-test-enroll-XXXXXX");
	assert_non_null(mkdtemp(a->dir));
	a->in = (struct rn_enroll){.dir = a->dir,
				   .kind = RN_KIND_DESKTOP,
				   .name = "laptop",
				   .owners = {self, self, self, self},
				   .timeout_ms = 4000,
				   .confine = unconfined};
	a->in.token.id = 77;
	rn_random(a->in.token.seed, RN_KEY_SIZE);
	rn_ed25519_public(a->in.token.seed, a->gateway.token_public);
	memcpy(a->in.token.fingerprint, home.fingerprint, RN_SHA256_SIZE);
	memcpy(a->in.token.gateway_key, a->gateway.public, RN_KEY_SIZE);
	return a;
}

static int attempt_run(struct attempt *a)
{
	struct gateway *g = &a->gateway;
	struct rn_sessions_config config = {
		.sessions_max = 16, .context = g, .send = send_datagram, .event = on_event, .admit = admit};
	int r;

	memcpy(config.static_secret, g->secret, RN_KEY_SIZE);
	assert_int_equal(rn_udp_open(0, &g->udp, NULL), 0);
	g->sessions = rn_sessions_new(&config);
	a->in.token.gateway.addr = rn_addr_from_v4(0x7f000001);
	a->in.token.gateway.port = rn_udp_port(g->udp);
	g->stop = false;
	assert_int_equal(pthread_create(&g->thread, NULL, serve, g), 0);
	r = rn_enroll(&a->in, &a->self, &a->err);
	g->stop = true;
	pthread_join(g->thread, NULL);
	rn_sessions_free(g->sessions);
	rn_udp_close(g->udp);
	return r;
}

static bool has(const struct attempt *a, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", a->dir, name);
	return stat(path, &st) == 0;
}

static void attempt_free(struct attempt *a)
{
	static const char *const names[] = {"net/noise.key", "net/leaf.der", "net/issuer.der", "kern/wireguard.key", "net",
					    "kern",	     "core",	     "anchor",	       "self.json",	     "format"};
	char path[128];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", a->dir, names[i]);
		if (unlink(path) < 0)
			rmdir(path);
	}
	assert_int_equal(rmdir(a->dir), 0);
	free(a);
}

static void test_enrols(void **state)
{
	struct attempt *a = attempt_make();
	uint8_t secret[RN_KEY_SIZE], public[RN_KEY_SIZE], der[RN_CERT_MAX], anchor[RN_ANCHOR_SIZE];
	char path[128];
	struct rn_leaf leaf;
	struct stat st;
	size_t size;

	(void)state;
	if (attempt_run(a) < 0)
		fail_msg("%s", a->err.text);
	assert_int_equal(a->gateway.messages, 1);
	assert_int_equal(a->gateway.good_requests, 1);
	assert_int_equal(a->self.device, 12);
	assert_int_equal(a->self.hub, 1);
	assert_false(a->self.gateway);
	assert_string_equal(a->self.name, "laptop");
	assert_memory_equal(a->self.upstream_key, a->gateway.public, RN_KEY_SIZE);
	snprintf(path, sizeof(path), "%s/net/noise.key", a->dir);
	assert_int_equal(rn_file_read_exact(path, secret, sizeof(secret)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	rn_x25519_public(secret, public);
	snprintf(path, sizeof(path), "%s/net/leaf.der", a->dir);
	assert_int_equal(rn_file_read(path, der, sizeof(der), &size), 0);
	assert_int_equal(rn_issuer_verify(home.issuer, der, size, time(NULL), 0, &leaf), 0);
	assert_memory_equal(leaf.key, public, RN_KEY_SIZE);
	assert_string_equal(leaf.kind, "desktop");
	snprintf(path, sizeof(path), "%s/anchor", a->dir);
	assert_int_equal(rn_file_read_exact(path, anchor, sizeof(anchor)), 0);
	assert_memory_equal(anchor, home.anchor, sizeof(anchor));
	assert_true(has(a, "kern/wireguard.key") && has(a, "net/issuer.der") && has(a, "self.json") && has(a, "format") &&
		    has(a, "core"));
	attempt_free(a);
}

static void test_hub_belongs_to_itself(void **state)
{
	struct attempt *a = attempt_make();

	(void)state;
	a->in.kind = RN_KIND_REGIONAL;
	a->in.wireguard.addr = a->in.control.addr = rn_addr_from_v4(0xc0000201);
	a->in.wireguard.port = 51820;
	a->in.control.port = 51821;
	assert_int_equal(attempt_run(a), 0);
	assert_int_equal(a->self.hub, 12);
	attempt_free(a);
}

/* The one that has another key learns nothing but that somebody called. */
static void test_impostor_with_another_key(void **state)
{
	struct attempt *a = attempt_make();

	(void)state;
	a->in.token.gateway_key[0] ^= 1;
	a->in.timeout_ms = 2500;
	assert_int_equal(attempt_run(a), -ETIMEDOUT);
	assert_non_null(strstr(a->err.text, "no gateway with this token's key"));
	assert_true(a->gateway.datagrams > 0);
	assert_int_equal(a->gateway.messages, 0);
	assert_false(has(a, "self.json"));
	attempt_free(a);
}

static void test_nobody_there(void **state)
{
	struct attempt *a = attempt_make();

	(void)state;
	a->in.timeout_ms = 1000;
	a->in.token.gateway.addr = rn_addr_from_v4(0x7f000001);
	a->in.token.gateway.port = 9;
	assert_int_equal(rn_enroll(&a->in, &a->self, &a->err), -ETIMEDOUT);
	attempt_free(a);
}

/* The right Noise key, and something wrong about what it shows: stolen key, other certificate, other root. */
static void test_impostors_with_the_right_key(void **state)
{
	static const uint8_t other_key[RN_KEY_SIZE] = {9};
	const struct {
		enum hello_lie hello;
		const char *kind;
		const uint8_t *leaf_key;
		int64_t age;
		int want;
	} cases[] = {
		{NO_HELLO, "gateway", NULL, 0, -EKEYREJECTED},
		{LEAF_ONLY, "gateway", NULL, 0, -EKEYREJECTED},
		{GARBAGE, "gateway", NULL, 0, -EKEYREJECTED},
		{OTHER_ISSUER, "gateway", NULL, 0, -EKEYREJECTED},
		{OTHER_ANCHOR, "gateway", NULL, 0, -EKEYREJECTED},
		{OTHER_NETWORK, "gateway", NULL, 0, -EKEYREJECTED},
		{HONEST_HELLO, "desktop", NULL, 0, -EKEYREJECTED},
		{HONEST_HELLO, "regional", NULL, 0, -EKEYREJECTED},
		{HONEST_HELLO, "gateway", other_key, 0, -EKEYREJECTED},
		{HONEST_HELLO, "gateway", NULL, RN_LEAF_SECONDS + 3600, -EKEYEXPIRED},
		{HONEST_HELLO, "gateway", NULL, -7200, -EKEYEXPIRED},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attempt *a = attempt_make();

		a->gateway.hello = cases[i].hello;
		a->gateway.kind = cases[i].kind;
		a->gateway.leaf_key = cases[i].leaf_key;
		a->gateway.leaf_from -= cases[i].age;
		assert_int_equal(attempt_run(a), cases[i].want);
		assert_true(a->err.text[0]);
		assert_int_equal(a->gateway.messages, 0);
		assert_false(has(a, "self.json"));
		assert_false(has(a, "net/leaf.der"));
		attempt_free(a);
	}
}

static void test_lies_in_the_answer(void **state)
{
	static const struct {
		enum answer_lie answer;
		int want;
	} cases[] = {
		{REFUSES, -EACCES},
		{BAD_BYTES, 0}, /* any error */
		{ANCHOR_OF_ANOTHER, -EKEYREJECTED},
		{LEAF_OF_ANOTHER_KEY, -EKEYREJECTED},
		{LEAF_OF_ANOTHER_NAME, -EKEYREJECTED},
		{LEAF_OF_ANOTHER_KIND, -EKEYREJECTED},
		{NO_NUMBER, -EBADMSG},
		{NO_UPSTREAM, -EBADMSG},
		{SILENT, -EINPROGRESS},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct attempt *a = attempt_make();
		int r;

		a->gateway.answer = cases[i].answer;
		if (cases[i].answer == SILENT)
			a->in.timeout_ms = 1500;
		r = attempt_run(a);
		assert_true(r < 0 && (!cases[i].want || r == cases[i].want));
		assert_true(a->err.text[0]);
		assert_null(strchr(a->err.text, '\033'));
		assert_int_equal(a->gateway.messages, 1);
		assert_false(has(a, "self.json"));
		assert_false(has(a, "net/leaf.der"));
		attempt_free(a);
	}
}

/* An answer that was lost: the same directory asks for the same again, and nothing else. */
static void test_second_attempt_is_the_same_request(void **state)
{
	struct attempt *a = attempt_make();
	uint8_t first[sizeof(a->gateway.request)];
	size_t size;

	(void)state;
	a->gateway.answer = SILENT;
	a->in.timeout_ms = 1500;
	assert_int_equal(attempt_run(a), -EINPROGRESS);
	size = a->gateway.request_size;
	memcpy(first, a->gateway.request, size);
	a->gateway.answer = HONEST_ANSWER;
	a->in.timeout_ms = 4000;
	assert_int_equal(attempt_run(a), 0);
	assert_int_equal(a->gateway.request_size, size);
	assert_memory_equal(a->gateway.request, first, size);
	attempt_free(a);
}

static int will_not(struct rn_err *err)
{
	return rn_fail(err, -EPERM, "cannot become\nless than root");
}

static int dies(struct rn_err *err)
{
	(void)err;
	_exit(3);
}

static void test_child_that_fails(void **state)
{
	struct attempt *a = attempt_make();

	(void)state;
	a->in.confine = will_not;
	assert_int_equal(attempt_run(a), -EPERM);
	assert_string_equal(a->err.text, "cannot become?less than root");
	a->in.confine = dies;
	assert_int_equal(attempt_run(a), -EINPROGRESS);
	assert_int_equal(a->gateway.datagrams, 0);
	attempt_free(a);
}

static void test_bad_requests(void **state)
{
	struct attempt *a = attempt_make();

	(void)state;
	strcpy(a->in.name, "No Name");
	assert_int_equal(rn_enroll(&a->in, &a->self, &a->err), -EINVAL);
	strcpy(a->in.name, "name");
	a->in.kind = RN_KIND_GATEWAY;
	assert_int_equal(rn_enroll(&a->in, &a->self, &a->err), -EINVAL);
	attempt_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enrols),
		cmocka_unit_test(test_hub_belongs_to_itself),
		cmocka_unit_test(test_impostor_with_another_key),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_impostors_with_the_right_key),
		cmocka_unit_test(test_lies_in_the_answer),
		cmocka_unit_test(test_second_attempt_is_the_same_request),
		cmocka_unit_test(test_child_that_fails),
		cmocka_unit_test(test_bad_requests),
	};
	int failed;

	if (rn_crypto_start() < 0)
		return 1;
	network_make(&home);
	network_make(&abroad);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rn_issuer_free(home.issuer);
	rn_issuer_free(abroad.issuer);
	return failed;
}
