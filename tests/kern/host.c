/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

bool host_lookup(const char *map, const void *key, void *value)
{
	char path[100];
	int fd, r;

	snprintf(path, sizeof(path), HOST_PINS "%s", map);
	fd = bpf_obj_get(path);
	r = fd < 0 ? -1 : bpf_map_lookup_elem(fd, key, value);
	if (fd >= 0)
		close(fd);
	return r == 0;
}

struct rn_config host_config(void)
{
	struct rn_config c = {0};

	host_lookup("rn_config", &(uint32_t){0}, &c);
	return c;
}

struct rn_device host_device(const struct rn_addr *address, uint32_t *ret_index)
{
	struct rn_device d = {0};
	uint32_t index = 0;

	if (host_lookup("rn_addresses", address, &index))
		host_lookup("rn_devices", &index, &d);
	if (ret_index)
		*ret_index = index;
	return d;
}

void host_devices(struct rn_device *out, unsigned count)
{
	for (uint32_t i = 0; i < count; i++)
		host_lookup("rn_devices", &i, &out[i]);
}

struct rn_link host_link(void)
{
	struct rn_netlink *n = rn_netlink_new();
	struct rn_link link = {0};

	rn_netlink_link(n, STAGE_INTERFACE, &link);
	rn_netlink_free(n);
	return link;
}

static void add_peer(void *context, const struct rn_wireguard_peer *peer)
{
	struct host_peers *p = context;

	if (p->count < 8)
		p->peer[p->count++] = *peer;
}

struct host_peers host_peers(struct rn_wireguard_device *ret)
{
	enum rn_wireguard_backend backend =
	    strcmp(host_link().kind, "wireguard") == 0 ? RN_WIREGUARD_KERNEL : RN_WIREGUARD_USERSPACE;
	struct rn_wireguard *w = rn_wireguard_new(backend, STAGE_INTERFACE);
	struct host_peers p = {0};

	rn_wireguard_dump(w, ret, add_peer, &p);
	rn_wireguard_free(w);
	return p;
}

const struct rn_wireguard_peer *host_peer(const struct host_peers *p, uint32_t number)
{
	for (unsigned i = 0; i < p->count; i++) {
		if (p->peer[i].key[0] == 0x40 + number)
			return &p->peer[i];
	}
	return NULL;
}

bool host_wait_up(void)
{
	for (int i = 0; i < 400; i++) {
		if (host_link().up && host_config().ifindex == host_link().index)
			return true;
		poll(NULL, 0, 50);
	}
	return false;
}

unsigned host_filters(void)
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

bool host_has(const char *command, const char *word)
{
	char text[8192];
	FILE *in = popen(command, "r");
	size_t size = fread(text, 1, sizeof(text) - 1, in);

	text[size] = '\0';
	pclose(in);
	return strstr(text, word);
}

/* One datagram from this host to a device: it makes a flow where the policy allows it. */
void host_send(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	/* The kernel's WireGuard says that it knows no way to the peer, userspace does not; it is judged before that.
	 */
	if (sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EDESTADDRREQ)
		check(false, "sendto", __FILE__, __LINE__);
	close(fd);
}

uint64_t host_counter(unsigned direction, enum rn_reason reason)
{
	struct rn_counter values[256] = {0};
	uint32_t key = direction * RN_REASON_COUNT + reason;
	uint64_t sum = 0;

	host_lookup("rn_counters", &key, values);
	for (int i = 0; i < 256; i++)
		sum += values[i].packets;
	return sum;
}
