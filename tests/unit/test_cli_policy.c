/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor, status and hubs make of what core says: which policy is in which kernel, what is recorded of flows. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "cli/doctor.h"
#include "tests/support/remove_tree.h"

/* ---- a core that answers everything with `body` ---- */

struct fixture {
	char dir[64];
	char *body; /* shared with it */
	pid_t core;
	struct rn_cli cli;
};

static void answer(int fd, const char *body)
{
	char request[4096];
	size_t size = 0;
	ssize_t n;
	while (size < sizeof(request) - 1 && (n = read(fd, request + size, sizeof(request) - 1 - size)) > 0) {
		size += (size_t)n;
		request[size] = '\0';
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	dprintf(fd,
		"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		*body ? "200 OK" : "503 Service Unavailable", strlen(body), body);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/rn-cli-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->body = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f->body != MAP_FAILED);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/api.sock", f->dir);
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
	f->core = fork();
	if (f->core == 0)
		for (;;)
			answer(accept(listener, NULL, NULL), f->body);
	close(listener);
	snprintf(f->cli.conf.run_dir, sizeof(f->cli.conf.run_dir), "%s", f->dir);
	snprintf(f->cli.conf.state_dir, sizeof(f->cli.conf.state_dir), "/var/lib/rnaut");
	snprintf(f->cli.conf.interface, sizeof(f->cli.conf.interface), "rnnone0");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kill(f->core, SIGKILL);
	waitpid(f->core, NULL, 0);
	munmap(f->body, 4096);
	assert_int_equal(remove_tree(f->dir), 0);
	free(f);
	return 0;
}

/* ---- doctor ---- */

/* The check of `status` (NULL: core does not answer) finds this. */
static void finds(struct fixture *f, void (*check)(struct rn_doctor *d, struct rn_finding *f), const char *status,
		  enum rn_health health, const char *cause, const char *fix)
{
	struct rn_doctor d = {.cli = &f->cli};
	struct rn_finding found = {0};
	struct rn_err err = {""};
	if (status) {
		d.status = rn_json_parse(status, strlen(status), 0, &err);
		assert_non_null(d.status);
	}
	check(&d, &found);
	assert_string_equal(found.cause, cause);
	assert_string_equal(found.fix, fix);
	assert_int_equal(found.health, health);
	rn_json_free(d.status);
}

static void doctor_says_which_policy_is_in_the_kernel(void **state)
{
	static const char unknown[] = "not known: kern does not answer",
			  look[] = "see the checks of units and processes";
	finds(*state, rn_check_policy, NULL, RN_HEALTH_WARN, unknown, look);
	finds(*state, rn_check_policy, "{\"policy_version\":\"7\",\"datapath\":null}", RN_HEALTH_WARN, unknown, look);
	finds(*state, rn_check_policy,
	      "{\"policy_version\":\"7\",\"datapath\":{\"policy_version\":\"7\",\"policy_refused\":null}}",
	      RN_HEALTH_PASS, "version 7 is in the kernel", "");
	finds(*state, rn_check_policy,
	      "{\"policy_version\":\"7\",\"datapath\":{\"policy_version\":\"5\",\"policy_refused\":null}}",
	      RN_HEALTH_WARN, "version 7 is on its way to the kernel, which has 5",
	      "look again in a moment; then journalctl -u rnautd-kern");
	finds(*state, rn_check_policy,
	      "{\"policy_version\":\"7\",\"datapath\":{\"policy_version\":\"5\",\"policy_refused\":\"too wide\"}}",
	      RN_HEALTH_FAIL, "too wide; the kernel goes on with policy 5",
	      "make the policy smaller (docs/policy.md, Bounds), or go back: rnaut policy rollback 5");
}

#define HUB(name, connected, behind)                                                                                   \
	"{\"hub_name\":\"" name "\",\"hub_type\":\"regional\",\"connected\":" connected ",\"policy_behind\":" behind   \
	",\"devices\":3}"

static void doctor_says_which_hubs_are_behind(void **state)
{
	struct fixture *f = *state;
	static const char unknown[] = "core does not say which policies the hubs have",
			  look[] = "see the checks of units and processes";
	strcpy(f->body, "{\"hubs\":[" HUB("a", "true", "false") "]}");
	finds(f, rn_check_hub_policies, NULL, RN_HEALTH_WARN, unknown, look);
	finds(f, rn_check_hub_policies, "{}", RN_HEALTH_PASS, "all 1 that are connected have the policy in force", "");
	strcpy(f->body, "{\"hubs\":[" HUB("a", "true", "false") "," HUB("b", "false", "false") "," HUB(
			    "c", "true", "true") "," HUB("d", "true", "true") "]}");
	finds(f, rn_check_hub_policies, "{}", RN_HEALTH_FAIL,
	      "2 of 3 hubs that are connected enforce an older policy, c among them",
	      "a moment after a change that is so; else rnaut status on c says why");
	strcpy(f->body, "");
	finds(f, rn_check_hub_policies, "{}", RN_HEALTH_WARN, unknown, look);
}

#define RECORDER(state, problem, since, aside)                                                                         \
	"{\"recorder\":{\"state\":\"" state "\",\"problem\":" problem                                                  \
	",\"rows\":\"12\",\"rows_max\":\"20000\",\"lost_"                                                              \
	"events\":\"3\",\"recorded_since\":" since ",\"set_aside\":" aside "}}"

static void doctor_says_what_is_recorded(void **state)
{
	static const char unknown[] = "core does not say whether it records flows",
			  look[] = "see the checks of units and processes",
			  rows[] =
			      "12 rows of at most 20000, the oldest of 2026-11-20T12:00:00Z; 3 events lost since core "
			      "started";
	finds(*state, rn_check_recorder, NULL, RN_HEALTH_WARN, unknown, look);
	finds(*state, rn_check_recorder, "{\"recorder\":null}", RN_HEALTH_WARN, unknown, look);
	finds(*state, rn_check_recorder, RECORDER("off", "null", "null", "false"), RN_HEALTH_PASS,
	      "off: flow_rows or flow_days is 0 in rnaut.conf", "");
	finds(*state, rn_check_recorder, RECORDER("failed", "\"the disk is full\"", "null", "true"), RN_HEALTH_WARN,
	      "the disk is full",
	      "make room on the disk of /var/lib/rnaut, then systemctl restart rnautd-core if the file could not be "
	      "opened");
	finds(*state, rn_check_recorder, RECORDER("recording", "null", "\"2026-11-20T12:00:00Z\"", "false"),
	      RN_HEALTH_PASS, rows, "");
	finds(*state, rn_check_recorder, RECORDER("recording", "null", "\"2026-11-20T12:00:00Z\"", "true"),
	      RN_HEALTH_WARN, rows,
	      "the file was damaged when core started, and flows are recorded anew: "
	      "/var/lib/rnaut/state/core/flows.ring.damaged may be deleted");
	finds(*state, rn_check_recorder, RECORDER("recording", "null", "null", "false"), RN_HEALTH_PASS,
	      "12 rows of at most 20000, the oldest of never; 3 events lost since core started", "");
}

/* ---- what commands print ---- */

static char *printed(struct fixture *f, int (*command)(struct rn_cli *cli), int code)
{
	char path[96], *text;
	int was;
	snprintf(path, sizeof(path), "%s/out", f->dir);
	fflush(stdout);
	was = dup(STDOUT_FILENO);
	assert_non_null(freopen(path, "w", stdout));
	assert_int_equal(command(&f->cli), code);
	fflush(stdout);
	dup2(was, STDOUT_FILENO);
	close(was);
	FILE *in = fopen(path, "r");
	text = calloc(1, 8192);
	assert_non_null(in);
	assert_non_null(text);
	(void)!fread(text, 1, 8191, in);
	fclose(in);
	return text;
}

static void prints(struct fixture *f, int (*command)(struct rn_cli *cli), int code, const char *wanted)
{
	char *text = printed(f, command, code);
	if (!strstr(text, wanted))
		fail_msg("\"%s\" is not in: %s", wanted, text);
	free(text);
}

static void hubs_says_who_is_behind(void **state)
{
	struct fixture *f = *state;
	strcpy(f->body, "{\"hubs\":[" HUB("one", "true", "false") "," HUB("two", "false", "true") "," HUB(
			    "three", "true", "true") "]}");
	char *text = printed(f, rn_cmd_hubs, 0);
	const char *one = strstr(text, "one "), *two = strstr(text, "two "), *three = strstr(text, "three ");
	assert_true(one && two && three);
	assert_non_null(strstr(three, "connected, with an older policy"));
	assert_true(strstr(two, "away") < three);
	assert_true(strstr(one, "connected") < two && strstr(one, "older") > three);
	free(text);
}

static void status_says_which_policy_is_in_the_kernel(void **state)
{
	struct fixture *f = *state;
	strcpy(f->body, "{\"policy_version\":\"7\",\"enforcing\":true,\"datapath\":{\"policy_version\":\"7\"}}");
	prints(f, rn_cmd_status, 0, "Policy      version 7\n");
	strcpy(f->body, "{\"policy_version\":\"7\",\"enforcing\":true,\"datapath\":null}");
	prints(f, rn_cmd_status, 0, "Policy      version 7\n");
	strcpy(f->body, "{\"policy_version\":\"7\",\"enforcing\":true,\"datapath\":{\"policy_version\":\"5\"}}");
	prints(f, rn_cmd_status, 0, "Policy      version 7, which is not in the kernel yet: it has version 5\n");
	strcpy(f->body,
	       "{\"policy_version\":\"7\",\"enforcing\":false,\"datapath\":{\"policy_version\":\"5\","
	       "\"policy_refused\":\"too wide\"},\"problems\":[\"too wide; the kernel goes on with policy 5\"]}");
	prints(f, rn_cmd_status, 1, "Policy      version 7, which is not in the kernel: it has version 5\n");
	prints(f, rn_cmd_status, 1, "Problem     too wide; the kernel goes on with policy 5\n");
}

static void give(struct fixture *f, const char *name, const char *value)
{
	f->cli.given[f->cli.given_count].name = name;
	f->cli.given[f->cli.given_count++].value = value;
}

#define SEEN(name, action, flows, users, unowned, unchanged)                                                           \
	"{\"rule\":\"" name "\",\"action\":\"" action "\",\"flows\":" flows ",\"users\":" users                        \
	",\"unowned_devices\":" unowned ",\"unchanged_flows\":" unchanged "}"
#define OBSERVED(rules, since, others)                                                                                 \
	"{\"rules\":[" rules "],\"more_rules\":0,\"since\":\"2026-11-20T12:00:00Z\",\"policy_since\":\"" since         \
	"\",\"recorded_since\":\"2026-11-19T12:00:00Z\",\"other_flows\":" others                                       \
	",\"missing\":{\"lost_events\":2,\"silences\":0}}"

static void observed_says_it_of_each_rule(void **state)
{
	struct fixture *f = *state;
	strcpy(f->body, OBSERVED(SEEN("no-telnet", "deny", "41", "3", "0", "0") "," SEEN(
				     "new", "allow", "1", "1", "2", "7") "," SEEN("unused", "deny", "0", "0", "0", "1"),
				 "2026-11-20T11:00:00Z", "0"));
	char *text = printed(f, rn_cmd_policy_observed, 0);
	assert_non_null(strstr(text, "rule no-telnet, observed: 41 flows of 3 users would have been denied\n"));
	assert_non_null(strstr(text, "rule new, observed: 1 flow of 1 user and 2 devices of nobody would have been "
				     "allowed; 7 were allowed anyway\n"));
	assert_non_null(strstr(text, "rule unused, observed: 0 flows would have been denied; 1 was denied anyway\n"));
	assert_non_null(strstr(text, "in the last 24 h; the oldest that is kept is of 2026-11-19T12:00:00Z"));
	assert_non_null(strstr(text, "2 events were not recorded\n"));
	assert_null(strstr(text, "the policy in force is of"));
	assert_null(strstr(text, "does not observe"));
	free(text);
	/* It came within the time asked for. */
	strcpy(f->body, OBSERVED(SEEN("a", "deny", "0", "0", "0", "0"), "2026-11-20T13:00:00Z", "5"));
	prints(f, rn_cmd_policy_observed, 0, "the policy in force is of 2026-11-20T13:00:00Z: until then");
	prints(f, rn_cmd_policy_observed, 0, "5 flows were observed by rules that the policy in force does not");
	strcpy(f->body, OBSERVED("", "2026-11-20T11:00:00Z", "0"));
	give(f, "since", "7d");
	text = printed(f, rn_cmd_policy_observed, 0);
	assert_string_equal(text, "the policy in force observes no rule: one with \"observe\": true is observed\n");
	free(text);
	strcpy(f->body, OBSERVED("", "2026-11-20T11:00:00Z", "3"));
	prints(f, rn_cmd_policy_observed, 0, "in the last 168 h");
	f->cli.given[0].value = "30m";
	free(printed(f, rn_cmd_policy_observed, 2));
	f->cli.given[0].value = "367d";
	free(printed(f, rn_cmd_policy_observed, 2));
}

static void flows_lists_what_is_recorded(void **state)
{
	struct fixture *f = *state;
	strcpy(
	    f->body,
	    "{\"next\":\"5\",\"flows\":[{\"heard\":\"2026-11-20T12:00:00Z\",\"source\":{\"client_id\":\"phone\","
	    "\"owner\":\"bob\"},\"destination\":{\"client_id\":\"server\"},\"protocol\":\"tcp\",\"port\":80,"
	    "\"verdict\":\"allow\",\"reason\":\"allowed\",\"rule\":\"web\",\"observed_rule\":null,\"hub\":\"hub-a\","
	    "\"flows\":3},{\"source\":{\"client_id\":\"thing\",\"owner\":null},\"destination\":{\"client_id\":"
	    "\"server\"},\"protocol\":\"icmp\",\"port\":0,\"verdict\":\"allow\",\"reason\":\"allowed\",\"rule\":null,"
	    "\"observed_rule\":\"no-ping\",\"observed_verdict\":\"deny\",\"flows\":1}]}");
	give(f, "recorded", "");
	give(f, "limit", "3"); /* the second call gives the rest */
	char *text = printed(f, rn_cmd_flows, 0);
	assert_non_null(strstr(text, "phone (bob)"));
	assert_non_null(strstr(text, "tcp:80"));
	assert_non_null(strstr(text, "allow by web"));
	assert_non_null(strstr(text, "allow, no-ping would deny it"));
	assert_non_null(strstr(text, "older ones: --before 5\n"));
	assert_null(strstr(text, "icmp:"));
	free(text);
	give(f, "source", "x&y");
	free(printed(f, rn_cmd_flows, 2));
	f->cli.given[2].value = "phone";
	free(printed(f, rn_cmd_flows, 0));
	f->cli.given[0].name = "verdict"; /* without --recorded */
	free(printed(f, rn_cmd_flows, 2));
	f->cli.given[0].name = "recorded";
	give(f, "follow", "");
	free(printed(f, rn_cmd_flows, 2));
}

static void explain_says_what_a_condition_asks_for(void **state)
{
	struct fixture *f = *state;
	static const char answer[] =
	    "{\"verdict\":\"deny\",\"reason\":\"deny_rule\",\"rule\":\"no-ssh\",\"conditions\":[],\"nearest_rule\":"
	    "\"ssh\","
	    "\"nearest_conditions\":[{\"condition\":\"source_criteria\",\"met\":true,\"asked\":null},"
	    "{\"condition\":\"times\",\"met\":%s,\"asked\":\"mon-fri 08:00-18:00 UTC\"}]}";
	f->cli.arguments[0] = "a";
	f->cli.arguments[1] = "b";
	f->cli.argument_count = 2;
	sprintf(f->body, answer, "false");
	prints(f, rn_cmd_explain, 5, "nearest rule ssh\n");
	prints(f, rn_cmd_explain, 5, "  met: source_criteria\n");
	prints(f, rn_cmd_explain, 5, "not met: times mon-fri 08:00-18:00 UTC\n");
	sprintf(f->body, answer, "true");
	prints(f, rn_cmd_explain, 5, "nearest rule ssh would allow it, but what denies goes before it: no-ssh\n");
}

/* This core says at once that version 9 is in force, what changes, and that version 9 is in force. */
static void what_is_refused_is_not_reviewed(void **state)
{
	struct fixture *f = *state;
	char path[96];
	snprintf(path, sizeof(path), "%s/policy.json", f->dir);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("{}", out);
	fclose(out);
	strcpy(f->body, "{\"versions\":[{\"version\":9}],\"version\":9,\"valid\":true,\"complete\":true,"
			"\"changes\":[{\"sentence\":\"desk loses access\"}],\"text\":\"{}\",\"based_on\":8}");
	f->cli.arguments[0] = path;
	f->cli.argument_count = 1;
	prints(f, rn_cmd_policy_set, 0, "desk loses access\n");
	give(f, "based-on", "9");
	prints(f, rn_cmd_policy_set, 0, "desk loses access\n");
	f->cli.given[0].value = "8"; /* core would refuse it here */
	char *text = printed(f, rn_cmd_policy_set, 0);
	assert_null(strstr(text, "desk"));
	free(text);
	f->cli.given_count = 0;
	f->cli.arguments[0] = "draft";
	give(f, "publish", "");
	text = printed(f, rn_cmd_policy_draft, 0);
	assert_null(strstr(text, "desk"));
	free(text);
	strcpy(strstr(f->body, ":8}"), ":9}");
	prints(f, rn_cmd_policy_draft, 0, "desk loses access\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(doctor_says_which_policy_is_in_the_kernel),
	    T(doctor_says_which_hubs_are_behind),
	    T(doctor_says_what_is_recorded),
	    T(hubs_says_who_is_behind),
	    T(status_says_which_policy_is_in_the_kernel),
	    T(observed_says_it_of_each_rule),
	    T(flows_lists_what_is_recorded),
	    T(what_is_refused_is_not_reviewed),
	    T(explain_says_what_a_condition_asks_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
