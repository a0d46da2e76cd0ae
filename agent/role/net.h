/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_ROLE_NET_H
#define RN_ROLE_NET_H

#include "base/log.h"
#include "proto/handoff.h"
#include "proto/local.h"
#include "proto/session.h"
#include "service/gatekeeper.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/udp.h"

/*
 * The inside of the net process: net.c opens and joins, net_peers.c keeps the sessions with other hosts, net_core.c the
 * connection to core, net_sender.c the way out by way of kern. Nothing is closed within a callback of the session
 * protocol: what must go is marked, and net_settle takes it away at the end of each turn of the loop.
 */
#define NET_STRANGERS_MAX 64
#define NET_STRANGER_MS 30000
#define NET_STRANGER_FAIR_MS 2000 /* one source, at its rate (wire.h), fills the table more slowly */
#define NET_STRANGER_MESSAGES 4
#define NET_PENDING_MAX (4u << 20)     /* bytes that core may give for a session whose queue is full */
#define NET_CORE_QUEUE_MAX (16u << 20) /* bytes that core has not read yet */
#define NET_CORE_RETRY_MS 200
#define NET_SENDER_WAIT_MS 5000 /* for kern, until the second port is used instead */
#define NET_SENDER_KEPT 16	/* datagrams that wait meanwhile */

struct net_parcel { /* a message that waits */
	struct net_parcel *next;
	struct rn_local local; /* towards core; its block is data */
	size_t size;
	uint8_t data[];
};
struct net_queue {
	struct net_parcel *first, *last;
	size_t bytes;
};

struct net_core {
	uid_t uid;    /* of rnaut-core */
	bool strange; /* another listened: said once */
	int fd;	      /* -1: away */
	bool lost;    /* to be hung up by net_settle */
	struct rn_watch *watch;
	struct rn_timer *retry;
	struct net_queue queue;
	uint8_t buffer[RN_LOCAL_SIZE_MAX];
};

struct net_kept { /* a datagram that waits for kern */
	struct rn_addr from;
	struct rn_endpoint to;
	size_t size;
	uint8_t data[RN_DATAGRAM_MAX];
};
struct net_sender {
	uid_t uid;     /* of rnaut-kern */
	bool strange;  /* another listened: said once */
	int fd;	       /* -1: away */
	bool lost;     /* to be hung up by net_settle */
	bool known;    /* kern has said what it offers: state */
	bool used_own; /* since then something left from our own port */
	struct rn_handoff_state state;
	int64_t away_ms; /* since when */
	struct rn_watch *watch;
	struct rn_timer *retry;
	unsigned kept_next; /* all that were kept; the last NET_SENDER_KEPT are there */
	struct net_kept kept[NET_SENDER_KEPT];
};

struct net_peer;
struct net_peers {
	void *tree; /* by session */
	struct net_peer *first;
	unsigned strangers;
	struct rn_timer *sweep;
	struct rn_log_limit refusals;
};

struct net {
	uint8_t secret[RN_KEY_SIZE], public[RN_KEY_SIZE];
	uint8_t box_public[RN_KEY_SIZE]; /* the anchor's: whom we seal requests to */
	char dir[RN_PATH_SIZE];		 /* STATE/state/net */
	char run_dir[RN_PATH_SIZE];
	struct rn_gatekeeper *gatekeeper;
	struct rn_loop *loop;
	struct rn_udp *udp;
	struct rn_watch *udp_watch;
	struct rn_sessions *sessions;
	struct rn_timer *tick;
	struct rn_timer *settle; /* once */
	struct net_core core;
	struct net_sender sender;
	struct rn_endpoint first, second; /* of whom we dialled last: WireGuard's port, and its own control port */
	struct net_peers peers;
};

/* net.c */
int64_t net_now(void); /* Unix seconds */
void net_settle(struct net *net);

/* net_peers.c */
bool net_peers_admit(void *context, const struct rn_session_event *ask, uint8_t *ret_hello, size_t *ret_size);
void net_peers_event(void *context, const struct rn_session_event *event);
void net_peers_connect(struct net *net, const struct rn_local *in); /* a NET_CONNECT */
void net_peers_send(struct net *net, rn_session_id id, const uint8_t *message, size_t size);
void net_peers_watch(struct net *net, rn_session_id id, uint32_t ms); /* 0: one ping */
void net_peers_close(struct net *net, rn_session_id id);
void net_peers_close_key(struct net *net, const uint8_t key[RN_KEY_SIZE]);
void net_peers_close_dialled(struct net *net); /* our own certificate changed */
void net_peers_close_all(struct net *net);     /* core is away, or we end */
void net_peers_reap(struct net *net);	       /* takes away what is marked */
void net_peers_sweep(void *context);

/* net_core.c */
int net_core_start(struct net *net, struct rn_err *err);
void net_core_stop(struct net *net);
bool net_core_there(const struct net *net);
void net_core_send(struct net *net, const struct rn_local *message);
bool net_core_slow(const struct net *net); /* it does not read: take nothing more from the network */
void net_core_reap(struct net *net);

/* net_sender.c */
int net_sender_start(struct net *net, struct rn_err *err);
void net_sender_stop(struct net *net);
void net_sender_send(struct net *net, const struct rn_endpoint *to, const uint8_t *data, size_t size);
void net_sender_reap(struct net *net);

/* Copies message; -ENOBUFS where the queue would hold more than max bytes. */
int net_queue_put(struct net_queue *queue, const struct rn_local *message, size_t max);
void net_queue_drop(struct net_queue *queue); /* the first */
void net_queue_clear(struct net_queue *queue);

#endif
