/* SPDX-License-Identifier: Apache-2.0 */
/* What status, the hubs and the metrics say of the recorder, and of kernels that have an older policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "door_world.h"
#include "service/core_access.h"

struct fixture {
	struct door *d;
	char token[RN_API_TOKEN_TEXT];
};

static struct world_host *gateway(struct fixture *f)
{
	return &f->d->w->hosts[0];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rn_core_api_token id;
	struct rn_err err = {""};
	assert_non_null(f);
	f->d = door_new();
	world_add(f->d->w, 1, RN_KIND_REGIONAL, "hub", 0);
	assert_int_equal(rn_core_api_token_create(gateway(f)->core, "t", RN_ACCESS_VIEWER, 3600, &id, f->token, &err),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	door_free(f->d);
	free(f);
	return 0;
}

static const char *get(struct fixture *f, const char *path)
{
	return door_want(f->d, 200, &(struct door_ask){.method = "GET", .path = path, .bearer = f->token})->text;
}

static void has(struct fixture *f, const char *path, const char *wanted)
{
	const char *text = get(f, path);
	if (!strstr(text, wanted))
		fail_msg("%s has no %s: %s", path, wanted, text);
}

/* The gateway with so many rows. */
static void record(struct fixture *f, uint32_t rows)
{
	gateway(f)->params.flow_rows = rows;
	gateway(f)->params.flow_days = 7;
	door_restart(f->d);
}

static void hear(struct fixture *f, const struct rn_local *message)
{
	assert_true(rn_core_receive(gateway(f)->core, RN_CORE_KERN, message));
}

static void nothing_is_recorded(void **state)
{
	has(*state, "/api/v1/status",
	    "\"recorder\":{\"state\":\"off\",\"problem\":null,\"rows\":0,\"rows_max\":0,\"lost_events\":0,"
	    "\"recorded_since\":null,\"set_aside\":false}");
	has(*state, "/api/v1/metrics", "\nrnaut_recorder_recording 0\n");
}

static void flows_are_recorded(void **state)
{
	struct fixture *f = *state;
	const struct rn_event e = {.source_number = 1,
				   .destination_number = 2,
				   .kind = RN_EVENT_DENIED,
				   .reason = RN_DEFAULT_DENY,
				   .protocol = 6};
	char oldest[100];
	record(f, 20000);
	has(f, "/api/v1/status", /* that it was silent until now is a row */
	    "\"recorder\":{\"state\":\"recording\",\"problem\":null,\"rows\":1,\"rows_max\":20000,\"lost_events\":0,");
	snprintf(oldest, sizeof(oldest), "\nrnaut_recorder_oldest_timestamp_seconds %lld\n",
		 (long long)(f->d->w->begun + f->d->w->now_ms / 1000));
	hear(f, &(struct rn_local){.type = RN_LOCAL_KERN_EVENTS,
				   .version = 5, /* so many were lost */
				   .block = (const uint8_t *)&e,
				   .block_size = sizeof(e)});
	world_wait(f->d->w, 61000); /* then there are rows, of the flow and of the loss */
	has(f, "/api/v1/status",
	    "\"problem\":null,\"rows\":3,\"rows_max\":20000,\"lost_events\":5,\"recorded_since\":\"20");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_recording 1\n");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_rows 3\n");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_rows_max 20000\n");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_events_lost_total 5\n");
	has(f, "/api/v1/metrics", oldest);
}

/* A state directory with less room than the rows ask for. */
static void the_disk_is_full(void **state)
{
	struct fixture *f = *state;
	const struct rn_event e = {.source_number = 1, .destination_number = 2, .kind = RN_EVENT_DENIED};
	char was[sizeof(gateway(f)->params.dir)], full[64] = "/tmp/rn-full-XXXXXX", copy[512];
	memcpy(was, gateway(f)->params.dir, sizeof(was));
	assert_non_null(mkdtemp(full));
	if (mount("tmpfs", full, "tmpfs", 0, "size=48m") < 0) {
		rmdir(full);
		skip(); /* not root */
	}
	snprintf(copy, sizeof(copy), "cp -a %s/. %s", was, full);
	assert_int_equal(system(copy), 0);
	snprintf(gateway(f)->params.dir, sizeof(was), "%s", full);
	record(f, 1000000);
	hear(f,
	     &(struct rn_local){.type = RN_LOCAL_KERN_EVENTS, .block = (const uint8_t *)&e, .block_size = sizeof(e)});
	world_wait(f->d->w, 61000);
	has(f, "/api/v1/status",
	    "\"recorder\":{\"state\":\"failed\",\"problem\":\"the disk is full: flows are counted as lost until there "
	    "is "
	    "room\",");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_recording 0\n");
	memcpy(gateway(f)->params.dir, was, sizeof(was));
	record(f, 20000);
	has(f, "/api/v1/status", "\"recorder\":{\"state\":\"recording\",\"problem\":null,");
	assert_int_equal(umount2(full, MNT_DETACH), 0);
	assert_int_equal(rmdir(full), 0);
}

/* The file is damaged; then there is none that could be written. */
static void the_file_is_damaged(void **state)
{
	struct fixture *f = *state;
	char path[320];
	snprintf(path, sizeof(path), "%s/flows.ring", gateway(f)->params.dir);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("no ring", out);
	fclose(out);
	record(f, 20000);
	has(f, "/api/v1/status", "\"state\":\"recording\",\"problem\":null,");
	has(f, "/api/v1/status", "\"set_aside\":true");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	record(f, 20000);
	has(f, "/api/v1/status", "\"recorder\":{\"state\":\"failed\",\"problem\":\"");
	has(f, "/api/v1/metrics", "\nrnaut_recorder_recording 0\n");
	assert_int_equal(rmdir(path), 0);
}

static void a_hub_has_an_older_policy(void **state)
{
	static const char policy[] = "{\"rules\": [{\"id\": \"r\", \"action\": \"allow\", \"source_criteria\": "
				     "[\"device:hub\"], \"destination_criteria\": [\"everyone\"]}]}";
	struct fixture *f = *state;
	struct world_done done = {0};
	has(f, "/api/v1/metrics", "\nrnaut_hub_policy_behind{hub=\"gw\"} 0\nrnaut_hub_policy_behind{hub=\"hub\"} 0\n");
	f->d->w->hosts[1].kern_silent = true;
	rn_core_policy_set(gateway(f)->core, &(struct rn_core_policy_new){.text = policy, .size = strlen(policy)},
			   world_done, &done);
	world_wait(f->d->w, 12000);
	assert_int_equal(done.count, 1);
	has(f, "/api/v1/metrics", "\nrnaut_hub_policy_behind{hub=\"gw\"} 0\nrnaut_hub_policy_behind{hub=\"hub\"} 1\n");
	const char *text = get(f, "/api/v1/hubs"), *hub = strstr(text, "\"hub_name\":\"hub\"");
	const char *gw = strstr(text, "\"policy_behind\":false");
	assert_non_null(hub);
	assert_non_null(strstr(hub, "\"policy_behind\":true"));
	assert_true(gw && gw < hub);
}

static void the_kernel_keeps_an_older_policy(void **state)
{
	struct fixture *f = *state;
	struct rn_core_policy p = {0};
	struct rn_err err = {""};
	char problem[100];
	struct rn_local refused = {.type = RN_LOCAL_KERN_REFUSED, .text = "it has too many rules"};
	has(f, "/api/v1/status", "\"policy_refused\":null");
	assert_int_equal(rn_core_policy_get(gateway(f)->core, &p, &err), 0);
	hear(f, &(struct rn_local){.type = RN_LOCAL_KERN_STATUS, .status = {.policy_version = p.version - 1}});
	refused.version = p.version;
	hear(f, &refused);
	has(f, "/api/v1/status", "\"policy_refused\":\"it has too many rules\"");
	snprintf(problem, sizeof(problem), "\"it has too many rules; the kernel goes on with policy %llu\"",
		 (unsigned long long)p.version - 1);
	has(f, "/api/v1/status", problem);
	world_disconnect(gateway(f), RN_CORE_KERN);
	assert_null(strstr(get(f, "/api/v1/status"), problem)); /* it says that kern is not there */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(nothing_is_recorded), T(flows_are_recorded),	  T(the_disk_is_full),
	    T(the_file_is_damaged), T(a_hub_has_an_older_policy), T(the_kernel_keeps_an_older_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
