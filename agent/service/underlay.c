/* SPDX-License-Identifier: Apache-2.0 */
#include "service/underlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/netlink.h"
#include "sys/steering.h"

struct rn_underlay {
	const struct rn_conf *conf;
	struct rn_steering *steering; /* NULL: the kernel did not take the programs */
	struct rn_netlink *netlink;
	int monitor;
	bool on;
	char why[sizeof(((struct rn_underlay_status *)0)->why)]; /* it is not on */
	char bad[sizeof(((struct rn_underlay_status *)0)->why)]; /* an interface that is up and has no program */
};

/* Where the kernel gives no socket to what TC has seen, or has no clsact, its own words are no help to people. */
static void load(struct rn_underlay *u, const char *dir)
{
	struct rn_err why = {""};

	if (rn_steering_open(dir, &u->steering, &why) == 0)
		return;
	snprintf(u->why, sizeof(u->why), "%.*s", (int)sizeof(u->why) - 1, why.text);
	rn_log(RN_LOG_WARNING, "%s; control uses UDP port %u alone", u->why, u->conf->control_port);
}

int rn_underlay_new(const struct rn_conf *conf, const char *dir, struct rn_underlay **ret, struct rn_err *err)
{
	struct rn_underlay *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return rn_fail(err, -ENOMEM, "out of memory");
	u->conf = conf;
	u->netlink = rn_netlink_new();
	u->monitor = u->netlink ? rn_netlink_monitor() : -errno;
	if (u->monitor < 0) {
		r = u->monitor;
		rn_underlay_free(u);
		return rn_fail(err, r, "cannot speak rtnetlink: %s", strerror(-r));
	}
	load(u, dir);
	*ret = u;
	return 0;
}

void rn_underlay_free(struct rn_underlay *u)
{
	if (!u)
		return;
	if (u->monitor >= 0)
		close(u->monitor);
	rn_netlink_free(u->netlink);
	rn_steering_close(u->steering);
	free(u);
}

void rn_underlay_start(struct rn_underlay *u)
{
	int r = u->steering ? rn_steering_set(u->steering, u->conf->wireguard_port, u->conf->control_port) : -ENOSYS;

	u->on = r == 0;
	if (u->on)
		u->why[0] = '\0';
	rn_underlay_check(u);
}

void rn_underlay_stop(struct rn_underlay *u, const char *why)
{
	u->on = false;
	if (!u->steering)
		return;
	rn_steering_set(u->steering, 0, 0);
	snprintf(u->why, sizeof(u->why), "%s", why);
	rn_log(RN_LOG_WARNING, "%s; control uses UDP port %u alone", u->why, u->conf->control_port);
}

/* Other hosts' answers would be lost on an interface without the program, so one of them counts. */
static void complain(struct rn_underlay *u, const char *name, bool up, int code, const char *before)
{
	char text[sizeof(u->bad)];

	if (!up)
		return;
	snprintf(text, sizeof(text), "on interface %s datagrams cannot be steered (%s)", name, strerror(-code));
	if (strcmp(text, before) != 0)
		rn_log(RN_LOG_WARNING, "%s", text);
	memcpy(u->bad, text, sizeof(text));
}

struct sweep {
	struct rn_underlay *u;
	char before[sizeof(((struct rn_underlay *)0)->bad)];
};

static void look_at(void *context, uint32_t index, const char *name, bool ethernet, bool up)
{
	struct sweep *sweep = context;
	struct rn_underlay *u = sweep->u;
	int r;

	if (!name || strcmp(name, u->conf->interface) == 0 || strcmp(name, u->conf->mesh_interface) == 0)
		return;
	r = rn_steering_in_place(u->steering, index, ethernet);
	if (r == 0) {
		r = rn_steering_attach(u->steering, index, ethernet);
		if (r == 0)
			rn_log(RN_LOG_INFO, "control datagrams are steered on %s", name);
	}
	if (r < 0 && r != -ENODEV)
		complain(u, name, up, r, sweep->before);
}

void rn_underlay_check(struct rn_underlay *u)
{
	struct sweep sweep = {.u = u};
	int r;

	if (!u->steering)
		return;
	memcpy(sweep.before, u->bad, sizeof(sweep.before));
	u->bad[0] = '\0';
	r = rn_netlink_links(u->netlink, look_at, &sweep);
	if (r < 0)
		snprintf(u->bad, sizeof(u->bad), "the kernel does not list its interfaces (%s)", strerror(-r));
}

int rn_underlay_monitor(const struct rn_underlay *u)
{
	return u->monitor;
}

void rn_underlay_drain(struct rn_underlay *u)
{
	rn_netlink_changed(u->monitor);
}

void rn_underlay_status(const struct rn_underlay *u, struct rn_underlay_status *ret)
{
	uint64_t counters[RN_PORT_COUNTERS] = {0};

	if (u->steering)
		rn_steering_counters(u->steering, counters);
	*ret = (struct rn_underlay_status){
	    .on = u->on,
	    .complete = u->on && !u->bad[0],
	    .given = counters[RN_PORT_GIVEN],
	};
	memcpy(ret->why, u->why[0] ? u->why : u->bad, sizeof(ret->why));
}

struct removal {
	const char *dir;
	struct rn_netlink *netlink;
	int result;
};

static void remove_from(void *context, uint32_t index, const char *name, bool ethernet, bool up)
{
	struct removal *removal = context;
	int r = rn_steering_detach(index);

	(void)name;
	(void)ethernet;
	(void)up;
	if (r == 0 && rn_steering_made_qdisc(removal->dir, index) == 1 &&
	    rn_netlink_filters(removal->netlink, index) == 0)
		r = rn_steering_remove_qdisc(index);
	if (r < 0)
		removal->result = r;
}

int rn_underlay_remove(const char *dir)
{
	struct rn_netlink *n = rn_netlink_new();
	struct removal removal = {dir, n, 0};
	int r = n ? rn_netlink_links(n, remove_from, &removal) : -errno;

	rn_netlink_free(n);
	return r < 0 ? r : removal.result;
}
