/* SPDX-License-Identifier: Apache-2.0 */
/* The real web up to the point where its loop would run; the product's own file is included, and contains none of this.
 */
#define rn_role_web rn_role_web_honest
#include "role/web.c"
#undef rn_role_web

#include "web_attacker.h"

int dial_as_web(const struct inside *inside)
{
	struct rn_local hello = {.type = RN_LOCAL_WEB_HELLO};
	uid_t uid;
	int fd = rn_local_connect(RN_LOCAL_CORE, &uid);

	(void)inside;
	if (fd >= 0)
		tell(fd, &hello);
	return fd;
}

bool web_ask(int fd, uint64_t session, const struct rn_web_request *ask)
{
	uint8_t block[8192];
	int size = rn_web_request_encode(ask, block, sizeof(block));
	struct rn_local local = {
	    .type = RN_LOCAL_WEB_REQUEST, .session = session, .block = block, .block_size = (size_t)size};

	return size > 0 && tell(fd, &local);
}

/* Until the last piece of the answer's body; what does not fit is thrown away. */
static void take_body(int fd, uint64_t session, size_t left, struct web_reply *ret)
{
	struct rn_local in, credit = {.type = RN_LOCAL_WEB_CREDIT, .session = session};
	size_t at = 0;

	while (left && hear(fd, 10000, &in) == 1) {
		size_t part = in.block_size < sizeof(ret->body) - 1 - at ? in.block_size : sizeof(ret->body) - 1 - at;

		if (in.type != RN_LOCAL_WEB_PIECE || in.session != session)
			continue;
		memcpy(ret->body + at, in.block, part);
		at += part;
		left -= in.block_size < left ? in.block_size : left;
		credit.number = (uint32_t)in.block_size;
		tell(fd, &credit);
	}
	ret->body[at] = '\0';
}

void web_exchange_whole(int fd, uint64_t session, struct rn_web_request *ask, const char *text, struct web_reply *ret)
{
	struct rn_local in, out = {.session = session, .block = (const uint8_t *)text, .block_size = strlen(text)};
	struct rn_web_answer answer;

	memset(ret, 0, sizeof(*ret));
	ask->body_size = (uint32_t)strlen(text);
	if (!web_ask(fd, session, ask))
		return;
	out.type = RN_LOCAL_WEB_BODY;
	if (ask->body_size)
		tell(fd, &out);
	while (hear(fd, 10000, &in) == 1) {
		if (in.type != RN_LOCAL_WEB_ANSWER || in.session != session ||
		    rn_web_answer_decode(in.block, in.block_size, &answer) < 0)
			continue;
		ret->status = answer.status;
		memcpy(ret->cookie, answer.cookie, sizeof(answer.cookie));
		take_body(fd, session, answer.stream ? 0 : answer.body_size, ret);
		break;
	}
	out = (struct rn_local){.type = RN_LOCAL_WEB_GONE, .session = session};
	tell(fd, &out);
}

struct rn_endpoint web_forged_source(void)
{
	struct rn_endpoint source = {.port = 40000};

	rn_random(source.addr.b, sizeof(source.addr.b));
	memcpy(source.addr.b, "\x20\x01\x0d\xb8", 4);
	return source;
}

int rn_role_web(int argc, char **argv); /* role.h has given its declaration to the honest one */
int rn_role_web(int argc, char **argv)
{
	static const struct attack *const lists[] = {attack_calls,     attack_files,	attack_web, attack_web_session,
						     attack_web_flood, attack_web_dial, NULL};
	struct web *web = calloc(1, sizeof(*web));
	struct rn_err err = {""};

	(void)rn_role_web_honest;
	web->core.fd = web->https_fd = web->http_fd = -1;
	if (rn_crypto_start() < 0 || configure(web, argc, argv, &err) < 0 || prepare(web, &err) < 0) {
		said("could not start: %s", err.text);
		return 1;
	}
	attack(&(struct inside){"web", web->https_fd, NULL, web}, lists);
	return 0;
}
