/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_YAML_H
#define RN_SYS_YAML_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

#define RN_YAML_SIZE_MAX (8u << 20) /* bytes of a text */
#define RN_YAML_DEPTH_MAX 64
#define RN_YAML_EVENTS_MAX (1u << 21) /* libyaml's events: a value is one, a list or a mapping two */

/*
 * The only file that includes libyaml. A text of YAML documents as one rn_json array of them, each node with its line
 * and column; the caller frees it. Plain null, true, false and numbers that JSON would take too are that; every other
 * scalar is text. Refused, with "line L, column C: what": anchors, aliases and merge keys, tags, a key twice, keys that
 * are no scalars, NUL, what is not UTF-8, and what is beyond the bounds above. NULL on error.
 */
struct rn_json *rn_yaml_parse(const char *text, size_t size, struct rn_err *err);

#endif
