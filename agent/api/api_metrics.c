/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/verdict.h"
#include "api/resources.h"
#include "base/buf.h"

#ifndef RN_VERSION
#define RN_VERSION "unknown"
#endif

/* This host's counters in Prometheus' text format 0.0.4. Integers are printed as they are, never through a double. */
struct text {
	char *data;
	size_t size, room;
	bool failed;
};

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *t, const char *format, ...)
{
	char line[512];
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof(line) || t->failed) {
		t->failed = true;
		return;
	}
	if (t->size + (size_t)size + 1 > t->room) {
		size_t room = 2 * (t->room + (size_t)size + 1);
		char *grown = realloc(t->data, room);

		if (!grown) {
			t->failed = true;
			return;
		}
		t->data = grown;
		t->room = room;
	}
	memcpy(t->data + t->size, line, (size_t)size + 1);
	t->size += (size_t)size;
}

static void head(struct text *t, const char *name, const char *type, const char *help)
{
	say(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct text *t, const char *name, const char *type, const char *help, uint64_t value)
{
	head(t, name, type, help);
	say(t, "%s %" PRIu64 "\n", name, value);
}

/* The verdict counters of kern: packets (offset 0) or bytes (8) by direction and reason. */
static void verdicts(struct text *t, const struct rn_local_status *kern, const char *name, size_t offset)
{
	static const char *const directions[2] = {"ingress", "egress"};

	for (unsigned direction = 0; direction < 2; direction++)
		for (unsigned reason = 0; reason < RN_REASON_COUNT; reason++) {
			size_t at = (direction * RN_REASON_COUNT + reason) * 2 * sizeof(uint64_t) + offset;
			struct rn_reader r = rn_reader(kern->counters + at, sizeof(uint64_t));

			say(t, "%s{direction=\"%s\",reason=\"%s\"} %" PRIu64 "\n", name, directions[direction],
			    rn_api_reason_name(reason), rn_read_u64(&r));
		}
}

static void add_datapath(struct text *t, const struct rn_local_status *kern)
{
	if (kern->counters_size == 2 * RN_REASON_COUNT * 2 * sizeof(uint64_t)) {
		head(t, "rnaut_packets_total", "counter", "Packets judged, by direction and reason.");
		verdicts(t, kern, "rnaut_packets_total", 0);
		head(t, "rnaut_packet_bytes_total", "counter", "Bytes of packets judged, by direction and reason.");
		verdicts(t, kern, "rnaut_packet_bytes_total", sizeof(uint64_t));
	}
	one(t, "rnaut_flows", "gauge", "Flows in the table.", kern->flows);
	one(t, "rnaut_flow_events_lost_total", "counter", "Flow events that the kernel could not hand over.",
	    kern->lost);
	one(t, "rnaut_kernel_policy_version", "gauge", "Version of the policy that the kernel enforces.",
	    kern->policy_version);
	one(t, "rnaut_applied_version", "gauge", "Everything signed up to this version is in the kernel.",
	    kern->applied);
	one(t, "rnaut_link_up", "gauge", "1 where the interface is up.", kern->link_up);
	head(t, "rnaut_lease_seconds", "gauge", "How long the signed state is good for.");
	say(t, "rnaut_lease_seconds %" PRId64 "\n", kern->lease_seconds_left);
}

static void add_processes(struct text *t, const struct rn_core_status *s)
{
	const struct {
		const char *name;
		bool there;
	} processes[] = {
	    {"kern", s->kern_connected}, {"net", s->net_connected}, {"ca", s->ca_connected}, {"web", s->web_connected}};

	head(t, "rnaut_process_connected", "gauge", "1 where the process is connected to core.");
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
		say(t, "rnaut_process_connected{process=\"%s\"} %d\n", processes[i].name, processes[i].there);
}

static void add_hub(void *context, const struct rn_core_hub *hub)
{
	say(context, "rnaut_hub_connected{hub=\"%s\"} %d\n", hub->record.name, hub->connected);
}

static void add_hub_behind(void *context, const struct rn_core_hub *hub)
{
	say(context, "rnaut_hub_policy_behind{hub=\"%s\"} %d\n", hub->record.name, hub->policy_behind);
}

static void add_hub_devices(void *context, const struct rn_core_hub *hub)
{
	say(context, "rnaut_hub_devices{hub=\"%s\",connected=\"true\"} %u\n", hub->record.name, hub->devices_connected);
	say(context, "rnaut_hub_devices{hub=\"%s\",connected=\"false\"} %u\n", hub->record.name,
	    hub->devices - hub->devices_connected);
}

static void add_recorder(struct text *t, struct rn_core *core)
{
	struct rn_core_recording r;

	rn_core_recording(core, &r);
	one(t, "rnaut_recorder_recording", "gauge", "1 where flows are recorded, 0 where that is off or fails.",
	    r.on && !r.problem);
	one(t, "rnaut_recorder_rows", "gauge", "Rows of recorded flows that are kept.", r.rows);
	one(t, "rnaut_recorder_rows_max", "gauge", "The most rows that are kept.", r.rows_max);
	one(t, "rnaut_recorder_events_lost_total", "counter", "Flow events that are in no recorded row.", r.lost);
	one(t, "rnaut_recorder_oldest_timestamp_seconds", "gauge",
	    "When the oldest row was heard of; 0: there is none.", (uint64_t)r.oldest);
}

static void add_gateway(struct text *t, struct rn_core *core)
{
	struct rn_core_access_counts c;

	rn_core_access_counts(core, &c);
	head(t, "rnaut_hub_connected", "gauge", "1 where the hub is connected by the control protocol.");
	(void)rn_core_hubs(core, add_hub, t, NULL);
	head(t, "rnaut_hub_policy_behind", "gauge", "1 where the policy in force is not in the hub's kernel (yet).");
	(void)rn_core_hubs(core, add_hub_behind, t, NULL);
	head(t, "rnaut_hub_devices", "gauge", "Devices whose tunnel ends at the hub, without the revoked.");
	(void)rn_core_hubs(core, add_hub_devices, t, NULL);
	add_recorder(t, core);
	one(t, "rnaut_accounts", "gauge", "Accounts of the console.", c.accounts);
	one(t, "rnaut_sessions", "gauge", "Sessions that are stored.", c.sessions);
	one(t, "rnaut_api_tokens", "gauge", "API tokens that are stored.", c.api_tokens);
	head(t, "rnaut_sign_ins_total", "counter", "Attempts to sign in, by outcome.");
	say(t, "rnaut_sign_ins_total{outcome=\"good\"} %" PRIu64 "\n", c.signed_in);
	say(t, "rnaut_sign_ins_total{outcome=\"refused\"} %" PRIu64 "\n", c.refused);
	say(t, "rnaut_sign_ins_total{outcome=\"limited\"} %" PRIu64 "\n", c.limited);
}

void rn_api_metrics(struct rn_api_call *call)
{
	struct text t = {0};
	struct rn_core_status s;

	memset(&s, 0, sizeof(s));
	rn_core_status(call->core, &s);
	head(&t, "rnaut_build_info", "gauge", "The version of this host.");
	say(&t, "rnaut_build_info{version=\"%s\"} 1\n", RN_VERSION);
	one(&t, "rnaut_enforcing", "gauge", "1 where this host enforces what it should.", rn_api_enforcing(&s));
	add_processes(&t, &s);
	one(&t, "rnaut_devices", "gauge", "Devices that this host knows, with the revoked.", s.devices);
	one(&t, "rnaut_record_version", "gauge", "Version of the newest signed record.", s.version);
	one(&t, "rnaut_policy_version", "gauge", "Version of the policy in force.", s.policy_version);
	one(&t, "rnaut_flow_events_total", "counter", "Flow events since core started.", rn_api_newest(call->core));
	if (s.kern_connected)
		add_datapath(&t, &s.kern);
	if (s.gateway)
		add_gateway(&t, call->core);
	if (t.failed) {
		free(t.data);
		t.data = NULL;
	}
	rn_api_answer_text(call, "text/plain; version=0.0.4", t.data);
}
