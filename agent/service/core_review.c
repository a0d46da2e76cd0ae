/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_review.h"

#include <errno.h>

#include "service/core_parties.h"
#include "service/core_state.h"

struct reading {
	struct rn_core_review *review;
	const struct rn_policy_model *model;
};

static void tell_finding(void *context, const struct rn_policy_finding *f)
{
	struct reading *r = context;
	const char *rule = f->rule ? r->model->rules[f->rule - 1].id : "";
	const char *other = f->other ? r->model->rules[f->other - 1].id : "";
	r->review->finding(r->review->context, f, rule, other);
}

static int tests(struct rn_core *core, struct reading *r)
{
	struct rn_parties_network room = {.books = &core->books};
	struct rn_policy_network network = rn_parties_network(&room);
	int rc = rn_policy_run_tests(r->model, &network, &core->books.zones, rn_core_now(core), r->review->test,
				     r->review->context);
	return rc < 0 ? rc : 0;
}

static int findings(struct rn_core *core, struct reading *r)
{
	bool cut = false;
	int rc = rn_policy_findings(r->model, &core->books.zones, rn_core_now(core), tell_finding, r, &cut);
	r->review->incomplete |= cut;
	return rc;
}

static int changes(struct rn_core *core, struct reading *r, struct rn_err *err)
{
	struct rn_parties parties = {.count = 0};
	bool cut = false;
	int rc = rn_parties_all(&core->books, &parties, err);
	if (rc)
		return rc;
	rc = rn_policy_diff(core->policy.model, r->model, parties.list, parties.count, &core->books.zones,
			    rn_core_now(core), r->review->change, r->review->context, &cut);
	rn_parties_done(&parties);
	r->review->incomplete |= cut;
	return rc;
}

int rn_core_policy_review(struct rn_core *core, const char *text, size_t size, struct rn_core_review *review,
			  struct rn_err *err)
{
	struct reading r = {.review = review};
	struct rn_policy_model *model;
	int rc = rn_core_need_gateway(core, err), good;
	if (rc)
		return rc;
	review->incomplete = false;
	model = rn_policy_parse(text, size, err);
	if (!model)
		return -EINVAL;
	r.model = model;
	rc = tests(core, &r);
	if (!rc)
		rc = findings(core, &r);
	good = rc ? 0 : rn_core_policy_check(core, text, size, err);
	if (!rc && !good && review->change)
		rc = changes(core, &r, err);
	rn_policy_model_free(model);
	return rc ? rc : good;
}
