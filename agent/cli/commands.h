/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_CLI_COMMANDS_H
#define RN_CLI_COMMANDS_H

#include "cli/cli.h"

/* One handler a command; each returns the exit code, after its one sentence on standard error where that is not 0. */
int rn_cmd_gateway_init(struct rn_cli *cli); /* cmd_gateway.c */
int rn_cmd_status(struct rn_cli *cli);	     /* cmd_status.c */
int rn_cmd_token_create(struct rn_cli *cli); /* cmd_token.c */
int rn_cmd_up(struct rn_cli *cli);	     /* cmd_up.c */
int rn_cmd_down(struct rn_cli *cli);
int rn_cmd_devices(struct rn_cli *cli); /* cmd_devices.c */
int rn_cmd_device_move(struct rn_cli *cli);
int rn_cmd_hubs(struct rn_cli *cli); /* cmd_hubs.c */
int rn_cmd_quarantine(struct rn_cli *cli);
int rn_cmd_revoke(struct rn_cli *cli);
int rn_cmd_trust(struct rn_cli *cli);
int rn_cmd_policy_get(struct rn_cli *cli); /* cmd_policy.c */
int rn_cmd_policy_set(struct rn_cli *cli);
int rn_cmd_policy_check(struct rn_cli *cli);
int rn_cmd_policy_import_tailscale(struct rn_cli *cli); /* cmd_policy_import.c */
int rn_cmd_policy_import_networkpolicy(struct rn_cli *cli);
int rn_cmd_policy_rollback(struct rn_cli *cli);
int rn_cmd_policy_history(struct rn_cli *cli);
int rn_cmd_policy_diff(struct rn_cli *cli);	 /* cmd_policy_diff.c */
int rn_cmd_policy_draft(struct rn_cli *cli);	 /* cmd_policy_draft.c */
int rn_cmd_policy_replay(struct rn_cli *cli);	 /* cmd_replay.c */
int rn_cmd_policy_observed(struct rn_cli *cli);	 /* cmd_observed.c */
int rn_cmd_flows(struct rn_cli *cli);		 /* cmd_flows.c */
int rn_cmd_explain(struct rn_cli *cli);		 /* cmd_explain.c */
int rn_cmd_export(struct rn_cli *cli);		 /* cmd_export.c */
int rn_cmd_doctor(struct rn_cli *cli);		 /* cmd_doctor.c */
int rn_cmd_drops(struct rn_cli *cli);		 /* cmd_drops.c */
int rn_cmd_console(struct rn_cli *cli);		 /* cmd_console.c */
int rn_cmd_api_token_create(struct rn_cli *cli); /* cmd_api_token.c */
int rn_cmd_api_token_list(struct rn_cli *cli);
int rn_cmd_api_token_revoke(struct rn_cli *cli);
int rn_cmd_version(struct rn_cli *cli); /* cmd_help.c */
int rn_cmd_help(struct rn_cli *cli);
int rn_cmd_completion(struct rn_cli *cli);

#endif
