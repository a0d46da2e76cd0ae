/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/resources.h"

#ifndef RN_VERSION
#define RN_VERSION "unknown"
#endif

static const char *wireguard_name(uint8_t wireguard)
{
	return wireguard == 1 ? "kernel" : wireguard == 2 ? "userspace" : "none";
}

struct problem {
	bool wrong;
	const char *text;
};
#define PROBLEMS 8

struct problems {
	struct problem list[PROBLEMS];
	char policy[400], stranger[400]; /* the texts of two of them */
};

static const char *hub_problem(const struct rn_core_status *s)
{
	bool own = rn_kind_is_hub(s->self.kind);

	if (s->hub_gone == RN_HUB_ENDED)
		return own ? "this hub was a project's and has ended: its devices need another hub"
			   : "its hub was a project's and has ended: this device needs a token for another hub";
	return own ? "this hub has been revoked"
		   : "its hub has been revoked: this device needs a token for another hub";
}

/* What keeps a host from enforcing. */
static void find_problems(const struct rn_core_status *s, struct problems *ret)
{
	const struct problem checks[PROBLEMS] = {
	    {!s->kern_connected, "the process kern is not there: the kernel goes on enforcing what it last had"},
	    {s->kern_connected && !s->kern.wireguard, "there is no WireGuard interface yet"},
	    {s->kern_connected && !s->kern.filters, "the filters are not in place, so the interface is kept down"},
	    {s->kern_connected && s->kern.policy_version == 0, "no policy is loaded, so everything is dropped"},
	    {s->kern_connected && s->kern.policy_version != 0 && s->kern.lease_seconds_left <= 0,
	     "the gateway's signed state is too old, so everything is dropped"},
	    {s->kern_connected && s->policy_refused, ret->policy},
	    {s->kern_connected && s->device_refused, ret->stranger},
	    {s->hub_gone != RN_HUB_THERE, hub_problem(s)},
	};

	snprintf(ret->policy, sizeof(ret->policy), "%s; the kernel goes on with policy %" PRIu64,
		 s->policy_refused ? s->policy_refused : "", s->kern.policy_version);
	snprintf(ret->stranger, sizeof(ret->stranger), "%s; nothing passes between it and this host's devices",
		 s->device_refused ? s->device_refused : "");
	memcpy(ret->list, checks, sizeof(checks));
}

bool rn_api_enforcing(const struct rn_core_status *s)
{
	struct problems found;
	bool good = true;

	find_problems(s, &found);
	for (size_t i = 0; i < PROBLEMS; i++)
		good = good && !found.list[i].wrong;
	return good;
}

/* As sentences. */
static struct rn_json *problems(const struct rn_core_status *s)
{
	struct rn_json *list = rn_json_array();
	struct problems found;

	find_problems(s, &found);
	for (size_t i = 0; i < PROBLEMS; i++)
		if (found.list[i].wrong)
			rn_json_append_text(list, found.list[i].text);
	return list;
}

static void add_datapath(struct rn_json *root, const struct rn_core_status *s)
{
	const struct rn_local_status *kern = &s->kern;
	struct rn_json *d = rn_json_object();

	rn_json_add_text(d, "wireguard", wireguard_name(kern->wireguard));
	rn_json_add_text(d, "interface", kern->interface);
	rn_json_add_u64(d, "mtu", kern->mtu);
	rn_json_add_u64(d, "port", kern->port);
	rn_json_add_bool(d, "link_up", kern->link_up);
	rn_json_add_bool(d, "filters", kern->filters);
	rn_json_add_u64(d, "policy_version", kern->policy_version);
	rn_json_add_text(d, "policy_refused", s->policy_refused);
	rn_json_add_u64(d, "applied_version", kern->applied);
	rn_json_add_int(d, "lease_seconds_left", kern->lease_seconds_left);
	rn_json_add_u64(d, "flows", kern->flows);
	rn_json_add_u64(d, "events_lost", kern->lost);
	rn_json_add(root, "datapath", d);
}

/* A hub's device to other hubs. */
static void add_mesh(struct rn_json *root, const struct rn_local_status *kern)
{
	struct rn_json *m;

	if (!kern->mesh_interface[0]) {
		rn_json_add_text(root, "mesh", NULL);
		return;
	}
	m = rn_json_object();
	rn_json_add_text(m, "wireguard", wireguard_name(kern->mesh_wireguard));
	rn_json_add_text(m, "interface", kern->mesh_interface);
	rn_json_add_u64(m, "mtu", kern->mesh_mtu);
	rn_json_add_u64(m, "port", kern->mesh_port);
	rn_json_add_bool(m, "link_up", kern->mesh_up);
	rn_json_add_bool(m, "filters", kern->mesh_filters);
	rn_json_add_u64(m, "hubs", kern->mesh_peers);
	rn_json_add_u64(m, "hubs_connected", kern->mesh_alive);
	rn_json_add(root, "mesh", m);
}

/* Which UDP ports the control protocol needs open, and why more than one. */
static void add_control(struct rn_json *root, const struct rn_local_status *kern)
{
	struct rn_json *c = rn_json_object();
	char text[512];

	if (kern->steering)
		snprintf(text, sizeof(text), "control shares UDP port %u with WireGuard: no other needs to be open",
			 kern->port);
	else
		snprintf(text, sizeof(text), "control needs UDP port %u open beside WireGuard's %u: %s",
			 kern->control_port, kern->port,
			 kern->steering_why[0] ? kern->steering_why : "kern has not said why yet");
	rn_json_add_bool(c, "shared", kern->steering);
	rn_json_add_u64(c, "port", kern->steering ? kern->port : kern->control_port);
	rn_json_add_u64(c, "second_port", kern->control_port);
	rn_json_add_u64(c, "steered", kern->steered);
	rn_json_add_text(c, "text", text);
	rn_json_add(root, "control", c);
}

static void add_upstream(struct rn_json *root, const struct rn_core_status *s)
{
	struct rn_json *upstream = rn_json_object();

	rn_json_add_bool(upstream, "connected", s->upstream_connected);
	rn_api_add_time(upstream, "since", s->upstream_since);
	if (s->upstream_connected || s->upstream_heard)
		rn_json_add_int(upstream, "age_seconds", s->upstream_connected ? 0 : s->upstream_age);
	else
		rn_json_add_text(upstream, "age_seconds", NULL);
	rn_json_add(root, "upstream", upstream);
}

static void add_processes(struct rn_json *root, const struct rn_core_status *s)
{
	struct rn_json *processes = rn_json_object();

	rn_json_add_bool(processes, "kern", s->kern_connected);
	rn_json_add_bool(processes, "net", s->net_connected);
	rn_json_add_bool(processes, "ca", s->ca_connected);
	rn_json_add_bool(processes, "web", s->web_connected);
	rn_json_add(root, "processes", processes);
}

/* Of the gateway: what it records of flows. */
static void add_recorder(struct rn_json *root, struct rn_core *core, bool gateway)
{
	struct rn_core_recording r;
	struct rn_json *o;

	if (!gateway) {
		rn_json_add_text(root, "recorder", NULL);
		return;
	}
	rn_core_recording(core, &r);
	o = rn_json_object();
	rn_json_add_text(o, "state", r.off ? "off" : r.problem ? "failed" : "recording");
	rn_json_add_text(o, "problem", r.problem);
	rn_json_add_u64(o, "rows", r.rows);
	rn_json_add_u64(o, "rows_max", r.rows_max);
	rn_json_add_u64(o, "lost_events", r.lost);
	rn_api_add_time(o, "recorded_since", r.oldest);
	rn_json_add_bool(o, "set_aside", r.aside);
	rn_json_add(root, "recorder", o);
}

void rn_api_status(struct rn_api_call *call)
{
	struct rn_core_status s;
	struct rn_json *root = rn_json_object(), *wrong;

	memset(&s, 0, sizeof(s));
	rn_core_status(call->core, &s);
	rn_json_add_text(root, "version", RN_VERSION);
	rn_json_add_text(root, "client_id", s.self.name);
	rn_api_add_kind(root, s.self.kind);
	rn_json_add_bool(root, "gateway", s.gateway);
	rn_json_add_bool(root, "known", s.known);
	rn_api_add_address(root, "virtual_ip", &s.self.ipv6);
	rn_api_add_address(root, "virtual_ipv4", &s.self.ipv4);
	rn_json_add_u64(root, "epoch", s.epoch);
	rn_json_add_u64(root, "record_version", s.version);
	rn_json_add_u64(root, "policy_version", s.policy_version);
	rn_json_add_u64(root, "devices", s.devices);
	rn_json_add_text(root, "hub", s.hub_name[0] ? s.hub_name : NULL);
	rn_api_add_hub_gone(root, s.hub_gone);
	rn_api_add_time(root, "hub_ends", s.hub_ends);
	add_upstream(root, &s);
	add_processes(root, &s);
	if (s.kern_connected) {
		add_datapath(root, &s);
		add_control(root, &s.kern);
		add_mesh(root, &s.kern);
	} else {
		rn_json_add_text(root, "datapath", NULL);
		rn_json_add_text(root, "control", NULL);
		rn_json_add_text(root, "mesh", NULL);
	}
	add_recorder(root, call->core, s.gateway);
	wrong = problems(&s);
	rn_json_add_bool(root, "enforcing", rn_json_count(wrong) == 0);
	rn_json_add(root, "problems", wrong);
	rn_api_answer(call, 200, root);
}
