/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_basis.h"
#include "service/core_parties.h"
#include "service/core_registry.h"

void rn_policy_held_done(struct rn_policy_held *held)
{
	free(held->text);
	rn_policy_model_free(held->model);
	*held = (struct rn_policy_held){0};
}

/* Prefixes are kept in mind: which devices are in one is asked of their addresses. */
static uint32_t selector_number(void *context, const char *selector)
{
	struct rn_change *change = context;
	struct rn_prefix prefix;
	uint32_t number = 0;
	if (rn_store_add_selector(change->books->store, selector, &number, change->err))
		return 0;
	if (strncmp(selector, "prefix:", 7) || rn_prefix_parse(selector + 7, &prefix))
		return number;
	return rn_prefixes_add(&change->prefixes, &prefix, number) ? 0 : number;
}

static int compile(struct rn_change *change, const struct rn_policy_model *model, struct rn_policy_record *ret)
{
	struct rn_selector_source selectors = {.context = change, .number = selector_number};
	change->puts_prefixes = true;
	return rn_policy_compile(model, &selectors, &change->books->zones, change->now, ret, change->err);
}

static int put(struct rn_change *change, const struct rn_policy_model *model)
{
	struct rn_policy_record record = {0};
	int rc = compile(change, model, &record);
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
	struct rn_policy_model *model = rn_policy_parse(text, size, change->err);
	struct rn_policy_record record = {0};
	int rc = model ? compile(change, model, &record) : -EINVAL;
	if (!rc)
		rn_policy_record_done(&record);
	/* The policy in force still needs its own. */
	if (!rc && rn_prefixes_join(&change->prefixes, &change->books->prefixes))
		rc = rn_fail(change->err, -ENOMEM, "out of memory");
	rn_policy_model_free(model);
	return rc;
}

/* Devices are as they are now, but for what is under way. */
static int test(struct rn_change *change, const struct rn_policy_model *model)
{
	struct rn_parties_network room = {.books = change->books};
	struct rn_policy_network network = rn_parties_network(&room);
	return rn_policy_check_tests(model, &network, &change->books->zones, change->now, change->err);
}

int rn_policy_put(struct rn_change *change, const char *text, size_t size, struct rn_policy_held *ret)
{
	struct rn_policy_held held = {.about = ret->about};
	int rc = -ENOMEM;
	held.model = rn_policy_parse(text, size, change->err);
	if (!held.model)
		return -EINVAL;
	held.text = calloc(1, size + 1);
	if (held.text)
		rc = test(change, held.model);
	if (!rc) {
		memcpy(held.text, text, size);
		rc = put(change, held.model);
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

static int load_end(struct rn_books *books, const struct rn_policy_end *end, struct rn_err *err)
{
	for (uint32_t i = 0; i < end->count; i++) {
		char text[RN_SELECTOR_TEXT], prefix[RN_PREFIX_TEXT];
		uint32_t number;
		if (end->criteria[i].type != RN_CRITERION_PREFIX)
			continue;
		snprintf(text, sizeof(text), "prefix:%s", rn_prefix_format(&end->criteria[i].prefix, prefix));
		int rc = rn_store_selector(books->store, text, &number, err);
		if (!rc)
			rc = rn_prefixes_add(&books->prefixes, &end->criteria[i].prefix, number);
		if (rc && rc != -ENOENT)
			return rc;
	}
	return 0;
}

static int load_prefixes(struct rn_books *books, const struct rn_policy_model *model, struct rn_err *err)
{
	int rc = 0;
	for (uint32_t i = 0; i < model->rule_count && !rc; i++) {
		rc = load_end(books, &model->rules[i].source, err);
		if (!rc)
			rc = load_end(books, &model->rules[i].destination, err);
	}
	return rc;
}

/* Windows are signed for a time ahead only, and devices and text stay what they are. */
int rn_policy_renew(struct rn_books *books, const struct rn_policy_model *model, int64_t now, struct rn_err *err)
{
	struct rn_change change;
	int rc = rn_change_begin(&change, books, now, err);
	if (!rc)
		rc = put(&change, model);
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
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
	rc = held.model ? load_prefixes(books, held.model, err) : -EIO;
	if (rc)
		rn_policy_held_done(&held);
	else
		*ret = held;
	return rc;
}
