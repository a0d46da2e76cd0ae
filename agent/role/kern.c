/* SPDX-License-Identifier: Apache-2.0 */
#include "role/kern.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "role/role.h"
#include "sys/memory.h"
#include "sys/sandbox.h"
#include "sys/wall.h"

/* The loop. */

#define CHECK_MS 1000  /* of the interface and its filters */
#define SETTLE_MS 100  /* the same while the interface is not up */
#define FLUSH_MS 50    /* of events */
#define SAVE_MS 300000 /* of what is left of the lease */
#define PORT_MS 5000   /* between looks at the underlay's interfaces, when nothing has changed */
#define CHANGED_MS 100 /* when something has */
#define RETRY_MS 30000 /* of the list of the revoked, where the disk did not take it */

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

struct timers {
	int64_t check, flush, save, retry, port, settle;
};

static int timeout_ms(const struct rn_kern *k, const struct timers *t, int64_t now)
{
	int64_t next = t->check;

	if (rn_telemetry_pending(k->telemetry) && t->flush < next)
		next = t->flush;
	if (k->core < 0 && k->connect_at_ms < next)
		next = k->connect_at_ms;
	if (t->port < next)
		next = t->port;
	return next > now ? next - now : 0;
}

/* The datapath's times of policies are the wall clock's. */
static void tell_time(struct rn_kern *k)
{
	rn_datapath_set_wall_offset(k->dp, rn_unix_ns() - (int64_t)rn_boottime_ns());
}

static void check_interface(struct rn_kern *k, struct timers *t, int64_t now)
{
	struct rn_overlay_status status;

	tell_time(k); /* also where nothing says that it is set */
	rn_kern_endings(k);
	rn_overlay_check(k->overlay);
	rn_kern_mesh_check(k);
	rn_overlay_status(k->overlay, &status);
	k->settled = status.up;
	t->check = now + (k->settled ? CHECK_MS : SETTLE_MS);
}

static void on_time(struct rn_kern *k, struct timers *t, int64_t now)
{
	if (k->core < 0 && now >= k->connect_at_ms)
		rn_kern_connect(k, now);
	if (now >= t->check)
		check_interface(k, t, now);
	if (now >= t->port) {
		rn_kern_port_check(k);
		t->port = now + PORT_MS;
	}
	if (now >= t->flush && rn_telemetry_pending(k->telemetry)) {
		rn_telemetry_collect(k->telemetry, rn_kern_send, k);
		rn_telemetry_flush(k->telemetry, rn_kern_send, k);
	}
	if (now >= t->save) {
		rn_kern_save(k);
		t->save = now + SAVE_MS;
	}
	if (now >= t->settle) {
		rn_memory_settle();
		t->settle = INT64_MAX;
	}
	if (now >= t->retry) {
		rn_kern_save_revoked(k);
		t->retry = now + RETRY_MS;
	}
}

/* Changes of interfaces come in bursts, of which our own programs make some. */
static void on_port(struct rn_kern *k, struct timers *t, const struct pollfd *fds)
{
	if (fds[0].revents) {
		rn_underlay_drain(k->underlay);
		if (t->port > now_ms() + CHANGED_MS)
			t->port = now_ms() + CHANGED_MS;
	}
	if (fds[2].revents)
		rn_sender_receive(k->sender, now_ms());
	if (fds[1].revents)
		rn_sender_accept(k->sender);
}

/* Events are let gather for a moment: the ring is not polled while some wait to be sent. */
static void on_descriptors(struct rn_kern *k, struct timers *t, const struct pollfd *fds)
{
	if (fds[0].revents & POLLOUT)
		rn_kern_writable(k);
	if (fds[0].revents & ~POLLOUT)
		rn_kern_receive(k);
	if (fds[1].revents) {
		rn_telemetry_collect(k->telemetry, rn_kern_send, k);
		t->flush = now_ms() + FLUSH_MS;
	}
	if (fds[2].revents) {
		rn_overlay_drain(k->overlay);
		if (k->settled) /* else its own attempts would wake it again and again */
			t->check = 0;
	}
	if (fds[3].revents) {
		rn_overlay_drain(k->mesh);
		if (k->settled)
			t->check = 0;
	}
	on_port(k, t, fds + 4);
	if (fds[7].revents) {
		rn_wall_drain(k->wall);
		tell_time(k);
	}
}

static int loop(struct rn_kern *k)
{
	struct timers t = {.save = now_ms() + SAVE_MS, .settle = now_ms() + RN_SETTLE_MS};

	tell_time(k);
	while (!stopping) {
		struct pollfd fds[] = {
		    {.fd = k->core, .events = POLLIN | (rn_kern_wants_write(k) ? POLLOUT : 0)},
		    {.fd = rn_telemetry_pending(k->telemetry) ? -1 : rn_datapath_events_fd(k->dp), .events = POLLIN},
		    {.fd = rn_overlay_monitor(k->overlay), .events = POLLIN},
		    {.fd = k->mesh ? rn_overlay_monitor(k->mesh) : -1, .events = POLLIN},
		    {.fd = rn_underlay_monitor(k->underlay), .events = POLLIN},
		    {.fd = k->sender ? rn_sender_listener(k->sender) : -1, .events = POLLIN},
		    {.fd = k->sender ? rn_sender_peer(k->sender) : -1, .events = POLLIN},
		    {.fd = k->wall, .events = POLLIN},
		};
		int n = poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms(k, &t, now_ms()));

		if (n < 0 && errno != EINTR) {
			rn_log(RN_LOG_ERROR, "poll: %s", strerror(errno));
			return 1;
		}
		if (n > 0)
			on_descriptors(k, &t, fds);
		on_time(k, &t, now_ms());
	}
	rn_kern_save(k);
	rn_kern_save_revoked(k);
	return 0;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

int rn_role_kern(int argc, char **argv)
{
	struct rn_err err = {""};
	struct rn_kern *k;
	int status = 1;

	if (argc > 1 && strcmp(argv[1], "--remove") == 0)
		return rn_kern_clean();
	k = calloc(1, sizeof(*k));
	if (!k)
		return 1;
	k->core = -1;
	catch_signals();
	if (rn_kern_start(k, &err) < 0)
		rn_log(RN_LOG_ERROR, "%s", err.text);
	else
		status = loop(k);
	rn_kern_done(k);
	free(k);
	return status;
}
