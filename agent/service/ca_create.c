/* SPDX-License-Identifier: Apache-2.0 */
#include "service/ca_create.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain/issuance.h"
#include "domain/name.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/journal.h"

/* Everything secret of a new network, in one place that is wiped. */
struct secrets {
	uint8_t root[RN_KEY_SIZE], issuing[RN_KEY_SIZE], noise[RN_KEY_SIZE], wireguard[RN_KEY_SIZE];
};

struct certificates {
	uint8_t root[RN_CERT_MAX];
	int root_size;
	struct rn_issuance_entry leaf; /* what the journal begins with */
};

static int make_leaf(const struct rn_ca_create *in, const struct secrets *s, struct rn_ca_created *c,
		     struct certificates *certs)
{
	struct rn_leaf leaf = {.not_before = in->now};
	struct rn_issuer *issuer = NULL;
	int r = rn_issuer_new(c->issuer, c->issuer_size, c->root_public, in->now, &issuer);

	if (r < 0)
		return r;
	rn_x509_serial(leaf.serial);
	memcpy(leaf.key, c->noise_key, sizeof(leaf.key));
	snprintf(leaf.kind, sizeof(leaf.kind), "%s", rn_kind_name(RN_KIND_GATEWAY));
	snprintf(leaf.name, sizeof(leaf.name), "%s", in->name);
	r = rn_x509_leaf(issuer, s->issuing, &leaf, c->leaf);
	rn_issuer_free(issuer);
	if (r < 0)
		return r;
	c->leaf_size = (size_t)r;
	certs->leaf = (struct rn_issuance_entry){
		.type = RN_ISSUANCE_ISSUED, .kind = RN_KIND_GATEWAY, .time = in->now};
	memcpy(certs->leaf.key, leaf.key, sizeof(leaf.key));
	memcpy(certs->leaf.serial, leaf.serial, sizeof(leaf.serial));
	snprintf(certs->leaf.name, sizeof(certs->leaf.name), "%s", in->name);
	return 0;
}

static int make_certificates(const struct rn_ca_create *in, const struct secrets *s, struct rn_ca_created *c,
			     struct certificates *certs)
{
	uint8_t serial[RN_SERIAL_SIZE], issuing_public[RN_KEY_SIZE];
	int r;

	rn_x509_serial(serial);
	certs->root_size = rn_x509_root(s->root, serial, in->now, certs->root);
	if (certs->root_size < 0)
		return certs->root_size;
	rn_x509_serial(serial);
	rn_ed25519_public(s->issuing, issuing_public);
	r = rn_x509_issuing(s->root, issuing_public, serial, in->now, c->issuer);
	if (r < 0)
		return r;
	c->issuer_size = (size_t)r;
	return make_leaf(in, s, c, certs);
}

static int nothing_yet(void *context, const uint8_t *record)
{
	(void)context;
	(void)record;
	return -EBADMSG;
}

/* Remembers the gateway's own leaf, so that it can be renewed like any other. */
static int make_journal(const struct rn_ca_create *in, const struct certificates *certs, struct rn_err *err)
{
	uint8_t record[RN_ISSUANCE_ENTRY_SIZE];
	struct rn_journal *journal = NULL;
	char path[RN_PATH_SIZE];
	int r = snprintf(path, sizeof(path), "%s/ca/journal", in->dir) < (int)sizeof(path) ? 0 : -ENAMETOOLONG;

	if (r == 0)
		r = rn_journal_create(path, RN_ISSUANCE_ENTRY_SIZE, err);
	if (r == 0)
		r = rn_journal_open(path, RN_ISSUANCE_ENTRY_SIZE, nothing_yet, NULL, &journal, err);
	if (r < 0)
		return r;
	rn_issuance_put(&certs->leaf, record);
	r = rn_journal_append(journal, record);
	rn_journal_close(journal);
	if (r == 0 && chown(path, in->owners.ca.uid, in->owners.ca.gid) < 0)
		r = -errno;
	return r < 0 ? rn_fail(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

static int write_files(const struct rn_ca_create *in, const struct secrets *s, const struct rn_ca_created *c,
		       const struct certificates *certs, struct rn_err *err)
{
	const struct rn_owner self = {geteuid(), getegid()};
	const struct {
		const char *dir, *name;
		const struct rn_owner *owner;
		const void *data;
		size_t size;
	} files[] = {
		{"net", "noise.key", &in->owners.net, s->noise, RN_KEY_SIZE},
		{"net", "leaf.der", &in->owners.net, c->leaf, c->leaf_size},
		{"net", "issuer.der", &in->owners.net, c->issuer, c->issuer_size},
		{"kern", "wireguard.key", &in->owners.kern, s->wireguard, RN_KEY_SIZE},
		{"ca", "issuing.key", &in->owners.ca, s->issuing, RN_KEY_SIZE},
		{"ca", "issuing.der", &in->owners.ca, c->issuer, c->issuer_size},
		{"root", "root.key", &self, s->root, RN_KEY_SIZE},
		{"root", "root.der", &self, certs->root, (size_t)certs->root_size},
	};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char dir[RN_PATH_SIZE];
		int r = rn_owned_directory(in->dir, files[i].dir, &self, err);

		if (r == 0)
			r = rn_path_join(dir, sizeof(dir), in->dir, files[i].dir);
		if (r == 0)
			r = rn_owned_write(dir, files[i].name, files[i].data, files[i].size, files[i].owner, err);
		if (r < 0)
			return r;
	}
	return make_journal(in, certs, err);
}

/* Last: while files were being written, the directories were the caller's. */
static int give_directories(const struct rn_ca_create *in, struct rn_err *err)
{
	int r = rn_owned_directory(in->dir, "net", &in->owners.net, err);

	if (r == 0)
		r = rn_owned_directory(in->dir, "kern", &in->owners.kern, err);
	if (r == 0)
		r = rn_owned_directory(in->dir, "ca", &in->owners.ca, err);
	return r;
}

int rn_ca_create(const struct rn_ca_create *in, struct rn_ca_created *ret, struct rn_err *err)
{
	struct rn_ca_created c = {0};
	struct certificates certs = {0};
	struct secrets s;
	int r;

	if (!rn_name_valid(in->name))
		return rn_fail(err, -EINVAL, "%s is no device name: 1 to 63 of a-z 0-9 . _ -, the first a letter or digit",
			       in->name);
	rn_random(s.root, sizeof(s.root));
	rn_random(s.issuing, sizeof(s.issuing));
	rn_x25519_keypair(c.noise_key, s.noise);
	rn_x25519_keypair(c.wireguard_key, s.wireguard);
	rn_ed25519_public(s.root, c.root_public);
	rn_sha256(c.root_public, sizeof(c.root_public), c.fingerprint);
	r = make_certificates(in, &s, &c, &certs);
	if (r < 0)
		rn_fail(err, r, "cannot make the CA's certificates: %s", strerror(-r));
	else
		r = write_files(in, &s, &c, &certs, err);
	if (r == 0)
		r = give_directories(in, err);
	rn_wipe(&s, sizeof(s));
	if (r == 0)
		*ret = c;
	return r;
}

int rn_ca_create_anchor(const struct rn_ca_create *in, uint32_t device, struct rn_anchor *anchor, struct rn_err *err)
{
	struct rn_self self = {.device = device, .hub = device, .kind = RN_KIND_GATEWAY, .gateway = true};
	uint8_t root[RN_KEY_SIZE], wire[RN_ANCHOR_SIZE];
	char dir[RN_PATH_SIZE];
	int r = rn_path_join(dir, sizeof(dir), in->dir, "root");

	if (r < 0)
		return rn_fail(err, r, "the path %s is too long", in->dir);
	r = rn_secret_read(dir, "root.key", root, sizeof(root), err);
	if (r < 0)
		return r;
	rn_ed25519_public(root, anchor->root_public);
	rn_anchor_put(anchor, root, wire);
	rn_wipe(root, sizeof(root));
	snprintf(self.name, sizeof(self.name), "%s", in->name);
	return rn_self_write(in->dir, &self, wire, err);
}
