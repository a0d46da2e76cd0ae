/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_H
#define RN_SERVICE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/events.h"
#include "base/err.h"
#include "domain/policy.h"
#include "domain/record.h"
#include "proto/local.h"
#include "sys/flow_store.h"

/*
 * What core does, as the API calls it. Functions of the gateway return -ENOTSUP with a sentence on other hosts.
 * Errors: -ENOENT no such object, -EEXIST, -EINVAL, -EAGAIN a process or hub is not there now, -ENOSPC, -EIO.
 * Everything returned by pointer belongs to core and is valid until the next call.
 */
struct rn_core;

/*
 * A change was signed and stored; then, within 3 s, who enforces it and who has not said so yet. Called exactly once,
 * before the function returns (an error, or nobody to wait for) or later.
 */
struct rn_enforced {
	char hub[RN_NAME_MAX + 1];
	bool applied;
	double after_ms;
};
typedef void rn_core_done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs,
			  unsigned hub_count);

/* A hub may be gone for good: its devices are without one. */
enum rn_hub_gone { RN_HUB_THERE, RN_HUB_REVOKED, RN_HUB_ENDED };
enum rn_hub_gone rn_hub_gone(const struct rn_device_record *hub, int64_t now);

struct rn_core_status {
	struct rn_device_record self;
	bool gateway, known;	 /* known: the self record has arrived */
	bool upstream_connected; /* to the hub, or a hub's gateway; true on the gateway */
	int64_t upstream_since;	 /* Unix seconds */
	int64_t upstream_heard;	 /* Unix seconds: its last sign of life; 0: never, or after a clock that was ahead */
	int64_t upstream_age;	 /* seconds since then: how old what this host enforces may be */
	uint32_t epoch;
	uint64_t version; /* newest record */
	uint64_t policy_version;
	bool kern_connected, net_connected, ca_connected, web_connected;
	struct rn_local_status kern; /* as of at most a second ago */
	const char *policy_refused; /* why kern did not take the policy in force and keeps an older one; NULL: it did */
	const char
	    *device_refused; /* why kern did not take a device's newest record, the last such; NULL: it took all */
	struct rn_network network;	/* zero until its record has arrived */
	char hub_name[RN_NAME_MAX + 1]; /* of the hub that it is attached to, "" not known; its own where it is one */
	enum rn_hub_gone hub_gone;
	int64_t hub_ends; /* Unix seconds, 0: no project's */
	unsigned devices;
};
void rn_core_status(struct rn_core *core, struct rn_core_status *ret);

/* What the gateway records of flows (docs/flows.md). */
struct rn_core_recording {
	bool on, off;		       /* off: turned off; neither: the file cannot be used */
	const char *problem;	       /* a sentence; NULL: rows are written */
	uint64_t rows, rows_max, lost; /* lost: events since core started that are in no row */
	int64_t oldest;		       /* Unix seconds, 0: there is no row */
	bool aside;		       /* the file was damaged when core started, and is set aside */
};
void rn_core_recording(struct rn_core *core, struct rn_core_recording *ret); /* the gateway only */

struct rn_core_token {
	char token[512]; /* "rnt1." and base64url; shown once */
	uint64_t id;
	int64_t expires;
};
struct rn_core_token_request {
	enum rn_kind kind;
	char name[RN_NAME_MAX + 1];			   /* "": the device chooses */
	char owner[RN_NAME_MAX + 1], hub[RN_NAME_MAX + 1]; /* "": nobody; "": the gateway; of a hub its parent */
	const char *fallbacks[RN_HOMES_MAX]; /* of a device: hubs that it goes to when its own does not answer */
	unsigned fallback_count;	     /* at most RN_HOMES_MAX */
	int64_t ends;			     /* of a project hub: Unix seconds; else 0 */
	const char *tags[RN_SELECTORS_MAX];
	unsigned tag_count;
	int64_t lifetime_s; /* 60 .. 30 days */
};
void rn_core_token_create(struct rn_core *core, const struct rn_core_token_request *request,
			  void (*done)(void *context, int code, const struct rn_err *err, const struct rn_core_token *),
			  void *context);

struct rn_core_token_info {
	uint64_t id;
	enum rn_kind kind;
	const char *name, *owner, *hub, *device; /* "" none, or unknown by now; hub: of a hub its parent */
	const char *tags;			 /* each ended with '\n' */
	int64_t expires, used;			 /* used 0: not yet */
	int64_t ends;				 /* of a project hub; else 0 */
	const char *fallbacks[RN_HOMES_MAX];	 /* "" unknown by now */
	unsigned fallback_count;
};
/* The one that ends last first. */
int rn_core_tokens(struct rn_core *core, void (*each)(void *context, const struct rn_core_token_info *), void *context,
		   struct rn_err *err);
int rn_core_token_delete(struct rn_core *core, uint64_t id, struct rn_err *err);

struct rn_core_device {
	struct rn_device_record record;
	char hub_name[RN_NAME_MAX + 1];	 /* where it is now */
	const char *homes[RN_HOMES_MAX]; /* the hubs that it lists, in order; of a hub none */
	unsigned home_count;
	enum rn_hub_gone hub_gone;
	char tags[RN_SELECTORS_MAX][RN_NAME_MAX + 1];
	unsigned tag_count;
	int64_t created, last_handshake; /* Unix seconds, 0: never (or its hub has not said) */
	uint64_t received, sent;	 /* bytes through WireGuard at its hub; of another hub as of that handshake */
	bool control_connected;
	bool policy_refused; /* it has said that its kernel does not take the policy in force */
};
/* Calls each for the devices with a greater number than after, at most max of them, in order of number. */
int rn_core_devices(struct rn_core *core, uint32_t after, unsigned max,
		    void (*each)(void *context, const struct rn_core_device *), void *context, struct rn_err *err);
int rn_core_device(struct rn_core *core, const char *name, struct rn_core_device *ret, struct rn_err *err);
/* A stock client: its key pair was made elsewhere. ret gets its record; *ret_hub its hub's. */
void rn_core_device_add(struct rn_core *core, const struct rn_core_token_request *request,
			const uint8_t wireguard_key[RN_KEY_SIZE], rn_core_done *done, void *context);
/* The hubs of a device, in order. A new target is where it goes now; it keeps its addresses. */
struct rn_core_homes {
	const char *target; /* NULL: stays */
	bool fallbacks_given;
	const char *fallbacks[RN_HOMES_MAX];
	unsigned fallback_count; /* at most RN_HOMES_MAX */
};
void rn_core_device_homes(struct rn_core *core, const char *name, const struct rn_core_homes *change,
			  rn_core_done *done, void *context);
void rn_core_quarantine(struct rn_core *core, const char *name, bool on, rn_core_done *done, void *context);
void rn_core_trust(struct rn_core *core, const char *name, uint8_t trust, rn_core_done *done, void *context);
void rn_core_revoke(struct rn_core *core, const char *name, rn_core_done *done, void *context);

struct rn_core_hub {
	struct rn_device_record record;
	char parent_name[RN_NAME_MAX + 1]; /* "": none */
	bool connected;
	unsigned devices, devices_connected; /* whose tunnel ends there, itself included, without the revoked */
	bool applied_known;
	uint64_t applied;   /* version: everything signed up to it is in its kernel */
	bool policy_behind; /* it is connected, and the policy in force is not in its kernel (yet) */
};
/* The gateway and all hubs that are not revoked, in order of number. */
int rn_core_hubs(struct rn_core *core, void (*each)(void *context, const struct rn_core_hub *), void *context,
		 struct rn_err *err);

int rn_core_hub(struct rn_core *core, const char *name, struct rn_core_hub *ret, struct rn_err *err);
struct rn_core_hub_change {
	const char *parent; /* NULL: stays */
	int64_t ends;	    /* of a project's; 0: stays */
};
void rn_core_hub_configure(struct rn_core *core, const char *name, const struct rn_core_hub_change *change,
			   rn_core_done *done, void *context);

struct rn_core_identity {
	uint32_t identity;
	const char *state; /* "usable": devices have it; else on its way to that, or to nothing (docs/mesh.md) */
	const char *selectors[RN_SELECTORS_MAX];
	unsigned selector_count, devices; /* devices: without the revoked */
};
/* The numbers that mean something to somebody, in order. */
int rn_core_identities(struct rn_core *core, void (*each)(void *context, const struct rn_core_identity *),
		       void *context, struct rn_err *err);

struct rn_core_policy {
	const char *text; /* NULL in lists */
	size_t size;
	uint64_t version;
	uint64_t origin; /* the version that it went back to; 0: none */
	int64_t stored;
	const char *author, *comment; /* author "": not known any more */
};
/* The one in force. Those before it, and drafts, are core_history.h's. */
int rn_core_policy_get(struct rn_core *core, struct rn_core_policy *ret, struct rn_err *err);
struct rn_core_policy_new {
	const char *text;
	size_t size;
	const char *comment;   /* NULL: none; at most RN_CORE_COMMENT_MAX bytes, no control characters */
	uint64_t based_on;     /* the version that it was made from; 0: it goes over whatever there is */
	uint64_t origin;       /* as above */
	const char *draft;     /* the draft that it was, which goes with it; NULL: none */
	uint64_t *ret_version; /* written before done is called, where it is in force; NULL is legal */
};
#define RN_CORE_COMMENT_MAX 1000
/*
 * -ESTALE: another came after based_on, and the sentence says whose. *new may go when this returns. A large text is
 * looked at beside everything else; done is called exactly once, now or later.
 */
void rn_core_policy_set(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done, void *context);
/*
 * Whoever gave this context to rn_core_policy_set, _review (core_review.h), rn_core_replay or rn_core_observed has
 * gone: what has not been done is not done any more, and its done is called with -ECANCELED, now or soon. What is in
 * force stays so.
 */
void rn_core_policy_cancel(struct rn_core *core, const void *context);

struct rn_core_explanation {
	struct rn_answer policy; /* of the reference evaluator, or its reason overridden by quarantine and so on */
	struct rn_rule_state deciding, near;		      /* how `rule` and `nearest` stand to it */
	char rule[RN_NAME_MAX + 1], nearest[RN_NAME_MAX + 1]; /* ids, "" none */
	char observed[RN_NAME_MAX + 1];			      /* the id of policy.observed */
	uint64_t policy_version;
	/* Where it is decided: the source's hub, and after it the destination's, "" where that is the same or nobody's.
	 */
	char hub[RN_NAME_MAX + 1], destination_hub[RN_NAME_MAX + 1];
	struct rn_core_device source, destination;
};
int64_t rn_core_time(struct rn_core *core); /* Unix seconds, by its clock */
/* source and destination: a device's name or one of its addresses. */
int rn_core_explain(struct rn_core *core, const char *source, const char *destination, uint8_t protocol, uint16_t port,
		    struct rn_core_explanation *ret, struct rn_err *err);
/* The same at a moment (Unix seconds): of the policy and the devices as they are now. */
int rn_core_explain_at(struct rn_core *core, const char *source, const char *destination, uint8_t protocol,
		       uint16_t port, int64_t at, struct rn_core_explanation *ret, struct rn_err *err);

/*
 * Flow events, newest last: a ring of RN_CORE_EVENTS_MAX, on a node of RN_CORE_EVENTS_NODE, with rising serials. On the
 * gateway from all hubs.
 */
#define RN_CORE_EVENTS_MAX 8192u
#define RN_CORE_EVENTS_NODE 512u /* of its own alone: a full ring of the other kind is 3 MiB */
struct rn_core_event {
	uint64_t serial;
	struct rn_event event; /* time_ns is Unix time */
	char reporter[RN_NAME_MAX + 1], source[RN_NAME_MAX + 1], destination[RN_NAME_MAX + 1]; /* "" unknown */
	char rule[RN_NAME_MAX + 1],
	    observed[RN_NAME_MAX + 1];	      /* that decided; the observed one that would have; "" none */
	uint32_t source_hub, destination_hub; /* numbers of the hubs that the ends are behind, 0 unknown */
};
/* A device's name; "": this host does not know it. Good until its record changes. */
const char *rn_core_name(struct rn_core *core, uint32_t device);
/* Calls each for the events with serial > after, at most max; returns the last serial given (after, if none). */
uint64_t rn_core_events(struct rn_core *core, uint64_t after, unsigned max,
			void (*each)(void *context, const struct rn_core_event *), void *context, uint64_t *ret_lost);
/* Called whenever an event is appended; NULL: nobody. For the stream. */
void rn_core_on_event(struct rn_core *core, void (*wake)(void *context), void *context);

/*
 * Flows that the gateway recorded (docs/flows.md), newest first. -ENOTSUP also where nothing is recorded. A call looks
 * at so many rows at most, so `next` may come without a row.
 */
struct rn_core_recorded_query {
	uint64_t before; /* serials below it; 0: from the newest */
	int64_t since;	 /* Unix seconds, 0: from the oldest */
	unsigned limit;
	const char *source, *destination, *hub, *owner, *rule; /* names; owner: of the source. NULL: any */
	const char *observed;	    /* id of an observed rule: what it would have decided, instead; NULL: the flows */
	int denied, protocol, port; /* -1: any; ICMP is of either family */
};
struct rn_core_recorded {
	uint64_t serial;
	const struct rn_flow_row *row;			/* BEGAN, or OBSERVED where those were asked for */
	const char *source, *owner, *destination, *hub; /* "": not known any more, or nobody's */
};
struct rn_core_recorded_end {
	uint64_t next;	/* go on before this one; 0: that was all */
	int64_t oldest; /* Unix seconds: since when there are rows */
	/* Of the rows looked at: events that were not recorded, rows that cannot be read, times in which core did not
	 * run. */
	uint64_t lost, damaged, silences;
};
int rn_core_recorded(struct rn_core *core, const struct rn_core_recorded_query *query,
		     void (*each)(void *context, const struct rn_core_recorded *), void *context,
		     struct rn_core_recorded_end *ret, struct rn_err *err);

/* Recorded flows of a stretch of time, and what is not among them. */
struct rn_core_span {
	int64_t since, until;	/* Unix seconds: what was asked for */
	int64_t recorded_since; /* and from when there are rows; 0: there is none */
	uint64_t unknown;	/* flows of devices that are unknown now */
	uint64_t stopped;	/* flows that no policy lets through: an end is revoked or quarantined now */
	uint64_t lost;		/* events that were not recorded */
	uint64_t damaged;	/* rows that cannot be read */
	unsigned silences;	/* times in which the gateway did not run */
	int64_t silent_s;	/* and how long that was, at most */
};

/*
 * What the observed rules of the policy in force would have done to the flows that were recorded in the last so many
 * hours. It goes on beside everything else; done is called exactly once, now or later. -EBUSY: another one is at it.
 */
#define RN_CORE_OBSERVED_RULES 1000
struct rn_core_observed_rule {
	const char *id;
	bool deny;
	uint64_t flows;		 /* it would have denied of what was allowed, or allowed of what was denied */
	uint64_t unchanged;	 /* it would have decided, and they were denied or allowed anyway */
	unsigned users, unowned; /* sources of `flows`: owners, and devices that are nobody's */
	int64_t last;		 /* Unix seconds, of `flows`; 0: there was none */
};
struct rn_core_observed {
	struct rn_core_span span;
	uint64_t policy_version;
	int64_t policy_since; /* Unix seconds: what was observed before was observed by another version */
	uint64_t others;      /* flows that were observed by rules which this policy does not observe */
	const struct rn_core_observed_rule *rules; /* those with the most flows first, then as in the text */
	unsigned rule_count, more_rules;	   /* more: are not among them */
};
typedef void rn_core_observed_done(void *context, int code, const struct rn_err *err,
				   const struct rn_core_observed *ret);
void rn_core_observed(struct rn_core *core, unsigned hours, rn_core_observed_done *done, void *context);

/*
 * What a draft of the policy would do to the flows that were recorded in the last so many hours, on the devices as they
 * are now. It goes on beside everything else; done is called exactly once, now or later. -EBUSY: another one is at it.
 */
struct rn_core_replay_change {
	bool denied; /* by the draft, of what the policy in force allows; else the other way round */
	const char *source, *owner, *destination; /* owner "": nobody's; source is the device, of several devices of
						     one owner "" */
	uint8_t protocol;			  /* IPPROTO_ICMP: of either family */
	uint16_t port;
	uint8_t now_reason, draft_reason;
	const char *now_rule, *draft_rule; /* ids, "": none */
	uint64_t flows;
	unsigned devices; /* sources; at RN_CORE_REPLAY_DEVICES it stops counting */
	int64_t last;	  /* Unix seconds */
};
struct rn_core_replay_rule { /* all that one rule of the draft decides, and one did until now; "": by none */
	bool denied;
	uint8_t now_reason, draft_reason;
	const char *now_rule, *draft_rule;
	uint64_t flows;
};
#define RN_CORE_REPLAY_CHANGES 100 /* and as many rules */
#define RN_CORE_REPLAY_DEVICES 8
struct rn_core_replayed {
	struct rn_core_span span;
	uint64_t policy_version;
	uint64_t flows, rows;			/* judged */
	uint64_t allowed_now, allowed_by_draft; /* of flows */
	uint64_t would_deny, would_allow;
	unsigned deny_users, deny_unowned, allow_users, allow_unowned; /* unowned: devices that are nobody's */
	const struct rn_core_replay_change *changes;		       /* the largest first */
	unsigned change_count;
	uint64_t more_changes; /* at least so many are not among them */
	const struct rn_core_replay_rule *rules;
	unsigned rule_count;
	int64_t took_ms;
};
typedef void rn_core_replay_done(void *context, int code, const struct rn_err *err, const struct rn_core_replayed *ret);
void rn_core_replay(struct rn_core *core, const char *text, size_t size, unsigned hours, rn_core_replay_done *done,
		    void *context);

/* The web process, for the API: what it says, that it has gone, and that its queue has room again. */
struct rn_core_web {
	void *context;
	bool (*receive)(void *context, const struct rn_local *message); /* false: nonsense; it is hung up */
	void (*gone)(void *context);
	void (*ready)(void *context);
};
void rn_core_on_web(struct rn_core *core, const struct rn_core_web *web);   /* copied; NULL: nobody */
bool rn_core_web_ready(struct rn_core *core);				    /* it is there and its queue has room */
int rn_core_web_send(struct rn_core *core, const struct rn_local *message); /* as rn_core_io.send */

/* This host's own link: down is a local decision, and up only takes it back. */
void rn_core_link(struct rn_core *core, bool up, rn_core_done *done, void *context);

#endif
