/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_SIM_H
#define RN_TESTS_SIM_H

#include <stdio.h>

#include "domain/homes.h"
#include "domain/policy.h"
#include "domain/token.h"
#include "role/kern.h"
#include "role/net.h"
#include "service/core_state.h"
#include "sys/datapath_memory.h"
#include "tests/support/mesh_tables.h"
#include "tests/support/realm.h"
#include "tests/support/rng.h"

/*
 * A network in one process, from one seed: real core (with its database), real net (sessions and their keeping), real
 * kern (records into tables), on hosts whose clocks, boots, wires and memory of the kernel are this program's. See
 * sim_main.c for what is real and what must hold.
 */
#define SIM_HOSTS_MAX 2048
#define SIM_CUTS 8
#define SIM_HUBS_MAX 128 /* the first hosts, all hubs among them but those that come later */
#define SIM_FD 1000000 /* no real descriptor is that large */
#define SIM_ROOM (256u * 1024u)
#define SIM_MESH_PORT 51822

enum sim_process { SIM_CORE, SIM_NET, SIM_KERN, SIM_PROCESSES };
enum sim_stage { SIM_ABSENT, SIM_STRANGER, SIM_MEMBER };
enum sim_event_type { SIM_DATAGRAM, SIM_WAKE, SIM_TO_CORE, SIM_TO_PROCESS, SIM_BEGIN };

struct sim;
struct sim_change;

struct sim_piece { /* a message between two processes of a host; size 0: the connection begins, or ends */
	struct sim_piece *next;
	bool begins, ends;
	size_t size;
	uint8_t data[];
};
struct sim_pipe {
	struct sim_piece *first, **last;
	size_t bytes;
};

struct sim_address {
	struct rn_addr addr;
	uint32_t index; /* 0: free */
};
struct sim_kernel { /* outlives processes, not a boot */
	struct rn_datapath dp;
	struct rn_datapath_half halves[2];
	struct sim_address *addresses;
	unsigned address_room;
	struct mesh_tables mesh;
	uint32_t mesh_peers[MESH_PEERS]; /* whom rnm0 has a key of; 0: none */
	bool used; /* maps are there: the next kern adopts them */
};

struct sim_packet { /* at a door */
	struct rn_addr source, destination;
	uint8_t protocol;
	uint16_t port;
	bool egress;
	/* of a frame; peer 0: it is none */
	uint32_t peer, identity, slot;
	uint8_t trust;
};
struct sim_way { /* that a packet went, and what the last door said */
	struct sim_door {
		struct sim_host *at;
		struct sim_packet packet;
	} doors[4];
	unsigned count;
	enum rn_reason reason;
};

struct sim_host {
	struct sim *sim;
	unsigned index, hub; /* hub: index of where it is now (sim_homes.c) */
	unsigned fallbacks[RN_HOMES_MAX], fallback_count; /* that its token lists */
	uint64_t moves[SIM_HUBS_MAX];			  /* of a device: the counter of its last move, by host index of the hub */
	int64_t ends;					  /* of a project's hub: Unix seconds */
	enum sim_stage stage;
	enum rn_kind kind;
	char name[24], owner[16], dir[96];
	const char *tags[2];
	unsigned tag_count;
	uint32_t number;
	struct rn_endpoint at;
	uint8_t noise_secret[RN_KEY_SIZE], noise_public[RN_KEY_SIZE], wireguard_public[RN_KEY_SIZE];
	uint8_t leaf[RN_BLOCK_MAX];
	size_t leaf_size;
	struct rn_core_params params;
	/* clocks */
	int64_t booted_ms, wall_off_s;
	uint8_t boot_id[RN_BOOT_ID_SIZE];
	int64_t wake_at; /* of the earliest wake under way */
	/* processes */
	struct rn_core *core;
	struct net *net;
	struct rn_kern *kern;
	int64_t core_at, net_at, kern_at, begin_at[SIM_PROCESSES];
	int64_t kern_since, endings_at;
	struct sim_pipe to_core[RN_CORE_PEERS], to_process[RN_CORE_PEERS];
	bool there[RN_CORE_PEERS]; /* core knows that it is connected */
	struct rn_watch *watch;	   /* net's, of its connection to core */
	struct rn_timer *timers;   /* net's */
	struct sim_kernel kernel;
	/* a death in the middle of something: after so many more things that the process does */
	unsigned fuse;
	enum sim_process fuse_of;
	bool fuse_power, dead;
	unsigned slow_kern_ms;
	bool core_waits[RN_CORE_PEERS]; /* for room in that pipe */
	size_t core_room;		/* bytes in a pipe up to which core thinks its peer is ready */
	bool evil, was_evil;		/* a hub that changes or repeats what it passes on */
	uint8_t *repeat;		/* a message that it has kept */
	size_t repeat_size;
	struct sim_heard {
		uint64_t datagrams, bytes;     /* from the gateway */
		uint64_t messages[16], inside; /* from its upstream by type; bytes of them */
	} heard;
	/* enrolling */
	struct rn_sessions *stranger;
	rn_session_id stranger_session;
	struct rn_token token;
	int64_t again_at, stranger_until;
	bool asked_token, welcome, refused, given_up;
	/* what it must never fall below */
	struct sim_floor {
		uint32_t epoch;
		uint64_t network, policy;
		uint64_t *devices, *durable; /* by number; durable: as core's disk has it */
		bool *revoked;
	} floor;
	bool touched;	       /* the kernel's tables, since they were looked at */
	bool syncing;	       /* kern was in the middle of a sync when it ended */
	bool ahead;	       /* its clock once was ahead of the gateway's by days, */
	bool early;	       /* or at all: it may have missed a project's hub that had not ended */
	bool torn;	       /* kern died in the middle of something, and has not been in step since */
	int64_t power_lost_ms; /* last */
};

struct sim_event {
	int64_t at;
	uint64_t order;
	enum sim_event_type type;
	unsigned host, peer, from;
	size_t size;
	uint8_t *data;
};

struct sim_signed { /* one version of the gateway's state */
	uint64_t version;
	enum rn_record_type type;
	struct rn_device_record device; /* DEVICE */
	struct rn_policy_model *policy; /* POLICY */
	struct rn_policy_record rules;
	struct rn_identity_record identity; /* IDENTITY */
};

struct sim_params {
	uint64_t seed;
	unsigned hubs, devices, steps;
	bool faults, trace;
	unsigned rest; /* not 0: one hub, and so many devices elsewhere (sim_flat.c) */
};

struct sim_figures {
	unsigned records, enforced, interests;
	struct sim_heard heard;
};

struct sim_result { /* in memory shared with the parent */
	uint64_t hash, events, datagrams;
	int64_t converged_ms;
	unsigned failed, crashes, operations, records, reached, meshed, lies;
	unsigned moves, again, ended; /* of devices; numbers that mean something else; hubs of projects */
	char text[256];
	/* of sim_flat.c: a hub after its devices talked, after a while, and after one in twenty devices became finer */
	struct sim_figures talked, lived, finer;
	size_t hub_heap[SIM_PROCESSES], gateway_heap;
	long hub_store_kib, gateway_store_kib, gateway_rss_kib;
	double rows_s, talk_s, live_s, finer_s;
};

struct sim {
	struct sim_params params;
	struct sim_result *result;
	struct rng rng;
	int64_t now_ms, begun; /* Unix seconds when now_ms was 0 */
	unsigned step, host_count, host_room;
	struct sim_host *hosts;
	unsigned of_number[SIM_HOSTS_MAX]; /* host index + 1 by device number */
	char dir[64];
	uint8_t root_seed[RN_KEY_SIZE], ca_seed[RN_KEY_SIZE], ca_public[RN_KEY_SIZE];
	/* the wire */
	struct sim_event *queue;
	size_t queued, room;
	uint64_t order;
	unsigned loss, repeat, reorder; /* percent */
	int64_t delay_min_ms, delay_max_ms;
	struct sim_cut {
		bool on, one_way;
		uint64_t salt; /* 0: between host a and host b; else by halves, a hash of salt and index */
		unsigned a, b;
	} cuts[SIM_CUTS];
	/* what the gateway has signed */
	struct sim_signed *journal;
	unsigned journal_count;
	const struct sim_signed *latest[SIM_HOSTS_MAX], *latest_policy; /* by number */
	struct sim_change *changes;					/* that people asked for */
	bool quiet;							/* faults are over ... */
	unsigned projects;						/* hubs that have an end */
	uint32_t numbers;						/* identity numbers that there are */
	int64_t jumped_ms, changed_ms; /* last: a clock; a device or the policy, as signed */
};

/* sim.c: the queue, the wire, the log. */
void sim_push(struct sim *s, struct sim_event e);
void sim_send(struct sim_host *from, const struct rn_endpoint *to, const uint8_t *data, size_t size);
void sim_run(struct sim *s, int64_t ms);
bool sim_turn(struct sim *s, int64_t until_ms); /* one event; false: nothing before until_ms, which it is then */
void sim_note(struct sim *s, const void *data, size_t size); /* into the log's hash */
void sim_say(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sim_percent(struct sim *s, unsigned percent);
void *sim_zeros(size_t count, size_t size); /* never NULL */

/* sim_machine.c: whose clock, disk and death it is now. */
extern struct sim_host *sim_here;
extern enum sim_process sim_process;
void sim_enter(struct sim_host *h, enum sim_process process);
void sim_seed_random(uint64_t seed);
bool sim_burn(void); /* one thing that can be seen from outside is about to happen; true: the process is dead already */

/* sim_kernel.c */
void sim_kernel_boot(struct sim_host *h);
void sim_kernel_free(struct sim_host *h);
/* What the tables say, as bpf/judge.h reads them: who the ends are; and whether they may, wherever they are. */
enum rn_reason sim_kernel_known(const struct sim_host *h, const struct sim_packet *p, struct rn_device *source,
				struct rn_device *destination);
enum rn_reason sim_kernel_judge(const struct sim_host *h, const struct sim_packet *p, const struct rn_device *source,
				const struct rn_device *destination);
const struct rn_mesh_addresses *sim_kernel_peer(const struct sim_host *h, uint32_t peer); /* NULL: there is none */
/* A frame from that hub says p->identity and p->trust: peer and slot; false: it may not. */
bool sim_kernel_claim(struct sim_host *h, const struct sim_host *from, struct sim_packet *p);
/* The index of a device that is present; 0: not. */
uint32_t sim_kernel_find(const struct sim_host *h, uint32_t number, struct rn_device *ret);

/* sim_local.c: what is between the processes of a host. */
void sim_put(struct sim_host *h, enum rn_core_peer peer, bool to_core, const struct rn_local *message);
void sim_mark(struct sim_host *h, enum rn_core_peer peer, bool to_core, bool begins);
struct sim_piece *sim_take(struct sim_pipe *pipe); /* NULL: empty; the caller frees it */
void sim_clear(struct sim_pipe *pipe);
void sim_timers(struct sim_host *h);
void sim_watch_ready(struct sim_host *h, unsigned events); /* of net */
int64_t sim_timers_next(const struct sim_host *h);

/* sim_kern.c */
void sim_kern_begin(struct sim_host *h);
void sim_kern_end(struct sim_host *h);
void sim_kern_connects(struct sim_host *h);
void sim_kern_hears(struct sim_host *h, const struct rn_local *m);
void sim_kern_endings(struct sim_host *h);
/* The datapath dropped a packet for this reason, and kern tells core. */
void sim_kern_met(struct sim_host *h, enum rn_reason reason, const struct rn_addr *source,
		  const struct rn_addr *destination);

/* sim_host.c: lives of processes. */
void sim_host_begin(struct sim_host *h, enum sim_process process);
void sim_host_kill(struct sim_host *h, enum sim_process process);
void sim_host_power_loss(struct sim_host *h);
void sim_host_event(struct sim_host *h, const struct sim_event *e);
void sim_host_settle(struct sim_host *h); /* after everything that happened on it */
void sim_host_member(struct sim_host *h); /* its state directory is complete: it starts */
void sim_host_free(struct sim_host *h);

/* sim_ca.c: the gateway's ca, and certificates in place of X.509. */
size_t sim_leaf(struct sim *s, enum rn_kind kind, const char *name, const uint8_t *key, uint8_t out[RN_BLOCK_MAX]);
void sim_ca_hears(struct sim_host *h, const struct rn_local *m);

/* sim_enroll.c */
void sim_make_gateway(struct sim *s);
struct sim_host *sim_new_host(struct sim *s, enum rn_kind kind, unsigned hub);
bool sim_enroll(struct sim_host *h); /* token, then it comes as a stranger; false: no token now */
void sim_stranger_settle(struct sim_host *h);
void sim_stranger_datagram(struct sim_host *h, const struct sim_event *e);

/* sim_ops.c: people and misfortunes, drawn. */
void sim_step(struct sim *s);
void sim_faults_end(struct sim *s);
void sim_set_policy(struct sim *s);
void sim_changes_free(struct sim *s);

/* sim_flow.c: true where every door let it in. What a door does not know it asks for. */
bool sim_way(struct sim_host *from, struct sim_host *to, uint8_t protocol, uint16_t port, struct sim_way *ret);
bool sim_lie(struct sim_host *hub, const struct sim_packet *lie, struct sim_host *to, struct sim_way *ret);

/* sim_homes.c: devices with several hubs, and hubs of projects. */
void sim_homes_draw(struct sim_host *h); /* what its token will list */
void sim_homes_follow(struct sim_host *h);
struct sim_host *sim_draw_hub(struct sim *s); /* NULL: none was found */
int64_t sim_wall(const struct sim_host *h);   /* Unix seconds on it */
/* Of a hub: it is revoked, or its end has come. Of a device: so are all hubs that it can go to. */
bool sim_is_gone(const struct sim *s, uint32_t hub);
bool sim_is_homeless(const struct sim *s, const struct sim_host *h);
void sim_check_place(const struct sim_host *h, const struct rn_device *d, const struct rn_device_record *r);
void sim_check_ends(struct sim *s); /* no host has a hub whose end it must have seen */
/* What a new version of a device must keep. */
void sim_check_kept(struct sim *s, const struct rn_device_record *r);

/* sim_numbers.c: no two hubs read one number differently. */
void sim_check_announced(struct sim *s, const struct rn_device_record *r); /* of a record that was just signed */
void sim_check_numbers(struct sim *s);
void sim_check_numbers_of(struct sim_host *hub);

/* sim_flat.c */
void sim_flat(struct sim *s);
/* Prints; the number of things that are not as in the smaller network (NULL: this is the first). */
unsigned sim_flat_compare(unsigned rest, const struct sim_result *r, const struct sim_result *smaller);

/* sim_check.c */
void sim_harvest(struct sim *s);
void sim_check_host(struct sim_host *h);			   /* after everything that happened on it */
bool sim_out_of_it(const struct sim *s, const struct sim_host *h); /* it, or its hub, is revoked or no member */
bool sim_converged(struct sim *s, char *why, size_t why_size);
void sim_check_bounds(struct sim *s);
void sim_core_ends(struct sim_host *h);	 /* what of it will be there again */
void sim_power_ends(struct sim_host *h); /* what of kern will be */
const struct sim_signed *sim_signed_at(const struct sim *s, enum rn_record_type type, uint32_t device,
				       uint64_t version);

/* sim_reach.c */
void sim_check_reach(struct sim *s, unsigned pairs);
void sim_check_calm(struct sim *s); /* faults are over and everybody is in step */

#endif
