/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define KEPT 256 /* answers; a power of two */
#define KEPT_MS 1000

struct kept {
	struct rn_addr from, source;
	struct rn_endpoint to;
	uint16_t source_port;
	int64_t until_ms;
};

struct rn_route {
	int fd;
	uint32_t sequence;
	struct kept kept[KEPT]; /* a question is a lock of the kernel's that others hold too */
};

struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	uint8_t attributes[128];
};

struct answer {
	uint8_t type; /* RTN_* */
	struct rn_addr source;
};

struct rn_route *rn_route_new(void)
{
	struct rn_route *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0) {
		free(r);
		return NULL;
	}
	return r;
}

void rn_route_free(struct rn_route *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r);
}

static void add(struct request *q, unsigned short type, const void *data, unsigned short size)
{
	struct rtattr attribute = {.rta_len = RTA_LENGTH(size), .rta_type = type};
	size_t at = q->head.nlmsg_len - sizeof(q->head) - sizeof(q->route);

	memcpy(q->attributes + at, &attribute, sizeof(attribute));
	memcpy(q->attributes + at + RTA_LENGTH(0), data, size);
	q->head.nlmsg_len += RTA_SPACE(size);
}

static struct request new_request(struct rn_route *r, const struct rn_addr *to)
{
	const bool v4 = rn_addr_is_v4(to);
	struct request q = {
	    .head = {.nlmsg_len = sizeof(q.head) + sizeof(q.route),
		     .nlmsg_type = RTM_GETROUTE,
		     .nlmsg_flags = NLM_F_REQUEST,
		     .nlmsg_seq = ++r->sequence},
	    .route = {.rtm_family = v4 ? AF_INET : AF_INET6, .rtm_dst_len = v4 ? 32 : 128},
	};

	add(&q, RTA_DST, to->b + (v4 ? 12 : 0), v4 ? 4 : 16);
	return q;
}

static void read_answer(const struct nlmsghdr *head, struct answer *ret)
{
	const struct rtmsg *route = NLMSG_DATA(head);
	const unsigned size = route->rtm_family == AF_INET ? 4 : 16;
	int left = (int)RTM_PAYLOAD(head);

	ret->type = route->rtm_type;
	for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != RTA_PREFSRC || RTA_PAYLOAD(a) != size)
			continue;
		if (size == 4)
			ret->source.b[10] = ret->source.b[11] = 0xff;
		memcpy(ret->source.b + 16 - size, RTA_DATA(a), size);
	}
}

/* The kernel has answered before its send returns; what is left of an earlier question is skipped. */
static int ask(struct rn_route *r, const struct request *q, struct answer *ret)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	union {
		struct nlmsghdr head;
		uint8_t bytes[ANSWER_MAX];
	} data;

	if (sendto(r->fd, q, q->head.nlmsg_len, MSG_DONTWAIT, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(r->fd, &data, sizeof(data), MSG_DONTWAIT);

		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		if (!NLMSG_OK(&data.head, (size_t)n) || data.head.nlmsg_seq != q->head.nlmsg_seq)
			continue;
		if (data.head.nlmsg_type == NLMSG_ERROR &&
		    data.head.nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
			int code = ((const struct nlmsgerr *)NLMSG_DATA(&data.head))->error;

			return code < 0 ? code : -EIO;
		}
		if (data.head.nlmsg_type != RTM_NEWROUTE || data.head.nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
			return -EIO;
		read_answer(&data.head, ret);
		return 0;
	}
}

static bool is_ours(struct rn_route *r, const struct rn_addr *address)
{
	const struct request q = new_request(r, address);
	struct answer answer = {0};

	return ask(r, &q, &answer) == 0 && answer.type == RTN_LOCAL;
}

static bool is_loopback(const struct rn_addr *a)
{
	static const struct rn_addr one = {.b = {[15] = 1}};

	return rn_addr_is_v4(a) ? a->b[12] == 127 : rn_addr_compare(a, &one) == 0;
}

/* The kernel lets ::1 out to other hosts, where it is nobody's. */
static bool may_be_from(struct rn_route *r, const struct rn_addr *from, const struct rn_addr *to)
{
	return !rn_addr_is_zero(from) && rn_addr_is_v4(from) == rn_addr_is_v4(to) &&
	       (!is_loopback(from) || is_loopback(to)) && is_ours(r, from);
}

static int find(struct rn_route *r, const struct kept *question, struct rn_addr *ret)
{
	const uint16_t ports[2] = {htons(question->source_port), htons(question->to.port)};
	const struct rn_addr *from = &question->from, *to = &question->to.addr;
	const uint8_t udp = IPPROTO_UDP;
	struct answer answer = {0};
	struct request q;
	int code;

	if (may_be_from(r, from, to)) {
		*ret = *from;
		return 0;
	}
	q = new_request(r, to);
	add(&q, RTA_IP_PROTO, &udp, sizeof(udp));
	add(&q, RTA_SPORT, &ports[0], sizeof(ports[0]));
	add(&q, RTA_DPORT, &ports[1], sizeof(ports[1]));
	code = ask(r, &q, &answer);
	if (code < 0)
		return code;
	if (answer.type != RTN_UNICAST && answer.type != RTN_LOCAL)
		return -ENETUNREACH;
	if (rn_addr_is_zero(&answer.source))
		return -EADDRNOTAVAIL;
	*ret = answer.source;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static struct kept *place_of(struct rn_route *r, const struct kept *question)
{
	uint32_t hash = 2166136261u ^ question->to.port;

	for (size_t i = 0; i < sizeof(question->to.addr.b); i++)
		hash = (hash ^ question->to.addr.b[i] ^ question->from.b[i]) * 16777619u;
	return &r->kept[(hash ^ hash >> 15) % KEPT];
}

static bool same(const struct kept *a, const struct kept *b)
{
	return a->to.port == b->to.port && a->source_port == b->source_port &&
	       rn_addr_compare(&a->to.addr, &b->to.addr) == 0 && rn_addr_compare(&a->from, &b->from) == 0;
}

int rn_route_source(struct rn_route *r, const struct rn_addr *from, uint16_t source_port, const struct rn_endpoint *to,
		    struct rn_addr *ret)
{
	struct kept question = {.from = *from, .to = *to, .source_port = source_port}, *place = place_of(r, &question);
	const int64_t now = now_ms();
	int code;

	if (now < place->until_ms && same(place, &question)) {
		*ret = place->source;
		return 0;
	}
	code = find(r, &question, &question.source);
	if (code < 0)
		return code;
	question.until_ms = now + KEPT_MS;
	*place = question;
	*ret = question.source;
	return 0;
}
