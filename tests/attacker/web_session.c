/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that a captured web makes of its own, with no credential or with one that passed through it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "web_attacker.h"

static void take(char *out, size_t size, char **line)
{
	char *field = strsep(line, "\t");

	snprintf(out, size, "%s", field ? field : "");
}

/* METHOD, PATH, COOKIE, BEARER, CSRF, BODY with tabs between them. */
static void ask_one(int fd, uint64_t session, char *line)
{
	struct rn_web_request request = {.secure = 1, .source = web_forged_source()};
	struct web_reply reply;
	char method[16], *cookie;

	take(method, sizeof(method), &line);
	request.method = (uint8_t)rn_web_method(method);
	take(request.path, sizeof(request.path), &line);
	take(request.cookie, sizeof(request.cookie), &line);
	take(request.bearer, sizeof(request.bearer), &line);
	take(request.csrf, sizeof(request.csrf), &line);
	web_exchange_whole(fd, session, &request, line ? line : "", &reply);
	cookie = strchr(reply.cookie, ';');
	if (cookie)
		*cookie = '\0';
	said("%u\t%s\t%s", reply.status, reply.cookie, reply.body);
}

/* /run/asks: one request a line; each is answered by a line. */
static void ask(const struct inside *inside, char **words, int count)
{
	static char text[65536];
	int in = open("/run/asks", O_RDONLY | O_CLOEXEC), fd = dial_as_web(inside);
	ssize_t size = in < 0 ? 0 : read(in, text, sizeof(text) - 1);
	char *rest = text, *line;
	uint64_t session = 0;

	(void)words;
	(void)count;
	if (size <= 0 || fd < 0)
		return;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line)
			ask_one(fd, ++session, line);
	close(in);
	close(fd);
}

/* Listens to the flows with a session until core ends the stream. Word: the cookie. */
static void stream(const struct inside *inside, char **words, int count)
{
	struct rn_web_request request = {.method = RN_WEB_GET, .secure = 1, .path = "/api/v1/flows/stream"};
	int fd = dial_as_web(inside);
	struct rn_web_answer answer;
	struct rn_local in;
	int last = 0;

	if (count < 1 || fd < 0)
		return;
	snprintf(request.cookie, sizeof(request.cookie), "%s", words[0]);
	web_ask(fd, 1, &request);
	while (!last && hear(fd, 120000, &in) == 1) {
		struct rn_local credit = {.type = RN_LOCAL_WEB_CREDIT, .session = 1, .number = (uint32_t)in.block_size};

		if (in.type == RN_LOCAL_WEB_ANSWER && rn_web_answer_decode(in.block, in.block_size, &answer) == 0)
			said("open %u", answer.status);
		if (in.type != RN_LOCAL_WEB_PIECE)
			continue;
		last = in.role;
		tell(fd, &credit);
	}
	said(last ? "ended by core" : "not ended");
	close(fd);
}

const struct attack attack_web_session[] = {
    {"ask", ask},
    {"stream", stream},
    {NULL, NULL},
};
