/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_API_RESOURCES_H
#define RN_API_RESOURCES_H

#include "api/router.h"
#include "sys/loop.h"

/* One resource a file; the paths are in router.c's table. */
void rn_api_health(struct rn_api_call *call);	      /* api_health.c */
void rn_api_session_create(struct rn_api_call *call); /* api_session.c */
void rn_api_session_get(struct rn_api_call *call);
void rn_api_session_delete(struct rn_api_call *call);
void rn_api_session_password(struct rn_api_call *call);
void rn_api_accounts_list(struct rn_api_call *call); /* api_accounts.c */
void rn_api_accounts_create(struct rn_api_call *call);
void rn_api_account_delete(struct rn_api_call *call);
void rn_api_account_role(struct rn_api_call *call);
void rn_api_account_link(struct rn_api_call *call);
void rn_api_api_tokens_list(struct rn_api_call *call); /* api_api_tokens.c */
void rn_api_api_tokens_create(struct rn_api_call *call);
void rn_api_api_token_delete(struct rn_api_call *call);
void rn_api_hubs(struct rn_api_call *call);    /* api_hubs.c */
void rn_api_hub_get(struct rn_api_call *call); /* api_hub.c */
void rn_api_hub_configure(struct rn_api_call *call);
void rn_api_adapter_get(struct rn_api_call *call); /* api_adapters.c */
void rn_api_adapter_configure(struct rn_api_call *call);
void rn_api_identities(struct rn_api_call *call);    /* api_identities.c */
void rn_api_events(struct rn_api_call *call);	     /* api_events.c */
void rn_api_metrics(struct rn_api_call *call);	     /* api_metrics.c */
void rn_api_status(struct rn_api_call *call);	     /* api_status.c */
void rn_api_link(struct rn_api_call *call);	     /* api_link.c */
void rn_api_tokens_create(struct rn_api_call *call); /* api_tokens.c */
void rn_api_tokens_list(struct rn_api_call *call);
void rn_api_token_delete(struct rn_api_call *call);
void rn_api_devices_list(struct rn_api_call *call); /* api_devices.c */
void rn_api_device_get(struct rn_api_call *call);
void rn_api_device_quarantine(struct rn_api_call *call);
void rn_api_device_trust(struct rn_api_call *call);
void rn_api_device_revoke(struct rn_api_call *call);
void rn_api_devices_add(struct rn_api_call *call); /* api_clients.c */
void rn_api_policy_get(struct rn_api_call *call);  /* api_policy.c */
void rn_api_policy_set(struct rn_api_call *call);
void rn_api_policy_check(struct rn_api_call *call);
void rn_api_policy_rollback(struct rn_api_call *call);
void rn_api_policy_history(struct rn_api_call *call); /* api_policy_history.c */
void rn_api_policy_version(struct rn_api_call *call);
void rn_api_drafts_list(struct rn_api_call *call); /* api_drafts.c */
void rn_api_draft_get(struct rn_api_call *call);
void rn_api_draft_put(struct rn_api_call *call);
void rn_api_draft_delete(struct rn_api_call *call);
void rn_api_draft_publish(struct rn_api_call *call);
void rn_api_explain(struct rn_api_call *call);	       /* api_explain.c */
void rn_api_flows_list(struct rn_api_call *call);      /* api_flows.c */
void rn_api_flows_stream(struct rn_api_call *call);    /* api_stream.c */
void rn_api_recorded(struct rn_api_call *call);	       /* api_recorded.c */
void rn_api_policy_replay(struct rn_api_call *call);   /* api_replay.c */
void rn_api_policy_observed(struct rn_api_call *call); /* api_observed.c */
void rn_api_drops(struct rn_api_call *call);	       /* api_drops.c */

/* Does this host enforce what it should? api_status.c */
bool rn_api_enforcing(const struct rn_core_status *status);
/* Shapes that more than one resource shows. */
struct rn_json *rn_api_device_json(const struct rn_core_device *device); /* api_devices.c */
void rn_api_add_kind(struct rn_json *object, enum rn_kind kind); /* client_type, hub_type: one of them is null */
void rn_api_add_hub_gone(struct rn_json *object, enum rn_hub_gone gone); /* "hub_gone"; null: it is there */
void rn_api_add_address(struct rn_json *object, const char *key, const struct rn_addr *addr); /* null: zero */
struct rn_json *rn_api_event_json(struct rn_core *core, const struct rn_core_event *event);   /* api_flows.c */
uint64_t rn_api_newest(struct rn_core *core); /* serial of the newest event; api_flows.c */
void rn_api_add_endpoint(struct rn_json *object, const char *key, const struct rn_endpoint *endpoint); /* null: zero */
void rn_api_add_time(struct rn_json *object, const char *key, int64_t unix_seconds); /* RFC 3339, null: 0; api_time.c */
void rn_api_add_time_ns(struct rn_json *object, const char *key, uint64_t unix_ns);
void rn_api_add_span(struct rn_json *object, const struct rn_core_span *span); /* its times; api_replay.c */
struct rn_json *rn_api_missing_json(const struct rn_core_span *span); /* what is not among the flows; api_replay.c */
const char *rn_api_protocol_name(uint8_t protocol); /* of a recorded flow: tcp, udp or icmp; api_recorded.c */
const char *rn_api_reason_name(unsigned reason);    /* api_drops.c: of verdict.def; "unknown" */
const char *rn_api_reason_text(unsigned reason);
/* Members client_type or hub_type (exactly one), name, owner, hub, tags; tags point into the body. As rn_api_text. */
int rn_api_device_request(struct rn_api_call *call, struct rn_core_token_request *ret); /* api_tokens.c */

struct rn_json *rn_api_policy_json(const struct rn_core_policy *policy); /* "text" where it has one; api_policy.c */
/* What a set policy is answered with, its version too. Ends with rn_api_policy_done; NULL: the call is answered. */
struct rn_api_policy_wait {
	struct rn_api_call *call;
	uint64_t version;
};
struct rn_api_policy_wait *rn_api_policy_wait(struct rn_api_call *call);
rn_core_done rn_api_policy_done; /* its context: the wait */
/* "comment" and "based_on", which may be absent: NULL and 0. As rn_api_text. */
int rn_api_policy_words(struct rn_api_call *call, const char **ret_comment, uint64_t *ret_based_on);

/* Of a list of hubs' names, fewer than RN_HOMES_MAX: they point into it. 0, or answered with 400. api_tokens.c */
int rn_api_hub_list(struct rn_api_call *call, const char *key, const struct rn_json *list,
		    const char *ret[RN_HOMES_MAX], unsigned *ret_count);

/* The event streams of one core. */
struct rn_streams *rn_streams_new(struct rn_loop *loop, struct rn_core *core); /* NULL: out of memory */
void rn_streams_free(struct rn_streams *streams);			       /* after the server; NULL is legal */

#endif
