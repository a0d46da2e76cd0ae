/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_RTT_H
#define RN_PROTO_RTT_H

#include <stdbool.h>
#include <stdint.h>

/* The round trip estimate and retransmission timeout of RFC 6298, in milliseconds. */
struct rn_rtt {
	bool known;
	int64_t smoothed, variation;
	unsigned backoff;
};
void rn_rtt_init(struct rn_rtt *t);
void rn_rtt_sample(struct rn_rtt *t, int64_t rtt_ms);
void rn_rtt_progress(struct rn_rtt *t); /* something arrived: no backoff */
void rn_rtt_expired(struct rn_rtt *t);
int64_t rn_rtt_timeout(const struct rn_rtt *t);

/* The congestion window of NewReno (RFC 9002 section 7), counted in fragments. */
struct rn_congestion {
	unsigned window, threshold, credit;
	uint64_t recovery; /* losses of transmissions below this have been answered */
};
void rn_congestion_init(struct rn_congestion *c);
void rn_congestion_acked(struct rn_congestion *c);
/* newest: the latest transmission that was lost; next: the number of the next transmission. */
void rn_congestion_lost(struct rn_congestion *c, uint64_t newest, uint64_t next);
void rn_congestion_expired(struct rn_congestion *c, uint64_t next);

#endif
