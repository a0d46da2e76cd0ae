/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_create.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "domain/name.h"
#include "service/core_accounts.h"
#include "service/core_numbering.h"
#include "service/core_policies.h"
#include "service/core_registry.h"
#include "sys/files.h"

static int check(const struct rn_gateway_params *p, struct rn_err *err)
{
	if (!rn_name_valid(p->name))
		return rn_fail(err, -EINVAL, "the gateway's name \"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'",
			       p->name);
	if (!rn_name_valid(p->owner))
		return rn_fail(err, -EINVAL, "the owner \"%.63s\" is no name: use a-z, 0-9, '.', '_' and '-'",
			       p->owner);
	if (!p->wireguard.port || rn_addr_is_zero(&p->wireguard.addr) || !p->control.port ||
	    rn_addr_is_zero(&p->control.addr))
		return rn_fail(err, -EINVAL, "the gateway needs an address and ports at which others can reach it");
	if (!p->leaf_size || !p->issuer_size || rn_is_zero(p->noise_key, RN_KEY_SIZE))
		return rn_fail(err, -EINVAL, "the gateway's certificate and keys are missing");
	return 0;
}

static int write_key(const char *dir, const char *name, const uint8_t key[RN_KEY_SIZE], struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int rc = rn_path_join(path, sizeof(path), dir, name);
	if (!rc)
		rc = rn_file_write(path, key, RN_KEY_SIZE, 0600);
	return rc ? rn_fail(err, rc, "the key file %s/%s cannot be written: %s", dir, name, strerror(-rc)) : 0;
}

static int put_network(struct rn_change *change, const struct rn_gateway_params *p)
{
	struct rn_network network = {.ipv6 = p->ipv6, .ipv4 = p->ipv4, .lease_seconds = RN_LEASE_SECONDS};
	struct rn_store *store = change->books->store;
	uint32_t everyone;
	int rc = rn_store_set_number(store, "epoch", change->books->epoch, change->err);
	if (!rc)
		rc = rn_store_set_blob(store, "issuer", p->issuer, p->issuer_size, change->err);
	/* Every device has this selector, so that no identity stands for an empty set. */
	if (!rc)
		rc = rn_store_add_selector(store, "everyone", &everyone, change->err);
	return rc ? rc : rn_change_network(change, &network);
}

static int put_first_device(struct rn_change *change, const struct rn_gateway_params *p)
{
	struct rn_new_device device = {
	    .kind = RN_KIND_GATEWAY,
	    .trust = 100,
	    .wireguard = p->wireguard,
	    .control = p->control,
	    .tags = "",
	};
	struct rn_device_record record = {0};
	struct rn_store *store = change->books->store;
	snprintf(device.name, sizeof(device.name), "%s", p->name);
	snprintf(device.owner_name, sizeof(device.owner_name), "%s", p->owner);
	memcpy(device.noise_key, p->noise_key, RN_KEY_SIZE);
	memcpy(device.wireguard_key, p->wireguard_key, RN_KEY_SIZE);
	int rc = rn_store_user(store, p->owner, change->now, &device.owner, change->err);
	if (!rc)
		rc = rn_registry_add(change, &device, &record);
	if (!rc)
		rc = rn_store_set_leaf(store, record.number, p->leaf, p->leaf_size, change->err);
	return rc;
}

static int put_account(struct rn_change *change, const struct rn_gateway_params *p)
{
	struct rn_store *store = change->books->store;
	struct rn_store_account account;
	int rc = 0;
	if (!p->ret_link)
		return 0;
	rc = rn_accounts_add(store, "admin", RN_ACCESS_ADMIN, change->now, &account, change->err);
	return rc ? rc : rn_accounts_link(store, account.number, change->now, p->ret_link, change->err);
}

static int put_policy(struct rn_change *change, const struct rn_gateway_params *p)
{
	struct rn_policy_held held = {.about = {.author = "root", .comment = "the policy of a new network"}};
	int rc = rn_policy_put(change, rn_policy_starter(), strlen(rn_policy_starter()), &held);
	rn_policy_held_done(&held);
	return rc ? rc : rn_change_audit(change, "root", "gateway init", p->name, "");
}

/* Each step reads in the ledger what the one before it committed. */
static int put_all(struct rn_books *books, const struct rn_gateway_params *p, struct rn_err *err)
{
	static int (*const steps[])(struct rn_change *, const struct rn_gateway_params *) = {
	    put_network,
	    put_first_device,
	    put_account,
	    put_policy,
	};
	int rc = 0;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps) && !rc; i++) {
		struct rn_change change;
		rc = rn_change_begin(&change, books, time(NULL), err);
		if (!rc)
			rc = steps[i](&change, p);
		if (!rc)
			rc = rn_change_commit(&change);
		else
			rn_change_abort(&change);
	}
	return rc;
}

static int create_database(const char *dir, const struct rn_gateway_params *p, struct rn_books *books,
			   struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int rc = rn_path_join(path, sizeof(path), dir, "core.db");
	if (rc)
		return rn_fail(err, rc, "the path %s is too long", dir);
	books->ledger = rn_ledger_new();
	if (!books->ledger)
		return rn_fail(err, -ENOMEM, "out of memory");
	rc = rn_store_open(path, true, &books->store, err);
	if (!rc)
		rc = rn_numbering_open(books, 0, err);
	if (!rc)
		rc = put_all(books, p, err);
	rn_numbering_close(books);
	rn_store_close(books->store);
	rn_ledger_free(books->ledger);
	return rc;
}

int rn_gateway_create(const char *dir, const struct rn_gateway_params *params, struct rn_anchor *ret_anchor,
		      struct rn_err *err)
{
	struct rn_books books = {.epoch = 1};
	struct rn_anchor anchor = {.epoch = 1};
	uint8_t box_secret[RN_KEY_SIZE];
	int rc = check(params, err);
	if (rc)
		return rc;
	rn_random(books.policy_seed, sizeof(books.policy_seed));
	rn_ed25519_public(books.policy_seed, anchor.policy_public);
	rn_x25519_keypair(anchor.box_public, box_secret);
	rc = write_key(dir, "policy.key", books.policy_seed, err);
	if (!rc)
		rc = write_key(dir, "box.key", box_secret, err);
	if (!rc)
		rc = create_database(dir, params, &books, err);
	rn_wipe(books.policy_seed, sizeof(books.policy_seed));
	rn_wipe(box_secret, sizeof(box_secret));
	if (!rc)
		*ret_anchor = anchor;
	return rc;
}
