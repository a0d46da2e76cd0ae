/* SPDX-License-Identifier: Apache-2.0 */
/* What a captured web says to core in a way that no web does, and where else it knocks. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web_attacker.h"

static void nonsense(const struct inside *inside, char **words, int count)
{
	(void)words;
	(void)count;
	talk_nonsense(dial_as_web, inside);
}

static void as_others(const struct inside *inside, char **words, int count)
{
	static const enum rn_local_type types[] = {
	    RN_LOCAL_KERN_HELLO, RN_LOCAL_KERN_APPLIED, RN_LOCAL_KERN_EVENTS, RN_LOCAL_KERN_STATUS,
	    RN_LOCAL_KERN_SYNC,	 RN_LOCAL_KERN_RECORD,	RN_LOCAL_KERN_REMOVE, RN_LOCAL_KERN_LINK,
	    RN_LOCAL_NET_HELLO,	 RN_LOCAL_NET_OPEN,	RN_LOCAL_NET_MESSAGE, RN_LOCAL_NET_CLOSED,
	    RN_LOCAL_NET_LEAF,	 RN_LOCAL_NET_DENY,	RN_LOCAL_CA_HELLO,    RN_LOCAL_CA_ANSWER,
	    RN_LOCAL_CA_ISSUE,	 RN_LOCAL_CA_TOKEN,	RN_LOCAL_WEB_ANSWER,  RN_LOCAL_WEB_PIECE};
	unsigned total = sizeof(types) / sizeof(types[0]);

	(void)words;
	(void)count;
	said("%u of %u ended the connection", hung_up_on(dial_as_web, inside, types, total), total);
}

/* --- out of order --- */

static const struct rn_web_request health = {.method = RN_WEB_GET, .secure = 1, .path = "/api/v1/health"},
				   login = {
				       .method = RN_WEB_POST, .secure = 1, .path = "/api/v1/session", .body_size = 100};

static void say(int fd, enum rn_local_type type, uint64_t session, uint32_t number, size_t size)
{
	static uint8_t block[RN_WEB_PIECE_MAX + 1];
	struct rn_local out = {.type = type, .session = session, .number = number, .block = block, .block_size = size};

	tell(fd, &out);
}

static void body_of_nothing(int fd)
{
	say(fd, RN_LOCAL_WEB_BODY, 1, 0, 10);
}

static void gone_before(int fd)
{
	say(fd, RN_LOCAL_WEB_GONE, 1, 0, 0);
}

static void gone_twice(int fd)
{
	web_ask(fd, 1, &health);
	say(fd, RN_LOCAL_WEB_GONE, 1, 0, 0);
	say(fd, RN_LOCAL_WEB_GONE, 1, 0, 0);
}

static void credit_of_nothing(int fd)
{
	say(fd, RN_LOCAL_WEB_CREDIT, 1, 1, 0);
}

static void credit_too_much(int fd)
{
	web_ask(fd, 1, &login);
	say(fd, RN_LOCAL_WEB_CREDIT, 1, UINT32_MAX, 0);
}

static void same_session(int fd)
{
	web_ask(fd, 1, &login);
	web_ask(fd, 1, &login);
}

static void session_back(int fd)
{
	web_ask(fd, UINT64_MAX, &login);
	web_ask(fd, UINT64_MAX - 1, &login);
}

static void session_zero(int fd)
{
	web_ask(fd, 0, &login);
}

static void body_longer(int fd)
{
	web_ask(fd, 1, &login);
	say(fd, RN_LOCAL_WEB_BODY, 1, 0, 101);
}

static void body_after_answer(int fd)
{
	web_ask(fd, 1, &health);
	say(fd, RN_LOCAL_WEB_BODY, 1, 0, 1);
}

static void body_empty(int fd)
{
	web_ask(fd, 1, &login);
	say(fd, RN_LOCAL_WEB_BODY, 1, 0, 0);
}

static void piece_too_large(int fd)
{
	struct rn_web_request ask = login;

	ask.body_size = UINT32_MAX;
	web_ask(fd, 1, &ask);
	say(fd, RN_LOCAL_WEB_BODY, 1, 0, RN_WEB_PIECE_MAX + 1);
}

static void no_method(int fd)
{
	struct rn_web_request ask = health;

	ask.method = 0;
	web_ask(fd, 1, &ask);
}

static void half_a_query(int fd)
{
	struct rn_web_request ask = health;

	ask.query = (const uint8_t *)"a";
	ask.query_size = 2;
	web_ask(fd, 1, &ask);
}

static void too_many(int fd)
{
	for (unsigned i = 1; i <= RN_WEB_REQUESTS_MAX + 1; i++)
		web_ask(fd, i, &login);
}

static void answer_itself(int fd)
{
	web_ask(fd, 1, &login);
	say(fd, RN_LOCAL_WEB_ANSWER, 1, 0, 20);
}

/* Core keeps nothing of what it is passed. */
static void descriptor(int fd)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	uint8_t hello[] = {RN_LOCAL_WEB_HELLO, 0};
	struct iovec part = {hello, sizeof(hello)};
	struct msghdr m = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		said("descriptor: %s", strerror(errno));
}

static const struct {
	const char *name;
	void (*run)(int fd);
} orders[] = {
    {"body of nothing", body_of_nothing},
    {"gone before", gone_before},
    {"gone twice", gone_twice},
    {"credit of nothing", credit_of_nothing},
    {"too much", credit_too_much},
    {"same session", same_session},
    {"session back", session_back},
    {"session zero", session_zero},
    {"body longer", body_longer},
    {"after answer", body_after_answer},
    {"body empty", body_empty},
    {"large piece", piece_too_large},
    {"no method", no_method},
    {"half query", half_a_query},
    {"too many", too_many},
    {"answer itself", answer_itself},
    {"descriptor", descriptor},
};

static void order(const struct inside *inside, char **words, int count)
{
	unsigned hung_up = 0, total = sizeof(orders) / sizeof(orders[0]);
	struct rn_local in;

	(void)words;
	(void)count;
	for (unsigned i = 0; i < total; i++) {
		int fd = dial_as_web(inside), r;

		orders[i].run(fd);
		while ((r = hear(fd, 10000, &in)) == 1)
			;
		if (r != 0)
			said("not hung up: %s", orders[i].name);
		hung_up += r == 0;
		close(fd);
	}
	said("%u of %u ended the connection", hung_up, total);
}

/* --- as somebody else --- */

/* The kernel says who sends: a process without a capability cannot say that it is another. Word: uids. */
static void credentials(const struct inside *inside, char **words, int count)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	uint8_t hello[] = {RN_LOCAL_NET_HELLO, 0};
	struct iovec part = {hello, sizeof(hello)};
	int fd = dial_as_web(inside);
	int refused = 0;

	for (int i = 0; i < count; i++) {
		struct ucred who = {getpid(), (uid_t)strtoul(words[i], NULL, 10), (gid_t)strtoul(words[i], NULL, 10)};
		struct msghdr m = {
		    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

		memset(&control, 0, sizeof(control));
		control.head = (struct cmsghdr){CMSG_LEN(sizeof(who)), SOL_SOCKET, SCM_CREDENTIALS};
		memcpy(CMSG_DATA(&control.head), &who, sizeof(who));
		refused += sendmsg(fd, &m, MSG_NOSIGNAL) < 0 && errno == EPERM;
	}
	close(fd);
	said("%d of %d forged users refused", refused, count);
}

/* kern's socket for net: whoever is not net is hung up on and told nothing. */
static void port_socket(const struct inside *inside, char **words, int count)
{
	uint8_t data[64] = "";
	uid_t uid;
	int fd = rn_local_connect(RN_LOCAL_PORT, &uid), n = 0;
	struct pollfd p = {fd, POLLIN, 0};

	(void)inside;
	(void)words;
	(void)count;
	(void)rn_local_send_bytes(fd, data, sizeof(data));
	if (poll(&p, 1, 10000) == 1)
		n = rn_local_receive_bytes(fd, data, sizeof(data));
	said("%s", n > 0 ? "was told something" : p.revents ? "hung up" : "no answer");
	close(fd);
}

const struct attack attack_web[] = {
    {"nonsense", nonsense},	  {"as_others", as_others},	{"order", order},
    {"credentials", credentials}, {"port_socket", port_socket}, {NULL, NULL},
};
