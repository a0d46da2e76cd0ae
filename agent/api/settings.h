/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_SETTINGS_H
#define RN_API_SETTINGS_H

#include "api/call.h"

/*
 * A resource that is a configuration: what is sent is compared with how it is. What is equal is good, what differs is
 * either set or refused by name with the sentence that says why; what is absent stays.
 */
struct rn_api_setting {
	const char *path; /* "network_config.dns_servers" */
	const char *why;  /* NULL: it can be set; else why not */
};

struct rn_api_settings {
	const struct rn_api_setting *list;
	size_t count;
	void *context;
	/* What is to be set; 0, or the call has been answered and is gone. */
	int (*set)(void *context, struct rn_api_call *call, const char *path, const struct rn_json *value);
};

/*
 * 0, or the call has been answered with 400 and is gone. Frees current; where that is NULL the call has been answered
 * before.
 */
int rn_api_settings(struct rn_api_call *call, struct rn_json *current, const struct rn_api_settings *settings);

#endif
