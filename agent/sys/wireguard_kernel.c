/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>

#include "sys/wireguard_backend.h"

/* The kernel's WireGuard: generic netlink as <linux/wireguard.h> describes it. A socket for each request. */

/* libnl's own codes -> -errno. */
static int from_nl(int r)
{
	switch (r) {
	case -NLE_NODEV:
	case -NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case -NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case -NLE_PERM:
		return -EPERM;
	case -NLE_NOMEM:
		return -ENOMEM;
	case -NLE_INVAL:
		return -EINVAL;
	case -NLE_EXIST: /* libnl's name for EADDRINUSE too */
		return -EADDRINUSE;
	default:
		return r < 0 ? -EIO : 0;
	}
}

struct request {
	struct nl_sock *sock;
	struct nl_msg *msg;
};

static void request_done(struct request *q)
{
	nlmsg_free(q->msg);
	nl_socket_free(q->sock);
}

static int request_new(struct request *q, const char *interface, uint8_t command, int flags)
{
	int family, r;

	*q = (struct request){nl_socket_alloc(), nlmsg_alloc()};
	r = q->sock && q->msg ? genl_connect(q->sock) : -NLE_NOMEM;
	if (r == 0)
		r = nl_socket_set_buffer_size(q->sock, 1 << 20, 0);
	family = r < 0 ? r : genl_ctrl_resolve(q->sock, WG_GENL_NAME);
	if (family < 0)
		r = family == -NLE_OBJ_NOTFOUND ? -NLE_OPNOTSUPP : family;
	else if (!genlmsg_put(q->msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, command, WG_GENL_VERSION))
		r = -NLE_NOMEM;
	else
		r = nla_put_string(q->msg, WGDEVICE_A_IFNAME, interface);
	if (r < 0)
		request_done(q);
	return from_nl(r);
}

/* Sends and waits for the acknowledgement; secrets in the message are wiped. */
static int request_send(struct request *q)
{
	int r = nl_send_auto(q->sock, q->msg);

	if (r >= 0)
		r = nl_wait_for_ack(q->sock);
	rn_wipe(nlmsg_data(nlmsg_hdr(q->msg)), nlmsg_datalen(nlmsg_hdr(q->msg)));
	request_done(q);
	return from_nl(r);
}

static int set_device(const char *interface, const uint8_t private_key[RN_KEY_SIZE], uint16_t port)
{
	struct request q;
	int r = request_new(&q, interface, WG_CMD_SET_DEVICE, 0);

	if (r < 0)
		return r;
	if (nla_put(q.msg, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, private_key) == 0 &&
	    nla_put_u16(q.msg, WGDEVICE_A_LISTEN_PORT, port) == 0)
		return request_send(&q);
	request_done(&q);
	return -ENOMEM;
}

static int put_endpoint(struct nl_msg *msg, const struct rn_endpoint *e)
{
	if (rn_addr_is_v4(&e->addr)) {
		struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e->port)};

		v4.sin_addr.s_addr = htonl(rn_addr_to_v4(&e->addr));
		return nla_put(msg, WGPEER_A_ENDPOINT, sizeof(v4), &v4);
	}
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};

	memcpy(&v6.sin6_addr, e->addr.b, 16);
	return nla_put(msg, WGPEER_A_ENDPOINT, sizeof(v6), &v6);
}

static int put_allowed_one(struct nl_msg *msg, const struct rn_prefix *p)
{
	bool v4 = rn_addr_is_v4(&p->addr) && p->bits >= 96;
	struct nlattr *nest = nla_nest_start(msg, NLA_F_NESTED);

	if (!nest || nla_put_u16(msg, WGALLOWEDIP_A_FAMILY, v4 ? AF_INET : AF_INET6) < 0 ||
	    nla_put(msg, WGALLOWEDIP_A_IPADDR, v4 ? 4 : 16, p->addr.b + (v4 ? 12 : 0)) < 0 ||
	    nla_put_u8(msg, WGALLOWEDIP_A_CIDR_MASK, v4 ? p->bits - 96 : p->bits) < 0)
		return -NLE_NOMEM;
	return nla_nest_end(msg, nest);
}

static int put_allowed(struct nl_msg *msg, const struct rn_wireguard_peer *peer)
{
	struct nlattr *nest = nla_nest_start(msg, WGPEER_A_ALLOWEDIPS | NLA_F_NESTED);
	int r = nest ? 0 : -NLE_NOMEM;

	for (unsigned i = 0; i < peer->allowed_count && r == 0; i++)
		r = put_allowed_one(msg, &peer->allowed[i]);
	return r < 0 ? r : nla_nest_end(msg, nest);
}

/* peer NULL: remove. */
static int put_peer(struct nl_msg *msg, const uint8_t key[RN_KEY_SIZE], const struct rn_wireguard_peer *peer)
{
	struct nlattr *peers = nla_nest_start(msg, WGDEVICE_A_PEERS | NLA_F_NESTED);
	struct nlattr *nest = peers ? nla_nest_start(msg, NLA_F_NESTED) : NULL;
	uint32_t flags = !peer ? WGPEER_F_REMOVE_ME : peer->keep_allowed ? 0 : WGPEER_F_REPLACE_ALLOWEDIPS;

	if (!nest || nla_put(msg, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, key) < 0 ||
	    nla_put_u32(msg, WGPEER_A_FLAGS, flags) < 0)
		return -NLE_NOMEM;
	if (peer && ((peer->endpoint.port && put_endpoint(msg, &peer->endpoint) < 0) ||
		     nla_put_u16(msg, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive) < 0 ||
		     (!peer->keep_allowed && put_allowed(msg, peer) < 0)))
		return -NLE_NOMEM;
	return nla_nest_end(msg, nest) < 0 || nla_nest_end(msg, peers) < 0 ? -NLE_NOMEM : 0;
}

static int change_peer(const char *interface, const uint8_t key[RN_KEY_SIZE], const struct rn_wireguard_peer *peer)
{
	struct request q;
	int r = request_new(&q, interface, WG_CMD_SET_DEVICE, 0);

	if (r < 0)
		return r;
	if (put_peer(q.msg, key, peer) == 0)
		return request_send(&q);
	request_done(&q);
	return -ENOMEM;
}

static int set_peer(const char *interface, const struct rn_wireguard_peer *peer)
{
	return change_peer(interface, peer->key, peer);
}

static int remove_peer(const char *interface, const uint8_t key[RN_KEY_SIZE])
{
	return change_peer(interface, key, NULL);
}

/* A peer whose AllowedIPs do not fit one message comes again in the next. */
struct dump {
	struct rn_wireguard_device device;
	struct rn_wireguard_peer peer;
	bool in_peer, bad;
	void (*each)(void *context, const struct rn_wireguard_peer *peer);
	void *context;
};

static void read_endpoint(struct nlattr *attribute, struct rn_endpoint *ret)
{
	const struct sockaddr *any = nla_data(attribute);

	if (any->sa_family == AF_INET && (size_t)nla_len(attribute) >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *v4 = nla_data(attribute);

		ret->addr = rn_addr_from_v4(ntohl(v4->sin_addr.s_addr));
		ret->port = ntohs(v4->sin_port);
	} else if (any->sa_family == AF_INET6 && (size_t)nla_len(attribute) >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *v6 = nla_data(attribute);

		memcpy(ret->addr.b, &v6->sin6_addr, 16);
		ret->port = ntohs(v6->sin6_port);
	}
}

static void read_allowed(struct nlattr *list, struct rn_wireguard_peer *peer)
{
	struct nlattr *item = NULL, *a[WGALLOWEDIP_A_MAX + 1];
	int left;

	nla_for_each_nested(item, list, left)
	{
		struct rn_prefix p = {0};
		unsigned size;

		if (nla_parse_nested(a, WGALLOWEDIP_A_MAX, item, NULL) < 0 || !a[WGALLOWEDIP_A_FAMILY] ||
		    !a[WGALLOWEDIP_A_IPADDR] || !a[WGALLOWEDIP_A_CIDR_MASK] ||
		    peer->allowed_count >= RN_WIREGUARD_ALLOWED_MAX)
			continue;
		size = nla_get_u16(a[WGALLOWEDIP_A_FAMILY]) == AF_INET ? 4 : 16;
		if ((unsigned)nla_len(a[WGALLOWEDIP_A_IPADDR]) < size)
			continue;
		if (size == 4)
			p.addr.b[10] = p.addr.b[11] = 0xff;
		memcpy(p.addr.b + 16 - size, nla_data(a[WGALLOWEDIP_A_IPADDR]), size);
		p.bits = nla_get_u8(a[WGALLOWEDIP_A_CIDR_MASK]) + (size == 4 ? 96 : 0);
		peer->allowed[peer->allowed_count++] = p;
	}
}

static void flush_peer(struct dump *d)
{
	if (d->in_peer && d->each)
		d->each(d->context, &d->peer);
	d->in_peer = false;
}

static void read_counters(struct nlattr **a, struct rn_wireguard_peer *peer)
{
	if (a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL])
		peer->keepalive = nla_get_u16(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (a[WGPEER_A_LAST_HANDSHAKE_TIME] && nla_len(a[WGPEER_A_LAST_HANDSHAKE_TIME]) >= 8) {
		int64_t seconds;

		memcpy(&seconds, nla_data(a[WGPEER_A_LAST_HANDSHAKE_TIME]), sizeof(seconds));
		peer->last_handshake = seconds;
	}
	if (a[WGPEER_A_RX_BYTES])
		peer->received = nla_get_u64(a[WGPEER_A_RX_BYTES]);
	if (a[WGPEER_A_TX_BYTES])
		peer->sent = nla_get_u64(a[WGPEER_A_TX_BYTES]);
}

static void read_peer(struct dump *d, struct nlattr *item)
{
	struct nlattr *a[WGPEER_A_MAX + 1];

	if (nla_parse_nested(a, WGPEER_A_MAX, item, NULL) < 0 || !a[WGPEER_A_PUBLIC_KEY] ||
	    nla_len(a[WGPEER_A_PUBLIC_KEY]) != WG_KEY_LEN) {
		d->bad = true;
		return;
	}
	if (!d->in_peer || memcmp(d->peer.key, nla_data(a[WGPEER_A_PUBLIC_KEY]), RN_KEY_SIZE) != 0) {
		flush_peer(d);
		d->peer = (struct rn_wireguard_peer){0};
		d->in_peer = true;
		memcpy(d->peer.key, nla_data(a[WGPEER_A_PUBLIC_KEY]), RN_KEY_SIZE);
		read_counters(a, &d->peer);
		if (a[WGPEER_A_ENDPOINT] && nla_len(a[WGPEER_A_ENDPOINT]) >= (int)sizeof(struct sockaddr))
			read_endpoint(a[WGPEER_A_ENDPOINT], &d->peer.endpoint);
	}
	if (a[WGPEER_A_ALLOWEDIPS])
		read_allowed(a[WGPEER_A_ALLOWEDIPS], &d->peer);
}

static int on_message(struct nl_msg *msg, void *context)
{
	struct nlattr *a[WGDEVICE_A_MAX + 1], *item = NULL;
	struct dump *d = context;
	int left;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, a, WGDEVICE_A_MAX, NULL) < 0) {
		d->bad = true;
		return NL_SKIP;
	}
	if (a[WGDEVICE_A_PUBLIC_KEY] && nla_len(a[WGDEVICE_A_PUBLIC_KEY]) == WG_KEY_LEN)
		memcpy(d->device.public_key, nla_data(a[WGDEVICE_A_PUBLIC_KEY]), RN_KEY_SIZE);
	if (a[WGDEVICE_A_LISTEN_PORT])
		d->device.port = nla_get_u16(a[WGDEVICE_A_LISTEN_PORT]);
	if (a[WGDEVICE_A_PEERS]) {
		nla_for_each_nested(item, a[WGDEVICE_A_PEERS], left) read_peer(d, item);
	}
	return NL_OK;
}

static int dump(const char *interface, struct rn_wireguard_device *ret,
		void (*each)(void *context, const struct rn_wireguard_peer *peer), void *context)
{
	struct dump d = {.each = each, .context = context};
	struct request q;
	int r = request_new(&q, interface, WG_CMD_GET_DEVICE, NLM_F_DUMP);

	if (r < 0)
		return r;
	r = nl_socket_modify_cb(q.sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, &d);
	if (r == 0)
		r = nl_send_auto(q.sock, q.msg);
	if (r >= 0)
		r = nl_recvmsgs_default(q.sock);
	request_done(&q);
	if (r < 0)
		return from_nl(r);
	if (d.bad)
		return -EBADMSG;
	flush_peer(&d);
	if (ret)
		*ret = d.device;
	return 0;
}

const struct rn_wireguard_ops rn_wireguard_kernel = {set_device, set_peer, remove_peer, dump};
