/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_basis.h"
#include "service/core_registry.h"

void rn_policy_held_done(struct rn_policy_held *held)
{
	free(held->text);
	rn_policy_model_free(held->model);
	*held = (struct rn_policy_held){0};
}

static uint32_t selector_number(void *context, const char *selector)
{
	struct rn_change *change = context;
	uint32_t number = 0;
	return rn_store_add_selector(change->books->store, selector, &number, change->err) ? 0 : number;
}

static int compile(struct rn_change *change, const struct rn_policy_model *model)
{
	struct rn_selector_source selectors = {.context = change, .number = selector_number};
	struct rn_policy_record record = {0};
	int rc = rn_policy_compile(model, &selectors, &record, change->err);
	if (rc)
		return rc;
	rc = rn_registry_identify_all(change);
	if (!rc)
		rc = rn_basis_put(change, &record);
	rn_policy_record_done(&record);
	return rc;
}

int rn_policy_name(struct rn_change *change, const char *text, size_t size)
{
	struct rn_selector_source selectors = {.context = change, .number = selector_number};
	struct rn_policy_model *model = rn_policy_parse(text, size, change->err);
	struct rn_policy_record record = {0};
	int rc = model ? rn_policy_compile(model, &selectors, &record, change->err) : -EINVAL;
	if (!rc)
		rn_policy_record_done(&record);
	rn_policy_model_free(model);
	return rc;
}

int rn_policy_put(struct rn_change *change, const char *text, size_t size, struct rn_policy_held *ret)
{
	struct rn_policy_held held = {.about = ret->about};
	int rc = -ENOMEM;
	held.model = rn_policy_parse(text, size, change->err);
	if (!held.model)
		return -EINVAL;
	held.text = calloc(1, size + 1);
	if (held.text) {
		memcpy(held.text, text, size);
		rc = compile(change, held.model);
	}
	held.about.version = change->version;
	held.about.size = size;
	held.about.stored = change->now;
	if (!rc && !change->tentative)
		rc = rn_store_add_policy(change->books->store, &held.about, text, change->err);
	if (rc)
		rn_policy_held_done(&held);
	else
		*ret = held;
	return rc;
}

int rn_policy_load(struct rn_books *books, struct rn_policy_held *ret, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	int rc = rn_store_policy(books->store, 0, &held.about, &held.text, err);
	if (rc == -ENOENT)
		return rn_fail(err, -EIO,
			       "the database core.db holds no policy: restore a backup of the state directory");
	if (rc)
		return rc;
	held.model = rn_policy_parse(held.text, held.about.size, err);
	if (!held.model) {
		rn_policy_held_done(&held);
		return -EIO;
	}
	*ret = held;
	return 0;
}
