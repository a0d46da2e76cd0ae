// SPDX-License-Identifier: Apache-2.0
#include "domain/homing.h"

static bool must_leave(const struct rn_homing *h, int64_t now_ms)
{
	return h->trouble && (h->silent || now_ms - h->trouble_ms >= RN_HOMING_GRACE_MS);
}

static bool may_return(const struct rn_homing *h, int64_t now_ms)
{
	return !h->returned || now_ms - h->returned_ms >= RN_HOMING_RETURN_MS;
}

unsigned rn_homing_choose(const struct rn_homing *h, const struct rn_homing_hub *hubs, unsigned count, int64_t now_ms)
{
	if (must_leave(h, now_ms)) {
		for (unsigned i = 0; i < count; i++)
			if (i != h->at && hubs[i].open && hubs[i].heard_ms >= h->trouble_ms)
				return i;
		return h->at;
	}
	for (unsigned i = 0; i < h->at && i < count && may_return(h, now_ms); i++)
		if (hubs[i].open && now_ms - hubs[i].well_ms >= RN_HOMING_WELL_MS)
			return i;
	return h->at;
}

void rn_homing_moved(struct rn_homing *h, unsigned to, int64_t now_ms)
{
	if (to < h->at && !must_leave(h, now_ms)) {
		h->returned = true;
		h->returned_ms = now_ms;
	}
	h->at = to;
	rn_homing_answers(h);
}

void rn_homing_trouble(struct rn_homing *h, bool silent, int64_t now_ms)
{
	if (!h->trouble)
		h->trouble_ms = now_ms;
	h->trouble = true;
	h->silent = h->silent || silent;
}

void rn_homing_answers(struct rn_homing *h)
{
	h->trouble = h->silent = false;
}
