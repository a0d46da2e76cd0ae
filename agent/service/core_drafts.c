/* SPDX-License-Identifier: Apache-2.0 */
/* Drafts of policies: stored under a name, looked at, and put into force. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_accounts.h"
#include "service/core_history.h"
#include "service/core_state.h"

static struct rn_core_draft shown(const struct rn_store_draft *d, const char *text)
{
	return (struct rn_core_draft){.name = d->name,
				      .author = d->author,
				      .comment = d->comment,
				      .text = text,
				      .size = d->size,
				      .based_on = d->base,
				      .stored = d->stored};
}

struct reading {
	void (*each)(void *context, const struct rn_core_draft *);
	void *context;
};

static void read_one(void *context, const struct rn_store_draft *row)
{
	struct rn_core_draft draft = shown(row, NULL);
	struct reading *reading = context;
	reading->each(reading->context, &draft);
}

int rn_core_drafts(struct rn_core *core, void (*each)(void *context, const struct rn_core_draft *), void *context,
		   struct rn_err *err)
{
	struct reading reading = {each, context};
	int rc = rn_core_need_gateway(core, err);
	return rc ? rc : rn_store_drafts(core->books.store, read_one, &reading, err);
}

static int absent(const char *name, int rc, struct rn_err *err)
{
	return rc == -ENOENT ? rn_fail(err, rc, "there is no draft %s", name) : rc;
}

static int load(struct rn_core *core, const char *name, struct rn_store_draft *ret, char **ret_text, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	return rc ? rc : absent(name, rn_store_draft(core->books.store, name, ret, ret_text, err), err);
}

int rn_core_draft(struct rn_core *core, const char *name, void (*got)(void *context, const struct rn_core_draft *),
		  void *context, struct rn_err *err)
{
	struct rn_core_draft draft;
	struct rn_store_draft row;
	char *text = NULL;
	int rc = load(core, name, &row, &text, err);
	if (rc)
		return rc;
	draft = shown(&row, text);
	got(context, &draft);
	free(text);
	return 0;
}

/* What is done to a draft, and its row of the audit: both or neither. */
static int finish(struct rn_core *core, int rc, const char *what, const char *name, const char *detail,
		  struct rn_err *err)
{
	if (!rc)
		rc = rn_core_audit(core, what, name, detail, err);
	return rn_core_finish(core, rc, err);
}

int rn_core_draft_put(struct rn_core *core, const struct rn_core_draft *draft, struct rn_err *err)
{
	struct rn_store_draft row = {.base = draft->based_on, .stored = rn_core_now(core), .size = draft->size};
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = rn_policy_check_words(core, draft->comment, draft->based_on, err);
	if (!rc && draft->size > RN_POLICY_TEXT_MAX)
		rc = rn_fail(err, -EMSGSIZE, "the draft has %zu bytes, but at most %u fit", draft->size,
			     RN_POLICY_TEXT_MAX);
	if (rc)
		return rc;
	if (!row.base)
		row.base = core->policy.about.version;
	snprintf(row.name, sizeof(row.name), "%s", draft->name);
	snprintf(row.author, sizeof(row.author), "%s", rn_core_actor(core));
	snprintf(row.comment, sizeof(row.comment), "%s", draft->comment ? draft->comment : "");
	rc = rn_store_begin(core->books.store, err);
	if (rc)
		return rc;
	rc = rn_store_put_draft(core->books.store, &row, draft->text, err);
	return finish(core, rc, "draft stored", row.name, row.comment, err);
}

int rn_core_draft_delete(struct rn_core *core, const char *name, struct rn_err *err)
{
	int rc = rn_core_need_gateway(core, err);
	if (!rc)
		rc = rn_store_begin(core->books.store, err);
	if (rc)
		return rc;
	rc = absent(name, rn_store_remove_draft(core->books.store, name, err), err);
	return finish(core, rc, "draft deleted", name, "", err);
}

void rn_core_draft_publish(struct rn_core *core, const char *name, const char *comment, uint64_t *ret_version,
			   rn_core_done *done, void *context)
{
	struct rn_store_draft row;
	struct rn_err err = {""};
	char *text = NULL;
	int rc = load(core, name, &row, &text, &err);
	if (rc) {
		done(context, rc, &err, NULL, 0);
		return;
	}
	rn_core_policy_set(core,
			   &(struct rn_core_policy_new){.text = text,
							.size = row.size,
							.comment = comment ? comment : row.comment,
							.based_on = row.base,
							.draft = name,
							.ret_version = ret_version},
			   done, context);
	free(text);
}
