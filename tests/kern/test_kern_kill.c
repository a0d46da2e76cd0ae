/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "scenarios.h"

/* kern is killed: the kernel goes on, and the next kern changes nothing that is right. */

static unsigned flows_now(struct stage *s)
{
	unsigned count = 0;

	do {
		stage_say(s, RN_LOCAL_KERN_FLOWS_GET, 5, 0);
		if (!stage_expect(s, RN_LOCAL_KERN_FLOWS))
			return 0;
		count += s->message.block_size / sizeof(struct rn_local_flow);
	} while (s->message.role);
	return count;
}

/* What core sends after a restart: the newest of everything. */
static bool sync_again(struct stage *s)
{
	stage_say(s, RN_LOCAL_KERN_SYNC, 1, 12);
	stage_syncing = true;
	for (uint32_t number = 1; number <= 3; number++) {
		struct rn_device_record d = stage_device_of(s, number);

		stage_device(s, number == 1 ? 2 : number == 2 ? 7 : 12, &d);
	}
	stage_network(s, 1, STAGE_LEASE);
	stage_allow_all(s, 5);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, 1, 12);
	return stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == 12;
}

static void check_kill(struct stage *s)
{
	struct rn_device before[64], after[64];
	struct host_peers p, q;
	uint64_t allowed;
	unsigned flows;

	host_send("10.77.0.2", 4001);
	flows = flows_now(s);
	CHECK(flows >= 1);
	host_devices(before, 64);
	p = host_peers(NULL);
	stage_kern_kill(s);
	CHECK(host_link().up && host_filters() == 2);
	allowed = host_counter(1, RN_ALLOWED);
	host_send("10.77.0.2", 4002);
	CHECK(host_counter(1, RN_ALLOWED) == allowed + 1);
	stage_kern_start(s);
	CHECK(host_wait_up() && host_filters() == 2);
	host_devices(after, 64);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	CHECK(flows_now(s) == flows + 1);
	CHECK(sync_again(s));
	host_devices(after, 64);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	CHECK(host_config().generation == 1);
	q = host_peers(NULL);
	CHECK(p.count == q.count && host_peer(&q, 2) && host_peer(&q, 3));
	CHECK(flows_now(s) == flows + 1);
	struct rn_device_record old = stage_device_of(s, 2);
	CHECK(!stage_device(s, 3, &old)); /* still refused after the restart */
}

static pid_t start_sender(unsigned count)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned i = 0; i < count; i++) {
			host_send("10.77.0.2", 4003);
			poll(NULL, 0, 1);
		}
		_exit(0);
	}
	return pid;
}

/* Under traffic: every packet is judged, every one is allowed, whatever happens to kern. */
static void check_kill_under_traffic(struct stage *s)
{
	enum { PACKETS = 3000, KILLS = 5 };
	uint64_t before[RN_REASON_COUNT];
	pid_t sender;

	for (unsigned i = 0; i < RN_REASON_COUNT; i++)
		before[i] = host_counter(1, i);
	sender = start_sender(PACKETS);
	for (unsigned i = 0; i < KILLS; i++) {
		stage_kern_kill(s);
		stage_kern_start(s);
		CHECK(host_wait_up() && sync_again(s));
	}
	waitpid(sender, NULL, 0);
	CHECK(host_counter(1, RN_ALLOWED) == before[RN_ALLOWED] + PACKETS);
	for (unsigned i = 1; i < RN_REASON_COUNT; i++) {
		if (i != RN_MULTICAST) /* the kernel looks for IPv6 routers */
			CHECK(host_counter(1, i) == before[i]);
	}
}

void check_kills(struct stage *s)
{
	check_kill(s);
	check_kill_under_traffic(s);
}
