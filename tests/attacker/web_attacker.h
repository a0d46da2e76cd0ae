/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_WEB_ATTACKER_H
#define RN_TESTS_WEB_ATTACKER_H

#include "attacker.h"
#include "proto/web.h"
#include "role/web.h"
#include "sys/local.h"

/* Of the captured web alone. */
extern const struct attack attack_web[], attack_web_session[], attack_web_flood[], attack_web_dial[];

/* A connection to core that has said WEB_HELLO, or -errno. */
int dial_as_web(const struct inside *inside);

struct web_reply {
	unsigned status; /* 0: core hung up, or did not answer within ten seconds */
	char cookie[256], body[700];
};
/* One request from its first message to GONE; text is its body, "" none. */
void web_exchange_whole(int fd, uint64_t session, struct rn_web_request *ask, const char *text, struct web_reply *ret);
/* The first message of a request alone; false: core hung up. */
bool web_ask(int fd, uint64_t session, const struct rn_web_request *ask);
/* An address of 2001:db8::/32 that no other request had, at a port. */
struct rn_endpoint web_forged_source(void);

#endif
