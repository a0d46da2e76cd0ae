// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "domain/record_wire.h"

static void write_endpoint(struct rn_writer *w, const struct rn_endpoint *e)
{
	rn_write_bytes(w, &e->addr, sizeof(e->addr));
	rn_write_u16(w, e->port);
}

static struct rn_endpoint read_endpoint(struct rn_reader *r)
{
	struct rn_endpoint e;

	rn_read_bytes(r, &e.addr, sizeof(e.addr));
	e.port = rn_read_u16(r);
	return e;
}

static void write_hub(struct rn_writer *w, const struct rn_device_record *d)
{
	rn_write_bytes(w, d->mesh_key, RN_KEY_SIZE);
	write_endpoint(w, &d->mesh);
	rn_write_u32(w, d->parent);
	rn_write_u64(w, d->ends);
}

static void read_hub(struct rn_reader *r, struct rn_device_record *d)
{
	rn_read_bytes(r, d->mesh_key, RN_KEY_SIZE);
	d->mesh = read_endpoint(r);
	d->parent = rn_read_u32(r);
	d->ends = rn_read_u64(r);
}

static void write_numbers(struct rn_writer *w, const uint32_t *numbers, uint32_t count)
{
	rn_write_u8(w, (uint8_t)count);
	for (uint32_t i = 0; i < count; i++)
		rn_write_u32(w, numbers[i]);
}

static uint32_t read_numbers(struct rn_reader *r, uint32_t *out, uint32_t max)
{
	uint32_t count = rn_read_u8(r);

	if (count > max) {
		r->failed = true;
		return 0;
	}
	for (uint32_t i = 0; i < count; i++)
		out[i] = rn_read_u32(r);
	return count;
}

static void write_homes(struct rn_writer *w, const struct rn_device_record *d)
{
	write_numbers(w, d->homes, d->home_count);
	write_numbers(w, d->left, d->left_count);
	rn_write_u64(w, d->moved);
}

static void read_homes(struct rn_reader *r, struct rn_device_record *d)
{
	d->home_count = read_numbers(r, d->homes, RN_HOMES_MAX);
	d->left_count = read_numbers(r, d->left, RN_LEFT_MAX);
	d->moved = rn_read_u64(r);
}

static void write_device(struct rn_writer *w, const void *in)
{
	const struct rn_device_record *d = in;

	rn_write_u32(w, d->number);
	rn_write_u32(w, d->hub);
	rn_write_u32(w, d->owner);
	rn_write_u32(w, d->identity);
	rn_write_u8(w, (uint8_t)d->kind);
	rn_write_u8(w, (uint8_t)d->flags);
	rn_write_u8(w, d->trust);
	rn_write_text(w, d->name);
	rn_write_text(w, d->owner_name);
	rn_write_bytes(w, d->noise_key, RN_KEY_SIZE);
	rn_write_bytes(w, d->wireguard_key, RN_KEY_SIZE);
	rn_write_bytes(w, &d->ipv6, sizeof(d->ipv6));
	rn_write_bytes(w, &d->ipv4, sizeof(d->ipv4));
	write_endpoint(w, &d->wireguard);
	write_endpoint(w, &d->control);
	if (rn_kind_is_hub(d->kind))
		write_hub(w, d);
	else
		write_homes(w, d);
	write_numbers(w, d->selectors, d->selector_count);
	rn_write_u64(w, d->policy);
}

int rn_record_put_device(const struct rn_record_head *head, const struct rn_device_record *in,
			 const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size)
{
	if (!rn_device_record_good(in) || in->policy >= head->version)
		return -EINVAL;
	return rn_record_seal(head, RN_RECORD_DEVICE, write_device, in, seed, out, out_size);
}

int rn_record_get_device(const uint8_t *data, size_t size, struct rn_device_record *ret)
{
	struct rn_reader r = rn_record_body(data, size, RN_RECORD_DEVICE);
	struct rn_device_record d = {0};

	d.number = rn_read_u32(&r);
	d.hub = rn_read_u32(&r);
	d.owner = rn_read_u32(&r);
	d.identity = rn_read_u32(&r);
	d.kind = (enum rn_kind)rn_read_u8(&r);
	d.flags = rn_read_u8(&r);
	d.trust = rn_read_u8(&r);
	rn_read_text(&r, d.name, sizeof(d.name));
	rn_read_text(&r, d.owner_name, sizeof(d.owner_name));
	rn_read_bytes(&r, d.noise_key, RN_KEY_SIZE);
	rn_read_bytes(&r, d.wireguard_key, RN_KEY_SIZE);
	rn_read_bytes(&r, &d.ipv6, sizeof(d.ipv6));
	rn_read_bytes(&r, &d.ipv4, sizeof(d.ipv4));
	d.wireguard = read_endpoint(&r);
	d.control = read_endpoint(&r);
	if (rn_kind_is_hub(d.kind))
		read_hub(&r, &d);
	else
		read_homes(&r, &d);
	d.selector_count = read_numbers(&r, d.selectors, RN_SELECTORS_MAX);
	d.policy = rn_read_u64(&r);
	if (!rn_reader_done(&r) || !rn_device_record_good(&d) || d.policy >= rn_record_version(data))
		return -EBADMSG;
	*ret = d;
	return 0;
}
