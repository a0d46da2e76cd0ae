/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_IDENTITY_WORLD_H
#define RN_TESTS_IDENTITY_WORLD_H

#include "domain/meaning.h"
#include "domain/reading.h"
#include "tests/support/rng.h"

/*
 * A gateway, hubs and devices around domain/meaning and domain/reading: stores, disks, sessions and clocks are values
 * here. Time moves only by world_advance; a message arrives when somebody says so, so any order between hubs can be.
 */
#define HUBS 4
#define DEVICES 6
#define SETS 10
#define NUMBERS 12
#define QUEUE 4
#define FRAMES 8
#define UNIX_BEGIN 1800000000 /* when now is 0 */

/* Signed records: the newest of each thing. version 0: there is none. */
enum kind { K_NUMBER, K_HUB, K_DEVICE, K_NETWORK };
struct record {
	uint64_t version;
	int64_t issued;	      /* NETWORK: Unix seconds */
	uint32_t key, number; /* DEVICE: the number it has */
	uint8_t kind, state, set;
	bool apart;
};
struct ledger {
	struct record number[NUMBERS + 1], hub[HUBS + 1], device[DEVICES + 1], network;
};

struct row {
	uint8_t data[RN_MEANING_ROW_MAX];
	uint8_t size; /* 0: none */
};
struct store { /* the gateway's */
	struct row head, number[NUMBERS + 1], hub[HUBS + 1];
	uint64_t newest;
	struct ledger ledger;
	uint8_t want[DEVICES + 1]; /* set + 1 of the device; 0: nothing yet */
};

struct message {
	enum { M_SUBSCRIBE, M_ANSWER, M_RECORD, M_ACK } type;
	struct rn_meaning_position at, seen;
	struct record record;
};
struct queue {
	struct message list[QUEUE];
	unsigned count;
};
struct session {
	bool live; /* messages flow; the hub takes it for open as long */
	bool open; /* the gateway takes it for open */
	bool subscribed, answered;
	int64_t broken_at;
	uint64_t sent; /* the feed */
	struct queue up, down;
};

struct disk {
	struct ledger ledger;
	struct rn_meaning_position at;
	uint64_t left_ns;
};
struct hub {
	bool on;
	struct rn_reading *reading; /* core's, which acknowledges */
	struct ledger ledger;
	uint64_t at; /* of the newest record taken */
	uint32_t epoch;
	struct rn_reading *kernel; /* what packets meet; behind core until world_enforce, and it survives core */
	struct ledger enforced;
	uint64_t kernel_at;
	uint32_t kernel_epoch;
	bool answer_due; /* kern has not had the gateway's answer */
	struct rn_meaning_position answer;
	struct disk disk, snapshot;
	int64_t boot_at, wall_offset; /* ms of the world; seconds */
	uint64_t lease_ns;
	uint32_t key[HUBS + 1]; /* changes when a peer is removed: what was under way is lost */
	bool doubt;		/* its disk was restored: until the gateway has answered */
	bool excused; /* its disk was restored, or patience with it was over: until it has acknowledged again */
	uint64_t acknowledged;
	int64_t gone_at;  /* of its session */
	uint64_t rose_to; /* what the gateway was told that it acknowledges, and when that last rose */
	int64_t rose_at;
};
struct frame {
	bool there;
	uint32_t from, to, number, key;
	uint8_t set;
	int64_t at;
};
struct counts {
	uint64_t reused, apart, anew, restored, full, epochs, frames, refused, crashes, ended, back;
};

struct world {
	struct rng rng;
	int64_t now;
	int64_t patience_ms;
	uint32_t numbers;
	bool strict; /* nobody is switched off or restored: even hubs that do not hear each other agree */
	bool up;
	struct rn_meanings *meanings;
	struct store store, backup;
	bool has_backup;
	uint64_t mark; /* the newest version, kept outside the store while all is settled; 0: not */
	bool disks;    /* disks of hubs are restored; else the gateway's store, without a new epoch: both at once is too
			  much */
	uint32_t pending[DEVICES + 1]; /* held, not usable yet */
	uint8_t last_set[NUMBERS + 1]; /* of a number, + 1: to count reuse */
	struct hub hub[HUBS + 1];
	struct session session[HUBS + 1];
	struct frame frame[FRAMES];
	uint32_t touched; /* hub that changed, 0: none; HUBS + 1: all */
	struct counts *counts;
	bool trace;
	const char *wrong; /* what was violated; NULL: nothing */
};

void world_note(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_begin(struct world *w, uint64_t seed, struct counts *counts);
void world_end(struct world *w);
void world_advance(struct world *w, int64_t ms);

/* The gateway. */
void world_start(struct world *w, bool new_epoch);
void world_crash(struct world *w);
void world_edit(struct world *w, uint32_t device, uint8_t set);
void world_commit(struct world *w);		  /* what follows, stored; may crash */
void world_notice(struct world *w, uint32_t hub); /* that a session is dead */

/* Hubs. */
void world_connect(struct world *w, uint32_t hub);
void world_break(struct world *w, uint32_t hub);
void world_deliver(struct world *w, uint32_t hub, bool up);
void world_flush(struct world *w, uint32_t hub);
void world_enforce(struct world *w, uint32_t hub);
void world_kill(struct world *w, uint32_t hub);
void world_off(struct world *w, uint32_t hub);
void world_on(struct world *w, uint32_t hub, bool restored);
int64_t hub_ms(const struct world *w, uint32_t hub); /* its CLOCK_BOOTTIME */
/* What the hub reads, set + 1; 0: nothing. */
uint8_t hub_reads(const struct world *w, uint32_t hub, uint32_t number);
bool hub_hears(const struct world *w, uint32_t hub, uint32_t other);

/* Packets. */
void world_send(struct world *w, uint32_t device, uint32_t to);
void world_arrive(struct world *w, unsigned frame);

/* Between identity_world.c and identity_hub.c. */
void set_selectors(uint8_t set, uint32_t out[2]);
void world_violated(struct world *w, const char *what);
const struct record *ledger_next(const struct ledger *l, uint64_t after); /* the first above; NULL: none */
void ledger_keep(struct ledger *l, const struct record *r);
void world_pump(struct world *w, uint32_t hub); /* the gateway's feed of a hub */
void gateway_hears(struct world *w, uint32_t hub, const struct message *m);
void hub_lost(struct world *w, uint32_t hub);
void hub_boot(struct world *w, uint32_t hub); /* core, from the disk */
void hub_boot_kernel(struct world *w, uint32_t hub);

#endif
