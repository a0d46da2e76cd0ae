/* SPDX-License-Identifier: Apache-2.0 */
/* As much as core will take: guesses from sources that there are not, bodies that never end, answers that nobody reads.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "web_attacker.h"

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static unsigned log_in(int fd, uint64_t session, const char *body)
{
	struct rn_web_request request = {
	    .method = RN_WEB_POST, .secure = 1, .path = "/api/v1/session", .source = web_forged_source()};
	struct web_reply reply;

	web_exchange_whole(fd, session, &request, body, &reply);
	return reply.status;
}

/* How many guesses at one account were looked at and not sent away, each from another source. */
static unsigned at_account(int fd, uint64_t *session, const char *account, unsigned count)
{
	unsigned seen = 0;
	char body[160];

	for (unsigned i = 0; i < count; i++) {
		snprintf(body, sizeof(body), "{\"account\":\"%s\",\"password\":\"guess number %u\"}", account, i);
		seen += log_in(fd, ++*session, body) == 401;
		rest_ms(300); /* or the limit of all would hide that of the account */
	}
	return seen;
}

/*
 * Guesses at an account, with links between them that make core forget whom it has counted. Words: account, number of
 * links.
 */
static void guess_account(const struct inside *inside, char **words, int count)
{
	static const char link[] = "{\"link\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
	unsigned long links = count > 1 ? strtoul(words[1], NULL, 10) : 0;
	const int64_t since = clock_ms();
	int fd = dial_as_web(inside);
	unsigned seen, refused = 0;
	uint64_t session = 0;

	if (count < 2 || fd < 0)
		return;
	seen = at_account(fd, &session, words[0], 10);
	for (unsigned long i = 0; i < links; i++)
		refused += log_in(fd, ++session, link) == 401;
	seen += at_account(fd, &session, words[0], 10);
	close(fd);
	said("%u of 20 guesses looked at, %u of %lu links, %lld ms", seen, refused, links,
	     (long long)(clock_ms() - since));
}

/* For some seconds every guess at another account from another source: what is left is the limit of all. Word: ms. */
static void guess_all(const struct inside *inside, char **words, int count)
{
	const int64_t since = clock_ms(), until = since + (count > 0 ? strtol(words[0], NULL, 10) : 0);
	int fd = dial_as_web(inside);
	unsigned hashed = 0, later = 0;
	char body[160];

	for (uint64_t i = 0; clock_ms() < until; i++) {
		unsigned status;

		snprintf(body, sizeof(body), "{\"account\":\"nobody%llu\",\"password\":\"correct horse battery\"}",
			 (unsigned long long)i);
		status = log_in(fd, i + 1, body);
		hashed += status == 401;
		later += status == 429;
	}
	close(fd);
	said("%u hashed, %u sent away, %lld ms", hashed, later, (long long)(clock_ms() - since));
}

/* Log-ins whose bodies are all there but for the last byte, held until somebody makes /run/attack-end. */
static void hold(const struct inside *inside, char **words, int count)
{
	static uint8_t block[RN_WEB_STRANGER_BODY_MAX];
	struct rn_web_request request = {
	    .method = RN_WEB_POST, .secure = 1, .path = "/api/v1/session", .body_size = RN_WEB_STRANGER_BODY_MAX};
	int fd = dial_as_web(inside);
	unsigned held = 0;

	(void)words;
	(void)count;
	for (uint64_t i = 1; fd >= 0 && i <= RN_WEB_REQUESTS_MAX; i++) {
		struct rn_local body = {.type = RN_LOCAL_WEB_BODY,
					.session = i,
					.block = block,
					.block_size = RN_WEB_STRANGER_BODY_MAX - 1};

		held += web_ask(fd, i, &request) && tell(fd, &body);
	}
	said("%u held", held);
	for (unsigned i = 0; i < 2000 && !told_to_end(); i++)
		rest_ms(50);
	close(fd);
}

/* Requests whose answers nobody reads, on connections that are given up one after the other. */
static void unread(const struct inside *inside, char **words, int count)
{
	static const struct rn_web_request request = {.method = RN_WEB_GET, .secure = 1, .path = "/api/v1/devices"};
	unsigned told = 0, connections = 0;

	(void)words;
	(void)count;
	for (; connections < 20; connections++) {
		int fd = dial_as_web(inside);
		bool more = fd >= 0;

		for (uint64_t i = 1; more && i <= 2000; i++) {
			struct rn_local gone = {.type = RN_LOCAL_WEB_GONE, .session = i};

			more = web_ask(fd, i, &request) && tell(fd, &gone);
			told += more;
		}
		close(fd);
	}
	said("%u requests told on %u connections", told, connections);
}

static void dial_again(const struct inside *inside, char **words, int count)
{
	(void)words;
	(void)count;
	dial_often(dial_as_web, inside);
}

const struct attack attack_web_flood[] = {
    {"guess_account", guess_account},
    {"guess_all", guess_all},
    {"hold", hold},
    {"unread", unread},
    {"dial_again", dial_again},
    {NULL, NULL},
};
