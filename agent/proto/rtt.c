/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/rtt.h"

#include "proto/wire.h"

#define BACKOFF_MAX 6

void rn_rtt_init(struct rn_rtt *t)
{
	*t = (struct rn_rtt){ 0 };
}

void rn_rtt_sample(struct rn_rtt *t, int64_t rtt_ms)
{
	int64_t error = t->smoothed > rtt_ms ? t->smoothed - rtt_ms : rtt_ms - t->smoothed;

	if (rtt_ms < 0)
		return;
	if (!t->known) {
		t->smoothed = rtt_ms;
		t->variation = rtt_ms / 2;
		t->known = true;
		return;
	}
	t->variation = (3 * t->variation + error) / 4;
	t->smoothed = (7 * t->smoothed + rtt_ms) / 8;
}

void rn_rtt_progress(struct rn_rtt *t)
{
	t->backoff = 0;
}

void rn_rtt_expired(struct rn_rtt *t)
{
	if (t->backoff < BACKOFF_MAX)
		t->backoff++;
}

int64_t rn_rtt_timeout(const struct rn_rtt *t)
{
	int64_t rto = t->known ? t->smoothed + 4 * t->variation : RN_RTO_FIRST_MS;

	if (rto < RN_RTO_MIN_MS)
		rto = RN_RTO_MIN_MS;
	rto <<= t->backoff;
	return rto < RN_RTO_MAX_MS ? rto : RN_RTO_MAX_MS;
}

void rn_congestion_init(struct rn_congestion *c)
{
	*c = (struct rn_congestion){ .window = RN_CWND_FIRST, .threshold = RN_RECEIVE_WINDOW };
}

void rn_congestion_acked(struct rn_congestion *c)
{
	if (c->window >= RN_RECEIVE_WINDOW)
		return;
	if (c->window < c->threshold) {
		c->window++;
	} else if (++c->credit >= c->window) {
		c->credit = 0;
		c->window++;
	}
}

static void halve(struct rn_congestion *c, uint64_t next)
{
	c->threshold = c->window / 2 > RN_CWND_MIN ? c->window / 2 : RN_CWND_MIN;
	c->window = c->threshold;
	c->credit = 0;
	c->recovery = next;
}

void rn_congestion_lost(struct rn_congestion *c, uint64_t newest, uint64_t next)
{
	if (newest >= c->recovery)
		halve(c, next);
}

void rn_congestion_expired(struct rn_congestion *c, uint64_t next)
{
	halve(c, next);
	c->window = RN_CWND_MIN;
}
