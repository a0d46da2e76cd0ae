/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_UNIT_DOOR_WORLD_H
#define RN_TESTS_UNIT_DOOR_WORLD_H

#include "core_world.h"
#include "proto/web.h"
#include "sys/loop.h"

/* core_world.h's gateway with the API behind it; the test plays web. */
#define DOOR_ANSWERS 4096

struct door_answer {
	bool answered, ended, stream, left;
	unsigned status;
	uint32_t retry_after, expected;
	char type[64], allow[64], cookie[256];
	char *text; /* ended with NUL */
	size_t size;
	unsigned pieces;
};
/* Members that are NULL are not sent. */
struct door_ask {
	const char *method, *path, *cookie, *bearer, *csrf, *last_event, *body, *query; /* query: name=value&... */
	const char *source; /* address; NULL: 198.51.100.7 */
	size_t body_size;   /* 0: strlen(body) */
};
struct door {
	struct world *w;
	struct rn_loop *loop;
	struct rn_streams *streams;
	struct rn_web_door *web;
	uint64_t session;			  /* the last */
	bool no_credit;				  /* answers stay where they are */
	struct door_answer answers[DOOR_ANSWERS]; /* by session */
};

struct door *door_new(void);
void door_free(struct door *d);
/* core ends and begins again. */
void door_restart(struct door *d);
/* Says it as web would; true where core took it. Without the body: head only. */
bool door_say(struct door *d, const struct rn_local *message);
uint64_t door_begin(struct door *d, const struct door_ask *ask, uint32_t body_size); /* WEB_REQUEST alone */
bool door_body(struct door *d, uint64_t session, const void *data, size_t size);
bool door_leave(struct door *d, uint64_t session);
/* A whole request; the world runs. */
struct door_answer *door_ask(struct door *d, const struct door_ask *ask);
/* The same, its answer ended and taken leave of; status asserted. */
struct door_answer *door_want(struct door *d, unsigned status, const struct door_ask *ask);
/* The loop, whose timers streams use, for so long. */
void door_run_loop(struct door *d, int64_t ms);
/* Member of the answer's object as text, into out (of 512); asserts that it is there. Numbers and booleans too. */
const char *door_member(const struct door_answer *answer, const char *key, char out[512]);

#endif
