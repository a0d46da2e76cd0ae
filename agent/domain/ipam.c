// SPDX-License-Identifier: Apache-2.0
#include "domain/ipam.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define V4(length) (96u + (length))

int rn_ipam_address(const struct rn_prefix *range, uint32_t device, struct rn_addr *ret)
{
	unsigned host_bits = range->bits <= 128 ? 128u - range->bits : 0;
	/* IPv4 keeps the last address of the range for broadcast. */
	uint64_t hosts = host_bits >= 33 ? 1ull << 33 : (1ull << host_bits) - (rn_addr_is_v4(&range->addr) ? 1 : 0);

	if (device == 0 || device >= hosts)
		return -ENOSPC;
	*ret = rn_prefix_host(range, device);
	return 0;
}

uint32_t rn_ipam_device(const struct rn_prefix *range, const struct rn_addr *address)
{
	uint32_t number = 0, hosts = range->bits <= 96 ? UINT32_MAX : (uint32_t)((1ull << (128 - range->bits)) - 1);
	struct rn_addr whole;

	for (unsigned i = 12; i < 16; i++)
		number = number << 8 | address->b[i];
	number &= hosts;
	return rn_ipam_address(range, number, &whole) == 0 && rn_addr_compare(&whole, address) == 0 ? number : 0;
}

/* Default routes, and the two halves of everything by which VPNs override them. */
static bool default_route(const struct rn_prefix *p)
{
	return p->bits <= 1 || (rn_addr_is_v4(&p->addr) && p->bits <= V4(1));
}

static const struct rn_ipam_route *collision(const struct rn_prefix *range, const struct rn_ipam_route *routes,
					     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!default_route(&routes[i].to) && rn_addr_is_v4(&routes[i].to.addr) == rn_addr_is_v4(&range->addr) &&
		    rn_prefix_overlap(range, &routes[i].to))
			return &routes[i];
	return NULL;
}

static int check_form(const struct rn_prefix *range, const char *text, struct rn_err *err)
{
	static const struct rn_prefix ula = {.addr.b = {0xfc}, .bits = 7};

	if (rn_addr_is_v4(&range->addr)) {
		uint8_t first = range->addr.b[12];

		if (range->bits < V4(8) || range->bits > V4(24))
			return rn_fail(err, -EINVAL, "%s is no range for devices; an IPv4 range is /8 to /24", text);
		if (first == 0 || first == 127 || first >= 224)
			return rn_fail(err, -EINVAL, "%s holds addresses that no device may have; choose another range",
				       text);
		return 0;
	}
	if (range->bits < 32 || range->bits > 64 || !rn_prefix_contains(&ula, &range->addr))
		return rn_fail(err, -EINVAL, "%s is no range for devices; an IPv6 range is /32 to /64 within fc00::/7",
			       text);
	return 0;
}

int rn_ipam_check(const struct rn_prefix *range, const struct rn_ipam_route *routes, size_t count, struct rn_err *err)
{
	const struct rn_ipam_route *found;
	char text[RN_PREFIX_TEXT], other[RN_PREFIX_TEXT];

	rn_prefix_format(range, text);
	if (check_form(range, text, err) < 0)
		return -EINVAL;
	found = collision(range, routes, count);
	if (!found)
		return 0;
	rn_prefix_format(&found->to, other);
	return rn_fail(err, -EEXIST, "%s collides with the route to %s%s%s of this host; choose another range", text,
		       other, found->interface[0] ? " through " : "", found->interface);
}

int rn_ipam_choose_ipv4(const struct rn_ipam_route *routes, size_t count, struct rn_prefix *ret, struct rn_err *err)
{
	static const struct {
		uint32_t first, last; /* of the /16 ranges, as their upper half */
	} pools[] = {{0x6440, 0x647f}, {0x0a00, 0x0aff}, {0xac10, 0xac1f}};

	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		for (uint32_t net = pools[i].first; net <= pools[i].last; net++) {
			struct rn_prefix range = {.addr = rn_addr_from_v4(net << 16), .bits = V4(16)};

			if (!collision(&range, routes, count)) {
				*ret = range;
				return 0;
			}
		}
	}
	return rn_fail(err, -ENOSPC,
		       "this host has routes to all of 100.64.0.0/10, 10.0.0.0/8 and 172.16.0.0/12; name an IPv4 range "
		       "that is free, or none");
}

struct rn_prefix rn_ipam_ipv6(const uint8_t global_id[5])
{
	struct rn_prefix p = {.addr.b = {0xfd}, .bits = 48};

	memcpy(p.addr.b + 1, global_id, 5);
	return p;
}
