/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_SELECTORS_H
#define RN_SERVICE_CORE_SELECTORS_H

#include "service/core_parties.h"
#include "service/core_registry.h"

/*
 * Which selectors a device has: everyone, its name, owner, tags, type, whether it runs rnautd, the hub that it is at,
 * a hub's own type, as far as any policy has ever named them; and the prefixes of the policy in force, and of the one
 * that is being set, that its addresses are in.
 */
struct rn_selectors {
	uint32_t numbers[RN_SELECTORS_MAX]; /* ascending, each once */
	unsigned count;
};

/* change: NULL outside of one. -EMSGSIZE: more than fit, with a sentence that names the device. */
int rn_selectors_of(struct rn_books *books, struct rn_change *change, const struct rn_device_record *device,
		    struct rn_selectors *ret, struct rn_err *err);
/* Of one that has no number yet: as if it got the next. */
int rn_selectors_of_new(struct rn_books *books, const struct rn_new_device *in, struct rn_selectors *ret,
			struct rn_err *err);
/*
 * Which of these texts is a selector of one of the devices: *ret as many, set where it is. It asks nothing of the
 * books. 0 or -ENOMEM.
 */
int rn_selectors_met(char *const *texts, uint32_t count, const struct rn_parties *devices, bool *ret);

#endif
