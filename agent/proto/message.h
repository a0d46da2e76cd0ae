/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_MESSAGE_H
#define RN_PROTO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/crypto.h"

/*
 * Messages inside a control session: u8 type, then the fields of the struct in order, little endian (docs/protocol.md).
 * Records, certificates and anchors travel as opaque blocks: proto does not know the domain. Decoders are strict: an
 * unknown type, a missing or a trailing byte is -EBADMSG. Views point into the message.
 */
enum rn_message_type {
	RN_MESSAGE_ENROLL = 1,	      /* stranger -> gateway */
	RN_MESSAGE_ENROLLED = 2,      /* gateway -> stranger */
	RN_MESSAGE_SUBSCRIBE = 3,     /* device -> hub, hub -> gateway: after OPEN */
	RN_MESSAGE_RECORD = 4,	      /* down: a piece of a signed record */
	RN_MESSAGE_SYNCED = 5,	      /* down: all that is current has been sent */
	RN_MESSAGE_APPLIED = 6,	      /* up: kern enforces everything up to this version */
	RN_MESSAGE_REQUEST = 7,	      /* up: a sealed request for the gateway's core; hubs forward it */
	RN_MESSAGE_ANSWER = 8,	      /* down: its answer */
	RN_MESSAGE_EVENTS = 9,	      /* up: flow events */
	RN_MESSAGE_REMOVED = 10,      /* down: a device number that this peer needs no longer */
	RN_MESSAGE_PRESENCE = 11,     /* up, hub -> gateway: a device of this hub has come or gone */
	RN_MESSAGE_SEEN = 12,	      /* up, hub -> gateway: handshakes of its devices' tunnels, and their traffic */
	RN_MESSAGE_RESOLVE = 13,      /* up: whose address is it? hubs forward it; the answer is a record, or nothing */
	RN_MESSAGE_INTERESTS = 14,    /* up, after SUBSCRIBE: devices of other hubs that the sender has, and for whom */
	RN_MESSAGE_INTEREST = 15,     /* down, gateway -> hub: one of its devices has to do with a device of another hub */
	RN_MESSAGE_HOME = 16,	      /* up, device -> a hub that it lists: it has moved here */
	RN_MESSAGE_FROM = 17,	      /* down, gateway -> hub: the answer to SUBSCRIBE, before any record */
};

#define RN_TEXT_MAX 255
#define RN_BLOCK_MAX 4096 /* certificates, sealed requests */

struct rn_message_enroll {
	uint64_t token;			  /* id */
	uint8_t role;			  /* enum rn_kind */
	char name[64];
	uint8_t noise_key[RN_KEY_SIZE];	  /* must equal the session's peer key */
	uint8_t wireguard_key[RN_KEY_SIZE];
	struct rn_endpoint wireguard, control; /* where a hub can be reached; zero for clients */
	/* Ed25519 by the token's seed over "rnaut enroll v1" with its NUL, and every field before, encoded */
	uint8_t signature[RN_SIGNATURE_SIZE];
};
struct rn_message_enrolled {
	uint16_t status; /* 0, or a positive errno */
	char text[RN_TEXT_MAX + 1]; /* why not, and what to do */
	const uint8_t *anchor;	    /* RN_ANCHOR_SIZE bytes, domain/record.h */
	size_t anchor_size;
	const uint8_t *leaf, *issuer; /* DER */
	size_t leaf_size, issuer_size;
	uint32_t device, hub;	      /* numbers: its own, and its hub's */
	uint8_t upstream_key[RN_KEY_SIZE]; /* Noise key of where to subscribe: its hub, or for a hub the gateway */
	struct rn_endpoint upstream;
	uint16_t upstream_shared; /* WireGuard's port there, which control shares; 0: it does not */
};
struct rn_message_subscribe {
	uint32_t epoch;
	uint64_t version; /* it has all that it is to have up to there; 0: nothing */
	uint32_t seen_epoch;
	uint64_t seen; /* the newest that it has anywhere, in core or in kern */
	uint8_t again; /* 1: it is to be sent everything all the same */
};
struct rn_message_record { /* pieces of one record come in order, none between them */
	uint32_t total, offset;
	const uint8_t *piece;
	size_t piece_size;
};
struct rn_message_version { /* SYNCED and APPLIED; FROM: version 0: what identities mean is to be forgotten first */
	uint32_t epoch;
	uint64_t version;
};
/*
 * sealed = rn_box(core's box key, device's Noise secret) over: u8 what, u64 sequence (above the last), then
 * SET_WIREGUARD_KEY: 32 bytes; RENEW: nothing; MESH, of a hub: 32 bytes key and u16 UDP port of its device to other hubs;
 * HOME, of others: u32 the hub of its list where it is now, u64 counts its moves; REFUSED, of others: u64 version of the
 * policy that its kernel does not take, 0: none any more.
 */
enum rn_request_type {
	RN_REQUEST_WIREGUARD_KEY = 1,
	RN_REQUEST_RENEW = 2,
	RN_REQUEST_MESH = 3,
	RN_REQUEST_HOME = 4,
	RN_REQUEST_REFUSED = 5,
};
struct rn_message_request {
	uint32_t device;
	uint32_t id; /* echoed */
	const uint8_t *sealed;
	size_t sealed_size;
};
struct rn_message_answer {
	uint32_t device, id;
	uint16_t status;
	char text[RN_TEXT_MAX + 1];
	const uint8_t *body; /* RENEW: the new leaf, DER */
	size_t body_size;
};
struct rn_message_events {
	uint32_t reporter; /* device number of the hub whose kernel saw them */
	uint64_t lost;	   /* since its start */
	const uint8_t *events; /* struct rn_event of the ABI, back to back, little endian; time_ns is Unix time */
	size_t events_size;
};
struct rn_message_removed {
	uint32_t device;
};
struct rn_message_presence {
	uint32_t device;
	uint8_t connected; /* 1: its control session is open, 0: it is not; after OPEN all that are */
};
struct rn_message_seen {
	/* Back to back, of devices of this hub: u32 device, u64 last handshake (Unix seconds), u64 received, u64 sent */
	const uint8_t *seen;
	size_t seen_size;
};

struct rn_message_resolve {
	uint32_t device; /* that asks */
	struct rn_addr address;
};
struct rn_message_interests {
	const uint8_t *items; /* u32 device, u32 the sender's that it is known for, u32 epoch, u64 version; ... */
	size_t items_size;
};
struct rn_message_interest {
	uint32_t device, receiver; /* receiver: the hub's device that is to know it */
};
struct rn_message_home {
	uint32_t device; /* is at this hub from now on */
	uint64_t moved;	 /* counts its moves */
};

struct rn_message {
	enum rn_message_type type;
	union {
		struct rn_message_enroll enroll;
		struct rn_message_enrolled enrolled;
		struct rn_message_subscribe subscribe;
		struct rn_message_record record;
		struct rn_message_version version;
		struct rn_message_request request;
		struct rn_message_answer answer;
		struct rn_message_events events;
		struct rn_message_removed removed;
		struct rn_message_presence presence;
		struct rn_message_seen seen;
		struct rn_message_resolve resolve;
		struct rn_message_interests interests;
		struct rn_message_interest interest;
		struct rn_message_home home;
	};
};

/* Size written or -EMSGSIZE, -EINVAL. */
int rn_message_encode(const struct rn_message *in, uint8_t *out, size_t out_size);
/* 0 or -EBADMSG. */
int rn_message_decode(const uint8_t *data, size_t size, struct rn_message *ret);
/* What an ENROLL's signature is over; out_size at least 512; the size. */
int rn_message_enroll_signed(const struct rn_message_enroll *in, uint8_t *out, size_t out_size);

#endif
