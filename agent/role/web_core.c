/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "role/web.h"
#include "sys/local.h"

#define TURN_MAX 64 /* messages of core before others have their turn */

bool web_core_there(const struct web *web)
{
	return web->core.fd >= 0 && !web->core.lost;
}

/* From the loop, since whoever found out is in the middle of something. */
static void lose(struct web *web)
{
	web->core.lost = true;
	rn_timer_set(web->core.retry, 0);
}

void web_core_flush(struct web *web)
{
	int r;

	if (!web_core_there(web))
		return;
	r = web_exchanges_speak(web);
	if (r == -EAGAIN)
		rn_watch_set(web->core.watch, RN_READABLE | RN_WRITABLE);
	else if (r < 0)
		lose(web);
	else
		rn_watch_set(web->core.watch, RN_READABLE);
}

static void ready(void *context, unsigned events)
{
	struct web *web = context;
	struct rn_local in;

	(void)events;
	for (unsigned i = 0; i < TURN_MAX && web_core_there(web); i++) {
		int r = rn_local_receive(web->core.fd, web->core.buffer, &in);

		if (r == -EAGAIN)
			break;
		if (r != 1 || !web_exchange_receive(web, &in))
			lose(web);
	}
	web_core_flush(web);
}

static void hang_up(struct web *web)
{
	struct web_core *core = &web->core;

	rn_watch_free(core->watch);
	core->watch = NULL;
	if (core->fd >= 0)
		close(core->fd);
	core->fd = -1;
	core->lost = false;
}

static void dial(struct web *web)
{
	struct web_core *core = &web->core;
	struct rn_local hello = {.type = RN_LOCAL_WEB_HELLO};
	int fd = rn_local_dial(RN_LOCAL_CORE, core->uid, "core", &core->strange);

	if (fd >= 0 && rn_local_send(fd, &hello) == 0)
		core->watch = rn_watch_new(web->loop, fd, RN_READABLE, ready, web);
	if (fd < 0 || !core->watch) {
		if (fd >= 0)
			close(fd);
		else if (rn_local_moved(web->conf.run_dir))
			rn_loop_stop(web->loop);
		rn_timer_set(core->retry, WEB_CORE_RETRY_MS);
		return;
	}
	core->fd = fd;
	rn_log(RN_LOG_INFO, "core: connected");
}

static void on_retry(void *context)
{
	struct web *web = context;

	if (web->core.lost) {
		rn_log(RN_LOG_NOTICE, "core: gone; requests are refused until it is back");
		hang_up(web);
		web_exchanges_abandon(web);
		rn_timer_set(web->core.retry, WEB_CORE_RETRY_MS);
	} else if (web->core.fd < 0) {
		dial(web);
	}
}

int web_core_start(struct web *web, struct rn_err *err)
{
	web->core.retry = rn_timer_new(web->loop, on_retry, web);
	if (!web->core.retry)
		return rn_fail(err, -ENOMEM, "out of memory");
	rn_timer_set(web->core.retry, 0);
	return 0;
}

void web_core_stop(struct web *web)
{
	hang_up(web);
	rn_timer_free(web->core.retry);
}
