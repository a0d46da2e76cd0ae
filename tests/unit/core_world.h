/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_UNIT_CORE_WORLD_H
#define RN_TESTS_UNIT_CORE_WORLD_H

#include "domain/token.h"
#include "proto/message.h"
#include "service/core_access.h"
#include "service/core_change.h"
#include "service/core_run.h"

/*
 * Cores without sockets: up to WORLD_HOSTS of them, each with a pretended kern, net, ca and web. What a core sends is encoded,
 * queued, decoded and delivered, one message at a time, under a clock that stands still unless a test moves it.
 */
#define WORLD_HOSTS 5
#define WORLD_KERN_LOG 512
#define WORLD_SAID 256

struct world;

struct world_record { /* what a kern was given */
	enum rn_record_type type;
	uint32_t device; /* or the number of a part */
	uint64_t version;
};

struct world_job { /* for core's worker */
	void (*run)(void *job);
	void (*done)(void *job, bool ran);
	void *job;
};

struct world_host {
	struct world *world;
	unsigned index;
	struct rn_core_params params;
	struct rn_core *core;
	uint8_t noise_secret[RN_KEY_SIZE], noise_public[RN_KEY_SIZE];
	uint8_t wireguard_public[RN_KEY_SIZE];
	uint8_t mesh_public[RN_KEY_SIZE]; /* what kern says at its next hello, with the port; 0: it is no hub's */
	uint16_t mesh_port;
	bool there[RN_CORE_PEERS];
	bool kern_silent;   /* takes records and says nothing */
	uint8_t peers[256]; /* what kern says of its WireGuard peers */
	size_t peers_size;
	int64_t not_ready;  /* how many more times ready() says no */
	bool full[RN_CORE_PEERS]; /* ready() says yes only so many more times: */
	unsigned room[RN_CORE_PEERS];
	struct world_record given[WORLD_KERN_LOG];
	unsigned given_count;
	unsigned synced; /* KERN_SYNCED seen */
	unsigned forgot; /* KERN_FORGET seen */
	bool keeps;	 /* its newest version outlives core */
	bool works;	 /* its core has a worker, of the next that begins: world_work */
	struct world_job jobs[8];
	unsigned job_count;
	bool no_work; /* who asks the worker is refused */
	int64_t slow_us, looks; /* each look at its clock takes so long; how many there were */
	int64_t armed_ms; /* when its core last asked to be called */
	uint64_t kept, lost; /* lost: so many versions, when its core begins */
	struct rn_device_record devices[64]; /* as kern has them, by number */
	uint64_t leaf_size; /* of the last NET_LEAF */
	unsigned denied;    /* NET_DENY seen */
	unsigned closed;    /* NET_CLOSE seen */
	bool mute;	    /* it answers no ping */
	bool crowded;	    /* kern forgets what it was given: there may be more than 64 devices */
	uint64_t taken, said, said_bytes; /* messages between hosts: from others, to others */
	int64_t busy_ns;		  /* its core, with what it said encoded and decoded once more */
	struct {
		uint32_t hub;
		uint64_t moved;
	} homes[64]; /* KERN_HOME seen, by device */
	void (*web_hears)(void *web, const struct rn_local *message); /* NULL: web is deaf */
	void *web;
};

struct world_enrolled {
	unsigned count, good;
	uint16_t status;
	char text[RN_TEXT_MAX + 1];
	uint32_t device, hub;
};

struct world {
	char dir[64];
	int64_t begun, now_ms; /* Unix seconds when now_ms was 0 */
	uint8_t root_seed[RN_KEY_SIZE];
	struct world_host hosts[WORLD_HOSTS];
	struct world_link *links;
	struct rn_core_link link; /* of the account admin, from the gateway's beginning */
	struct world_queued *first, **last;
	uint64_t next_session;
	bool hold_net;		 /* messages between hosts wait */
	int ca_code;		 /* what the ca answers */
	bool ca_silent;
	uint32_t ca_owes;   /* the last that it was asked while it was silent */
	int64_t ends;	    /* of the next project hub's token: Unix seconds */
	const char *parent; /* of the next hub that is added; NULL: the gateway */
	unsigned ca_asked;
	struct world_enrolled enrolled; /* answers to strangers */
	/* Called for every control message from host to host; may change it; false drops it. */
	bool (*tamper)(struct world *w, unsigned to, uint8_t *data, size_t *size);
};

struct world *world_new(void); /* host 0: a gateway made by rn_gateway_create, its core running */
void world_free(struct world *w);
void world_run(struct world *w); /* until nothing is queued */
void world_wait(struct world *w, int64_t ms); /* time passes, in steps of 50 ms, with ticks */

/*
 * The worker runs the job that it has and tells it back; `all`: and those that come then, with ticks, until there is
 * none. The number of jobs.
 */
unsigned world_work(struct world_host *h, bool all);

void world_answer_ca(struct world *w); /* what it owes: a certificate */

/* A token of this kind, through the API; hub: of a hub its parent. */
struct rn_token world_token(struct world *w, enum rn_kind kind, const char *name, const char *owner, const char *hub,
			    int64_t lifetime);
/* Sends an ENROLL from a new stranger's session with the key pair of the host; tweak may spoil it before it is signed. */
void world_enroll(struct world *w, const struct rn_token *token, struct world_host *host, const char *name,
		  enum rn_kind kind, void (*tweak)(struct rn_message_enroll *));
/* Token, enrolment, and the core of the new host, connected to its upstream (hosts[upstream]). */
struct world_host *world_add(struct world *w, unsigned index, enum rn_kind kind, const char *name, unsigned upstream);
const struct rn_books *world_books(const struct world_host *h); /* of its core */
/* Where the host's net and kern dial in; a kern says hello. */
void world_connect(struct world_host *h, enum rn_core_peer peer);
void world_disconnect(struct world_host *h, enum rn_core_peer peer);
uint64_t world_upstream(const struct world_host *h); /* the session to it */
uint64_t world_session(const struct world_host *h, unsigned to); /* that h opened; 0: none */
/* What net of `from` says of its session to another host: so many pings in turn were not answered. */
void world_silence(struct world *w, unsigned from, unsigned to, unsigned count);
void world_hub_dies(struct world *w, unsigned device, unsigned hub); /* as `device` sees it, which has a session there */
void world_hang_up(struct world_host *h); /* the session to its upstream ends; neither net is gone */
/* The core ends and begins again with the same state directory. */
void world_restart(struct world_host *h);
struct world *world_three(void); /* with a regional hub "hub" (1) and behind it a desktop "laptop" (2) */
/* For cmocka: that world, and the end of any. */
int world_of_three(void **state);
int world_gone(void **state);

/* A done callback that keeps what it was told. */
struct world_done {
	unsigned count, hub_count;
	int code;
	char text[400];
	struct rn_enforced hubs[8];
};
void world_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count);

#endif
