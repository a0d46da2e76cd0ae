/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_RECORD_H
#define RN_DOMAIN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/limits.h"
#include "base/addr.h"
#include "base/crypto.h"
#include "base/moment.h"
#include "domain/window.h"

/*
 * The gateway's signed, hub-independent state: what widens access exists only in this form, and kern verifies it.
 *
 * Wire form (little endian): magic "RNR1", u8 type, u8[3] zero, u32 epoch, u64 version, u64 issued (Unix seconds),
 * u32 body size, body, Ed25519 signature (64) by the policy key over "rnaut record v1" with its NUL and all before.
 *
 * Versions come from one counter of the gateway and never fall within an epoch. A receiver takes a record only where
 * (epoch, version) is above what it has of the same (type, device or identity number).
 */

#define RN_NAME_MAX 63		   /* bytes of a device, user, tag, group or rule name */
#define RN_RULE_SELECTORS_MAX 4096 /* of one side of a rule */
#define RN_RULE_SERVICES_MAX 256
#define RN_WINDOWS_MAX 1024 /* of a schedule */
#define RN_PARTS_MAX 1024   /* of a policy */
#define RN_POLICY_SIZE_MAX (16u * 1024u * 1024u) /* bytes of its parts; most have 32 KiB, the least 16 */
#define RN_NEEDS_MAX 2048 /* devices that a policy lists */
#define RN_RECORD_SIZE_MAX (96u * 1024u)
#define RN_RECORD_HEADER 32
#define RN_LEASE_SECONDS (7 * 86400)
#define RN_ENDS_MAX ((uint64_t)RN_MOMENT_MAX)
#define RN_IDENTITY_MAX 0xffffffu /* 24 bits: identity numbers will travel in packets */

enum rn_record_type {
	RN_RECORD_NETWORK = 1,
	RN_RECORD_DEVICE = 2,
	RN_RECORD_POLICY = 3,
	RN_RECORD_IDENTITY = 4,
	RN_RECORD_PART = 5, /* of a policy that does not fit one record */
};

struct rn_record_head {
	enum rn_record_type type;
	uint32_t epoch;
	uint64_t version;
	uint64_t issued; /* Unix seconds, up to RN_ENDS_MAX */
};

/* The network itself, and the lease: how long a host may enforce this state without hearing again. */
struct rn_network {
	struct rn_prefix ipv6, ipv4; /* ipv4.bits 0: none */
	uint32_t lease_seconds;
};

enum rn_kind { /* the seed's ClientType and HubType in one list; frozen numbers */
	RN_KIND_GATEWAY = 1,	  /* the gateway host, which is a hub too */
	RN_KIND_REGIONAL = 2,	  /* hubs */
	RN_KIND_DEPARTMENTAL = 3,
	RN_KIND_PROJECT = 4,
	RN_KIND_DESKTOP = 16,	  /* clients */
	RN_KIND_MOBILE = 17,
	RN_KIND_SERVER = 18,
	RN_KIND_IOT = 19,
};
bool rn_kind_is_hub(enum rn_kind kind);
const char *rn_kind_name(enum rn_kind kind);		    /* "desktop"; NULL: no such kind */
int rn_kind_parse(const char *name, enum rn_kind *ret); /* 0 or -EINVAL; "hub" means regional */

#define RN_HOMES_MAX 4 /* hubs that a device lists */
#define RN_LEFT_MAX 4  /* hubs that it was taken away from and that go on hearing of it */

#define RN_DEVICE_QUARANTINED 1u
#define RN_DEVICE_REVOKED 2u
#define RN_DEVICE_MANAGED 4u /* runs rnautd; otherwise a stock WireGuard client */
#define RN_DEVICE_APART 8u   /* a hub that is no other hub's peer */

struct rn_device_record {
	uint32_t number; /* never used again */
	uint32_t hub;	 /* number of the hub it is attached to now; a hub's own number */
	uint32_t owner;	 /* user number, 0: nobody */
	uint32_t identity;
	enum rn_kind kind;
	uint32_t flags; /* RN_DEVICE_* */
	uint8_t trust;	/* 0..100 */
	char name[RN_NAME_MAX + 1];
	char owner_name[RN_NAME_MAX + 1];
	uint8_t noise_key[RN_KEY_SIZE];	    /* zero for a stock client */
	uint8_t wireguard_key[RN_KEY_SIZE]; /* zero: none yet, no peer is made */
	struct rn_addr ipv6, ipv4;	    /* ipv4 zero: none */
	struct rn_endpoint wireguard;	    /* of a hub; zero otherwise */
	struct rn_endpoint control;	    /* of a hub; zero otherwise */
	/* of a hub only, and only a hub's record has them on the wire: */
	uint8_t mesh_key[RN_KEY_SIZE]; /* WireGuard's, of its device to other hubs; zero: none yet, no peer is made */
	struct rn_endpoint mesh;       /* where that device listens; zero where mesh_key is */
	uint32_t parent;	       /* number of the hub above it; 0: the gateway, which has none */
	uint64_t ends;		       /* of a project hub: Unix seconds, from then on it is not there; else 0 */
	/* of others only (domain/homes.h): */
	uint32_t homes[RN_HOMES_MAX]; /* the hubs that it may be at, in order, `hub` among them */
	uint32_t home_count;	      /* 0: `hub` alone; else from 2 on */
	uint32_t left[RN_LEFT_MAX];   /* the newest first */
	uint32_t left_count;
	uint64_t moved; /* counts its moves: of two words of where it is, the one with the greater counts */
	uint32_t selectors[RN_SELECTORS_MAX]; /* ascending selector numbers: the set that `identity` stands for */
	uint32_t selector_count;
	uint64_t policy; /* in force when this was signed: under an older one it may only take away; 0: none */
};

/* One compiled rule in the gateway's terms. */
struct rn_service {
	/* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP or IPPROTO_ICMPV6 for echo of one family; 0: everything */
	uint8_t protocol;
	uint16_t first, last; /* ports; 0..65535 where all, and of echo */
};
struct rn_selector_set {
	uint32_t *numbers; /* ascending, none is 0 */
	uint32_t count;
};
/*
 * A device's set of selectors S is on this side where it shares one with `any` (empty: always), one with `types` (empty:
 * always), none with `none`, and has `also` (0: always). An empty `any` is everyone: a side on which nobody is makes no
 * rule.
 */
struct rn_rule_side {
	struct rn_selector_set any, types, none;
	uint32_t also;
};
/*
 * Open in its windows (Unix seconds), which are ascending and apart. Past the last one an allow rule is shut, and a deny
 * rule denies.
 */
struct rn_schedule {
	struct rn_window *windows;
	uint32_t count;
};
struct rn_policy_rule {
	char id[RN_NAME_MAX + 1];
	uint32_t number; /* 1.. in document order; two compiled rules may share it */
	bool deny;
	bool log;	 /* what it decides is told of as asked for */
	bool observe;	 /* it decides nothing: what it would have decided is told of */
	bool same_owner; /* both ends have the same owner, who is somebody */
	uint8_t minimum_trust, minimum_destination_trust;
	struct rn_rule_side source, destination;
	struct rn_service *services;
	uint32_t service_count;
	uint32_t schedule;   /* from 1, of the record's; 0: always */
	int64_t from, until; /* Unix seconds, from <= t < until; 0: no bound. A grant that was over before 1970 ends at 1 */
};
/* What an identity number means, or that it means nothing any more; to hubs (domain/meaning.h). */
enum rn_identity_says { RN_IDENTITY_KNOWN = 1, RN_IDENTITY_ENDING = 2, RN_IDENTITY_FORGET = 3 };
struct rn_identity_record {
	uint32_t number;
	enum rn_identity_says says;
	uint32_t selectors[RN_SELECTORS_MAX]; /* ascending */
	uint32_t selector_count;	      /* 0 where it is to be forgotten, and only there */
};

/*
 * A policy rests on the devices as they were when it was signed: whoever holds back a device's newer record and passes
 * on the policy makes a network that nobody wanted (mix and match, as The Update Framework calls it). So it says which
 * records it rests on: none below `since` counts, and of the devices listed none below that version.
 */
struct rn_need {
	uint32_t device;
	uint64_t version;
};
struct rn_policy_part {
	uint32_t number;
	uint32_t base; /* what its rules' numbers are counted from; 0 where it is a schedule */
};
struct rn_policy_record {
	struct rn_policy_rule *rules; /* in order of precedence: deny first, then document order */
	uint32_t rule_count;
	struct rn_schedule *schedules;
	uint32_t schedule_count;
	struct rn_arena *sets; /* the rules' sets and services, all together; NULL: each is on the heap */
	/* Where it does not fit one record (policy_parts.h): the first of its rules and schedules lie in parts. */
	struct rn_policy_part *parts;
	uint32_t part_count;
	uint32_t joined_rules, joined_schedules;
	uint64_t since;
	struct rn_need *needs; /* ascending by device, versions above `since` */
	uint32_t need_count;
};
/* The lowest version of the device's record that counts under this policy. */
uint64_t rn_policy_record_need(const struct rn_policy_record *p, uint32_t device);
void rn_policy_record_done(struct rn_policy_record *p); /* frees what p points to, zeroes it */

/* A part of a policy (policy_parts.h says what its body is). Its number never means another body. */
#define RN_PART_BODY_MAX (RN_RECORD_SIZE_MAX - 128u) /* bytes */
struct rn_part {
	uint32_t number;
	const uint8_t *body; /* decoded: a view into the record */
	size_t size;
};

/*
 * Encoders sign with the policy seed; they return the size or -EMSGSIZE, -ENOMEM, -EINVAL. head->type is not read: the
 * function says it. What one side refuses the other refuses too (record_check.c): epoch and version from 1; of a device
 * number, hub, identity (24 bits) and kind set, hub == number for hubs and only for them, an owner's name where there
 * is an owner and only there, names as rn_name_valid says, a Noise key where RN_DEVICE_MANAGED and only there, an IPv6
 * address, endpoints only of hubs, 1..RN_SELECTORS_MAX selectors; of a hub a parent that is not itself, but for the
 * gateway, an end where it is a project hub and only there, a mesh key and an endpoint for it, or neither;
 * of others hubs that are listed once, its own among them, and none of them among those that it left;
 * of a rule selectors ascending and not 0, at least one service, no minimum trust where it denies, a schedule that there
 * is, an end after its beginning; deny rules first, numbers not falling; of a schedule windows ascending and apart;
 * RN_DEVICE_APART of hubs only; of an identity a number of 24 bits and selectors, or none where it is to be forgotten;
 * what a policy needs and the policy of a device are below the record's own version.
 */
int rn_record_put_network(const struct rn_record_head *head, const struct rn_network *in,
			  const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size);
int rn_record_put_device(const struct rn_record_head *head, const struct rn_device_record *in,
			 const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size);
int rn_record_put_policy(const struct rn_record_head *head, const struct rn_policy_record *in,
			 const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size);
int rn_record_put_identity(const struct rn_record_head *head, const struct rn_identity_record *in,
			   const uint8_t seed[RN_KEY_SIZE], uint8_t *out, size_t out_size);

int rn_record_put_part(const struct rn_record_head *head, const struct rn_part *in, const uint8_t seed[RN_KEY_SIZE],
		       uint8_t *out, size_t out_size);
/* Head without verification, for routing and stores: 0 or -EBADMSG. */
int rn_record_head(const uint8_t *data, size_t size, struct rn_record_head *ret);
/* 0 where the signature by policy_public is good and the head well formed, else -EBADMSG (-ENOMEM). */
int rn_record_verify(const uint8_t *data, size_t size, const uint8_t policy_public[RN_KEY_SIZE],
		     struct rn_record_head *ret);
/* Decode a verified record; every field is checked; 0 or -EBADMSG (of a policy also -ENOMEM), *ret then untouched. */
int rn_record_get_network(const uint8_t *data, size_t size, struct rn_network *ret);
int rn_record_get_device(const uint8_t *data, size_t size, struct rn_device_record *ret);
int rn_record_get_policy(const uint8_t *data, size_t size, struct rn_policy_record *ret);
int rn_record_get_identity(const uint8_t *data, size_t size, struct rn_identity_record *ret);
int rn_record_get_part(const uint8_t *data, size_t size, struct rn_part *ret);

/*
 * The anchor: which keys a host trusts. Root signs the gateway's keys; a host pinned SHA-256 of the root's public key
 * when it was enrolled. Wire form: "RNK1", u32 epoch, root public 32, policy public 32, box public 32, signature 64 by
 * the root over "rnaut keys v1" with its NUL and all before.
 */
#define RN_ANCHOR_SIZE (4 + 4 + 3 * RN_KEY_SIZE + RN_SIGNATURE_SIZE)
struct rn_anchor {
	uint32_t epoch;
	uint8_t root_public[RN_KEY_SIZE];
	uint8_t policy_public[RN_KEY_SIZE];
	uint8_t box_public[RN_KEY_SIZE]; /* core's, for requests that only core may read and believe */
};
void rn_anchor_put(const struct rn_anchor *in, const uint8_t root_seed[RN_KEY_SIZE], uint8_t out[RN_ANCHOR_SIZE]);
/* Where fingerprint is not NULL, SHA-256 of the root key must equal it. 0 or -EBADMSG. */
int rn_anchor_get(const uint8_t *data, size_t size, const uint8_t *fingerprint, struct rn_anchor *ret);

#endif
