/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise-vectors FILE: runs the Noise_IK_25519_ChaChaPoly_BLAKE2b vectors of a file in cacophony's JSON format, both
 * sides of each. The last line is "N passed, N failed, N skipped"; 1 where one failed or the file cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "proto/noise.h"

#define PROTOCOL "Noise_IK_25519_ChaChaPoly_BLAKE2b"
#define MESSAGE_MAX 65535
#define HANDSHAKE_MESSAGES 2

struct bytes {
	size_t size;
	uint8_t data[MESSAGE_MAX];
};

struct side {
	struct rn_noise *noise;
	struct rn_noise_cipher send, receive;
};

/* One vector at a time; static because of its size. */
static struct {
	struct bytes init_prologue, resp_prologue, payload, ciphertext, made;
	uint8_t init_static[RN_KEY_SIZE], init_ephemeral[RN_KEY_SIZE], remote_static[RN_KEY_SIZE];
	uint8_t resp_static[RN_KEY_SIZE], resp_ephemeral[RN_KEY_SIZE];
} vector;

static bool get_bytes(const struct rn_json *object, const char *key, struct bytes *ret)
{
	const char *text;

	return rn_json_get_text(object, key, &text, NULL) == 0 &&
	       rn_hex_decode(text, ret->data, sizeof(ret->data), &ret->size) == 0;
}

static bool get_optional(const struct rn_json *object, const char *key, struct bytes *ret)
{
	ret->size = 0;
	return !rn_json_get(object, key) || get_bytes(object, key, ret);
}

static bool get_key(const struct rn_json *object, const char *key, uint8_t ret[RN_KEY_SIZE])
{
	const char *text;
	size_t size;

	return rn_json_get_text(object, key, &text, NULL) == 0 && rn_hex_decode(text, ret, RN_KEY_SIZE, &size) == 0 &&
	       size == RN_KEY_SIZE;
}

static bool read_vector(const struct rn_json *v)
{
	return get_optional(v, "init_prologue", &vector.init_prologue) &&
	       get_optional(v, "resp_prologue", &vector.resp_prologue) &&
	       get_key(v, "init_static", vector.init_static) && get_key(v, "init_ephemeral", vector.init_ephemeral) &&
	       get_key(v, "init_remote_static", vector.remote_static) &&
	       get_key(v, "resp_static", vector.resp_static) && get_key(v, "resp_ephemeral", vector.resp_ephemeral);
}

static bool same(const struct bytes *expected, int size)
{
	return size >= 0 && (size_t)size == expected->size &&
	       memcmp(vector.made.data, expected->data, expected->size) == 0;
}

static bool handshake_message(struct side *writer, struct side *reader)
{
	int size =
		rn_noise_write(writer->noise, vector.payload.data, vector.payload.size, vector.made.data, MESSAGE_MAX);

	if (!same(&vector.ciphertext, size))
		return false;
	size = rn_noise_read(reader->noise, vector.ciphertext.data, vector.ciphertext.size, vector.made.data,
			     MESSAGE_MAX);
	return same(&vector.payload, size);
}

static bool transport_message(struct side *writer, struct side *reader)
{
	const struct bytes *plain = &vector.payload, *sealed = &vector.ciphertext;

	if (plain->size > MESSAGE_MAX - RN_TAG_SIZE || sealed->size != plain->size + RN_TAG_SIZE)
		return false;
	rn_aead_seal(writer->send.key, writer->send.counter++, NULL, 0, plain->data, plain->size, vector.made.data);
	if (!same(sealed, (int)sealed->size))
		return false;
	if (rn_aead_open(reader->receive.key, reader->receive.counter++, NULL, 0, sealed->data, sealed->size,
			 vector.made.data))
		return false;
	return same(plain, (int)plain->size);
}

static bool good_hash(const struct rn_json *v, const struct side *side)
{
	uint8_t hash[RN_BLAKE2B_SIZE];

	if (!rn_json_get(v, "handshake_hash"))
		return true;
	rn_noise_hash(side->noise, hash);
	return get_bytes(v, "handshake_hash", &vector.made) && vector.made.size == sizeof(hash) &&
	       memcmp(vector.made.data, hash, sizeof(hash)) == 0;
}

static bool finish(const struct rn_json *v, struct side sides[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!rn_noise_complete(sides[i].noise) || !good_hash(v, &sides[i]))
			return false;
		rn_noise_split(sides[i].noise, &sides[i].send, &sides[i].receive);
	}
	return true;
}

/* The initiator writes the even messages, before and after the handshake. */
static bool run_messages(const struct rn_json *v, struct side sides[2])
{
	const struct rn_json *list = rn_json_get(v, "messages"), *m;
	unsigned n = 0;

	if (!list || rn_json_type(list) != RN_JSON_ARRAY || rn_json_count(list) < HANDSHAKE_MESSAGES)
		return false;
	for (m = rn_json_first(list); m; m = rn_json_next(m), n++) {
		struct side *writer = &sides[n % 2], *reader = &sides[1 - n % 2];

		if (rn_json_type(m) != RN_JSON_OBJECT || !get_bytes(m, "payload", &vector.payload) ||
		    !get_bytes(m, "ciphertext", &vector.ciphertext))
			return false;
		if (!(n < HANDSHAKE_MESSAGES ? handshake_message : transport_message)(writer, reader))
			return false;
		if (n + 1 == HANDSHAKE_MESSAGES && !finish(v, sides))
			return false;
	}
	return true;
}

static bool run_vector(const struct rn_json *v)
{
	struct side sides[2] = { 0 };
	bool good = false;

	if (!read_vector(v))
		return false;
	sides[0].noise = rn_noise_new(true, vector.init_prologue.data, vector.init_prologue.size, vector.init_static,
				      vector.remote_static);
	sides[1].noise =
		rn_noise_new(false, vector.resp_prologue.data, vector.resp_prologue.size, vector.resp_static, NULL);
	if (sides[0].noise && sides[1].noise) {
		rn_noise_set_ephemeral(sides[0].noise, vector.init_ephemeral);
		rn_noise_set_ephemeral(sides[1].noise, vector.resp_ephemeral);
		good = run_messages(v, sides);
	}
	rn_noise_free(sides[0].noise);
	rn_noise_free(sides[1].noise);
	return good;
}

static int read_file(const char *path, char **ret, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? malloc(RN_JSON_SIZE_MAX + 1) : NULL;
	size_t size = text ? fread(text, 1, RN_JSON_SIZE_MAX + 1, f) : 0;
	int bad = !text || ferror(f) || size > RN_JSON_SIZE_MAX;

	if (f)
		fclose(f);
	if (bad) {
		free(text);
		return -1;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

static struct rn_json *load(const char *path)
{
	struct rn_err err = { "it cannot be read, or is larger than 4 MiB" };
	struct rn_json *root = NULL;
	char *text = NULL;
	size_t size;

	if (read_file(path, &text, &size) == 0)
		root = rn_json_parse(text, size, 0, &err);
	free(text);
	if (!root)
		fprintf(stderr, "noise-vectors: %s: %s\n", path, err.text);
	return root;
}

/* The list of vectors, NULL where the document is not what we expect. */
static const struct rn_json *vectors_of(const struct rn_json *root)
{
	const struct rn_json *list = rn_json_type(root) == RN_JSON_OBJECT ? rn_json_get(root, "vectors") : NULL;

	if (!list || rn_json_type(list) != RN_JSON_ARRAY) {
		fprintf(stderr, "noise-vectors: the file has no list \"vectors\"\n");
		return NULL;
	}
	return list;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0, skipped = 0, number = 0;
	struct rn_json *root = argc == 2 && rn_crypto_start() == 0 ? load(argv[1]) : NULL;
	const struct rn_json *list = root ? vectors_of(root) : NULL, *v;
	const char *name;

	if (argc != 2)
		fprintf(stderr, "usage: noise-vectors FILE\n");
	for (v = list ? rn_json_first(list) : NULL; v; v = rn_json_next(v)) {
		number++;
		if (rn_json_type(v) == RN_JSON_OBJECT && rn_json_get_text(v, "protocol_name", &name, NULL) == 0 &&
		    strcmp(name, PROTOCOL) != 0) {
			skipped++;
		} else if (rn_json_type(v) == RN_JSON_OBJECT && run_vector(v)) {
			passed++;
		} else {
			failed++;
			printf("vector %u failed\n", number);
		}
	}
	rn_json_free(root);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return !list || failed > 0;
}
