/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_POLICY_CURSOR_H
#define RN_DOMAIN_POLICY_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/policy_share.h"

/*
 * A walk over a policy's text that finds where values begin and end, without reading them: what is between two ends
 * must be read strictly before anything is believed of it. Lines and columns are those of rn_json_where.
 */
struct rn_cursor {
	const char *text;
	size_t size, at;
	unsigned line;	 /* from 1 */
	unsigned column; /* from 0, of the first byte that is `counted` */
	size_t counted;	 /* up to here columns are in `column` */
};

struct rn_cursor rn_cursor(const char *text, size_t size);
unsigned rn_cursor_column(const struct rn_cursor *c); /* from 1 */
/* Over white space and comments; false: what is there is neither these nor a value. */
bool rn_cursor_space(struct rn_cursor *c);
bool rn_cursor_take(struct rn_cursor *c, char what);
/* Over an array, an object or a string; false: it has no end. */
bool rn_cursor_value(struct rn_cursor *c);
/* Over a text of that extent. */
void rn_cursor_pass(struct rn_cursor *c, const struct rn_rule_extent *extent);
/* The extent from there to here, but for the values in it. */
struct rn_rule_extent rn_cursor_since(const struct rn_cursor *from, const struct rn_cursor *to);

#endif
