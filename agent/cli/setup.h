/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_SETUP_H
#define RN_CLI_SETUP_H

#include "cli/cli.h"
#include "sys/owner.h"

/*
 * What `gateway init` and `up` share: the state of this host is built whole in STATE/.state-new and then renamed to
 * STATE/state, so that a host is set up or not and nothing between. All functions return an exit code and print their
 * sentence.
 */
struct rn_setup {
	char parent[256], building[300], state[300];
	bool marked;
	int lock; /* of the parent: two commands at once would build in each other's directory */
	struct rn_owners owners;
};

/*
 * Root, no state yet, ports free, users there; then a directory `building`, mode 0755. It is empty, but for what an
 * attempt with the same mark left there (rn_setup_leave, or a kill); mark: one line, NULL: none does.
 */
int rn_setup_begin(struct rn_cli *cli, const char *mark, struct rn_setup *ret);
/* Syncs all that was built and makes it the state. Ends the setup, either way. */
int rn_setup_commit(struct rn_setup *setup);
/* Removes what was built. Ends the setup. */
void rn_setup_abandon(struct rn_setup *setup);
/* Ends the setup; what was built is there for the next attempt with the same mark. */
void rn_setup_leave(struct rn_setup *setup);
/* Gives every file under building/NAME to the owner, directories with mode 0700, files with 0600. */
int rn_setup_own(struct rn_setup *setup, const char *name, const struct rn_owner *owner);

/* --endpoint as an address; needed: RN_EXIT_USAGE where it is absent. */
int rn_setup_endpoint(const struct rn_cli *cli, bool needed, struct rn_addr *ret);
/* --name, else fallback (NULL or "": none), else the host's name, checked. */
int rn_setup_name(const struct rn_cli *cli, const char *fallback, char ret[RN_NAME_MAX + 1]);

#endif
