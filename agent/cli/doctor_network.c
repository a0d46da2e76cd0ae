/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/remote.h"
#include "proto/knock.h"
#include "sys/netlink.h"
#include "sys/reach.h"

#define ROUTES_MAX 8	/* of ours: a range or two */
#define ANSWER_MS 4000	/* seven questions */
#define OVERHEAD_V4 60u /* IP, UDP and WireGuard */
#define OVERHEAD_V6 80u

uint16_t rn_doctor_mesh_port(const struct rn_doctor *d)
{
	return d->set_up && rn_kind_is_hub(d->self.kind) ? d->cli->conf.mesh_port : 0;
}

void rn_check_ports(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_conf *conf = &d->cli->conf;
	const struct {
		uint16_t port;
		const char *key;
	} ports[] = {{conf->wireguard_port, "wireguard_port"},
		     {conf->control_port, "control_port"},
		     {rn_doctor_mesh_port(d), "mesh_port"}};
	const struct rn_json *there = d->status ? rn_json_get(d->status, "processes") : NULL;
	bool ours = there && rn_remote_true(there, "kern") && rn_remote_true(there, "net");

	for (unsigned i = 0; i < 3 && ports[i].port && !ours; i++) {
		int code = rn_reach_port_free(ports[i].port);

		if (code == 0)
			continue;
		rn_found(f, RN_HEALTH_FAIL, "UDP %u cannot be used: %s", ports[i].port, strerror(-code));
		return rn_fix(f, "ss -ulpn 'sport = :%u' says by whom; or set \"%s\" in " RN_CONF_PATH, ports[i].port,
			      ports[i].key);
	}
	if (ports[2].port)
		return rn_found(f, RN_HEALTH_PASS, "UDP %u, %u and %u are %s", ports[0].port, ports[1].port,
				ports[2].port, ours ? "held by rnautd" : "free");
	rn_found(f, RN_HEALTH_PASS, "UDP %u and %u are %s", ports[0].port, ports[1].port,
		 ours ? "held by rnautd" : "free");
}

struct routes {
	const char *own;
	struct rn_prefix ours[ROUTES_MAX];
	unsigned count;
	struct rn_prefix thief; /* of another interface, within one of ours */
	char thief_interface[16];
};

static int note_ours(void *context, const struct rn_prefix *to, const char *interface)
{
	struct routes *r = context;

	if (strcmp(interface, r->own) == 0 && r->count < ROUTES_MAX)
		r->ours[r->count++] = *to;
	return 0;
}

/* The longer prefix wins, so one that contains ours takes nothing away. */
static int note_thief(void *context, const struct rn_prefix *to, const char *interface)
{
	struct routes *r = context;

	if (strcmp(interface, r->own) == 0)
		return 0;
	for (unsigned i = 0; i < r->count; i++) {
		if (!rn_prefix_overlap(&r->ours[i], to) || to->bits < r->ours[i].bits)
			continue;
		r->thief = *to;
		snprintf(r->thief_interface, sizeof(r->thief_interface), "%s", interface);
		return 1;
	}
	return 0;
}

void rn_check_routes(struct rn_doctor *d, struct rn_finding *f)
{
	struct routes r = {.own = d->cli->conf.interface};
	struct rn_netlink *n = rn_netlink_new();
	int code = n ? rn_netlink_routes(n, note_ours, &r) : -errno;
	char text[RN_PREFIX_TEXT];

	if (code == 0)
		code = rn_netlink_routes(n, note_thief, &r);
	rn_netlink_free(n);
	if (code < 0)
		return rn_found(f, RN_HEALTH_WARN, "this host's routes cannot be read: %s", strerror(-code));
	if (code == 1) {
		rn_found(f, RN_HEALTH_FAIL, "%s by %s takes a part of the network away",
			 rn_prefix_format(&r.thief, text),
			 *r.thief_interface ? r.thief_interface : "another interface");
		return rn_fix(f, "ip route delete %s, or give whoever made it another range", text);
	}
	if (r.count == 0) {
		rn_found(f, RN_HEALTH_FAIL, "none goes by %s", r.own);
		return rn_fix(f, "see the checks of units and processes; if they pass: systemctl restart rnautd-kern");
	}
	rn_found(f, RN_HEALTH_PASS, "%s and %u more by %s, and no other is in the way",
		 rn_prefix_format(&r.ours[0], text), r.count - 1, r.own);
}

void rn_check_rp_filter(struct rn_doctor *d, struct rn_finding *f)
{
	char path[96], all[8] = "0", own[8] = "0";
	struct rn_finding routes = {RN_HEALTH_PASS, "", ""};

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", d->cli->conf.interface);
	if (rn_doctor_line("/proc/sys/net/ipv4/conf/all/rp_filter", all, sizeof(all)) < 0 ||
	    rn_doctor_line(path, own, sizeof(own)) < 0)
		return rn_found(f, RN_HEALTH_WARN, "not known: there is no %s", d->cli->conf.interface);
	/* The kernel takes the larger; 1 is strict, and 2 loose. */
	if (strcmp(all, "2") == 0 || strcmp(own, "2") == 0 || (strcmp(all, "1") != 0 && strcmp(own, "1") != 0))
		return rn_found(f, RN_HEALTH_PASS, "not strict for %s", d->cli->conf.interface);
	rn_check_routes(d, &routes);
	if (routes.health == RN_HEALTH_PASS)
		return rn_found(f, RN_HEALTH_PASS, "strict, and the way back is by %s", d->cli->conf.interface);
	rn_found(f, RN_HEALTH_FAIL, "strict, and the way back is not by %s: what comes in is dropped",
		 d->cli->conf.interface);
	rn_fix(f, "put the routes right: see the check before this one");
}

/* Towards the hub; on a gateway, or before there is one, wherever the default route goes (nothing is sent). */
static void far_end(const struct rn_doctor *d, struct rn_endpoint *ret)
{
	*ret = (struct rn_endpoint){rn_addr_from_v4(0xc0000201), 9}; /* 192.0.2.1, RFC 5737 */
	if (d->set_up && !d->self.gateway)
		*ret = d->self.upstream;
}

void rn_check_mtu(struct rn_doctor *d, struct rn_finding *f)
{
	uint32_t path = 0, mtu = d->cli->conf.mtu, overhead;
	struct rn_endpoint to;
	int code;

	far_end(d, &to);
	overhead = rn_addr_is_v4(&to.addr) ? OVERHEAD_V4 : OVERHEAD_V6;
	code = rn_reach_mtu(&to, &path);
	if (code < 0 && d->set_up && !d->self.gateway) {
		rn_found(f, RN_HEALTH_FAIL, "there is no way to the hub: %s", strerror(-code));
		return rn_fix(f, "ip route get its address; see the check of udp");
	}
	if (code < 0)
		return rn_found(f, RN_HEALTH_PASS, "%u of %s; there is no default route to compare with", mtu,
				d->cli->conf.interface);
	if (path >= mtu + overhead)
		return rn_found(f, RN_HEALTH_PASS, "%u of %s fits into the way's %u", mtu, d->cli->conf.interface,
				path);
	rn_found(f, RN_HEALTH_WARN,
		 "%u of %s and %u for WireGuard are more than the way's %u: packets are cut in pieces", mtu,
		 d->cli->conf.interface, overhead, path);
	rn_fix(f, "set \"mtu\" to %u in " RN_CONF_PATH " and systemctl restart rnautd-kern",
	       path > OVERHEAD_V6 + 1280 ? path - OVERHEAD_V6 : 1280);
}

static bool answers(const void *context, const uint8_t *data, size_t size)
{
	return rn_knock_answered(context, data, size);
}

/* Whom to ask, and by which key: the hub, or on a gateway itself. The port that control shares comes first. */
struct question {
	struct rn_endpoint to[2]; /* the second: control's own port */
	const uint8_t *key;
	struct rn_leaf leaf; /* the gateway's own */
};

static int whom(struct rn_doctor *d, struct question *q)
{
	if (!d->self.gateway) {
		q->to[0] = q->to[1] = d->self.upstream;
		q->to[0].port = d->self.upstream_shared ? d->self.upstream_shared : d->self.upstream.port;
		q->key = d->self.upstream_key;
		return 0;
	}
	q->to[0] = (struct rn_endpoint){rn_addr_from_v4(0x7f000001), d->cli->conf.wireguard_port};
	q->to[1] = (struct rn_endpoint){rn_addr_from_v4(0x7f000001), d->cli->conf.control_port};
	q->key = q->leaf.key;
	return rn_doctor_leaf(d, &q->leaf);
}

static void no_answer(const struct rn_doctor *d, int code, const char *where, struct rn_finding *f)
{
	if (code == -ETIMEDOUT || code == -ECONNREFUSED)
		rn_found(f, RN_HEALTH_FAIL, code == -ETIMEDOUT ? "%s does not answer" : "at %s nobody listens", where);
	else
		rn_found(f, RN_HEALTH_FAIL, "nothing can be sent to %s: %s", where, strerror(-code));
	if (d->self.gateway)
		rn_fix(f, "systemctl restart rnautd-net; see the checks of units and processes");
	else if (code == -EPERM)
		rn_fix(f, "this host's own firewall drops it on its way out: let UDP to %s out", where);
	else if (code == -ETIMEDOUT)
		rn_fix(f,
		       "let UDP to %s out here and in there, and see that rnautd runs there: rnaut doctor on that host",
		       where);
	else
		rn_fix(f, "see that this host has a way there and that rnautd runs there: rnaut doctor on that host");
}

static int ask(const struct question *q, unsigned which, int *ret_ms)
{
	struct rn_knock knock;

	rn_knock_make(q->key, &knock);
	return rn_reach_ask(&q->to[which], knock.datagram, sizeof(knock.datagram), ANSWER_MS, answers, &knock, ret_ms);
}

void rn_check_udp(struct rn_doctor *d, struct rn_finding *f)
{
	char first[RN_ENDPOINT_TEXT], second[RN_ENDPOINT_TEXT];
	struct question q;
	int ms = 0, code, other;

	if (whom(d, &q) < 0) {
		rn_found(f, RN_HEALTH_FAIL, "this gateway's key is not known, since its certificate does not load");
		return rn_fix(f, "see the check of the certificate");
	}
	rn_endpoint_format(&q.to[0], first);
	rn_endpoint_format(&q.to[1], second);
	code = ask(&q, 0, &ms);
	if (code == 0)
		return rn_found(f, RN_HEALTH_PASS, "%s answers after %d ms, and proves its key", first, ms);
	other = q.to[0].port == q.to[1].port ? code : ask(&q, 1, &ms);
	if (other < 0)
		return no_answer(d, code, first, f);
	rn_found(f, RN_HEALTH_WARN, "%s answers after %d ms, and %s, which needs no second open port, does not", second,
		 ms, first);
	rn_fix(f, "rnaut status on that host says why; or a firewall between drops UDP to %s", first);
}

void rn_check_upstream(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *upstream = d->status ? rn_json_get(d->status, "upstream") : NULL;

	if (d->self.gateway)
		return rn_found(f, RN_HEALTH_PASS, "none: this is the gateway");
	if (upstream && rn_remote_true(upstream, "connected"))
		return rn_found(f, RN_HEALTH_PASS, "connected");
	rn_found(f, RN_HEALTH_FAIL, "not connected to its hub");
	rn_fix(f,
	       "where the check of udp passes: journalctl -u rnautd-net -u rnautd-core; a revoked device is refused");
}

/* The way to devices of other hubs. A tunnel without traffic has no keys, which is no fault. */
void rn_check_hubs(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *mesh = d->status ? rn_json_get(d->status, "mesh") : NULL;
	const char *interface = rn_remote_text(mesh, "interface");

	if (!mesh || rn_json_type(mesh) != RN_JSON_OBJECT)
		return rn_found(f, RN_HEALTH_WARN, "rnautd does not say how it reaches other hubs");
	if (!rn_remote_true(mesh, "link_up") || !rn_remote_true(mesh, "filters")) {
		rn_found(f, RN_HEALTH_FAIL, "%s is down: devices of other hubs are not reached", interface);
		return rn_fix(f, "journalctl -u rnautd-kern says why");
	}
	rn_found(f, RN_HEALTH_PASS, "%s is up, %s other hubs, %s with a tunnel in use", interface,
		 rn_remote_text(mesh, "hubs"), rn_remote_text(mesh, "hubs_connected"));
}
