/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that were in force, and the way back to one of them. */
#include "service/core_history.h"

#include <errno.h>
#include <stdlib.h>

#include "service/core_state.h"

struct reading {
	void (*each)(void *context, const struct rn_core_policy *);
	void *context;
};

static void read_one(void *context, const struct rn_store_policy *p)
{
	struct reading *reading = context;
	reading->each(reading->context, &(struct rn_core_policy){.size = p->size,
								 .version = p->version,
								 .origin = p->origin,
								 .stored = p->stored,
								 .author = p->author,
								 .comment = p->comment});
}

int rn_core_policies(struct rn_core *core, uint64_t before, unsigned max,
		     void (*each)(void *context, const struct rn_core_policy *), void *context, struct rn_err *err)
{
	struct reading reading = {each, context};
	int rc = rn_core_need_gateway(core, err);
	return rc ? rc : rn_store_policies(core->books.store, before, max, read_one, &reading, err);
}

static int load(struct rn_core *core, uint64_t version, struct rn_store_policy *ret, char **ret_text,
		struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = version ? rn_store_policy(core->books.store, version, ret, ret_text, err) : -ENOENT;
	if (rc == -ENOENT)
		return rn_fail(err, rc, "there is no version %llu of the policy, or it is kept no more",
			       (unsigned long long)version);
	return rc;
}

int rn_core_policy_version(struct rn_core *core, uint64_t version,
			   void (*got)(void *context, const struct rn_core_policy *), void *context, struct rn_err *err)
{
	struct rn_store_policy p;
	char *text = NULL;
	int rc = load(core, version, &p, &text, err);
	if (rc)
		return rc;
	got(context, &(struct rn_core_policy){.text = text,
					      .size = p.size,
					      .version = p.version,
					      .origin = p.origin,
					      .stored = p.stored,
					      .author = p.author,
					      .comment = p.comment});
	free(text);
	return 0;
}

void rn_core_policy_rollback(struct rn_core *core, const struct rn_core_policy_new *new, rn_core_done *done,
			     void *context)
{
	struct rn_core_policy_new back = *new;
	struct rn_store_policy p;
	struct rn_err err = {""};
	char *text = NULL;
	int rc = rn_core_need_gateway(core, &err);
	if (!rc)
		rc = rn_policy_check_words(core, new->comment, new->based_on, &err);
	if (!rc)
		rc = rn_policy_check_words(core, NULL, new->origin, &err);
	if (!rc)
		rc = load(core, new->origin, &p, &text, &err);
	if (!rc && p.version == core->policy.about.version)
		rc = rn_fail(&err, -EEXIST, "version %llu is the one in force", (unsigned long long)p.version);
	if (rc) {
		free(text);
		done(context, rc, &err, NULL, 0);
		return;
	}
	back.text = text;
	back.size = p.size;
	rn_core_policy_set(core, &back, done, context);
	free(text);
}
