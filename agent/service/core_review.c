/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_review.h"

#include <errno.h>
#include <stdlib.h>

#include "service/core_prepare.h"
#include "service/core_state.h"

struct asking {
	void (*done)(void *context, int code, const struct rn_err *err);
	void *context;
};

/* The whole way of a policy but its last step, so that a check that passes is a set that passes. */
static int try_identities(struct rn_core *core, struct rn_prepared *p)
{
	struct rn_change change;
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), &p->err);

	change.tentative = true;
	if (!rc)
		rc = rn_policy_try(&change, &p->made, p->met);
	rn_change_abort(&change);
	return rc;
}

static void prepared(struct rn_core *core, struct rn_prepared *p)
{
	struct asking *a = p->context;
	int code = p->code ? p->code : try_identities(core, p);

	a->done(a->context, code, &p->err);
	free(a);
	rn_prepared_free(p);
}

void rn_core_policy_review(struct rn_core *core, const char *text, size_t size, struct rn_core_review *review,
			   void (*done)(void *context, int code, const struct rn_err *err), void *context)
{
	struct rn_err err = {""};
	int rc = rn_core_need_gateway(core, &err);
	unsigned wants =
	    RN_PREPARE_TESTS | RN_PREPARE_FINDINGS | RN_PREPARE_MET | (review->change ? RN_PREPARE_CHANGES : 0);
	struct asking *a = rc ? NULL : malloc(sizeof(*a));
	struct rn_prepared *p = a ? rn_prepared_new(text, size, wants) : NULL;

	review->incomplete = false;
	if (!p) {
		free(a);
		if (!rc)
			rc = rn_fail(&err, -ENOMEM, "out of memory");
		done(context, rc, &err);
		return;
	}
	*a = (struct asking){done, context};
	p->review = review;
	p->done = prepared;
	p->context = a;
	p->whose = context;
	rn_prepare(core, p);
}
