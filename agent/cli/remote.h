/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_REMOTE_H
#define RN_CLI_REMOTE_H

#include <stddef.h>

#include "cli/cli.h"

/* The client of core's API (docs/openapi.json), as commands use it. */

/* "/api/v1/" and the parts, each percent-encoded, until the first NULL: RN_PARTS("devices", name). 0 or -ENAMETOOLONG.
 */
int rn_remote_path(char *out, size_t size, const char *const *parts);
#define RN_PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * One call. body, taken, may be NULL. RN_EXIT_OK and the answer in *ret (the caller frees it; ret may be NULL), or the
 * sentence has been printed and the code is the command's exit code.
 */
int rn_remote_call(struct rn_cli *cli, const char *method, const char *path, struct rn_json *body,
		   struct rn_json **ret);
/* A GET that may fail: the answer, which the caller frees, or NULL, and nothing is printed. */
struct rn_json *rn_remote_try(const struct rn_cli *cli, const char *path);
/* The server-sent events of a path, each as its "event" (NULL: a plain one) and parsed data; false stops. */
int rn_remote_follow(struct rn_cli *cli, const char *path,
		     bool (*event)(void *context, const char *type, const struct rn_json *data), void *context);

/* Members of an answer, for printing: "" (0, false) where they are null or absent. */
const char *rn_remote_text(const struct rn_json *object, const char *key);
bool rn_remote_true(const struct rn_json *object, const char *key);
int64_t rn_remote_int(const struct rn_json *object, const char *key);

/* After a change: "laptop is quarantined" and which hubs enforce it since when; or the answer as JSON. */
int rn_remote_changed(struct rn_cli *cli, struct rn_json *answer_taken, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
