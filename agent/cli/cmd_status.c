/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/firewall.h"
#include "cli/out.h"
#include "cli/remote.h"

static void line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *label, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("%-11s ", label);
	rn_out_text(stdout, text);
	putchar('\n');
}

static const char *wireguard_words(const char *name)
{
	if (strcmp(name, "kernel") == 0)
		return "in the kernel";
	if (strcmp(name, "userspace") == 0)
		return "wireguard-go in userspace";
	return "not there";
}

static void print_lease(int64_t seconds)
{
	if (seconds <= 0)
		line("Lease", "expired: everything is dropped until the gateway is heard again");
	else
		line("Lease", "%" PRId64 " days %" PRId64 " hours left", seconds / 86400, seconds % 86400 / 3600);
}

static void print_datapath(const struct rn_json *d)
{
	line("WireGuard", "%s, interface %s, port %s, MTU %s", wireguard_words(rn_remote_text(d, "wireguard")),
	     rn_remote_text(d, "interface"), rn_remote_text(d, "port"), rn_remote_text(d, "mtu"));
	line("Link", "%s", rn_remote_true(d, "link_up") ? "up" : "down");
	line("Filters", "%s", rn_remote_true(d, "filters") ? "in place" : "missing");
	print_lease(rn_remote_int(d, "lease_seconds_left"));
	line("Flows", "%s now, %s events lost", rn_remote_text(d, "flows"), rn_remote_text(d, "events_lost"));
}

static void print_age(const struct rn_json *answer, int64_t seconds)
{
	line("Upstream",
	     "not connected: what this host enforces is %" PRId64 " days %" PRId64 " hours %" PRId64
	     " minutes old, and in force until the lease ends%s",
	     seconds / 86400, seconds % 86400 / 3600, seconds % 3600 / 60,
	     *rn_remote_text(answer, "hub_type") ? "; its devices go on" : "");
}

static void print_upstream(const struct rn_json *answer)
{
	const struct rn_json *upstream = rn_json_get(answer, "upstream");
	const char *since = rn_remote_text(upstream, "since");

	if (rn_remote_true(answer, "gateway"))
		line("Upstream", "none: this is the gateway");
	else if (rn_remote_true(upstream, "connected"))
		line("Upstream", "connected%s%s", *since ? " since " : "", since);
	else if (*rn_remote_text(upstream, "age_seconds"))
		print_age(answer, rn_remote_int(upstream, "age_seconds"));
	else
		line("Upstream", "not connected, and never was, or the clock was set back since");
}

static void print_mesh(const struct rn_json *mesh)
{
	if (mesh && rn_json_type(mesh) == RN_JSON_OBJECT)
		line("Mesh", "%s, interface %s, port %s, MTU %s, %s; %s other hubs, %s connected",
		     wireguard_words(rn_remote_text(mesh, "wireguard")), rn_remote_text(mesh, "interface"),
		     rn_remote_text(mesh, "port"), rn_remote_text(mesh, "mtu"),
		     rn_remote_true(mesh, "link_up") ? "up" : "down", rn_remote_text(mesh, "hubs"),
		     rn_remote_text(mesh, "hubs_connected"));
}

static void print_hub(const struct rn_json *answer)
{
	const char *gone = rn_remote_text(answer, "hub_gone"), *ends = rn_remote_text(answer, "hub_ends");

	if (*rn_remote_text(answer, "client_type") || *ends)
		line("Hub", "%s%s%s%s%s", rn_remote_text(answer, "hub"), *gone ? ", which is gone: " : "", gone,
		     *ends ? ", a project's; its end: " : "", ends);
}

static void print_processes(const struct rn_json *processes, bool gateway)
{
	line("Processes", "core is there; kern %s; net %s%s%s",
	     rn_remote_true(processes, "kern") ? "is there" : "is missing",
	     rn_remote_true(processes, "net") ? "is there" : "is missing",
	     !gateway			       ? ""
	     : rn_remote_true(processes, "ca") ? "; ca is there"
					       : "; ca is missing",
	     !gateway				? ""
	     : rn_remote_true(processes, "web") ? "; web is there"
						: "; web is missing");
}

static void print_firewall(const struct rn_json *firewall)
{
	const char *input = rn_remote_text(firewall, "input");

	if (strcmp(input, "closed") == 0 || strcmp(input, "some") == 0)
		line("Firewall", "this host's own drops %s of what comes in by its interface; to open: %s",
		     strcmp(input, "closed") == 0 ? "all" : "most", rn_remote_text(firewall, "remedy"));
}

/* The kernel has an older one for a moment after each change, and for long where it did not take the new one. */
static void print_policy(const struct rn_json *answer, const struct rn_json *datapath)
{
	bool known = datapath && rn_json_type(datapath) == RN_JSON_OBJECT;
	const char *version = rn_remote_text(answer, "policy_version");
	const char *kernel = known ? rn_remote_text(datapath, "policy_version") : version;

	if (strcmp(version, kernel) == 0)
		line("Policy", "version %s", version);
	else
		line("Policy", "version %s, which is not in the kernel%s: it has version %s", version,
		     *rn_remote_text(datapath, "policy_refused") ? "" : " yet", kernel);
}

static void print_status(const struct rn_json *answer)
{
	const char *type = rn_remote_text(answer, "client_type"), *ipv4 = rn_remote_text(answer, "virtual_ipv4");
	const struct rn_json *datapath = rn_json_get(answer, "datapath"), *control = rn_json_get(answer, "control");
	const struct rn_json *problem;
	bool enforcing = rn_remote_true(answer, "enforcing");

	line("Host", "%s (%s)", rn_remote_text(answer, "client_id"), *type ? type : rn_remote_text(answer, "hub_type"));
	line("Addresses", "%s%s%s", rn_remote_text(answer, "virtual_ip"), *ipv4 ? ", " : "", ipv4);
	if (datapath && rn_json_type(datapath) == RN_JSON_OBJECT)
		print_datapath(datapath);
	if (control && rn_json_type(control) == RN_JSON_OBJECT)
		line("Control", "%s", rn_remote_text(control, "text"));
	print_mesh(rn_json_get(answer, "mesh"));
	print_hub(answer);
	print_upstream(answer);
	print_policy(answer, datapath);
	line("Records", "epoch %s, version %s, %s devices", rn_remote_text(answer, "epoch"),
	     rn_remote_text(answer, "record_version"), rn_remote_text(answer, "devices"));
	print_processes(rn_json_get(answer, "processes"), rn_remote_true(answer, "gateway"));
	printf("%-11s ", "Enforcing");
	rn_out_painted(stdout, enforcing ? RN_PAINT_GOOD : RN_PAINT_BAD, enforcing ? "yes" : "no");
	putchar('\n');
	print_firewall(rn_json_get(answer, "firewall"));
	problem = rn_json_get(answer, "problems");
	for (problem = problem ? rn_json_first(problem) : NULL; problem; problem = rn_json_next(problem))
		line("Problem", "%s", rn_json_text(problem));
}

/* No process of ours may read the host's rules; whoever calls this is root. */
static void look_at_firewall(const struct rn_cli *cli, struct rn_json *answer)
{
	static const char *const words[] = {"open", "some", "closed", "unknown"};
	const struct rn_firewall_packet packet = {.interface = cli->conf.interface};
	struct rn_json *object = rn_json_object();
	struct rn_firewall firewall;
	char remedy[200] = "";

	rn_firewall_look(&packet, &firewall);
	if (firewall.answer == RN_FIREWALL_SOME || firewall.answer == RN_FIREWALL_CLOSED)
		rn_firewall_remedy(&firewall, &packet, remedy, sizeof(remedy));
	rn_json_add_text(object, "input", words[firewall.answer]);
	rn_json_add_text(object, "remedy", *remedy ? remedy : NULL);
	rn_json_add(answer, "firewall", object);
}

int rn_cmd_status(struct rn_cli *cli)
{
	struct rn_json *answer;
	bool enforcing;
	int code = rn_remote_call(cli, "GET", "/api/v1/status", NULL, &answer);

	if (code)
		return code;
	enforcing = rn_remote_true(answer, "enforcing");
	look_at_firewall(cli, answer);
	if (cli->json) {
		code = rn_cli_json(answer);
	} else {
		print_status(answer);
		rn_json_free(answer);
	}
	if (code || enforcing)
		return code;
	return rn_cli_fail(RN_EXIT_FAILED, "this host is not enforcing: rnaut status says why");
}
