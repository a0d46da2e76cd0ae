/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_MEANING_STATE_H
#define RN_DOMAIN_MEANING_STATE_H

#include "base/numbers.h"
#include "domain/meaning.h"

/* struct rn_meanings as its files see it; nobody else includes this. */

struct rn_meaning_row {
	uint64_t version;
	int64_t rest_until;
	uint32_t *selectors; /* NULL where it means nothing any more */
	uint32_t users;
	uint32_t next, previous;	/* in the list of its state */
	uint32_t chain;			/* the next number whose set has the same hash */
	uint32_t next_todo, next_dirty; /* in those lists */
	uint8_t state, count;
	bool todo;   /* users went to or came from 0 */
	bool dirty;  /* the store does not know */
	bool unsaid; /* nor is there a record of this version */
};

struct rn_meaning_list { /* of numbers; 0: none */
	uint32_t first, last;
};

enum rn_meaning_place { APART, JOINING, MEMBER };

struct rn_meaning_node {
	uint32_t hub;
	enum rn_meaning_place place;
	bool open;  /* connected */
	bool heard; /* since the start */
	bool fence_due, gone, dirty, unsaid;
	uint64_t acknowledged;
	uint64_t target; /* JOINING: the newest version when it came */
	uint64_t told, version;
	int64_t closed_at, until; /* MEMBER that is not connected: since, end of its lease */
	int64_t moved_at;	  /* connected: it lacked nothing then, or it acknowledged something new */
	uint64_t moved_to;
};

struct rn_meanings {
	uint32_t epoch, numbers_max;
	int64_t patience_ms;
	uint64_t version; /* the gateway's newest, as of the last step */
	uint64_t fence, horizon, loaded;
	uint64_t said; /* the newest version of these records */
	/* rows by number; row 0 is nobody's; from `fresh` on none was ever used */
	struct rn_meaning_row *rows;
	uint32_t room, fresh, free;
	struct rn_meaning_list list[RN_MEANING_STATES];
	struct rn_meaning_list todo, dirty;
	struct rn_numbers *by_hash; /* hash of a set -> first number of the chain */
	struct rn_meaning_node *nodes;
	unsigned node_count, node_room;
	bool nodes_dirty;
	int64_t aged_at;
};

/* meaning.c */
void rn_meaning_set_state(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state);
void rn_meaning_load_state(struct rn_meanings *m, uint32_t number, enum rn_meaning_state state); /* stored already */
void rn_meaning_mark(struct rn_meanings *m, uint32_t number);	 /* the store does not know */
void rn_meaning_look_at(struct rn_meanings *m, uint32_t number); /* by the next step */
void rn_meaning_unname(struct rn_meanings *m, uint32_t number);	 /* it means nothing any more */
uint32_t rn_meaning_find(const struct rn_meanings *m, const uint32_t *selectors, uint32_t count); /* 0: none */
int rn_meaning_name(struct rn_meanings *m, uint32_t number, const uint32_t *selectors, uint32_t count);
int rn_meaning_reach(struct rn_meanings *m, uint32_t number); /* makes rows up to it; 0 or -ENOMEM */
bool rn_meaning_set_good(const uint32_t *selectors, uint32_t count);

/* meaning_hubs.c */
void rn_meaning_mark_node(struct rn_meanings *m, struct rn_meaning_node *n);
int rn_meaning_add_node(struct rn_meanings *m, uint32_t hub, struct rn_meaning_node **ret);
struct rn_meaning_node *rn_meaning_node_of(const struct rn_meanings *m, uint32_t hub);
bool rn_meaning_is_late(const struct rn_meanings *m, const struct rn_meaning_node *n, int64_t now);
/* The least version that those who are waited for have acknowledged: for use, and for an end. */
void rn_meaning_least(const struct rn_meanings *m, int64_t now, uint64_t *ret_use, uint64_t *ret_end);

#endif
