/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_EPISODE_H
#define RN_TESTS_BPF_EPISODE_H

#include "harness.h"
#include "reference.h"
#include "tests/support/realm.h"

/*
 * An episode: a small network, two policies and what happens to it, step by step. Every step is played on the programs
 * and on the reference; it can be played again without some of its steps or rules.
 */
#define EPISODE_POLICY_SIZE 48000u
#define EPISODE_STEPS 4096u
#define EPISODE_AROUND INT64_C(1790003600) /* the times of its policies, Unix seconds */
#define EPISODE_PACKET_MAX 1600u

enum step_kind {
	STEP_PACKET,
	STEP_CLOCK,	 /* value: nanoseconds forward */
	STEP_WALL,	 /* value: what the wall clock says from now on, nanoseconds */
	STEP_POLICY,	 /* value: 0 or 1, or 2 for none (generation 0) */
	STEP_LINK,	 /* value: 1 down, 0 up */
	STEP_LEASE,	 /* value: nanoseconds from now to its end */
	STEP_TRUST,	 /* device, value */
	STEP_QUARANTINE, /* device, value: 0 or 1; also the following */
	STEP_REVOKE,
	STEP_ATTACH,
	STEP_REMOTE,  /* 0: not; else behind the hub of that number; NOWHERE is no hub that is known */
	STEP_BEHIND,  /* whether the device's identity can be behind the hub that it is at home at */
	STEP_PRESENT, /* 0: hidden, with its addresses still in the map */
	STEP_MEMBER,  /* 0: its addresses and state go; n + 1: its index and addresses are the realm's device n from now
			 on */
	STEP_KINDS
};
struct step {
	enum step_kind kind;
	unsigned device; /* of the realm, from 0 */
	uint64_t value;
	/* STEP_PACKET */
	int direction;
	/* RN_BPF_MESH: the frame that data is in. */
	unsigned hub;
	bool v6;
	uint32_t identity;
	uint8_t trust;
	uint16_t ethertype;
	size_t size, linear; /* linear: 0 or the bytes before the paged part */
	uint8_t data[EPISODE_PACKET_MAX];
};

struct episode {
	enum rn_role role;
	struct realm realm;
	struct rn_addr addresses[REALM_DEVICES][2]; /* IPv4, IPv6 */
	unsigned self;				    /* the realm's device that is this host */
	unsigned home[REALM_DEVICES];		    /* 0: this hub, else which; a node's devices: 0 */
	char policies[2][EPISODE_POLICY_SIZE];
	struct step *steps[EPISODE_STEPS];
	unsigned step_count;
};

#define EPISODE_HUBS 2u /* others, from 1 */
#define EPISODE_NOWHERE 3u
#define EPISODE_FRAME_MAX 1410u

struct episode *episode_new(void);
void episode_free(struct episode *e);
/* A copy of the step becomes the episode's last. */
const struct step *episode_add(struct episode *e, const struct step *step);

/* episode_play.c */
struct player;
struct player *player_new(struct rn_bpf *bpf);
void player_free(struct player *p);
/* Everything afresh, as the episode says before its first step. -EINVAL where a policy does not compile. */
int player_start(struct player *p, const struct episode *e);
/*
 * 0, or -EPROTO where programs and reference differ, with a sentence in player_text. *ret is the reference's verdict on
 * a packet, untouched otherwise. 1: a packet shorter than its IP header, which newer kernels' test runs do not take; it
 * was played on neither.
 */
int player_step(struct player *p, const struct step *step, struct reference_verdict *ret);
const char *player_text(const struct player *p);
struct reference *player_reference(struct player *p);
const struct rn_policy_model *player_policy(const struct player *p, unsigned policy);
uint32_t player_index(unsigned device);
uint32_t player_identity(unsigned device);		  /* number */
struct rn_addr player_hub_address(unsigned hub, bool v6); /* 0: this hub's */

/* episode_make.c */
/*
 * Makes an episode of about `packets` packets, playing it as it goes. In its first policy every rule decides at least
 * one packet. Calls seen for every packet. 0, or -EPROTO as above: the last step is the one.
 */
int episode_make(struct episode *e, struct player *p, struct rng *rng, unsigned packets,
		 void (*seen)(void *context, const struct episode *e, const struct step *step,
			      const struct reference_verdict *verdict),
		 void *context);

/* episode_policy.c */
/* How many rules a policy of realm_policy_text has, and its text without those whose `without` is true. */
unsigned policy_rules(const char *text);
void policy_without(const char *text, const bool *without, char out[EPISODE_POLICY_SIZE]);

/* A first packet that a rule decides. */
struct witness {
	unsigned source, destination; /* devices of the realm */
	uint8_t protocol;	      /* IPPROTO_TCP, _UDP, _ICMP */
	uint16_t port;
	uint8_t trust, destination_trust;
	bool v6;
	int64_t at; /* Unix seconds */
};
#define EPISODE_RULES_MAX 44u
#define EPISODE_RULES_MIN 30u
/*
 * Writes a policy of 30 to 44 rules, each of which decides some packet that can be at this host, and that packet of
 * each. The number of rules.
 */
unsigned policy_make(const struct episode *e, struct rng *rng, char out[EPISODE_POLICY_SIZE],
		     struct witness witnesses[EPISODE_RULES_MAX]);
/* Can a packet from one device to the other be here when all is well? */
bool pair_possible(const struct episode *e, unsigned source, unsigned destination);

#endif
