/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "cli/out.h"
#include "cli/remote.h"

enum when {
	ALWAYS,
	SET_UP, /* only where this host is part of a network */
	HUB,	/* only on a hub that is */
	GATEWAY,
};

static const struct check {
	const char *name;
	enum when when;
	void (*run)(struct rn_doctor *d, struct rn_finding *f);
} checks[] = {
    {"set up", ALWAYS, rn_check_setup},
    {"users", ALWAYS, rn_check_users},
    {"state", SET_UP, rn_check_state},
    {"clock", ALWAYS, rn_check_clock},
    {"certificate", SET_UP, rn_check_certificate},
    {"lease", SET_UP, rn_check_lease},
    {"policy", SET_UP, rn_check_policy},
    {"policy, hubs", GATEWAY, rn_check_hub_policies},
    {"recorded flows", GATEWAY, rn_check_recorder},
    {"wireguard", ALWAYS, rn_check_wireguard},
    {"capabilities", ALWAYS, rn_check_capabilities},
    {"bpf file system", ALWAYS, rn_check_bpffs},
    {"bpf programs", ALWAYS, rn_check_programs},
    {"bpf jit", ALWAYS, rn_check_jit},
    {"units", ALWAYS, rn_check_units},
    {"processes", SET_UP, rn_check_processes},
    {"network managers", ALWAYS, rn_check_managers},
    {"ports", ALWAYS, rn_check_ports},
    {"firewall", ALWAYS, rn_check_firewall},
    {"firewall, ports", HUB, rn_check_firewall_ports},
    {"routes", SET_UP, rn_check_routes},
    {"rp_filter", SET_UP, rn_check_rp_filter},
    {"mtu", ALWAYS, rn_check_mtu},
    {"udp", SET_UP, rn_check_udp},
    {"upstream", SET_UP, rn_check_upstream},
    {"other hubs", HUB, rn_check_hubs},
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static const char *const words[] = {"PASS", "WARN", "FAIL"};

static void write_line(char *out, size_t size, const char *format, va_list args)
{
	vsnprintf(out, size, format, args);
	for (char *c = out; *c; c++)
		if (*c == '\n')
			*c = ' ';
}

void rn_found(struct rn_finding *f, enum rn_health health, const char *format, ...)
{
	va_list args;

	f->health = health;
	va_start(args, format);
	write_line(f->cause, sizeof(f->cause), format, args);
	va_end(args);
}

void rn_fix(struct rn_finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(f->fix, sizeof(f->fix), format, args);
	va_end(args);
}

int rn_doctor_line(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	if (!fgets(out, (int)size, file))
		*out = '\0';
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static void learn(struct rn_doctor *d)
{
	struct stat st;

	d->state = rn_self_load(&d->cli->conf, &d->self, &d->anchor, &d->state_error);
	d->set_up = d->state == 0;
	d->systemd = stat("/run/systemd/system", &st) == 0;
	d->status = d->set_up ? rn_remote_try(d->cli, "/api/v1/status") : NULL;
	rn_trial_run(d->cli, &d->trial);
}

static bool applies(const struct rn_doctor *d, const struct check *c)
{
	if (c->when == ALWAYS || !d->set_up)
		return c->when == ALWAYS;
	return c->when == SET_UP || (c->when == GATEWAY ? d->self.gateway : rn_kind_is_hub(d->self.kind));
}

static void print(const struct check *c, const struct rn_finding *f)
{
	static const enum rn_paint paints[] = {RN_PAINT_GOOD, RN_PAINT_NONE, RN_PAINT_BAD};

	rn_out_painted(stdout, paints[f->health], words[f->health]);
	printf("  %-16s  ", c->name);
	rn_out_text(stdout, f->cause);
	if (*f->fix) {
		printf("\n%-24s", "");
		rn_out_text(stdout, f->fix);
	}
	putchar('\n');
	fflush(stdout);
}

static void add(struct rn_json *list, const struct check *c, const struct rn_finding *f)
{
	struct rn_json *one = rn_json_object();

	rn_json_add_text(one, "check", c->name);
	rn_json_add_text(one, "result", words[f->health]);
	rn_json_add_text(one, "cause", f->cause);
	rn_json_add_text(one, "fix", *f->fix ? f->fix : NULL);
	rn_json_append(list, one);
}

static int conclude(struct rn_cli *cli, struct rn_json *list, const unsigned counts[3])
{
	struct rn_json *root;
	int code = RN_EXIT_OK;

	if (cli->json) {
		root = rn_json_object();
		rn_json_add(root, "checks", list);
		rn_json_add_u64(root, "passed", counts[RN_HEALTH_PASS]);
		rn_json_add_u64(root, "warnings", counts[RN_HEALTH_WARN]);
		rn_json_add_u64(root, "failed", counts[RN_HEALTH_FAIL]);
		code = rn_cli_json(root);
	} else {
		printf("%u passed, %u warnings, %u failed\n", counts[RN_HEALTH_PASS], counts[RN_HEALTH_WARN],
		       counts[RN_HEALTH_FAIL]);
	}
	return code ? code : counts[RN_HEALTH_FAIL] ? RN_EXIT_FAILED : RN_EXIT_OK;
}

int rn_cmd_doctor(struct rn_cli *cli)
{
	struct rn_doctor d = {.cli = cli};
	struct rn_json *list;
	unsigned counts[3] = {0};
	int code = rn_cli_need_root("examine a host");

	if (code)
		return code;
	list = cli->json ? rn_json_array() : NULL;
	learn(&d);
	for (size_t i = 0; i < CHECKS; i++) {
		struct rn_finding f = {RN_HEALTH_PASS, "", ""};

		if (!applies(&d, &checks[i]))
			continue;
		checks[i].run(&d, &f);
		counts[f.health]++;
		if (cli->json)
			add(list, &checks[i], &f);
		else
			print(&checks[i], &f);
	}
	rn_json_free(d.status);
	return conclude(cli, list, counts);
}
