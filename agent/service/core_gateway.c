/* SPDX-License-Identifier: Apache-2.0 */
/* What only the gateway's core has: its keys, the lease that it renews for everybody, its own certificate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/core_numbering.h"
#include "service/core_state.h"
#include "sys/files.h"
#include "sys/zone.h"

#define RENEW_EVERY_S 86400
#define RENEW_POLICY_EVERY_S (7 * 86400)
#define RETRY_S 60

static int read_key(struct rn_core *core, const char *name, uint8_t out[RN_KEY_SIZE], struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int rc = rn_path_join(path, sizeof(path), core->params.dir, name);
	if (!rc)
		rc = rn_file_read_exact(path, out, RN_KEY_SIZE);
	return rc ? rn_fail(err, rc, "the key %s/%s cannot be read (%s): restore a backup of the state directory",
			    core->params.dir, name, strerror(-rc))
		  : 0;
}

/* Keys that the anchor does not name would sign what nobody believes. */
static int read_keys(struct rn_core *core, struct rn_err *err)
{
	uint8_t public[RN_KEY_SIZE];
	bool good;
	int rc = read_key(core, "policy.key", core->books.policy_seed, err);
	if (!rc)
		rc = read_key(core, "box.key", core->box_secret, err);
	if (rc)
		return rc;
	rn_ed25519_public(core->books.policy_seed, public);
	good = rn_equal(public, core->params.anchor.policy_public, RN_KEY_SIZE);
	rn_x25519_public(core->box_secret, public);
	good = good && rn_equal(public, core->params.anchor.box_public, RN_KEY_SIZE);
	return good ? 0
		    : rn_fail(err, -EIO,
			      "policy.key and box.key in %s do not belong to this network's anchor: restore "
			      "a backup of the whole state directory",
			      core->params.dir);
}

int rn_gateway_load(struct rn_core *core, struct rn_err *err)
{
	uint64_t epoch;
	int rc = read_keys(core, err);
	core->requests = rn_numbers_new();
	core->refused = rn_numbers_new();
	core->refused_at = rn_numbers_new();
	if (!rc && (!core->requests || !core->refused || !core->refused_at))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = rn_store_number(core->books.store, "epoch", &epoch, err);
	if (!rc)
		rc = rn_store_blob(core->books.store, "issuer", core->issuer, sizeof(core->issuer), &core->issuer_size,
				   err);
	if (rc == -ENOENT || (!rc && !rn_core_self(core)))
		return rn_fail(err, -EIO,
			       "the database core.db is not a gateway's: restore a backup of the state directory");
	if (rc)
		return rc;
	core->books.epoch = (uint32_t)epoch;
	core->zones = rn_zone_cache_new(NULL);
	if (!core->zones)
		return rn_fail(err, -ENOMEM, "out of memory");
	core->books.zones = (struct rn_zone_source){core->zones, rn_zone_find};
	rc = rn_policy_load(&core->books, &core->policy, err);
	return rc ? rc : rn_members_load(core, err);
}

void rn_gateway_unload(struct rn_core *core)
{
	rn_numbering_close(&core->books);
	rn_policy_held_done(&core->policy);
	rn_prefixes_done(&core->books.prefixes);
	rn_zone_cache_free(core->zones);
	rn_numbers_free(core->requests);
	rn_numbers_free(core->refused);
	rn_numbers_free(core->refused_at);
	rn_wipe(core->books.policy_seed, RN_KEY_SIZE);
	rn_wipe(core->box_secret, RN_KEY_SIZE);
}

/* ---- the lease ---- */

static int issue_network(struct rn_core *core, struct rn_err *err)
{
	const struct rn_ledger_entry *entry = rn_ledger_network(core->books.ledger);
	struct rn_network network;
	struct rn_change change;
	if (!entry || rn_record_get_network(entry->blob, entry->size, &network))
		return rn_fail(err, -EIO, "the network's record is missing: restore a backup of the state directory");
	network.lease_seconds = RN_LEASE_SECONDS;
	int rc = rn_change_begin(&change, &core->books, rn_core_now(core), err);
	if (!rc)
		rc = rn_change_network(&change, &network);
	if (!rc)
		return rn_change_commit(&change);
	rn_change_abort(&change);
	return rc;
}

static void renew_lease(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = rn_ledger_network(core->books.ledger);
	int64_t now = rn_core_now(core);
	struct rn_err err = {""};
	/* A record from the future, after the clock was set back, is as good as an old one. */
	if (now < core->lease_at ||
	    (entry && (int64_t)entry->issued <= now && now - (int64_t)entry->issued < RENEW_EVERY_S))
		return;
	if (!issue_network(core, &err)) {
		rn_core_publish(core);
		return;
	}
	rn_log(RN_LOG_ERROR, "the lease could not be renewed: %s", err.text);
	core->lease_at = now + RETRY_S;
}

/* ---- the policy's windows ---- */

static bool has_times(const struct rn_policy_model *model)
{
	for (uint32_t i = 0; i < model->rule_count; i++)
		if (model->rules[i].time_count)
			return true;
	return false;
}

/* They are signed for more than a year ahead at most, and for four weeks at least. */
static void renew_policy(struct rn_core *core)
{
	const struct rn_ledger_entry *entry = rn_ledger_policy(core->books.ledger);
	int64_t now = rn_core_now(core);
	struct rn_err err = {""};
	if (now < core->policy_at || !entry || !core->policy.model ||
	    ((int64_t)entry->issued <= now && now - (int64_t)entry->issued < RENEW_POLICY_EVERY_S))
		return;
	core->policy_at = now + RETRY_S;
	if (!has_times(core->policy.model)) {
		core->policy_at = now + RENEW_POLICY_EVERY_S;
		return;
	}
	rn_zone_cache_forget(core->zones);
	if (!rn_policy_renew(&core->books, core->policy.model, now, &err)) {
		rn_core_publish(core);
		return;
	}
	rn_log(RN_LOG_ERROR, "the policy's windows could not be reckoned out anew: %s", err.text);
}

/* ---- this host's own certificate ---- */

static void certified(struct rn_core *core, void *context, int code, const char *text, const uint8_t *leaf, size_t size)
{
	struct rn_local local = {.type = RN_LOCAL_NET_LEAF, .block = leaf, .block_size = size};
	struct rn_err err = {""};
	(void)context;
	if (code || !leaf) {
		rn_log(RN_LOG_WARNING, "ca did not renew this host's certificate: %s", text);
		return;
	}
	if (rn_store_set_leaf(core->books.store, core->params.self.device, leaf, size, &err) ||
	    rn_core_send(core, RN_CORE_NET, &local))
		return;
	core->own.renew_at = rn_core_now(core) + RENEW_EVERY_S;
	(void)rn_store_set_number(core->books.store, "renew_at", (uint64_t)core->own.renew_at, &err);
}

static void renew_leaf(struct rn_core *core)
{
	uint8_t leaf[RN_BLOCK_MAX];
	struct rn_local local = {.type = RN_LOCAL_CA_RENEW, .block = leaf};
	const struct rn_device_record *self = rn_core_self(core);
	struct rn_err err = {""};
	if (!core->connected[RN_CORE_CA] || !core->connected[RN_CORE_NET] || !self ||
	    rn_store_leaf(core->books.store, self->number, leaf, sizeof(leaf), &local.block_size, &err))
		return;
	core->own.renew_at = rn_core_now(core) + RETRY_S;
	memcpy(local.key, self->noise_key, RN_KEY_SIZE);
	if (rn_ask_ca(core, &local, certified, NULL, &err))
		rn_log(RN_LOG_WARNING, "this host's certificate is not renewed: %s", err.text);
}

void rn_gateway_tick(struct rn_core *core)
{
	renew_lease(core);
	renew_policy(core);
	rn_hubs_tick(core);
	rn_request_plan(core);
	rn_members_tick(core);
	rn_policy_tick(core, false);
	if (rn_core_now(core) >= core->own.renew_at)
		renew_leaf(core);
}
