/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "service/enforce_state.h"

/*
 * A node is one end of all that it judges, so its tables have only the rules that concern its own device: as it was
 * when they were filled. Before it becomes another they are filled for both, or else a rule that denies would be
 * missing for a moment.
 */

static const struct rn_enforced_device *own_device(const struct rn_enforce *e)
{
	const struct rn_enforced_device *d = &e->devices[rn_numbers_get(e->by_number, e->self)];

	return d->present ? d : NULL;
}

void rn_enforce_narrowed(const struct rn_enforce *e, struct rn_narrowed *ret)
{
	const struct rn_enforced_device *own = own_device(e);
	const uint32_t *selectors;
	uint32_t count;

	*ret = (struct rn_narrowed){.whole = e->hub};
	if (e->hub || !own)
		return;
	selectors = rn_slots_selectors(e->slots, own->slot, &count);
	if (selectors)
		rn_narrowed_add(ret, selectors, count);
	else /* after a restart its record has not come again: it is one of these */
		*ret = e->rules.narrowed;
}

bool rn_enforce_own_lacks(const struct rn_enforce *e, const struct rn_device_record *device)
{
	return !e->hub && device->number == e->self &&
	       !rn_narrowed_has(&e->rules.narrowed, device->selectors, device->selector_count);
}

/* Where there is no room for both, it is nobody between the one and the other. */
int rn_enforce_own(struct rn_enforce *e, const struct rn_device_record *device, struct rn_err *err)
{
	struct rn_narrowed both, alone = {0};
	int r = -ENOSPC;

	if (!rn_enforce_generation(e) || !rn_enforce_own_lacks(e, device))
		return 0;
	if (!e->policy_known)
		return rn_fail(err, -EAGAIN, "this host's own device has changed, and the policy has not come again");
	rn_narrowed_add(&alone, device->selectors, device->selector_count);
	rn_enforce_narrowed(e, &both);
	if (both.sets < RN_NARROWED_SETS) {
		rn_narrowed_add(&both, device->selectors, device->selector_count);
		r = rn_enforce_fill(e, &both, false, err);
	}
	if (r == -EMSGSIZE || r == -ENOSPC)
		r = rn_enforce_fill(e, &alone, true, err);
	return r < 0 ? r : 1;
}
