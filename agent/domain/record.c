// SPDX-License-Identifier: Apache-2.0
#include "domain/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/record_wire.h"

static const char magic[4] = "RNR1";
/* Signed in front of the record, so that no signature over something else can be one over a record. */
static const char context[] = "rnaut record v1";
#define FRAME (RN_RECORD_HEADER + RN_SIGNATURE_SIZE)

static void write_head(struct rn_writer *w, const struct rn_record_head *head, enum rn_record_type type,
		       uint32_t body_size)
{
	rn_write_bytes(w, magic, sizeof(magic));
	rn_write_u8(w, (uint8_t)type);
	rn_write_bytes(w, "\0\0", 3);
	rn_write_u32(w, head->epoch);
	rn_write_u64(w, head->version);
	rn_write_u64(w, head->issued);
	rn_write_u32(w, body_size);
}

static bool known_type(unsigned type)
{
	return type >= RN_RECORD_NETWORK && type <= RN_RECORD_PART;
}

int rn_record_seal(const struct rn_record_head *head, enum rn_record_type type,
		   void (*body)(struct rn_writer *w, const void *in), const void *in, const uint8_t seed[RN_KEY_SIZE],
		   uint8_t *out, size_t out_size)
{
	uint8_t *signed_part, *record;
	struct rn_writer w, head_writer;
	int code = -EMSGSIZE;

	if (head->epoch == 0 || head->version == 0 || head->issued > RN_ENDS_MAX)
		return -EINVAL;
	signed_part = malloc(sizeof(context) + RN_RECORD_SIZE_MAX);
	if (!signed_part)
		return -ENOMEM;
	memcpy(signed_part, context, sizeof(context));
	record = signed_part + sizeof(context);
	w = rn_writer(record + RN_RECORD_HEADER, RN_RECORD_SIZE_MAX - FRAME);
	body(&w, in);
	if (w.failed || w.at + FRAME > out_size)
		goto out;
	head_writer = rn_writer(record, RN_RECORD_HEADER);
	write_head(&head_writer, head, type, (uint32_t)w.at);
	rn_ed25519_sign(seed, signed_part, sizeof(context) + RN_RECORD_HEADER + w.at, record + RN_RECORD_HEADER + w.at);
	memcpy(out, record, w.at + FRAME);
	code = (int)(w.at + FRAME);
out:
	free(signed_part);
	return code;
}

int rn_record_head(const uint8_t *data, size_t size, struct rn_record_head *ret)
{
	struct rn_reader r = rn_reader(data, size);
	uint8_t start[4], zero[3];
	struct rn_record_head head;
	unsigned type;
	uint32_t body_size;

	if (size < FRAME || size > RN_RECORD_SIZE_MAX)
		return -EBADMSG;
	rn_read_bytes(&r, start, sizeof(start));
	type = rn_read_u8(&r);
	rn_read_bytes(&r, zero, sizeof(zero));
	head.epoch = rn_read_u32(&r);
	head.version = rn_read_u64(&r);
	head.issued = rn_read_u64(&r);
	body_size = rn_read_u32(&r);
	if (memcmp(start, magic, sizeof(magic)) != 0 || !known_type(type) || zero[0] || zero[1] || zero[2] ||
	    head.epoch == 0 || head.version == 0 || head.issued > RN_ENDS_MAX || body_size != size - FRAME)
		return -EBADMSG;
	head.type = (enum rn_record_type)type;
	*ret = head;
	return 0;
}

int rn_record_verify(const uint8_t *data, size_t size, const uint8_t policy_public[RN_KEY_SIZE],
		     struct rn_record_head *ret)
{
	struct rn_record_head head;
	uint8_t *signed_part;
	size_t signed_size;
	bool good;

	if (rn_record_head(data, size, &head) < 0)
		return -EBADMSG;
	signed_size = size - RN_SIGNATURE_SIZE;
	signed_part = malloc(sizeof(context) + signed_size);
	if (!signed_part)
		return -ENOMEM;
	memcpy(signed_part, context, sizeof(context));
	memcpy(signed_part + sizeof(context), data, signed_size);
	good = rn_ed25519_verify(policy_public, signed_part, sizeof(context) + signed_size, data + signed_size);
	free(signed_part);
	if (!good)
		return -EBADMSG;
	*ret = head;
	return 0;
}

struct rn_reader rn_record_body(const uint8_t *data, size_t size, enum rn_record_type type)
{
	struct rn_record_head head;
	struct rn_reader r = {.failed = true};

	if (rn_record_head(data, size, &head) < 0 || head.type != type)
		return r;
	return rn_reader(data + RN_RECORD_HEADER, size - FRAME);
}

uint64_t rn_record_version(const uint8_t *data)
{
	struct rn_reader r = rn_reader(data + 12, sizeof(uint64_t));

	return rn_read_u64(&r);
}

void rn_write_prefix(struct rn_writer *w, const struct rn_prefix *p)
{
	rn_write_bytes(w, &p->addr, sizeof(p->addr));
	rn_write_u8(w, p->bits);
}

struct rn_prefix rn_read_prefix(struct rn_reader *r)
{
	struct rn_prefix p;

	rn_read_bytes(r, &p.addr, sizeof(p.addr));
	p.bits = rn_read_u8(r);
	return p;
}

static void write_network(struct rn_writer *w, const void *in)
{
	const struct rn_network *n = in;

	rn_write_prefix(w, &n->ipv6);
	rn_write_prefix(w, &n->ipv4);
	rn_write_u32(w, n->lease_seconds);
}

int rn_record_put_network(const struct rn_record_head *head, const struct rn_network *in,
			  const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size)
{
	if (!rn_network_good(in))
		return -EINVAL;
	return rn_record_seal(head, RN_RECORD_NETWORK, write_network, in, seed, out, out_size);
}

int rn_record_get_network(const uint8_t *data, size_t size, struct rn_network *ret)
{
	struct rn_reader r = rn_record_body(data, size, RN_RECORD_NETWORK);
	struct rn_network n;

	n.ipv6 = rn_read_prefix(&r);
	n.ipv4 = rn_read_prefix(&r);
	n.lease_seconds = rn_read_u32(&r);
	if (!rn_reader_done(&r) || !rn_network_good(&n))
		return -EBADMSG;
	*ret = n;
	return 0;
}
