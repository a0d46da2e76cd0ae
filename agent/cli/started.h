/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_STARTED_H
#define RN_CLI_STARTED_H

#include "cli/cli.h"

/* What became of this host after `gateway init` or `up` had written its state. */
struct rn_started {
	bool asked;	     /* systemd was asked to start rnautd.target, now and at boot */
	bool enforcing;	     /* and the host said in time that it enforces */
	char addresses[128]; /* its own, "IPv4, IPv6" or the one it has; "": not known yet */
};

/*
 * Starts the units, now and at every boot, where systemd runs this host and the configuration is the one they read, and
 * waits until the host enforces, a few seconds at most. Otherwise (asked false) the caller says what to start.
 */
int rn_setup_start(struct rn_cli *cli, struct rn_started *ret);

/* Members "started", "enforcing" and "addresses". */
void rn_started_json(struct rn_json *object, const struct rn_started *started);
/* Where it was asked for: one line that says whether the host enforces, or who says why not. */
void rn_started_print(const struct rn_started *started);

#endif
