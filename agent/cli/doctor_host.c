/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/doctor.h"
#include "cli/firewall.h"
#include "cli/remote.h"
#include "sys/command.h"
#include "sys/netlink.h"

#define ANSWER_MAX 65536
#define TIMEOUT_MS 10000

static const char *const processes[] = {"core", "net", "kern", "ca", "web"};
#define EVERYWHERE 3 /* of them; the others are on the gateway */

/* A property of a unit, as `systemctl show` says it: "" where it cannot be asked. */
static const char *property(const char *unit, const char *name, char out[64])
{
	char option[64], *text = NULL;
	const char *const argv[] = {"systemctl", "show", "--value", option, unit, NULL};
	size_t size = 0;
	int status = 0;

	snprintf(option, sizeof(option), "--property=%s", name);
	*out = '\0';
	if (rn_command(argv, ANSWER_MAX, TIMEOUT_MS, &text, &size, &status) == 0)
		snprintf(out, 64, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return out;
}

static unsigned processes_of(const struct rn_doctor *d)
{
	return d->self.gateway ? sizeof(processes) / sizeof(processes[0]) : EVERYWHERE;
}

static bool unit_runs(const char *process, struct rn_finding *f)
{
	char unit[64], state[64];

	snprintf(unit, sizeof(unit), "rnautd-%s.service", process);
	if (strcmp(property(unit, "ActiveState", state), "active") == 0)
		return true;
	rn_found(f, RN_HEALTH_FAIL, "%s is %s", unit, *state ? state : "not known");
	rn_fix(f, "systemctl start rnautd.target; journalctl -u %s says why it ended", unit);
	return false;
}

void rn_check_units(struct rn_doctor *d, struct rn_finding *f)
{
	char state[64];

	if (!d->systemd)
		return rn_found(f, RN_HEALTH_PASS, "systemd does not run this host: the units are not used");
	if (strcmp(property("rnautd.target", "LoadState", state), "loaded") != 0) {
		rn_found(f, RN_HEALTH_FAIL, "systemd knows no rnautd.target");
		return rn_fix(f, "make install, and systemctl daemon-reload");
	}
	if (!d->set_up)
		return rn_found(f, RN_HEALTH_PASS, "installed; they wait for this host to be set up");
	for (unsigned i = 0; i < processes_of(d); i++)
		if (!unit_runs(processes[i], f))
			return;
	if (strcmp(property("rnautd-wireguard.service", "ActiveState", state), "failed") == 0) {
		rn_found(f, RN_HEALTH_FAIL, "rnautd-wireguard.service has failed");
		return rn_fix(f, "journalctl -u rnautd-wireguard says why");
	}
	if (strcmp(property("rnautd.target", "UnitFileState", state), "enabled") != 0) {
		rn_found(f, RN_HEALTH_WARN, "they run, and do not start at boot");
		return rn_fix(f, "systemctl enable rnautd.target");
	}
	rn_found(f, RN_HEALTH_PASS, "they run, and start at boot");
}

void rn_check_processes(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *there = d->status ? rn_json_get(d->status, "processes") : NULL, *problem;

	if (!there) {
		rn_found(f, RN_HEALTH_FAIL,
			 "rnautd core does not answer: the kernel goes on enforcing what it last had");
		return rn_fix(f, "systemctl start rnautd.target; journalctl -u rnautd-core says why it ended");
	}
	for (unsigned i = 1; i < processes_of(d); i++) {
		if (rn_remote_true(there, processes[i]))
			continue;
		rn_found(f, RN_HEALTH_FAIL, "core does not see rnautd %s", processes[i]);
		return rn_fix(f, "systemctl restart rnautd-%s; journalctl -u rnautd-%s says why it ended", processes[i],
			      processes[i]);
	}
	problem = rn_json_get(d->status, "problems");
	problem = problem ? rn_json_first(problem) : NULL;
	if (rn_remote_true(d->status, "enforcing"))
		return rn_found(f, RN_HEALTH_PASS, "all there, and this host enforces");
	rn_found(f, RN_HEALTH_FAIL, "this host does not enforce: %s",
		 problem ? rn_json_text(problem) : "no reason given");
	rn_fix(f, "see the checks of lease, udp and upstream; journalctl -u rnautd-kern");
}

/* What a network manager noted of a link: /run/... /INDEX has a line KEY=VALUE. */
static bool noted(const char *directory, uint32_t index, const char *wanted)
{
	char path[128], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", directory, index);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strcmp(line, wanted) == 0;
	}
	if (file)
		fclose(file);
	return found;
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

void rn_check_managers(struct rn_doctor *d, struct rn_finding *f)
{
	static const char networkd[] = "/run/systemd/netif/links", manager[] = "/run/NetworkManager/devices";
	struct rn_netlink *n = rn_netlink_new();
	const char *name = d->cli->conf.interface;
	struct rn_link link = {0};
	char path[128];
	bool there = n && rn_netlink_link(n, name, &link) == 0;

	rn_netlink_free(n);
	snprintf(path, sizeof(path), "%s/%u", networkd, link.index);
	if (there && exists(path) && !noted(networkd, link.index, "ADMIN_STATE=unmanaged")) {
		rn_found(f, RN_HEALTH_WARN, "systemd-networkd manages %s and may take its addresses and routes away",
			 name);
		return rn_fix(f,
			      "make install ships 05-rnaut.network: networkctl reload, networkctl reconfigure %s; or a "
			      "file of yours comes before it",
			      name);
	}
	if (there && noted(manager, link.index, "managed=true")) {
		rn_found(f, RN_HEALTH_WARN, "NetworkManager manages %s and may take its addresses away", name);
		return rn_fix(f, "make install ships NetworkManager/conf.d/rnaut.conf: nmcli general reload");
	}
	rn_found(f, RN_HEALTH_PASS, "none touches %s%s", name, there ? "" : ", which is not there yet");
}

void rn_check_firewall(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_firewall_packet packet = {.interface = d->cli->conf.interface};
	struct rn_firewall firewall;
	char remedy[200];

	rn_firewall_look(&packet, &firewall);
	rn_firewall_remedy(&firewall, &packet, remedy, sizeof(remedy));
	if (firewall.answer == RN_FIREWALL_OPEN)
		return rn_found(f, RN_HEALTH_PASS, "this host's own lets in what comes by %s", packet.interface);
	if (firewall.answer == RN_FIREWALL_UNKNOWN) {
		rn_found(f, RN_HEALTH_WARN, "not known: %s", firewall.why);
		return rn_fix(f, "apt-get install nftables, or look whether %s may come in: iptables-legacy -S INPUT",
			      packet.interface);
	}
	if (firewall.answer == RN_FIREWALL_SOME)
		rn_found(f, RN_HEALTH_WARN,
			 "this host's own (%s %s %s) drops what comes in by %s, but for a few services",
			 firewall.family, firewall.table, firewall.chain, packet.interface);
	else
		rn_found(f, RN_HEALTH_FAIL, "this host's own (%s %s %s) drops what comes in by %s", firewall.family,
			 firewall.table, firewall.chain, packet.interface);
	rn_fix(f, "%s", remedy);
}

/* By which interface others come in: that of the default routes, or else of all routes but ours. "?": there are
 * several. */
struct uplink {
	const char *own;
	char of_default[16], of_any[16];
};

static void note(char out[16], const char *interface)
{
	snprintf(out, 16, "%s", *out && strcmp(out, interface) != 0 ? "?" : interface);
}

static int note_route(void *context, const struct rn_prefix *to, const char *interface)
{
	struct uplink *u = context;

	if (strcmp(interface, u->own) == 0)
		return 0;
	note(u->of_any, interface);
	if (to->bits == 0 || (to->bits == 96 && rn_addr_is_v4(&to->addr)))
		note(u->of_default, interface);
	return 0;
}

/* "" where it is not clear. */
static void find_uplink(const struct rn_doctor *d, char out[16])
{
	struct uplink u = {.own = d->cli->conf.interface};
	struct rn_netlink *n = rn_netlink_new();
	const char *found;

	if (n)
		rn_netlink_routes(n, note_route, &u);
	rn_netlink_free(n);
	found = *u.of_default ? u.of_default : u.of_any;
	snprintf(out, 16, "%s", *found == '?' ? "" : found);
}

/* True where the port is open; else the finding says what drops it, as bad as worst at most. */
static bool port_open(const char *interface, uint16_t port, enum rn_health worst, const char *whose,
		      struct rn_finding *f)
{
	const struct rn_firewall_packet packet = {interface, "udp", port};
	struct rn_firewall firewall;
	char remedy[200];

	rn_firewall_look(&packet, &firewall);
	if (firewall.answer == RN_FIREWALL_OPEN)
		return true;
	if (firewall.answer == RN_FIREWALL_UNKNOWN) {
		rn_found(f, RN_HEALTH_WARN, "not known: %s", firewall.why);
		rn_fix(f, "look whether UDP %u may come in", port);
		return false;
	}
	rn_firewall_remedy(&firewall, &packet, remedy, sizeof(remedy));
	rn_found(f, firewall.answer == RN_FIREWALL_CLOSED ? worst : RN_HEALTH_WARN,
		 "this host's own (%s %s %s) drops UDP %u%s%s", firewall.family, firewall.table, firewall.chain, port,
		 whose, firewall.answer == RN_FIREWALL_CLOSED ? "" : ", but for some of it");
	rn_fix(f, "%s", remedy);
	return false;
}

void rn_check_firewall_ports(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *control = d->status ? rn_json_get(d->status, "control") : NULL;
	const uint16_t first = d->cli->conf.wireguard_port, second = d->cli->conf.control_port;
	const uint16_t mesh = rn_doctor_mesh_port(d);
	bool shared = control && rn_json_type(control) == RN_JSON_OBJECT && rn_remote_true(control, "shared");
	char interface[16], more[16] = "";

	find_uplink(d, interface);
	if (!port_open(interface, first, RN_HEALTH_FAIL, "", f) ||
	    (!shared && !port_open(interface, second, RN_HEALTH_FAIL, "", f)) ||
	    (mesh && !port_open(interface, mesh, RN_HEALTH_WARN, ", by which other hubs come", f)))
		return;
	if (!shared)
		snprintf(more, sizeof(more), " and %u", second);
	if (mesh)
		return rn_found(f, RN_HEALTH_PASS, "this host's own lets UDP %u%s in, and for other hubs %u", first,
				more, mesh);
	rn_found(f, RN_HEALTH_PASS, "this host's own lets UDP %u%s in%s", first, more,
		 shared ? ", and no other port is needed" : "");
}
