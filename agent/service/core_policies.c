/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_basis.h"
#include "service/core_parties.h"
#include "service/core_registry.h"

struct rn_policy_shared *rn_policy_hold(struct rn_policy_shared *shared)
{
	shared->holders++;
	return shared;
}

void rn_policy_let_go(struct rn_policy_shared *shared)
{
	if (!shared || --shared->holders)
		return;
	rn_policy_made_done(&shared->made);
	free(shared);
}

/* Takes all that *made has where it succeeds. */
static int share(struct rn_policy_held *held, struct rn_policy_made *made, struct rn_err *err)
{
	held->shared = calloc(1, sizeof(*held->shared));
	if (!held->shared)
		return rn_fail(err, -ENOMEM, "out of memory");
	*held->shared = (struct rn_policy_shared){*made, 1};
	held->text = made->text;
	held->model = made->model;
	*made = (struct rn_policy_made){0};
	return 0;
}

void rn_policy_held_done(struct rn_policy_held *held)
{
	rn_policy_let_go(held->shared);
	*held = (struct rn_policy_held){0};
}

/* ---- selector numbers ---- */

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

/* numbers: NULL, or gets one for each. */
static int number_all(struct rn_change *change, const struct rn_policy_made *made, const bool *wanted,
		      uint32_t *numbers)
{
	change->puts_prefixes = true;
	for (uint32_t i = 0; i < made->selector_count; i++) {
		uint32_t number = !wanted || wanted[i] ? selector_number(change, made->selectors[i]) : 1;
		if (!number)
			return rn_fail(change->err, -ENOMEM, "out of memory");
		if (numbers)
			numbers[i] = number;
	}
	return 0;
}

int rn_policy_name(struct rn_change *change, const struct rn_policy_made *made)
{
	int rc = number_all(change, made, NULL, NULL);
	/* The policy in force still needs its own. */
	if (!rc && rn_prefixes_join(&change->prefixes, &change->books->prefixes))
		rc = rn_fail(change->err, -ENOMEM, "out of memory");
	return rc;
}

int rn_policy_try(struct rn_change *change, const struct rn_policy_made *made, const bool *wanted)
{
	int rc = number_all(change, made, wanted, NULL);
	return rc ? rc : rn_registry_identify_all(change);
}

/* ---- into the books ---- */

static int put_record(struct rn_change *change, struct rn_policy_record *record)
{
	int rc = rn_registry_identify_all(change);
	return rc ? rc : rn_basis_put(change, record);
}

static int put_numbered(struct rn_change *change, struct rn_policy_made *made)
{
	uint32_t *numbers = calloc(made->selector_count + 1u, sizeof(*numbers));
	int rc = numbers ? number_all(change, made, NULL, numbers) : rn_fail(change->err, -ENOMEM, "out of memory");
	if (!rc)
		rn_policy_made_number(made, numbers);
	free(numbers);
	if (rc)
		return rc;
	rc = put_record(change, &made->record);
	rn_policy_made_number(made, NULL);
	return rc;
}

int rn_policy_put_made(struct rn_change *change, struct rn_policy_made *made, struct rn_policy_held *ret)
{
	struct rn_policy_held held = {.about = ret->about};
	int rc = put_numbered(change, made);
	held.about.version = change->version;
	held.about.size = made->size;
	held.about.stored = change->now;
	if (!rc)
		rc = rn_store_add_policy(change->books->store, &held.about, made->text, change->err);
	if (!rc)
		rc = share(&held, made, change->err);
	if (!rc)
		*ret = held;
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
	struct rn_policy_made made;
	int rc = rn_policy_made_take(&made, text, size, change->err);
	if (!rc)
		rc = rn_policy_made_parse(&made, NULL, change->err);
	if (!rc)
		rc = test(change, made.model);
	if (!rc)
		rc = rn_policy_made_compile(&made, NULL, &change->books->zones, change->now, change->err);
	if (!rc)
		rc = rn_policy_put_made(change, &made, ret);
	rn_policy_made_done(&made);
	return rc;
}

/* ---- what is in the store ---- */

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
	struct rn_policy_record record = {0};
	struct rn_selector_source selectors = {.context = &change, .number = selector_number};
	const struct rn_policy_known known = {.model = model, .rules = rn_ledger_rules(books->ledger)};
	int rc = rn_change_begin(&change, books, now, err);
	change.puts_prefixes = true;
	if (!rc)
		rc = rn_policy_compile_after(&known, model, &selectors, &books->zones, now, &record, err);
	if (!rc)
		rc = put_record(&change, &record);
	rn_policy_record_done(&record);
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return rc;
}

int rn_policy_load(struct rn_books *books, struct rn_policy_held *ret, struct rn_err *err)
{
	struct rn_policy_held held = {0};
	struct rn_policy_made made = {0};
	int rc = rn_store_policy(books->store, 0, &held.about, &made.text, err);
	if (rc == -ENOENT)
		return rn_fail(err, -EIO,
			       "the database core.db holds no policy: restore a backup of the state directory");
	if (rc)
		return rc;
	made.size = held.about.size;
	rc = rn_policy_made_parse(&made, NULL, err) ? -EIO : 0;
	if (!rc)
		rc = load_prefixes(books, made.model, err);
	if (!rc)
		rc = share(&held, &made, err);
	if (rc)
		rn_policy_made_done(&made);
	else
		*ret = held;
	return rc;
}
