/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SERVICE_CORE_KNOWN_H
#define RN_SERVICE_CORE_KNOWN_H

#include "service/core_ledger.h"

/*
 * For which of its own devices a hub knows others. To a rule the devices of one identity are the same, but for their
 * owner: with many of them, each of the others is compared with one a identity and with those of its owner.
 */
struct rn_known;

/* NULL: out of memory. The ledger must not change as long as it is there. */
struct rn_known *rn_known_new(const struct rn_ledger *ledger, uint32_t hub);
void rn_known_free(struct rn_known *known); /* NULL is legal */
/* A device of this hub that the rules let meet the other; NULL: there is none. */
const struct rn_ledger_entry *rn_known_for(const struct rn_known *known, const struct rn_device_record *other);

#endif
