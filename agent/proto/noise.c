/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/noise.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * Objects and names are those of The Noise Protocol Framework, revision 34, section 5; a message is the list of its
 * tokens (section 7). A message works on a copy of the state, which replaces the real one only after the last token:
 * a forged message changes nothing.
 */

#define HASH_SIZE RN_BLAKE2B_SIZE
#define MESSAGE_MAX 65535 /* section 3 */
#define TOKENS_MAX 4

enum token { END, E, S, EE, ES, SE, SS };

/* IK:   <- s   ...   -> e, es, s, ss   <- e, ee, se */
static const enum token pattern[][TOKENS_MAX] = { { E, ES, S, SS }, { E, EE, SE } };
static const size_t overhead[] = { RN_NOISE_MESSAGE_1, RN_NOISE_MESSAGE_2 };
#define MESSAGES (sizeof(pattern) / sizeof(pattern[0]))

static const char protocol_name[] = "Noise_IK_25519_ChaChaPoly_BLAKE2b";

struct state {
	uint8_t ck[HASH_SIZE], h[HASH_SIZE]; /* SymmetricState */
	struct rn_noise_cipher cipher;	     /* CipherState; in IK it has a key before it is first used */
	uint8_t e[RN_KEY_SIZE], e_public[RN_KEY_SIZE];
	uint8_t rs[RN_KEY_SIZE], re[RN_KEY_SIZE];
	unsigned message; /* the next one */
};

struct rn_noise {
	bool initiator, ephemeral_set;
	uint8_t s[RN_KEY_SIZE], s_public[RN_KEY_SIZE];
	struct state state;
};

static void mix_hash(struct state *st, const void *data, size_t size)
{
	rn_blake2b_pair(st->h, HASH_SIZE, data, size, st->h);
}

/* HKDF with two outputs (section 4.3). */
static void hkdf(const uint8_t ck[HASH_SIZE], const void *ikm, size_t size, uint8_t out1[HASH_SIZE],
		 uint8_t out2[HASH_SIZE])
{
	uint8_t temp[HASH_SIZE], joined[HASH_SIZE + 1];

	rn_hmac_blake2b(ck, HASH_SIZE, ikm, size, temp);
	rn_hmac_blake2b(temp, HASH_SIZE, "\x01", 1, out1);
	memcpy(joined, out1, HASH_SIZE);
	joined[HASH_SIZE] = 2;
	rn_hmac_blake2b(temp, HASH_SIZE, joined, sizeof(joined), out2);
	rn_wipe(temp, sizeof(temp));
	rn_wipe(joined, sizeof(joined));
}

static void mix_key(struct state *st, const uint8_t ikm[RN_KEY_SIZE])
{
	uint8_t ck[HASH_SIZE], temp[HASH_SIZE];

	hkdf(st->ck, ikm, RN_KEY_SIZE, ck, temp);
	memcpy(st->ck, ck, HASH_SIZE);
	memcpy(st->cipher.key, temp, RN_KEY_SIZE);
	st->cipher.counter = 0;
	rn_wipe(ck, sizeof(ck));
	rn_wipe(temp, sizeof(temp));
}

static void encrypt_and_hash(struct state *st, const void *plain, size_t size, uint8_t *out)
{
	rn_aead_seal(st->cipher.key, st->cipher.counter++, st->h, HASH_SIZE, plain, size, out);
	mix_hash(st, out, size + RN_TAG_SIZE);
}

static int decrypt_and_hash(struct state *st, const uint8_t *data, size_t size, uint8_t *plain)
{
	int r = rn_aead_open(st->cipher.key, st->cipher.counter++, st->h, HASH_SIZE, data, size, plain);

	mix_hash(st, data, size);
	return r;
}

/* The tokens EE, ES, SE and SS: the first letter is the initiator's key, the second the responder's. */
static int mix_dh(const struct rn_noise *n, struct state *st, enum token token)
{
	bool first_e = token == EE || token == ES, second_e = token == EE || token == SE;
	bool our_e = n->initiator ? first_e : second_e, their_e = n->initiator ? second_e : first_e;
	uint8_t shared[RN_KEY_SIZE];
	int r = rn_x25519(our_e ? st->e : n->s, their_e ? st->re : st->rs, shared);

	if (r == 0)
		mix_key(st, shared);
	rn_wipe(shared, sizeof(shared));
	return r;
}

static void write_e(const struct rn_noise *n, struct state *st, struct rn_writer *w)
{
	if (!n->ephemeral_set)
		rn_random(st->e, sizeof(st->e));
	rn_x25519_public(st->e, st->e_public);
	rn_write_bytes(w, st->e_public, RN_KEY_SIZE);
	mix_hash(st, st->e_public, RN_KEY_SIZE);
}

static void write_s(const struct rn_noise *n, struct state *st, struct rn_writer *w)
{
	uint8_t sealed[RN_KEY_SIZE + RN_TAG_SIZE];

	encrypt_and_hash(st, n->s_public, RN_KEY_SIZE, sealed);
	rn_write_bytes(w, sealed, sizeof(sealed));
}

static int write_token(const struct rn_noise *n, struct state *st, enum token token, struct rn_writer *w)
{
	switch (token) {
	case END:
		return 0;
	case E:
		write_e(n, st, w);
		return 0;
	case S:
		write_s(n, st, w);
		return 0;
	case EE:
	case ES:
	case SE:
	case SS:
		return mix_dh(n, st, token);
	}
	return -EPROTO;
}

static int read_e(struct state *st, struct rn_reader *r)
{
	rn_read_bytes(r, st->re, RN_KEY_SIZE);
	mix_hash(st, st->re, RN_KEY_SIZE);
	return r->failed ? -EBADMSG : 0;
}

static int read_s(struct state *st, struct rn_reader *r)
{
	const uint8_t *sealed = rn_read_view(r, RN_KEY_SIZE + RN_TAG_SIZE);

	return sealed ? decrypt_and_hash(st, sealed, RN_KEY_SIZE + RN_TAG_SIZE, st->rs) : -EBADMSG;
}

static int read_token(const struct rn_noise *n, struct state *st, enum token token, struct rn_reader *r)
{
	switch (token) {
	case END:
		return 0;
	case E:
		return read_e(st, r);
	case S:
		return read_s(st, r);
	case EE:
	case ES:
	case SE:
	case SS:
		return mix_dh(n, st, token);
	}
	return -EPROTO;
}

struct rn_noise *rn_noise_new(bool initiator, const void *prologue, size_t prologue_size,
			      const uint8_t static_secret[RN_KEY_SIZE], const uint8_t *remote_public)
{
	struct rn_noise *n = calloc(1, sizeof(*n));
	struct state *st;

	assert(initiator == (remote_public != NULL));
	if (!n)
		return NULL;
	st = &n->state;
	n->initiator = initiator;
	memcpy(n->s, static_secret, RN_KEY_SIZE);
	rn_x25519_public(n->s, n->s_public);
	if (remote_public)
		memcpy(st->rs, remote_public, RN_KEY_SIZE);
	_Static_assert(sizeof(protocol_name) - 1 <= HASH_SIZE, "else it would be hashed");
	memcpy(st->h, protocol_name, sizeof(protocol_name) - 1);
	memcpy(st->ck, st->h, HASH_SIZE);
	mix_hash(st, prologue, prologue_size);
	mix_hash(st, initiator ? st->rs : n->s_public, RN_KEY_SIZE);
	return n;
}

void rn_noise_set_ephemeral(struct rn_noise *n, const uint8_t secret[RN_KEY_SIZE])
{
	memcpy(n->state.e, secret, RN_KEY_SIZE);
	n->ephemeral_set = true;
}

void rn_noise_free(struct rn_noise *n)
{
	if (!n)
		return;
	rn_wipe(n, sizeof(*n));
	free(n);
}

/* The initiator writes the even messages, the responder the odd ones. */
static bool our_turn(const struct rn_noise *n, bool writing)
{
	return n->state.message < MESSAGES && writing == (n->initiator == (n->state.message % 2 == 0));
}

int rn_noise_write(struct rn_noise *n, const void *payload, size_t size, uint8_t *out, size_t out_size)
{
	struct rn_writer w = rn_writer(out, out_size);
	struct state st;
	size_t i;
	int r = 0;

	if (!our_turn(n, true))
		return -EPROTO;
	if (size > MESSAGE_MAX - overhead[n->state.message] || size + overhead[n->state.message] > out_size)
		return -EMSGSIZE;
	st = n->state;
	for (i = 0; i < TOKENS_MAX && r == 0; i++)
		r = write_token(n, &st, pattern[st.message][i], &w);
	if (r == 0) {
		assert(!w.failed && out_size - w.at >= size + RN_TAG_SIZE);
		encrypt_and_hash(&st, payload, size, out + w.at);
		st.message++;
		n->state = st;
		r = (int)(w.at + size + RN_TAG_SIZE);
	}
	rn_wipe(&st, sizeof(st));
	return r;
}

int rn_noise_read(struct rn_noise *n, const uint8_t *message, size_t size, uint8_t *payload, size_t payload_size)
{
	struct rn_reader reader = rn_reader(message, size);
	uint8_t plain[MESSAGE_MAX];
	struct state st;
	size_t plain_size, i;
	int r = 0;

	if (!our_turn(n, false))
		return -EPROTO;
	if (size < overhead[n->state.message])
		return -EBADMSG;
	plain_size = size - overhead[n->state.message];
	if (size > MESSAGE_MAX || plain_size > payload_size)
		return -EMSGSIZE;
	st = n->state;
	for (i = 0; i < TOKENS_MAX && r == 0; i++)
		r = read_token(n, &st, pattern[st.message][i], &reader);
	if (r == 0)
		r = decrypt_and_hash(&st, message + reader.at, size - reader.at, plain);
	if (r == 0) {
		if (plain_size > 0)
			memcpy(payload, plain, plain_size);
		st.message++;
		n->state = st;
		r = (int)plain_size;
	}
	rn_wipe(&st, sizeof(st));
	rn_wipe(plain, plain_size);
	return r;
}

bool rn_noise_complete(const struct rn_noise *n)
{
	return n->state.message == MESSAGES;
}

const uint8_t *rn_noise_remote(const struct rn_noise *n)
{
	return n->state.rs;
}

void rn_noise_hash(const struct rn_noise *n, uint8_t ret[RN_BLAKE2B_SIZE])
{
	memcpy(ret, n->state.h, HASH_SIZE);
}

void rn_noise_split(struct rn_noise *n, struct rn_noise_cipher *ret_send, struct rn_noise_cipher *ret_receive)
{
	struct rn_noise_cipher *first = n->initiator ? ret_send : ret_receive;
	struct rn_noise_cipher *second = n->initiator ? ret_receive : ret_send;
	uint8_t k1[HASH_SIZE], k2[HASH_SIZE];

	assert(rn_noise_complete(n));
	hkdf(n->state.ck, NULL, 0, k1, k2);
	memcpy(first->key, k1, RN_KEY_SIZE);
	memcpy(second->key, k2, RN_KEY_SIZE);
	first->counter = second->counter = 0;
	rn_wipe(k1, sizeof(k1));
	rn_wipe(k2, sizeof(k2));
}
