/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_BASE_JSON_SCAN_H
#define RN_BASE_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

/*
 * The strict half of json.c: checks that a text is RFC 8259 and nothing else (cJSON takes more), blanks comments and
 * trailing commas in place so that offsets survive, and notes where every value begins, in document order.
 */
struct rn_json_mark {
	uint32_t where;	      /* offset to report: of a member its key, of anything else the value */
	uint32_t start, size; /* of the value's text; size 0 for arrays and objects */
};

struct rn_json_scan {
	char *text;
	size_t size, at;
	unsigned flags, depth;
	struct rn_json_mark *marks; /* heap; the caller frees it, whatever the outcome */
	size_t count, room;
	const char *problem; /* NULL: the text is good */
	size_t problem_at;
};

#define RN_JSON_NODES_MAX (1u << 20)
#define RN_JSON_LARGE_NODES_MAX (1u << 22)

/* 0, -EINVAL with problem and problem_at set, or -ENOMEM. */
int rn_json_scan(struct rn_json_scan *s);

#endif
