/* SPDX-License-Identifier: Apache-2.0 */
/* Which hubs this one hears, and what identity numbers mean here: domain/reading, with what the records of hubs say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "role/kern.h"

/* The lease is the datapath's, on every packet. */
#define ALWAYS INT64_MAX

static bool is_read(void *context, uint32_t identity, const uint32_t *selectors, uint32_t count)
{
	const struct rn_kern *k = context;
	uint32_t known_count;
	const uint32_t *known = rn_reading_known(k->reading, identity, &known_count);

	return known && known_count == count && memcmp(known, selectors, count * sizeof(*selectors)) == 0;
}

void rn_kern_number_attach(struct rn_kern *k)
{
	if (k->reading)
		rn_enforce_on_reads(k->enforce, is_read, k);
}

int rn_kern_number_start(struct rn_kern *k, struct rn_err *err)
{
	if (!rn_kind_is_hub(k->self.kind))
		return 0;
	k->reading = rn_reading_new(k->self.device, RN_IDENTITY_MAX);
	if (!k->reading)
		return rn_fail(err, -ENOMEM, "out of memory");
	rn_reading_lease(k->reading, ALWAYS);
	return 0;
}

void rn_kern_number_done(struct rn_kern *k)
{
	rn_reading_free(k->reading);
	free(k->hubs);
}

/* ---- hubs ---- */

static struct rn_device_record *hub_of(const struct rn_kern *k, uint32_t number)
{
	for (uint32_t i = 0; i < k->hub_count; i++)
		if (k->hubs[i].number == number)
			return &k->hubs[i];
	return NULL;
}

static int keep_hub(struct rn_kern *k, const struct rn_device_record *device)
{
	struct rn_device_record *hub = hub_of(k, device->number);

	if (!hub && k->hub_count == k->hub_room) {
		uint32_t room = k->hub_room ? k->hub_room * 2 : 8;
		struct rn_device_record *more = realloc(k->hubs, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		k->hubs = more;
		k->hub_room = room;
	}
	if (!hub)
		hub = &k->hubs[k->hub_count++];
	*hub = *device;
	return 0;
}

static void apply_hub(struct rn_kern *k, const struct rn_device_record *hub)
{
	if (rn_reading_peer(k->reading, 0, hub->number))
		rn_kern_mesh_device(k, hub);
	else
		rn_kern_mesh_remove(k, hub->number);
}

/* A hub that stands apart is nobody's peer; this one, where it is the one, has none. */
void rn_kern_number_hub(struct rn_kern *k, uint64_t version, const struct rn_device_record *device)
{
	bool apart = device->flags & (RN_DEVICE_APART | RN_DEVICE_REVOKED);
	int r;

	if (!k->reading || !rn_kind_is_hub(device->kind))
		return;
	r = keep_hub(k, device);
	if (r == 0)
		r = rn_reading_hub(k->reading, device->number, apart, version);
	if (r < 0 && r != -ESTALE)
		rn_log(RN_LOG_ERROR, "cannot remember hub %s: %s", device->name, strerror(-r));
	if (device->number != k->self.device) {
		apply_hub(k, device);
		return;
	}
	for (uint32_t i = 0; i < k->hub_count; i++)
		if (k->hubs[i].number != k->self.device)
			apply_hub(k, &k->hubs[i]);
}

void rn_kern_number_remove(struct rn_kern *k, uint32_t number)
{
	struct rn_device_record *hub = hub_of(k, number);

	rn_kern_mesh_remove(k, number);
	if (hub)
		*hub = k->hubs[--k->hub_count];
}

/* ---- numbers ---- */

int rn_kern_number_take(struct rn_kern *k, const struct rn_record_head *head, const uint8_t *data, size_t size,
			struct rn_err *err)
{
	static const enum rn_meaning_state says[] = {[RN_IDENTITY_KNOWN] = RN_MEANING_ANNOUNCED,
						     [RN_IDENTITY_ENDING] = RN_MEANING_ENDING,
						     [RN_IDENTITY_FORGET] = RN_MEANING_FORGETTING};
	struct rn_identity_record in;
	struct rn_meaning meaning;
	int r = rn_record_get_identity(data, size, &in);

	if (r < 0)
		return rn_fail(err, r, "an identity record that makes no sense");
	if (!k->reading)
		return 0; /* a node reads no frames */
	meaning = (struct rn_meaning){in.number, says[in.says], head->version, in.selectors, in.selector_count};
	r = rn_reading_number(k->reading, &meaning);
	if (r == -ESTALE)
		return 0;
	/* What contradicts itself is read no more at all. */
	rn_enforce_reread(k->enforce, r < 0 ? 0 : in.number);
	return r < 0 ? rn_fail(err, r, "identity number %u: %s", in.number,
			       r == -EBADMSG ? "it means something else than it did, and was not forgotten between"
					     : strerror(-r))
		     : 0;
}

void rn_kern_forget(struct rn_kern *k)
{
	const struct rn_meaning_position nothing = {.epoch = rn_lease_floor(k->lease)->epoch};

	k->applied = 0;
	if (!k->reading)
		return;
	rn_reading_begin(k->reading, &nothing);
	rn_enforce_reread(k->enforce, 0);
	while (k->hub_count)
		rn_kern_number_remove(k, k->hubs[0].number);
	rn_log(RN_LOG_NOTICE, "this hub begins anew: no other hub is its peer until the gateway says so");
}
