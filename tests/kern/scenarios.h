/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_KERN_SCENARIOS_H
#define RN_TESTS_KERN_SCENARIOS_H

#include "stage.h"

/* Each is one for check_run. */
void bad_starts(struct stage *s);
void hub(struct stage *s);
void node(struct stage *s);
void node_of_two(struct stage *s);
void large_policy(struct stage *s);
void revocation(struct stage *s);

/* Parts of hub: a host with devices 2 and 3, at record 12. */
void check_kills(struct stage *s);   /* kern is killed, at rest and under traffic */
void check_removed(struct stage *s); /* others remove the filter and the interface */

#endif
