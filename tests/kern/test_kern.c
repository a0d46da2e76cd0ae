/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/maps.h"
#include "abi/verdict.h"
#include "domain/policy_parts.h"
#include "stage.h"
#include "sys/netlink.h"
#include "sys/wireguard.h"

/*
 * rnautd kern, with a real WireGuard and the real datapath, alone on a host of its own; this program is core and the
 * gateway. Each scenario runs in a process and namespaces of its own.
 */

static unsigned passed, failed;

static void check(bool good, const char *what, int line)
{
	if (good) {
		passed++;
		return;
	}
	failed++;
	printf("FAILED line %d: %s\n", line, what);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

#define PIN "/sys/fs/bpf/rnaut/"
#define LEASE 3600
#define REVOKED "/var/lib/rnaut/state/kern/revoked.bin"

static bool lookup(const char *map, const void *key, void *value)
{
	char path[100];
	int fd, r;

	snprintf(path, sizeof(path), PIN "%s", map);
	fd = bpf_obj_get(path);
	r = fd < 0 ? -1 : bpf_map_lookup_elem(fd, key, value);
	if (fd >= 0)
		close(fd);
	return r == 0;
}

static struct rn_config config(void)
{
	struct rn_config c = {0};

	lookup("rn_config", &(uint32_t){0}, &c);
	return c;
}

static struct rn_device device_at(const struct rn_addr *address, uint32_t *ret_index)
{
	struct rn_device d = {0};
	uint32_t index = 0;

	if (lookup("rn_addresses", address, &index))
		lookup("rn_devices", &index, &d);
	if (ret_index)
		*ret_index = index;
	return d;
}

static void all_devices(struct rn_device *out, unsigned count)
{
	for (uint32_t i = 0; i < count; i++)
		lookup("rn_devices", &i, &out[i]);
}

struct peers {
	unsigned count;
	struct rn_wireguard_peer peer[8];
};

static void add_peer(void *context, const struct rn_wireguard_peer *peer)
{
	struct peers *p = context;

	if (p->count < 8)
		p->peer[p->count++] = *peer;
}

static struct rn_link link_now(void)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link = {0};

	rn_netlink_link(n, STAGE_INTERFACE, &link);
	rn_netlink_free(n);
	return link;
}

static struct peers peers_now(struct rn_wireguard_device *ret)
{
	enum rn_wireguard_backend backend =
	    strcmp(link_now().kind, "wireguard") == 0 ? RN_WIREGUARD_KERNEL : RN_WIREGUARD_USERSPACE;
	struct rn_wireguard *w = rn_wireguard_new(backend, STAGE_INTERFACE);
	struct peers p = {0};

	rn_wireguard_dump(w, ret, add_peer, &p);
	rn_wireguard_free(w);
	return p;
}

static const struct rn_wireguard_peer *peer_of(const struct peers *p, uint32_t number)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (p->peer[i].key[0] == 0x40 + number)
			return &p->peer[i];
	}
	return NULL;
}

static bool wait_up(void)
{
	for (int i = 0; i < 400; i++) {
		if (link_now().up && config().ifindex == link_now().index)
			return true;
		poll(NULL, 0, 50);
	}
	return false;
}

static unsigned filters(void)
{
	char text[4096];
	unsigned count = 0;
	size_t size = 0;
	FILE *in =
	    popen("tc filter show dev " STAGE_INTERFACE " ingress; tc filter show dev " STAGE_INTERFACE " egress", "r");

	size = fread(text, 1, sizeof(text) - 1, in);
	text[size] = '\0';
	pclose(in);
	for (const char *at = text; (at = strstr(at, "direct-action")); at++)
		count++;
	return count;
}

static bool has(const char *command, const char *word)
{
	char text[8192];
	FILE *in = popen(command, "r");
	size_t size = fread(text, 1, sizeof(text) - 1, in);

	text[size] = '\0';
	pclose(in);
	return strstr(text, word);
}

/* One datagram from this host to a device: it makes a flow where the policy allows it. */
static void send_to(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	/* The kernel's WireGuard says that it knows no way to the peer, userspace does not; it is judged before that.
	 */
	if (sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EDESTADDRREQ)
		check(false, "sendto", __LINE__);
	close(fd);
}

static uint64_t counter(unsigned direction, enum rn_reason reason)
{
	struct rn_counter values[256] = {0};
	uint32_t key = direction * RN_REASON_COUNT + reason;
	uint64_t sum = 0;

	lookup("rn_counters", &key, values);
	for (int i = 0; i < 256; i++)
		sum += values[i].packets;
	return sum;
}

/* A policy: selector 1 may reach selector 1. */
static bool allow_all(struct stage *s, uint64_t version)
{
	uint32_t selector = 1;
	struct rn_policy_rule rule = {
	    .id = "all", .number = 1, .source.any = {&selector, 1}, .destination.any = {&selector, 1}};
	struct rn_service service = {0, 0, 65535};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1};

	rule.services = &service;
	rule.service_count = 1;
	return stage_policy(s, version, &policy);
}

static int keep_body(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct rn_part *part = context;

	part->body = malloc(size);
	part->size = size;
	*ret_number = part->number;
	memcpy((void *)part->body, body, size);
	return 0;
}

/* Allows nothing, in a part: of that number where `named`, and of one that never came otherwise. */
static bool nothing_in_a_part(struct stage *s, uint64_t version, bool named)
{
	struct rn_record_head head = {RN_RECORD_PART, stage_epoch, version, 1};
	struct rn_service service = {IPPROTO_TCP, 1, 1};
	uint32_t selector = 77;
	struct rn_policy_rule rule = {
	    .id = "none", .number = 1, .source.any = {&selector, 1}, .services = &service, .service_count = 1};
	struct rn_policy_record policy = {.rules = &rule, .rule_count = 1}, root;
	struct rn_part part = {.number = 3};
	uint8_t data[1024];
	bool good;

	if (rn_policy_split(&policy, keep_body, &part, &root) < 0)
		return false;
	good = stage_record(s, data, rn_record_put_part(&head, &part, s->policy, data, sizeof(data)));
	root.parts[0].number += named ? 0 : 1;
	good = stage_policy(s, version + 1, &root) && good;
	free((void *)part.body);
	free(root.parts);
	return good;
}

/* More rules about the same two than are looked at: refused whole. */
static bool too_wide(struct stage *s, uint64_t version)
{
	enum { EACH = RN_RULE_SERVICES_MAX, RULES = RN_ALIKE_MAX / EACH + 1 };
	static struct rn_policy_rule rules[RULES];
	static struct rn_service services[RULES * EACH];
	uint32_t selector = 1;
	struct rn_policy_record policy = {.rules = rules, .rule_count = RULES};

	for (unsigned i = 0; i < RULES * EACH; i++)
		services[i] = (struct rn_service){IPPROTO_TCP, (uint16_t)(2 * i), (uint16_t)(2 * i)};
	for (unsigned i = 0; i < RULES; i++)
		rules[i] = (struct rn_policy_rule){.id = "r",
						   .number = i + 1,
						   .source.any = {&selector, 1},
						   .destination.any = {&selector, 1},
						   .services = services + EACH * i,
						   .service_count = EACH};
	return stage_policy(s, version, &policy);
}

/* Everything current, as core sends it: network, this host, two devices, the policy. */
static bool sync_all(struct stage *s, uint64_t version)
{
	struct rn_device_record self = stage_device_of(s, s->self), other = stage_device_of(s, 2),
				third = stage_device_of(s, 3);

	stage_say(s, RN_LOCAL_KERN_SYNC, stage_epoch, version);
	stage_syncing = true;
	stage_network(s, 1, LEASE);
	stage_device(s, 2, &self);
	if (s->self != 2)
		stage_device(s, 3, &other);
	else {
		other = stage_device_of(s, s->hub);
		stage_device(s, 3, &other);
	}
	stage_device(s, 4, &third);
	allow_all(s, 5);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, stage_epoch, version);
	return stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == version;
}

static void check_hub_tables(struct stage *s)
{
	struct rn_device_record d2 = stage_device_of(s, 2), self = stage_device_of(s, 1);
	struct rn_device in_map = device_at(&d2.ipv4, NULL), mine = device_at(&self.ipv6, NULL);
	struct rn_wireguard_device wireguard = {0};
	struct peers p = peers_now(&wireguard);
	const struct rn_wireguard_peer *peer = peer_of(&p, 2);

	CHECK(config().generation == 1 && config().role == RN_ROLE_HUB && config().mtu == 1372);
	CHECK(in_map.number == 2 && in_map.version == 3 && in_map.owner == 1);
	CHECK((uint32_t)in_map.state == (50 | RN_STATE_PRESENT | RN_STATE_ATTACHED));
	CHECK((uint32_t)mine.state == (50 | RN_STATE_PRESENT | RN_STATE_LOCAL));
	CHECK(p.count == 2 && wireguard.port == 51999);
	CHECK(peer && peer->allowed_count == 2 && peer->allowed[0].bits == 128 && peer->allowed[1].bits == 128);
	CHECK(link_now().up && link_now().mtu == 1372 && filters() == 2);
	CHECK(has("ip addr show dev " STAGE_INTERFACE, "10.77.0.1/32"));
	CHECK(has("ip addr show dev " STAGE_INTERFACE, "fd00:77::1/128"));
	CHECK(has("ip route", "10.77.0.0/16 dev " STAGE_INTERFACE));
	CHECK(has("ip -6 route", "fd00:77::/64 dev " STAGE_INTERFACE));
}

/* What core sends without the gateway's word, or with an old one, widens nothing. */
static void check_refusals(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 2), fake = stage_device_of(s, 9), thief = stage_device_of(s, 8);
	uint8_t own[RN_KEY_SIZE], data[2048];
	struct rn_record_head head = {RN_RECORD_DEVICE, 1, 20, 1};
	int size;

	memcpy(own, s->policy, sizeof(own));
	memset(s->policy, 1, sizeof(s->policy));
	CHECK(!stage_device(s, 20, &fake));
	CHECK(!allow_all(s, 20));
	memcpy(s->policy, own, sizeof(own));
	CHECK(device_at(&fake.ipv4, NULL).number == 0 && config().generation == 1);

	d.flags |= RN_DEVICE_QUARANTINED;
	CHECK(stage_device(s, 6, &d));
	CHECK(device_at(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	d.flags &= ~RN_DEVICE_QUARANTINED;
	CHECK(!stage_device(s, 5, &d)); /* replayed: older */
	CHECK(device_at(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	size = rn_record_put_device(&head, &d, s->policy, data, sizeof(data));
	data[40] ^= 1;
	CHECK(!stage_record(s, data, size));
	CHECK(device_at(&d.ipv4, NULL).state & RN_STATE_QUARANTINED);
	CHECK(stage_device(s, 7, &d));
	CHECK(!(device_at(&d.ipv4, NULL).state & RN_STATE_QUARANTINED));

	thief.ipv4 = d.ipv4; /* an older record cannot take an address */
	CHECK(!stage_device(s, 6, &thief));
	thief = stage_device_of(s, 8);
	memcpy(thief.wireguard_key, d.wireguard_key, RN_KEY_SIZE);
	CHECK(!stage_device(s, 9, &thief));
	CHECK(!allow_all(s, 4));
	CHECK(!nothing_in_a_part(s, 21, false)); /* 22, whose part has not come */
	CHECK(!too_wide(s, 23) && s->message.version == 21);
	stage_say(s, RN_LOCAL_KERN_SYNCED, stage_epoch, 24); /* nor does what is newer make it applied */
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == 21);
	CHECK(config().generation == 1);
}

/* An index keeps its meaning: another owner is another index, and no flow of the old one lives on. */
static void check_identity_change(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3);
	struct rn_device before, old;
	uint32_t index, fresh;

	before = device_at(&d.ipv4, &index);
	d.owner = 2;
	CHECK(stage_device(s, 10, &d));
	CHECK(device_at(&d.ipv4, &fresh).owner == 2 && fresh != index);
	CHECK(lookup("rn_devices", &index, &old) && !(old.state & RN_STATE_PRESENT));
	CHECK(before.number == 3);
	d.identity = 2;
	d.selectors[0] = 2;
	CHECK(stage_device(s, 11, &d));
	CHECK(device_at(&d.ipv4, NULL).identity_number == 2);
	d = stage_device_of(s, 3);
	CHECK(stage_device(s, 12, &d));
}

static void check_status(struct stage *s)
{
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 77, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) || s->message.type == RN_LOCAL_KERN_STATUS);
	CHECK(s->message.status.id == 77 && s->message.status.link_up && s->message.status.filters);
	CHECK(s->message.status.policy_version == 5 && s->message.status.mtu == 1372);
	CHECK(s->message.status.lease_seconds_left > LEASE - 60 && s->message.status.lease_seconds_left <= LEASE);
	CHECK(s->message.status.counters_size == 2 * RN_REASON_COUNT * 16 && s->message.status.peers_size == 2 * 46);
}

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

static void check_link_down(struct stage *s)
{
	uint64_t before = counter(1, RN_LINK_DOWN);

	stage_say(s, RN_LOCAL_KERN_LINK, 0, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 1, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) && !s->message.status.link_up);
	send_to("10.77.0.2", 4000);
	CHECK(counter(1, RN_LINK_DOWN) == before + 1);
	stage_say(s, RN_LOCAL_KERN_LINK, 1, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 1, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS) && s->message.status.link_up);
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
	stage_network(s, 1, LEASE);
	allow_all(s, 5);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, 1, 12);
	return stage_expect(s, RN_LOCAL_KERN_APPLIED) && s->message.version == 12;
}

/* kern is killed: the kernel goes on, and the next kern changes nothing that is right. */
static void check_kill(struct stage *s)
{
	struct rn_device before[64], after[64];
	struct peers p, q;
	uint64_t allowed;
	unsigned flows;

	send_to("10.77.0.2", 4001);
	flows = flows_now(s);
	CHECK(flows >= 1);
	all_devices(before, 64);
	p = peers_now(NULL);
	stage_kern_kill(s);
	CHECK(link_now().up && filters() == 2);
	allowed = counter(1, RN_ALLOWED);
	send_to("10.77.0.2", 4002);
	CHECK(counter(1, RN_ALLOWED) == allowed + 1);
	stage_kern_start(s);
	CHECK(wait_up() && filters() == 2);
	all_devices(after, 64);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	CHECK(flows_now(s) == flows + 1);
	CHECK(sync_again(s));
	all_devices(after, 64);
	CHECK(memcmp(before, after, sizeof(before)) == 0);
	CHECK(config().generation == 1);
	q = peers_now(NULL);
	CHECK(p.count == q.count && peer_of(&q, 2) && peer_of(&q, 3));
	CHECK(flows_now(s) == flows + 1);
	struct rn_device_record old = stage_device_of(s, 2);
	CHECK(!stage_device(s, 3, &old)); /* still refused after the restart */
}

static pid_t start_sender(unsigned count)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (unsigned i = 0; i < count; i++) {
			send_to("10.77.0.2", 4003);
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
		before[i] = counter(1, i);
	sender = start_sender(PACKETS);
	for (unsigned i = 0; i < KILLS; i++) {
		stage_kern_kill(s);
		stage_kern_start(s);
		CHECK(wait_up() && sync_again(s));
	}
	waitpid(sender, NULL, 0);
	CHECK(counter(1, RN_ALLOWED) == before[RN_ALLOWED] + PACKETS);
	for (unsigned i = 1; i < RN_REASON_COUNT; i++) {
		if (i != RN_MULTICAST) /* the kernel looks for IPv6 routers */
			CHECK(counter(1, i) == before[i]);
	}
}

/* Follows the interface's flags while something happens to it. */
static int watch_link(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);

	bind(fd, (const struct sockaddr *)&address, sizeof(address));
	return fd;
}

static bool went_down(int fd)
{
	char data[16384];
	bool down = false;
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
		for (struct nlmsghdr *h = (struct nlmsghdr *)data; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct ifinfomsg *info = NLMSG_DATA(h);

			if (h->nlmsg_type == RTM_NEWLINK && !(info->ifi_flags & IFF_UP))
				down = true;
		}
	}
	return down;
}

static void check_filter_removed(void)
{
	static const char *const remove[] = {"tc", "filter", "del", "dev", STAGE_INTERFACE, "ingress", NULL};
	int fd = watch_link();

	CHECK(filters() == 2 && !went_down(fd));
	CHECK(stage_run("tc", remove) == 0);
	for (int i = 0; i < 400 && (filters() != 2 || !link_now().up); i++)
		poll(NULL, 0, 50);
	CHECK(went_down(fd));
	CHECK(filters() == 2 && link_now().up);
	CHECK(has("ip route", "10.77.0.0/16 dev " STAGE_INTERFACE));
	CHECK(has("ip addr show dev " STAGE_INTERFACE, "fd00:77::1/128"));
	close(fd);
}

static void check_device_recreated(struct stage *s)
{
	static const char *const remove[] = {"ip", "link", "del", STAGE_INTERFACE, NULL};
	uint32_t before = link_now().index;
	bool userspace = strcmp(link_now().kind, "tun") == 0;

	if (userspace)
		stage_wireguard_kill(s);
	else
		CHECK(stage_run("ip", remove) == 0);
	if (userspace)
		stage_wireguard_start(s);
	for (int i = 0; i < 400 && (link_now().index == before || !link_now().up); i++)
		poll(NULL, 0, 50);
	CHECK(wait_up() && link_now().index != before && filters() == 2);
	struct rn_wireguard_device wireguard = {0};
	struct peers p = peers_now(&wireguard);
	CHECK(p.count == 2 && wireguard.port == 51999);
	CHECK(has("ip addr show dev " STAGE_INTERFACE, "10.77.0.1/32"));
}

static void check_removal(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3);

	stage_say(s, RN_LOCAL_KERN_REMOVE, 3, 0);
	stage_say(s, RN_LOCAL_KERN_STATUS_GET, 2, 0);
	CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS));
	CHECK(device_at(&d.ipv4, NULL).number == 0);
	CHECK(peers_now(NULL).count == 1);
	CHECK(!stage_device(s, 4, &d)); /* older than what was there */
	CHECK(stage_device(s, 12, &d)); /* the same again */
	CHECK(peers_now(NULL).count == 2);
	stage_say(s, RN_LOCAL_KERN_SYNC, 1, 13);
	stage_say(s, RN_LOCAL_KERN_SYNCED, 1, 13);
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED));
	CHECK(device_at(&d.ipv4, NULL).number == 0 && peers_now(NULL).count == 0);
}

static void hub(struct stage *s)
{
	uint64_t generation;

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(wait_up());
	CHECK(sync_all(s, 5));
	check_hub_tables(s);
	check_refusals(s);
	check_identity_change(s);
	check_status(s);
	check_link_down(s);
	check_kill(s);
	check_kill_under_traffic(s);
	check_filter_removed();
	check_device_recreated(s);
	check_removal(s);
	generation = config().generation;
	CHECK(nothing_in_a_part(s, 25, true) && config().generation == generation + 1);
	send_to("10.77.0.2", 4004); /* nobody is known any more */
	for (int i = 0; i < 100 && s->events == 0; i++) {
		poll(NULL, 0, 50);
		stage_say(s, RN_LOCAL_KERN_STATUS_GET, 90, 0);
		CHECK(stage_expect(s, RN_LOCAL_KERN_STATUS));
	}
	CHECK(s->events > 0);
}

/* The host was enrolled anew: nothing of what is pinned for the device before goes on. */
static void check_other_device(struct stage *s)
{
	struct rn_device_record third = stage_device_of(s, 3);
	char line[256];

	stage_kern_kill(s);
	CHECK(config().generation == 2);
	s->self = 9;
	stage_self(s);
	stage_kern_start(s);
	CHECK(wait_up() && config().generation == 0 && device_at(&third.ipv4, NULL).number == 0);
	stage_kern_kill(s);
	CHECK(stage_rnautd("kern", "--remove", line, sizeof(line)) == 0);
	CHECK(link_now().index == 0 && access("/sys/fs/bpf/rnaut", F_OK) < 0);
}

/* On a node the hub is the only peer, and it carries the overlay. */
static void node(struct stage *s)
{
	struct rn_device_record third = stage_device_of(s, 3);
	struct peers p;
	const struct rn_wireguard_peer *peer;

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(wait_up());
	CHECK(sync_all(s, 5));
	p = peers_now(NULL);
	peer = peer_of(&p, 1);
	CHECK(p.count == 1 && peer && peer->keepalive == 25 && peer->allowed_count == 2);
	CHECK(peer && peer->endpoint.port == 51820);
	CHECK(config().role == RN_ROLE_NODE);
	CHECK((uint32_t)device_at(&third.ipv4, NULL).state == (50 | RN_STATE_PRESENT | RN_STATE_ATTACHED));
	CHECK(has("ip addr show dev " STAGE_INTERFACE, "10.77.0.2/32"));
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(wait_up() && sync_all(s, 5));
	CHECK(peers_now(NULL).count == 1);
	stage_epoch = 2;
	CHECK(stage_network(s, 1, LEASE));
	CHECK(stage_device(s, 2, &third));
	CHECK(allow_all(s, 3));
	CHECK(config().generation == 2);
	stage_epoch = 1;
	CHECK(!stage_device(s, 99, &third));
	CHECK(!stage_network(s, 99, LEASE));
	check_other_device(s);
}

/* ---- a policy that is larger than a node's tables ---- */

#define MANY 100000u

struct sending {
	struct stage *stage;
	uint64_t version;
	uint32_t number;
	bool good;
};

static int send_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	static uint8_t data[RN_RECORD_SIZE_MAX];
	struct sending *to = context;
	const struct rn_record_head head = {RN_RECORD_PART, stage_epoch, to->version, 1};
	const struct rn_part part = {.number = ++to->number, .body = body, .size = size};

	*ret_number = part.number;
	to->good &=
	    stage_record(to->stage, data, rn_record_put_part(&head, &part, to->stage->policy, data, sizeof(data)));
	return 0;
}

/* 100,000 rules. So many have selector 1 for a source, 100 selector 50; the rest is about devices that are not here. */
static bool many_rules(struct stage *s, uint64_t version, uint32_t concern)
{
	static struct rn_policy_rule rules[MANY];
	static uint32_t sources[MANY][2], destinations[1000];
	static struct rn_service service = {0, 0, 65535};
	static uint32_t number;
	struct rn_policy_record policy = {.rules = rules, .rule_count = MANY}, root;
	struct sending to = {s, version, number, true};
	bool good;

	for (uint32_t i = 0; i < MANY; i++) {
		sources[i][0] = i < concern ? 1 : i < concern + 100 ? 50 : 90;
		sources[i][1] = 1000 + i;
		destinations[i % 1000] = 200000 + i % 1000;
		rules[i] = (struct rn_policy_rule){.number = i + 1,
						   .deny = i < 100,
						   .source.any = {sources[i], 2},
						   .destination.any = {&destinations[i % 1000], 1},
						   .services = &service,
						   .service_count = 1};
		snprintf(rules[i].id, sizeof(rules[i].id), "r%u", i);
	}
	if (rn_policy_split(&policy, send_part, &to, &root) < 0)
		return false;
	number = to.number;
	good = stage_policy(s, version + 1, &root);
	free(root.parts);
	return to.good && good;
}

/* How many rules of which policy are in force. */
static uint32_t rules_of(uint64_t version)
{
	struct rn_policy policies[1] = {0};
	uint32_t half = config().generation & 1;

	lookup("rn_policy", &half, policies);
	return policies[0].version == version ? policies[0].rules : 0;
}

static void large_policy(struct stage *s)
{
	struct rn_device_record self = stage_device_of(s, s->self);

	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(wait_up() && sync_all(s, 5));
	CHECK(rules_of(5) == 1);
	CHECK(many_rules(s, 10, 500));
	CHECK(rules_of(11) == 500);
	self.identity = 2;
	self.selectors[1] = 50;
	self.selector_count = 2;
	CHECK(stage_device(s, 12, &self));
	CHECK(rules_of(11) == 600);
	CHECK(!many_rules(s, 20, 20000));
	CHECK(rules_of(11) == 600);
	CHECK(many_rules(s, 30, 16000));
	CHECK(rules_of(31) == 16100);
	/* It goes on with these after a restart. */
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(rules_of(31) == 16100 && stage_device(s, 12, &self) && many_rules(s, 40, 400));
	CHECK(rules_of(41) == 500);
}

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
	struct peers p = peers_now(NULL);
	const struct rn_wireguard_peer *peer = peer_of(&p, hub), *warm = peer_of(&p, other);

	return p.count == 2 && peer && warm && peer->allowed_count == 2 && warm->allowed_count == 0 &&
	       warm->keepalive == 25 && warm->endpoint.port == 51820;
}

/* A node that lists two hubs: both are peers, one carries the overlay, and core says which within the list. */
static void node_of_two(struct stage *s)
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
	CHECK(wait_up() && sync_all(s, 5));
	CHECK(stage_device(s, 6, &second));
	CHECK(peers_now(NULL).count == 1);
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
	CHECK(peers_now(NULL).count == 1);
	say_home(s, 4, 300, true);
	CHECK(peers_now(NULL).count == 1);
}

/* kern ends, the pins and the interface go; the disk stays. */
static void reboot(struct stage *s)
{
	static const char *const remove_link[] = {"ip", "link", "del", STAGE_INTERFACE, NULL};
	const struct dirent *entry;
	unsigned pins = 0;
	DIR *directory;

	stage_kern_kill(s);
	directory = opendir(PIN);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.')
			pins += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
	}
	if (directory)
		closedir(directory);
	CHECK(pins > 10 && config().role == 0);
	if (stage_kernel_has_wireguard())
		CHECK(stage_run("ip", remove_link) == 0);
	else
		stage_wireguard_kill(s);
	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(wait_up() && config().generation == 0);
}

static bool is_revoked(const struct rn_device_record *d)
{
	return device_at(&d->ipv4, NULL).state & RN_STATE_REVOKED;
}

/* A disk that takes nothing: what is revoked is so in the kernel at once, and on the disk when that is possible. */
static void check_full_disk(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 3), revoked = d;

	revoked.flags |= RN_DEVICE_REVOKED;
	CHECK(stage_device(s, 4, &d) && !is_revoked(&d));
	CHECK(mkdir(REVOKED ".new", 0700) == 0);
	CHECK(stage_device(s, 7, &revoked) && is_revoked(&d));
	CHECK(!stage_device(s, 8, &d));
	CHECK(rmdir(REVOKED ".new") == 0);
	stage_kern_kill(s);
	stage_kern_start(s);
	CHECK(wait_up() && is_revoked(&d));
	reboot(s);
	CHECK(!stage_device(s, 4, &d) && !stage_device(s, 8, &d));
}

/* A captured core has kept what the gateway signed before it revoked the device. */
static void revocation(struct stage *s)
{
	struct rn_device_record d = stage_device_of(s, 2), revoked = d;

	revoked.flags |= RN_DEVICE_REVOKED;
	stage_wireguard_start(s);
	stage_kern_start(s);
	CHECK(wait_up() && sync_all(s, 5));
	CHECK(peers_now(NULL).count == 2 && access(REVOKED, F_OK) < 0);
	CHECK(stage_device(s, 6, &revoked) && is_revoked(&d));
	CHECK(access(REVOKED, F_OK) == 0);
	stage_say(s, RN_LOCAL_KERN_REMOVE, 2, 0);
	reboot(s);
	CHECK(!stage_device(s, 3, &d));
	CHECK(!stage_device(s, 99, &d));
	CHECK(device_at(&d.ipv4, NULL).number == 0 && peers_now(NULL).count == 0);
	CHECK(stage_device(s, 6, &revoked) && is_revoked(&d));
	CHECK(!stage_device(s, 3, &d) && is_revoked(&d));
	check_full_disk(s);
	stage_epoch = 2; /* numbers count anew */
	CHECK(stage_network(s, 1, LEASE) && stage_device(s, 2, &d) && !is_revoked(&d));
	reboot(s);
	CHECK(stage_device(s, 2, &d));
	stage_say(s, RN_LOCAL_KERN_SYNC, 2, 5);
	stage_syncing = true;
	stage_device(s, 5, &revoked);
	stage_syncing = false;
	stage_say(s, RN_LOCAL_KERN_SYNCED, 2, 5);
	CHECK(stage_expect(s, RN_LOCAL_KERN_APPLIED) && is_revoked(&d));
	reboot(s);
	CHECK(!stage_device(s, 2, &d));
	stage_epoch = 1;
	CHECK(!stage_device(s, 6, &d));
}

static void damage(const char *path)
{
	FILE *out = fopen(path, "w");

	fputs("RNV1 but not what kern wrote", out);
	fclose(out);
}

static void bad_starts(struct stage *s)
{
	char line[1024];

	(void)s;
	CHECK(rename("/var/lib/rnaut/state", "/var/lib/rnaut/away") == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "gateway init"));
	CHECK(rename("/var/lib/rnaut/away", "/var/lib/rnaut/state") == 0);
	FILE *format = fopen("/var/lib/rnaut/state/format", "w");
	fputs("2\n", format);
	fclose(format);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "newer"));
	format = fopen("/var/lib/rnaut/state/format", "w");
	fputs("1\n", format);
	fclose(format);
	if (stage_kernel_has_wireguard())
		puts("skipped: asking for the kernel's WireGuard where there is none: this kernel has it");
	else {
		stage_conf("kernel");
		CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "has no WireGuard"));
		stage_conf("auto");
	}
	damage(REVOKED);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "revoked.bin is damaged"));
	CHECK(unlink(REVOKED) == 0);
	CHECK(mount("tmpfs", "/sys/fs/bpf", "tmpfs", 0, NULL) == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "mount -t bpf"));
	CHECK(umount("/sys/fs/bpf") == 0);
	CHECK(rename("/var/lib/rnaut/state/kern/wireguard.key", "/var/lib/rnaut/state/kern/away") == 0);
	CHECK(stage_rnautd("kern", NULL, line, sizeof(line)) == 1 && strstr(line, "wireguard.key"));
}

static void run(const char *name, void (*scenario)(struct stage *s), bool is_hub, uint32_t self)
{
	int pipes[2], status = 0;
	unsigned counts[2] = {0, 1};
	pid_t pid;

	fflush(stdout);
	if (pipe(pipes) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		static struct stage s;

		passed = failed = 0;
		stage_open(&s, is_hub, self, 1);
		scenario(&s);
		stage_close(&s);
		counts[0] = passed;
		counts[1] = failed;
		fflush(stdout);
		_exit(write(pipes[1], counts, sizeof(counts)) != sizeof(counts));
	}
	close(pipes[1]);
	if (read(pipes[0], counts, sizeof(counts)) != sizeof(counts))
		printf("FAILED %s: it ended early\n", name);
	close(pipes[0]);
	waitpid(pid, &status, 0);
	printf("%s %s: %u checks\n", counts[1] ? "FAILED" : "ok", name, counts[0]);
	passed += counts[0];
	failed += counts[1];
}

int main(void)
{
	if (geteuid() != 0) {
		puts("kern needs root to be tested\n0 passed, 1 failed");
		return 1;
	}
	rn_crypto_start();
	run("a state that is missing, newer or not whole", bad_starts, true, 1);
	run("hub", hub, true, 1);
	run("node", node, false, 2);
	run("a policy that is larger than a node's tables", large_policy, false, 2);
	run("a node of two hubs", node_of_two, false, 2);
	run("a device that was revoked", revocation, true, 1);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
