/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_ROLE_ROLE_H
#define RN_ROLE_ROLE_H

/*
 * The processes of `rnautd PROCESS`. argv[0] is the process's name, argv[1..] the options of its own that rnautd.c
 * lists;
 * `--config FILE` has already become $RNAUT_CONF, so rn_conf_load(NULL, ...) reads it. The log is set up with the
 * process's name. Each runs until SIGTERM or SIGINT and returns the exit status: 0, or 1 after it logged one sentence.
 *
 * All but core and ca are programs of their own, so that none carries the libraries of the others: what a program was
 * not linked with is NULL in it.
 */
#define RN_ROLE __attribute__((weak))
RN_ROLE int rn_role_core(int argc, char **argv);
RN_ROLE int rn_role_net(int argc, char **argv);
RN_ROLE int rn_role_kern(int argc, char **argv); /* --remove: root; takes rn0, filters and pins away and returns */
RN_ROLE int rn_role_ca(int argc, char **argv);
/*
 * --tls=self, --tls=file: over what the configuration says. --certificate: root; renews the console's certificate where
 * it is due and returns.
 */
RN_ROLE int rn_role_web(int argc, char **argv);
RN_ROLE int rn_role_wireguard(int argc, char **argv); /* --mesh: for a hub's device to other hubs; else returns */

#endif
