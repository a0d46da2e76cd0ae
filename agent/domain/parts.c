/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain/policy_parts.h"

/* Of the policy in force, of one that was refused, which may fit later, and of the one that is coming. */
#define HELD_MAX (3u * RN_PARTS_MAX)

struct part {
	uint32_t number;
	uint64_t version;
	uint8_t *body;
	size_t size;
};
struct rn_parts {
	struct part *list;
	uint32_t count, room;
};

struct rn_parts *rn_parts_new(void)
{
	return calloc(1, sizeof(struct rn_parts));
}

void rn_parts_free(struct rn_parts *parts)
{
	if (!parts)
		return;
	rn_parts_keep(parts, NULL, NULL, 0);
	free(parts->list);
	free(parts);
}

static struct part *find(const struct rn_parts *parts, uint32_t number)
{
	for (uint32_t i = 0; i < parts->count; i++)
		if (parts->list[i].number == number)
			return &parts->list[i];
	return NULL;
}

static int make_room(struct rn_parts *parts)
{
	uint32_t room = parts->room ? 2 * parts->room : 16;
	struct part *more;

	if (parts->count >= HELD_MAX)
		return -ENOSPC;
	if (parts->count < parts->room)
		return 0;
	more = realloc(parts->list, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	parts->list = more;
	parts->room = room;
	return 0;
}

int rn_parts_put(struct rn_parts *parts, const struct rn_part *part, uint64_t version)
{
	struct part *p;
	int r;

	if (find(parts, part->number))
		return 0;
	r = make_room(parts);
	if (r < 0)
		return r;
	p = &parts->list[parts->count];
	*p = (struct part){part->number, version, malloc(part->size), part->size};
	if (!p->body)
		return -ENOMEM;
	memcpy(p->body, part->body, part->size);
	parts->count++;
	return 0;
}

static bool get(void *context, uint32_t number, struct rn_part *ret)
{
	const struct part *p = find(context, number);

	if (p)
		*ret = (struct rn_part){p->number, p->body, p->size};
	return p != NULL;
}

struct rn_part_source rn_parts_source(struct rn_parts *parts)
{
	return (struct rn_part_source){parts, get};
}

static bool is_named(const struct rn_policy_record *policy, uint32_t number)
{
	return policy && rn_policy_names_part(policy, number);
}

void rn_parts_keep(struct rn_parts *parts, const struct rn_policy_record *policy, const struct rn_policy_record *other,
		   uint64_t version)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < parts->count; i++) {
		struct part *p = &parts->list[i];

		if (policy && (p->version > version || is_named(policy, p->number) || is_named(other, p->number)))
			parts->list[kept++] = *p;
		else
			free(p->body);
	}
	parts->count = kept;
}
