/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "host.h"
#include "scenarios.h"

/* The host was enrolled anew: nothing of what is pinned for the device before goes on. */
static void check_other_device(struct stage *s)
{
	struct rn_device_record third = stage_device_of(s, 3);
	char line[256];

	stage_kern_kill(s);
	CHECK(host_config().generation == 2);
	s->self = 9;
	stage_self(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && host_config().generation == 0 && host_device(&third.ipv4, NULL).number == 0);
	stage_kern_kill(s);
	CHECK(stage_rnautd("kern", "--remove", line, sizeof(line)) == 0);
	CHECK(host_link().index == 0 && access("/sys/fs/bpf/rnaut", F_OK) < 0);
}

/* On a node the hub is the only peer, and it carries the overlay. */
void node(struct stage *s)
{
	struct rn_device_record third = stage_device_of(s, 3);
	struct host_peers p;
	const struct rn_wireguard_peer *peer;

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up());
	CHECK(stage_sync_all(s, 5));
	p = host_peers(NULL);
	peer = host_peer(&p, 1);
	CHECK(p.count == 1 && peer && peer->keepalive == 25 && peer->allowed_count == 2);
	CHECK(peer && peer->endpoint.port == 51820);
	CHECK(host_config().role == RN_ROLE_NODE);
	CHECK((uint32_t)host_device(&third.ipv4, NULL).state == (50 | RN_STATE_PRESENT | RN_STATE_ATTACHED));
	CHECK(host_has("ip addr show dev " STAGE_INTERFACE, "10.77.0.2/32"));
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && stage_sync_all(s, 5));
	CHECK(host_peers(NULL).count == 1);
	stage_epoch = 2;
	CHECK(stage_network(s, 1, STAGE_LEASE));
	CHECK(stage_device(s, 2, &third));
	CHECK(stage_allow_all(s, 3));
	CHECK(host_config().generation == 2);
	stage_epoch = 1;
	CHECK(!stage_device(s, 99, &third));
	CHECK(!stage_network(s, 99, STAGE_LEASE));
	check_other_device(s);
}

/* ---- two hubs ---- */

static void say_home(struct stage *s, uint32_t hub, uint64_t moved, bool refused)
{
	const struct rn_local home = {.type = RN_LOCAL_KERN_HOME, .session = hub, .number = s->self, .version = moved};

	stage_send(s, &home);
	/* An answer to this says that the other was heard. */
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 5, 0);
	if (refused)
		CHECK(stage_expect(s, RN_LOCAL_KERN_REFUSED));
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS));
}

static bool carries(uint32_t hub, uint32_t other)
{
	struct host_peers p = host_peers(NULL);
	const struct rn_wireguard_peer *peer = host_peer(&p, hub), *warm = host_peer(&p, other);

	return p.count == 2 && peer && warm && peer->allowed_count == 2 && warm->allowed_count == 0 &&
	       warm->keepalive == 25 && warm->endpoint.port == 51820;
}

/* A node that lists two hubs: both are peers, one carries the overlay, and core says which within the list. */
void node_of_two(struct stage *s)
{
	struct rn_device_record self = stage_device_of(s, s->self), second = stage_device_of(s, 4);

	second.hub = 4;
	second.kind = RN_KIND_REGIONAL;
	second.parent = s->hub;
	rn_endpoint_parse("192.0.2.4:51820", &second.wireguard);
	self.homes[0] = s->hub;
	self.homes[1] = 4;
	self.home_count = 2;
	self.moved = 100;
	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(host_wait_up() && stage_sync_all(s, 5));
	CHECK(stage_device(s, 6, &second));
	CHECK(host_peers(NULL).count == 1);
	CHECK(stage_device(s, 7, &self));
	CHECK(carries(1, 4));
	say_home(s, 4, 101, false);
	CHECK(carries(4, 1));
	say_home(s, 1, 101, false); /* as new as what it knows: the last word counts */
	CHECK(carries(1, 4));
	say_home(s, 4, 100, true);
	say_home(s, 3, 200, true);
	say_home(s, 0, 200, true);
	CHECK(carries(1, 4));
	say_home(s, 4, 102, false);
	self.moved = 102;
	self.hub = 4;
	CHECK(stage_device(s, 8, &self));
	CHECK(carries(4, 1));
	self.moved = 103;
	self.hub = 1;
	CHECK(stage_device(s, 9, &self));
	CHECK(carries(1, 4));
	self.home_count = 0;
	memset(self.homes, 0, sizeof(self.homes));
	CHECK(stage_device(s, 10, &self));
	CHECK(host_peers(NULL).count == 1);
	say_home(s, 4, 300, true);
	CHECK(host_peers(NULL).count == 1);
}
