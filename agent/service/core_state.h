/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_STATE_H
#define RN_SERVICE_CORE_STATE_H

#include "base/log.h"
#include "base/numbers.h"
#include "domain/homing.h"
#include "domain/meaning.h"
#include "proto/message.h"
#include "proto/session.h"
#include "service/core_access.h"
#include "service/core_attempts.h"
#include "service/core_change.h"
#include "service/core_run.h"
#include "service/core_events.h"
#include "service/core_feed.h"
#include "service/core_policies.h"
#include "service/core_recorder.h"

/*
 * struct rn_core as its parts see it; nobody else includes this. Each part is a file that owns one member and says in
 * its section below what the others may call.
 */

/* core_kern.c: this host's kern. */
struct rn_core_kern {
	struct rn_feed feed;
	bool feeding;
	bool key_known;
	uint8_t wireguard_key[RN_KEY_SIZE], mesh_key[RN_KEY_SIZE];
	uint16_t mesh_port; /* 0: this host is no hub */
	struct rn_position applied;
	struct rn_local_status status;
	uint8_t *counters, *frames, *peers; /* what status points to */
	uint64_t lost;
	int64_t status_at;
	uint64_t policy_refused; /* version of the last policy that it did not take, 0: none; and why */
	char refused_text[256];
	uint64_t device_refused; /* version of a device's record that it did not take since it was given all; 0: none */
	char device_text[256];
	bool link_wanted;
	int64_t link_until; /* 0: nobody waits */
	rn_core_done *link_done;
	void *link_context;
};

/* core_upstream.c: the session to this host's hub, or of a hub to the gateway. */
enum rn_upstream_state { RN_UPSTREAM_IDLE, RN_UPSTREAM_CONNECTING, RN_UPSTREAM_OPEN };
struct rn_core_upstream {
	enum rn_upstream_state state;
	uint32_t tag, tags; /* of the CONNECT under way; the last that was given to any */
	uint64_t session;
	bool busy, presence_due; /* somebody's coming or going could not be said */
	bool seen_afresh;	 /* the gateway is to hear of all tunnels again */
	int64_t retry_at, backoff_ms, since;
	int64_t heard, heard_stored; /* of now(): the last sign of life, at least; 0: never; and as the store has it */
	struct rn_position synced, late; /* late: a SYNCED up to there was a lie, here and so of this host */
	struct rn_position stored;	 /* up to there all is on the disk */
	bool answered;			 /* a hub: the gateway has said from where it goes on */
	bool broken;			 /* what it was told contradicts itself: from nothing */
	bool afresh;	  /* ask for everything: SYNCED bears no signature, and an earlier net may have lied */
	int64_t flush_at; /* 0: nothing to store */
	uint8_t *record;  /* being put together */
	uint32_t record_total, record_at;
	uint8_t events[180 * sizeof(struct rn_event)]; /* waiting to go up, all of one reporter */
	uint32_t events_reporter;
	size_t events_size;
	int64_t events_at; /* 0: none wait */
	uint64_t events_lost;
};

/* core_home.c: a node's hubs. */
struct rn_warm {					 /* a session to a hub that is listed and not in use */
	uint32_t hub;					 /* 0: none at this place of the list */
	uint32_t tag;					 /* of the CONNECT, 0: none under way */
	uint64_t session;				 /* 0: not open */
	int64_t retry_at, backoff_ms, heard_ms, well_ms; /* the last two as in domain/homing.h */
};
struct rn_core_home {
	uint32_t hub;			/* in use; 0 on hubs */
	uint64_t moved;			/* the counter of the own move there; 0: it is where its record says */
	int64_t asked_ms;		/* the others were, whether they answer */
	uint64_t watched;		/* the session upstream that net pings */
	struct rn_device_record listed; /* the own record as it was last looked at */
	struct rn_homing rules;
	struct rn_warm warm[RN_HOMES_MAX];
};

/* core_downstream.c: a session that a peer opened. */
struct rn_downstream {
	struct rn_downstream *next;
	struct rn_core *core;
	uint64_t session;
	uint32_t device; /* 0: a stranger, who may only enrol */
	uint8_t key[RN_KEY_SIZE];
	bool busy, subscribed;
	bool hub;		    /* and it has subscribed to this gateway */
	int64_t events_ms;	    /* when its share of events is whole again */
	int64_t resolve_ms;	    /* and of questions */
	int64_t moves_ms;	    /* and of moves */
	int64_t subscribes_ms;	    /* and of subscriptions */
	unsigned held;		    /* of INTERESTS, looked at */
	struct rn_position applied; /* of a hub */
	struct rn_feed feed;
};

/* core_request.c: requests of this device to the gateway. */
struct rn_core_own_request {
	enum rn_request_type what;
	uint32_t id;
	int64_t until;			  /* 0: none under way */
	int64_t renew_at;		  /* not before, Unix seconds: stored */
	int64_t key_at, mesh_at, home_at, refused_at; /* not before, ms of BOOTTIME */
	uint64_t refused;			      /* the policy that the gateway is to hear of; 0: none */
	bool refused_due;			      /* it is to be said, or said again */
};

/* core_hubs.c */
struct rn_core_hubs {
	uint64_t looked; /* the newest record when it was looked for ends */
	int64_t look_at; /* of now(): the next end */
};

/* core_members.c */
/* Longer than patience with a hub: only a gateway that has just begun waits so long. */
#define RN_MEMBERS_WAIT_MS 10000

struct rn_core_members {
	struct rn_number_wait *waits;
	bool settling, again, ending;
	bool kern_due;	  /* this host's own kern has to come again */
	int64_t retry_ms; /* not before: the store failed */
};

/* core_resolve.c: the newest questions, so that one is not asked for each packet. */
#define RN_ASKED 64
struct rn_asked {
	struct rn_addr address;
	uint32_t device;
	int64_t at_ms;
};

struct rn_core {
	struct rn_core_params params;
	bool gateway, hub;
	struct rn_books books; /* policy_seed only on a gateway */
	bool connected[RN_CORE_PEERS];
	int64_t armed;
	struct rn_core_kern kern;
	bool kern_forgets; /* it is to, and has not said yet that it did */
	struct rn_core_upstream upstream;
	struct rn_core_home home;
	struct rn_downstream *sessions;
	unsigned session_count;
	struct rn_core_own_request own;
	struct rn_event_ring *events;
	void (*on_event)(void *context);
	void *on_event_context;
	struct rn_core_web web;
	struct rn_log_limit flow_lines; /* of rules that say "log" */
	struct rn_log_limit strange;	/* for what strangers can cause */
	struct rn_asked asked[RN_ASKED];
	unsigned asked_next;
	struct rn_numbers *questions; /* by device: when its share of them is whole again */
	/* gateway only */
	uint8_t box_secret[RN_KEY_SIZE];
	uint8_t issuer[RN_BLOCK_MAX];
	size_t issuer_size;
	struct rn_recorder *recorder;
	struct rn_err recorder_why;    /* why there is none; "": it is turned off */
	struct rn_replay *replay;      /* core_replay.c; NULL: none is under way */
	struct rn_observed *observed;  /* core_observed.c; NULL: none is under way */
	struct rn_prepared *preparing; /* core_prepare.c: large texts, the first is at it */
	struct rn_policy_held policy;
	struct rn_policy_setting *policy_waiting; /* core_policy.c: until devices are as fine as it needs; NULL: none */
	struct rn_core_members members;
	struct rn_ca_ask *asks;
	struct rn_admission *admissions;
	struct rn_enforcement *enforcements;
	uint32_t next_id;
	int64_t lease_at;	     /* of now() */
	int64_t policy_at;	     /* of now(): its windows are not looked at before */
	struct rn_zone_cache *zones; /* of a gateway */
	struct rn_core_hubs hubs;
	char actor[RN_NAME_MAX + 8]; /* "": root */
	struct rn_attempts *attempts;
	struct rn_password_change *passwords; /* half done */
	struct rn_log_limit refusals;	      /* of the audit: strangers cause them */
	struct rn_core_access_counts access;
	char nobodys_password[RN_PASSWORD_TEXT];
	struct rn_numbers *requests; /* by device: when its share of requests is whole again, Unix seconds */
	struct rn_numbers *refused, *refused_at; /* by device: core_refusals.c */
};

/* core.c */
int64_t rn_core_now_ms(struct rn_core *core);
int64_t rn_core_now(struct rn_core *core);
void rn_core_arm(struct rn_core *core, int64_t at_ms);
int rn_core_send(struct rn_core *core, enum rn_core_peer peer, const struct rn_local *message);
/* Encodes and sends a control message on a session. */
int rn_core_say(struct rn_core *core, uint64_t session, const struct rn_message *message);
const struct rn_device_record *rn_core_self(struct rn_core *core); /* NULL: not known yet */
/* Of a hub: the port where control may be met together with WireGuard; 0: they are not at one address. */
uint16_t rn_core_shared_port(const struct rn_device_record *hub);
/* Up to where this host has all records that it is to have: of a gateway the end, else what its upstream said last. */
struct rn_position rn_core_whole(const struct rn_core *core);
/* The ledger has something new: kern, sessions. */
void rn_core_publish(struct rn_core *core);
/* -ENOTSUP with a sentence where this host is not the gateway. */
int rn_core_need_gateway(struct rn_core *core, struct rn_err *err);
/* core_flow_log.c: struct rn_event back to back, of this host's own kern. */
void rn_flow_log(struct rn_core *core, const uint8_t *events, size_t size);
/* Flow events of a device: into the ring, and up. */
void rn_core_take_events(struct rn_core *core, uint32_t reporter, const uint8_t *events, size_t size, uint64_t lost);

/* core_passwords.c: finishes one change of password; last: answers one that cannot be */
void rn_passwords_tick(struct rn_core *core, bool last);

/* core_audit.c: who the audit names now */
const char *rn_core_actor(struct rn_core *core);

/* core_kern.c */
bool rn_core_kern_receive(struct rn_core *core, const struct rn_local *message);
/* Why kern did not take a device, of its newest record; NULL: it took all. */
const char *rn_core_kern_stranger(const struct rn_core *core);
/* The version of the policy in force where kern refused it and has another; 0: it did not. */
uint64_t rn_core_kern_refuses(const struct rn_core *core);
void rn_core_kern_gone(struct rn_core *core);
void rn_core_kern_pump(struct rn_core *core);
void rn_core_kern_tick(struct rn_core *core);
void rn_core_kern_remove(struct rn_core *core, uint32_t device);
void rn_core_kern_forget(struct rn_core *core); /* what identities mean, and other hubs; then it is told everything */
void rn_core_kern_subscribe(struct rn_core *core); /* gateway: its own kern is a hub like others */

/* core_upstream.c */
void rn_upstream_start(struct rn_core *core);
void rn_upstream_tick(struct rn_core *core);
void rn_upstream_open(struct rn_core *core, const struct rn_local *message);
void rn_upstream_closed(struct rn_core *core, int reason);
/* False: nonsense. */
bool rn_upstream_message(struct rn_core *core, const struct rn_message *message);
bool rn_upstream_take(struct rn_core *core, const uint8_t *blob, size_t size); /* a record; false: not the gateway's */
int rn_upstream_say(struct rn_core *core, const struct rn_message *message);   /* -EAGAIN where it is not there */
void rn_upstream_applied(struct rn_core *core);
void rn_upstream_events(struct rn_core *core, uint32_t reporter, const uint8_t *events, size_t size, uint64_t lost);
void rn_upstream_flush(struct rn_core *core); /* stores what has come */
void rn_upstream_presence(struct rn_core *core, uint32_t device, bool connected);
void rn_upstream_busy(struct rn_core *core, bool busy);

uint32_t rn_upstream_tag(struct rn_core *core); /* of the next CONNECT */
/* Another upstream from now on, to which there is this session (0: not yet). */
void rn_upstream_change(struct rn_core *core, uint64_t session);

/* core_home.c: where this node is, of the hubs that it lists. On a hub all do nothing. */
void rn_home_start(struct rn_core *core);
void rn_home_end(struct rn_core *core); /* net has gone, and all sessions with it */
void rn_home_tick(struct rn_core *core);
uint32_t rn_home_hub(struct rn_core *core);		/* the hub in use; of a hub itself */
bool rn_home_lists(struct rn_core *core, uint32_t hub); /* this node does */
int rn_home_dial(struct rn_core *core, uint32_t hub,
		 uint32_t tag); /* -ENOENT: its record has not come, or it is gone */
bool rn_home_open(struct rn_core *core, const struct rn_local *message); /* false: not one of its sessions */
bool rn_home_closed(struct rn_core *core, const struct rn_local *message);
void rn_home_message(struct rn_core *core, uint64_t session, const struct rn_message *message);
void rn_home_silence(struct rn_core *core, const struct rn_local *message);
void rn_home_lost(struct rn_core *core);     /* the session upstream has ended */
void rn_home_opened(struct rn_core *core);   /* one is open: says HOME, where its record does not say it */
bool rn_home_unsigned(struct rn_core *core); /* the gateway has not signed where it is */
void rn_home_remind(struct rn_core *core, const struct rn_ledger_entry *entry); /* kern got this record */

/* core_rehome.c: devices with several hubs, on hubs and on the gateway. */
void rn_rehome_said(struct rn_downstream *from, const struct rn_message_home *message);
void rn_rehome_remind(struct rn_core *core, const struct rn_ledger_entry *entry); /* kern got this record */
void rn_rehome_signed(struct rn_core *core, const struct rn_ledger_entry *entry); /* its record has come */
int rn_rehome_request(struct rn_core *core, const struct rn_device_record *device, uint32_t hub, uint64_t moved,
		      struct rn_err *err);
/* Names to numbers: each a hub that is there, each once, at most RN_HOMES_MAX; target "": the gateway's own. */
int rn_rehome_hubs(struct rn_core *core, const char *target, const char *const *fallbacks, unsigned count,
		   uint32_t ret[RN_HOMES_MAX], struct rn_err *err);

/* core_downstream.c */
void rn_downstream_open(struct rn_core *core, const struct rn_local *message);
void rn_downstream_closed(struct rn_core *core, uint64_t session);
void rn_downstream_hang_up(struct rn_core *core, uint64_t session);
void rn_downstream_message(struct rn_core *core, struct rn_downstream *session, const struct rn_local *local,
			   const struct rn_message *message);
void rn_downstream_pump(struct rn_core *core);
void rn_downstream_pump_one(struct rn_downstream *session);
/* A part of a share of this session's that is whole again at *whole_ms: false where at_once_ms of it are used already.
 */
bool rn_downstream_share(const struct rn_downstream *session, int64_t *whole_ms, int64_t costs_ms, int64_t at_once_ms);
/* A hub speaks for itself and for the devices that are attached to it, a device for itself. */
bool rn_downstream_speaks_for(struct rn_downstream *session, uint32_t device);
struct rn_downstream *rn_downstream_find(struct rn_core *core, uint64_t session);
struct rn_downstream *rn_downstream_of(struct rn_core *core, uint32_t device); /* NULL: not connected here */
/* Ends what devices that are revoked now have open here, and has net refuse them. */
void rn_downstream_deny(struct rn_core *core, const struct rn_device_record *device);
void rn_downstream_deny_all(struct rn_core *core);

/* core_resolve.c: who has to do with devices of other hubs */
void rn_resolve_hold(struct rn_downstream *s, uint32_t device); /* its receiver goes on hearing of the device */
void rn_resolve_events(struct rn_core *core, const uint8_t *events, size_t size); /* of this host's kern */
void rn_resolve_ask(struct rn_downstream *from, const struct rn_message_resolve *message);
void rn_resolve_held(struct rn_downstream *from, const struct rn_message_interests *message);
void rn_resolve_given(struct rn_core *core, const struct rn_message_interest *message);
void rn_resolve_opened(struct rn_core *core); /* the session upstream */

/* core_seen.c */
void rn_seen_here(struct rn_core *core); /* kern has said what it knows of its peers */
void rn_seen_there(struct rn_core *core, uint32_t hub, const struct rn_message_seen *message);

/* core_request.c */
void rn_request_handle(struct rn_core *core, struct rn_downstream *from, const struct rn_message *message);
bool rn_request_answered(struct rn_core *core, const struct rn_message_answer *answer);
void rn_request_sealed(struct rn_core *core, const struct rn_local *message);
void rn_request_tick(struct rn_core *core);
void rn_request_lost(struct rn_core *core); /* its session has ended: what was not answered is asked in the next */
uint64_t rn_request_sequence(struct rn_core *core); /* the next; rises over restarts */
void rn_request_plan(struct rn_core *core);	    /* own.renew_at, as it was stored or from now on */

/* core_ask_ca.c: leaf is NULL where none was asked for or code is not 0. */
typedef void rn_ca_answered(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf,
			    size_t leaf_size);
/* Fills number; 0, or -EAGAIN with a sentence where ca is not there. The answer comes later, exactly once. */
int rn_ask_ca(struct rn_core *core, struct rn_local *message, rn_ca_answered *answered, void *context,
	      struct rn_err *err);
void rn_ask_ca_receive(struct rn_core *core, const struct rn_local *message);
void rn_ask_ca_tick(struct rn_core *core, bool gone);

/* core_tokens.c: the number of the hub of this name, "": the gateway's own. */
int rn_tokens_hub(struct rn_core *core, const char *name, uint32_t *ret, struct rn_err *err);
int rn_tokens_parent(struct rn_core *core, const char *name, uint32_t *ret, struct rn_err *err); /* no project's */

/* core_admission.c */
void rn_admission_enroll(struct rn_core *core, struct rn_downstream *session, const struct rn_message_enroll *enroll,
			 const uint8_t *raw, size_t raw_size);

/* core_enforcement.c: hub 0 means all hubs. done is always called, now or later. */
void rn_enforcement_wait(struct rn_core *core, uint64_t version, uint32_t hub, rn_core_done *done, void *context);
void rn_enforcement_applied(struct rn_core *core, uint32_t hub, const struct rn_position *at);
void rn_enforcement_tick(struct rn_core *core, bool last);

/* core_gateway.c: keys, certificate and lease of the network, on a gateway only. */
int rn_gateway_load(struct rn_core *core, struct rn_err *err);
void rn_gateway_unload(struct rn_core *core);
void rn_gateway_tick(struct rn_core *core);

/*
 * core_members.c: on a gateway. A hub has come (-ESTALE: it has seen what was never signed here; else -errno), has
 * applied all up to there, has gone, is revoked.
 */
int rn_members_subscribe(struct rn_core *core, uint32_t hub, const struct rn_meaning_position *claim,
			 const struct rn_meaning_position *seen, struct rn_meaning_position *ret_from);
void rn_members_applied(struct rn_core *core, uint32_t hub, const struct rn_position *at);
void rn_members_closed(struct rn_core *core, uint32_t hub);
void rn_members_remove(struct rn_core *core, uint32_t hub);
/*
 * Takes the hold of the number, and calls again, once: when it is usable, perhaps now, or late, after
 * RN_MEMBERS_WAIT_MS, where it is not. -ENOMEM, -ECANCELED (core ends): the hold is still the caller's.
 */
int rn_members_wait(struct rn_core *core, uint32_t number,
		    void (*again)(struct rn_core *core, void *context, bool late), void *context);
int rn_members_late(struct rn_err *err);     /* -EAGAIN, and what to do where a number does not become usable */
int rn_members_settle(struct rn_core *core); /* does what follows from what has happened; 0 or -errno, logged */
int rn_members_load(struct rn_core *core, struct rn_err *err);
void rn_members_end(struct rn_core *core); /* who waits is told */
void rn_members_tick(struct rn_core *core);

/* core_policy.c: true where a policy that waited is done with. last: it is answered whatever there is. */
bool rn_policy_retry(struct rn_core *core);
void rn_policy_tick(struct rn_core *core, bool last);

/* core_replay.c: the next slice of one that is under way. last: it is answered whatever there is. */
void rn_replay_tick(struct rn_core *core, bool last);
void rn_replay_cancel(struct rn_core *core, const void *whose); /* of the one with this context */

/* core_observed.c: likewise. */
void rn_observed_tick(struct rn_core *core, bool last);
void rn_observed_cancel(struct rn_core *core, const void *whose);

/* core_hubs.c */
void rn_hubs_tick(struct rn_core *core);
/* -EINVAL: no hub, no port; -EEXIST: another device has the key. 0 also where nothing changes. */
int rn_hubs_set_mesh(struct rn_core *core, const struct rn_device_record *hub, const uint8_t key[RN_KEY_SIZE],
		     uint16_t port, struct rn_err *err);
/* Whether kern's mesh key or port is not what this host's record says. */
bool rn_hubs_mesh_differs(struct rn_core *core);

/* core_devices.c */
bool rn_devices_connected(struct rn_core *core, const struct rn_ledger_entry *entry);
int rn_devices_end_hub(struct rn_core *core, const struct rn_device_record *hub, struct rn_err *err);
void rn_devices_own_key(struct rn_core *core); /* gateway: kern's keys into the own record */
int rn_devices_set_key(struct rn_core *core, const struct rn_device_record *device, const uint8_t key[RN_KEY_SIZE],
		       struct rn_err *err);

#endif
