/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/local_door.h"
#include "api/resources.h"
#include "api/web_door.h"

struct rn_api {
	struct rn_core *core;
	struct rn_streams *streams;
	struct rn_http *http;
	struct rn_web_door *web;
};

static bool trusted(void *context, uid_t uid)
{
	(void)context;
	return uid == 0 || uid == geteuid();
}

static void handle(void *context, struct rn_http_request *request)
{
	struct rn_api *api = context;

	rn_local_door_take(api->core, api->streams, request);
}

static size_t body_max(void *context, const char *method, const char *path)
{
	(void)context;
	return rn_api_body_max_of(method, path);
}

int rn_api_start(struct rn_loop *loop, struct rn_core *core, int fd, struct rn_api **ret, struct rn_err *err)
{
	struct rn_api *api = calloc(1, sizeof(*api));
	struct rn_http_config config = {.context = api, .trusted = trusted, .handle = handle, .body_max = body_max};

	if (!api)
		return rn_fail(err, -ENOMEM, "out of memory");
	api->core = core;
	api->streams = rn_streams_new(loop, core);
	api->web = api->streams ? rn_web_door_new(core, api->streams) : NULL;
	if (api->web)
		api->http = rn_http_new(loop, fd, &config, err);
	else
		rn_fail(err, -ENOMEM, "out of memory");
	if (!api->http) {
		rn_api_free(api);
		return -EIO;
	}
	*ret = api;
	return 0;
}

void rn_api_free(struct rn_api *api)
{
	if (!api)
		return;
	rn_http_free(api->http);
	rn_web_door_free(api->web);
	rn_streams_free(api->streams);
	free(api);
}
