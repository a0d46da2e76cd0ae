/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/device_options.h"
#include "cli/ranges.h"
#include "cli/setup.h"
#include "cli/started.h"
#include "service/ca_create.h"
#include "service/console.h"
#include "service/core_create.h"

/* The beginning of a network: device 1 is this host. */
#define FIRST_DEVICE 1

struct plan {
	struct rn_gateway_params params;
	struct rn_ca_create ca;
	struct rn_ca_created made;
	struct rn_core_link link; /* to sign in to the console for the first time */
};

/* What the command line and the configuration say; the ranges come later, since they ask the host. */
static int read_plan(const struct rn_cli *cli, struct plan *plan)
{
	const char *owner = rn_cli_option(cli, "owner");
	struct rn_gateway_params *p = &plan->params;
	int code;

	memset(plan, 0, sizeof(*plan));
	code = rn_setup_endpoint(cli, true, &p->control.addr);
	if (!code)
		code = rn_setup_name(cli, NULL, p->name);
	if (!code)
		code = rn_check_name("--owner", owner ? owner : "admin");
	if (code)
		return code;
	snprintf(p->owner, sizeof(p->owner), "%s", owner ? owner : "admin");
	p->wireguard.addr = p->control.addr;
	p->control.port = cli->conf.control_port;
	p->wireguard.port = cli->conf.wireguard_port;
	return RN_EXIT_OK;
}

/* core/ as root builds it, then core's. */
static int build_core(struct rn_setup *setup, struct plan *plan, struct rn_anchor *anchor)
{
	struct rn_gateway_params *p = &plan->params;
	struct rn_err err = {""};
	char core[320];

	memcpy(p->noise_key, plan->made.noise_key, RN_KEY_SIZE);
	memcpy(p->wireguard_key, plan->made.wireguard_key, RN_KEY_SIZE);
	p->leaf = plan->made.leaf;
	p->leaf_size = plan->made.leaf_size;
	p->issuer = plan->made.issuer;
	p->issuer_size = plan->made.issuer_size;
	p->ret_link = &plan->link;
	snprintf(core, sizeof(core), "%s/core", setup->building);
	if (mkdir(core, 0700) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s cannot be made: %s", core, strerror(errno));
	if (rn_gateway_create(core, p, anchor, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	return rn_setup_own(setup, "core", &setup->owners.core);
}

/* The console's CA and certificate, with the address that others know this host by. */
static int build_console(struct rn_setup *setup, const struct plan *plan)
{
	char address[RN_ADDR_TEXT];
	const char *names[] = {rn_addr_format(&plan->params.control.addr, address), NULL};
	struct rn_err err = {""};
	int r = rn_console_begin(setup->building, names, &err);

	if (r == 0)
		r = rn_console_ensure(setup->building, setup->owners.web.gid, plan->ca.now, &err);
	return r < 0 ? rn_cli_fail(RN_EXIT_FAILED, "%s", err.text) : RN_EXIT_OK;
}

static int build(struct rn_setup *setup, struct plan *plan)
{
	struct rn_anchor anchor;
	struct rn_err err = {""};
	int code;

	memset(&anchor, 0, sizeof(anchor));
	plan->ca.dir = setup->building;
	snprintf(plan->ca.name, sizeof(plan->ca.name), "%s", plan->params.name);
	plan->ca.owners = setup->owners;
	plan->ca.now = time(NULL);
	if (rn_ca_create(&plan->ca, &plan->made, &err) < 0)
		return rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	code = build_core(setup, plan, &anchor);
	if (!code)
		code = build_console(setup, plan);
	if (!code && rn_ca_create_anchor(&plan->ca, FIRST_DEVICE, &anchor, &err) < 0)
		code = rn_cli_fail(RN_EXIT_FAILED, "%s", err.text);
	return code;
}

/* The path of the page that takes the link, and RFC 3339. */
static void link_texts(const struct plan *plan, char path[64], char expires[32])
{
	time_t when = (time_t)plan->link.expires;
	struct tm tm;

	snprintf(path, 64, "/login#%s", plan->link.link);
	if (!gmtime_r(&when, &tm) || !strftime(expires, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		expires[0] = '\0';
}

static struct rn_json *console_json(const struct rn_cli *cli, const struct plan *plan)
{
	struct rn_json *console = rn_json_object();
	char path[64], expires[32];

	link_texts(plan, path, expires);
	rn_json_add_text(console, "account", "admin");
	rn_json_add(console, "urls", rn_console_urls(&cli->conf, &plan->params.control.addr));
	rn_json_add_text(console, "link", path);
	rn_json_add_text(console, "expires", expires);
	return console;
}

static void print_console(const struct rn_cli *cli, const struct plan *plan)
{
	struct rn_json *urls = rn_console_urls(&cli->conf, &plan->params.control.addr);
	char path[64], expires[32];

	link_texts(plan, path, expires);
	rn_console_print(urls, path, expires);
	rn_json_free(urls);
}

static int report_json(const struct rn_cli *cli, const struct rn_setup *setup, const struct plan *plan,
		       const struct rn_started *started)
{
	struct rn_json *root = rn_json_object();
	char text[2 * RN_SHA256_SIZE + 1];

	rn_json_add_text(root, "client_id", plan->params.name);
	rn_json_add_text(root, "owner", plan->params.owner);
	rn_json_add_text(root, "ipv6", rn_prefix_format(&plan->params.ipv6, text));
	rn_json_add_text(root, "ipv4", plan->params.ipv4.bits ? rn_prefix_format(&plan->params.ipv4, text) : NULL);
	rn_json_add_text(root, "control_endpoint", rn_endpoint_format(&plan->params.control, text));
	rn_json_add_text(root, "wireguard_endpoint", rn_endpoint_format(&plan->params.wireguard, text));
	rn_hex(plan->made.fingerprint, RN_SHA256_SIZE, text, sizeof(text));
	rn_json_add_text(root, "root_fingerprint", text);
	rn_json_add_text(root, "state", setup->state);
	rn_started_json(root, started);
	rn_json_add(root, "console", console_json(cli, plan));
	return rn_cli_json(root);
}

static int report(const struct rn_cli *cli, const struct rn_setup *setup, const struct plan *plan,
		  const struct rn_started *started)
{
	char ipv6[RN_PREFIX_TEXT], ipv4[RN_PREFIX_TEXT];

	if (cli->json)
		return report_json(cli, setup, plan, started);
	printf("%s is the gateway of a new network: %s%s%s\n", plan->params.name,
	       rn_prefix_format(&plan->params.ipv6, ipv6), plan->params.ipv4.bits ? ", " : "",
	       plan->params.ipv4.bits ? rn_prefix_format(&plan->params.ipv4, ipv4) : "");
	if (*started->addresses)
		printf("Its own addresses there are %s.\n", started->addresses);
	printf("The root key is in %s/root: move it to a safe place, nothing here needs it.\n", setup->state);
	if (started->asked)
		rn_started_print(started);
	else
		puts("Start these as root: rnautd core, rnautd net, rnautd ca, rnautd web, rnautd wireguard, rnautd "
		     "kern.");
	print_console(cli, plan);
	puts("Then let a device join: rnaut token create --type desktop");
	return RN_EXIT_OK;
}

int rn_cmd_gateway_init(struct rn_cli *cli)
{
	struct rn_started started;
	struct rn_setup setup;
	struct plan plan;
	int code = read_plan(cli, &plan);

	if (!code)
		code = rn_setup_begin(cli, NULL, &setup);
	if (code)
		return code;
	code = rn_ranges_choose(cli, &plan.params.ipv6, &plan.params.ipv4);
	if (!code)
		code = build(&setup, &plan);
	if (code) {
		rn_setup_abandon(&setup);
		return code;
	}
	code = rn_setup_commit(&setup);
	if (!code)
		code = rn_setup_start(cli, &started);
	if (!code)
		code = report(cli, &setup, &plan, &started);
	rn_wipe(&plan.link, sizeof(plan.link));
	return code;
}
