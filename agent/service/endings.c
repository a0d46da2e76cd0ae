/* SPDX-License-Identifier: Apache-2.0 */
#include "service/endings.h"

#include <errno.h>
#include <stdlib.h>

struct ending {
	uint32_t number;
	bool over;
	uint64_t ends, version;
};

struct rn_endings {
	struct ending *list; /* a handful: projects that are under way */
	uint32_t count, room;
};

struct rn_endings *rn_endings_new(void)
{
	return calloc(1, sizeof(struct rn_endings));
}

void rn_endings_free(struct rn_endings *e)
{
	if (!e)
		return;
	free(e->list);
	free(e);
}

static struct ending *find(const struct rn_endings *e, uint32_t number)
{
	for (uint32_t i = 0; i < e->count; i++) {
		if (e->list[i].number == number)
			return &e->list[i];
	}
	return NULL;
}

static struct ending *add(struct rn_endings *e, uint32_t number)
{
	if (e->count == e->room) {
		uint32_t room = e->room ? e->room * 2 : 8;
		struct ending *more = realloc(e->list, room * sizeof(*more));

		if (!more)
			return NULL;
		e->list = more;
		e->room = room;
	}
	e->list[e->count] = (struct ending){.number = number};
	return &e->list[e->count++];
}

int rn_endings_note(struct rn_endings *e, const struct rn_device_record *device, uint64_t version, int64_t now)
{
	struct ending *one = find(e, device->number);

	if (one && version < one->version)
		return one->over;
	if (!device->ends || (device->flags & RN_DEVICE_REVOKED)) {
		rn_endings_forget(e, device->number);
		return 0;
	}
	if (!one && !(one = add(e, device->number)))
		return -ENOMEM;
	if (version != one->version)
		one->over = one->over && device->ends <= one->ends;
	one->version = version;
	one->ends = device->ends;
	one->over = one->over || (now >= 0 && (uint64_t)now >= one->ends);
	return one->over;
}

void rn_endings_new_epoch(struct rn_endings *e)
{
	for (uint32_t i = 0; i < e->count; i++)
		e->list[i].version = 0;
}

void rn_endings_forget(struct rn_endings *e, uint32_t number)
{
	struct ending *one = find(e, number);

	if (one)
		*one = e->list[--e->count];
}

uint32_t rn_endings_due(struct rn_endings *e, int64_t now)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct ending *one = &e->list[i];

		if (one->over || now < 0 || (uint64_t)now < one->ends)
			continue;
		one->over = true;
		return one->number;
	}
	return 0;
}
