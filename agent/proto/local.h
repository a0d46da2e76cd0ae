/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_LOCAL_H
#define RN_PROTO_LOCAL_H

#include <stddef.h>
#include <stdint.h>

#include "abi/events.h"
#include "base/addr.h"
#include "base/crypto.h"

/*
 * Messages between the processes of one host over SOCK_SEQPACKET (sys/local.h): core listens on RUN/ipc.sock, net,
 * kern, web and ca connect and are told apart by their uid (SO_PEERCRED). Wire: u16 type, then the struct's fields in
 * order, little endian, blocks with a u32 length, strict as in message.h: each side treats the other as hostile.
 */
#define RN_LOCAL_SIZE_MAX (112u * 1024u)

enum rn_local_type {
	/* kern -> core */
	RN_LOCAL_KERN_HELLO = 1,
	RN_LOCAL_KERN_APPLIED, /* answer to SYNCED; number: epoch, version: everything up to it is in the kernel */
	RN_LOCAL_KERN_REFUSED, /* a record was refused, and why */
	RN_LOCAL_KERN_EVENTS,  /* struct rn_event array; time_ns already Unix time; version: lost so far */
	RN_LOCAL_KERN_FLOWS,   /* answer to FLOWS_GET: a piece of the flow table */
	RN_LOCAL_KERN_STATUS,  /* answer to STATUS_GET */
	/* core -> kern */
	RN_LOCAL_KERN_SYNC = 32, /* all current records follow ... */
	RN_LOCAL_KERN_RECORD,	 /* block: one signed record */
	/* A mark: up to epoch and version nothing is missing. The first after SYNC: other devices are removed. */
	RN_LOCAL_KERN_SYNCED,
	RN_LOCAL_KERN_REMOVE,	  /* number: forget this device (access shrinks, so it needs no signature) */
	RN_LOCAL_KERN_LINK,	  /* number: 1 up, 0 down */
	RN_LOCAL_KERN_FLOWS_GET,  /* number: echoed */
	RN_LOCAL_KERN_STATUS_GET, /* number: echoed */
	/* number: device, session: its hub, version: counts its moves. Within what the device's record lists only. */
	RN_LOCAL_KERN_HOME,
	RN_LOCAL_KERN_FORGET, /* what identities mean, and other hubs; APPLIED of version 0 answers it, then SYNC follows */
	/* net -> core */
	RN_LOCAL_NET_HELLO = 64,
	RN_LOCAL_NET_OPEN, /* number: tag of the CONNECT, 0: the peer came; block: its leaf, DER, where it sent one */
	RN_LOCAL_NET_MESSAGE, /* session, block: a control message (message.h) */
	RN_LOCAL_NET_CLOSED,  /* session, number: -errno as positive; session 0: the CONNECT of tag `version` failed */
	RN_LOCAL_NET_BUSY,    /* session, number: 1 its queue is filling, send no more until 0; nothing sent is lost */
	RN_LOCAL_NET_SEALED,  /* number: id of the NET_SEAL, block: the box */
	RN_LOCAL_NET_SILENCE, /* session, number: pings without an answer: 1 doubt, RN_WATCH_PINGS silent, 0 it answers */
	/* core -> net */
	RN_LOCAL_NET_CONNECT =
	    96,		    /* number: tag, key, endpoint, port, code; net answers with OPEN (number: tag) or CLOSED */
	RN_LOCAL_NET_SEND,  /* session, block */
	RN_LOCAL_NET_CLOSE, /* session */
	RN_LOCAL_NET_DENY,  /* key: close and refuse from now on (revoked) */
	RN_LOCAL_NET_LEAF,  /* block: our new certificate, DER; net stores and uses it */
	RN_LOCAL_NET_SEAL,  /* number: id, key: to whom, block: at most 64 bytes to seal with our Noise secret */
	RN_LOCAL_NET_WATCH, /* session, number: ms between pings, from now on SILENCE is said; 0: one ping, and its answer */
	/* core -> ca, each answered by CA_ANSWER with the same id */
	RN_LOCAL_CA_TOKEN = 128, /* a token was made; text: the name it is for, "" any */
	RN_LOCAL_CA_ISSUE,	 /* block: the ENROLL message as received */
	RN_LOCAL_CA_RENEW,	 /* block: the current leaf, DER */
	RN_LOCAL_CA_REVOKE,	 /* key */
	/* ca -> core */
	RN_LOCAL_CA_HELLO = 160,
	RN_LOCAL_CA_ANSWER, /* number: id, code 0: block is the leaf, DER, where one was asked for */
	/* web -> core: one HTTP request each session (web.h) */
	RN_LOCAL_WEB_HELLO = 192,
	RN_LOCAL_WEB_REQUEST, /* session: of web's choosing, rising, never used again; block: struct rn_web_request */
	RN_LOCAL_WEB_BODY,    /* session, block: the next bytes of the request's body, until body_size of them came */
	RN_LOCAL_WEB_CREDIT,  /* session, number: so many more bytes of the answer's body have left for the client */
	RN_LOCAL_WEB_GONE,    /* session: the client hung up, or the answer is complete: neither speaks of it again */
	/* core -> web */
	RN_LOCAL_WEB_ANSWER = 224, /* session, block: struct rn_web_answer; once, then its body ... */
	RN_LOCAL_WEB_PIECE,	   /* session, block: the next bytes; role: 1 the last of them */
};

struct rn_local_status {
	uint32_t id;
	uint8_t wireguard;	  /* 1 kernel, 2 userspace, 0 none yet */
	uint8_t link_up, filters; /* filters: 1 in place */
	uint8_t reserved;
	char interface[16];
	uint32_t mtu;
	uint16_t port;
	uint64_t policy_version, applied;
	int64_t lease_seconds_left;
	uint64_t flows, lost;
	uint8_t steering; /* 1: control shares WireGuard's UDP port; 0: it needs control_port, and why */
	uint16_t control_port;
	uint64_t steered; /* datagrams that came in on the shared port */
	char steering_why[160];
	/* a hub's device to other hubs; "" and zero on other hosts */
	char mesh_interface[16];
	uint8_t mesh_wireguard, mesh_up, mesh_filters; /* as wireguard, link_up, filters */
	uint32_t mesh_mtu;
	uint16_t mesh_port;
	uint32_t mesh_peers, mesh_alive; /* other hubs; with a tunnel that is in use */
	/* [direction * RN_REASON_COUNT + reason] packets then bytes, u64 each, as a block */
	const uint8_t *counters;
	size_t counters_size;
	/* of a hub: [direction * RN_MESH_REASON_COUNT + reason] frames from and to other hubs, u64 each, as a block */
	const uint8_t *frames;
	size_t frames_size;
	/* per peer: device number u32, endpoint, last handshake Unix seconds u64, rx u64, tx u64; as a block */
	const uint8_t *peers;
	size_t peers_size;
};

struct rn_local {
	enum rn_local_type type;
	uint64_t session; /* NET_*, WEB_*; KERN_HOME: a hub */
	uint32_t number;  /* id, tag, errno, flag: see the type */
	uint64_t version;
	uint8_t key[RN_KEY_SIZE];    /* KERN_HELLO: WireGuard public, key2: the mesh's; NET_HELLO: Noise public; NET_OPEN: peer's */
	uint8_t key2[RN_KEY_SIZE];   /* CA_TOKEN: token's public half */
	struct rn_endpoint endpoint; /* NET_CONNECT, NET_OPEN */
	uint8_t role;		     /* NET_OPEN: enum rn_kind of the peer's certificate, 0: none; CA_TOKEN: kind */
	uint64_t token, expires;     /* CA_TOKEN: id, Unix seconds; expires of NET_OPEN: the certificate's end */
	/* KERN_HELLO: the mesh's, 0: no hub; NET_CONNECT: WireGuard's there, which is tried first; 0: the endpoint's alone */
	uint16_t port;
	uint16_t code;		     /* CA_ANSWER: 0 or a positive errno; NET_CONNECT: keepalive in ms, 0: the usual */
	char text[256];		     /* NET_OPEN: certificate's name; KERN_REFUSED, CA_ANSWER: why */
	const uint8_t *block;	     /* RECORD, MESSAGE, EVENTS, FLOWS (struct rn_local_flow array), leaf ... */
	size_t block_size;
	struct rn_local_status status; /* KERN_STATUS only */
};

/* One flow of KERN_FLOWS, encoded back to back in this order. `more` in rn_local.role: 1, further pieces follow. */
struct rn_local_flow {
	struct rn_flow_key key;
	struct rn_flow flow; /* times are Unix nanoseconds */
	uint32_t source_number, destination_number, source_identity, destination_identity;
};

/*
 * Which fields a type carries is the table `types` in local.c; the others are zero after decoding.
 * Size or -EMSGSIZE, -EINVAL.
 */
int rn_local_encode(const struct rn_local *in, uint8_t *out, size_t out_size);
/* 0 or -EBADMSG; views point into data. */
int rn_local_decode(const uint8_t *data, size_t size, struct rn_local *ret);

#endif
