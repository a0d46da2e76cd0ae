/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "role/kern.h"
#include "sys/files.h"
#include "sys/local.h"

/*
 * One UDP port for WireGuard and control: the steering programs bring control's datagrams in, the sender takes them
 * out. Neither is needed for enforcing, so nothing that fails here ends the process: control has a port of its own.
 */

void rn_kern_port_listen(struct rn_kern *k)
{
	char path[RN_PATH_SIZE];
	struct rn_err err = {"the path of run_dir is too long"};

	if (rn_path_join(path, sizeof(path), k->conf.run_dir, RN_LOCAL_PORT) < 0 ||
	    rn_sender_new(path, &k->sender, &err) < 0)
		rn_log(RN_LOG_ERROR, "%s", err.text);
}

int rn_kern_port_start(struct rn_kern *k, uid_t net_uid, struct rn_err *err)
{
	struct rn_err why = {"net cannot reach kern, whose log says why its socket was not made"};
	int r = rn_underlay_new(&k->conf, ".", &k->underlay, err);

	if (r < 0)
		return r;
	if (k->sender && rn_sender_start(k->sender, net_uid, k->conf.wireguard_port, &why) == 0)
		rn_underlay_start(k->underlay);
	else
		rn_underlay_stop(k->underlay, why.text);
	rn_kern_port_check(k);
	return 0;
}

void rn_kern_port_check(struct rn_kern *k)
{
	struct rn_underlay_status status;
	struct rn_handoff_state state;

	rn_underlay_check(k->underlay);
	rn_underlay_status(k->underlay, &status);
	state = (struct rn_handoff_state){.port = status.on ? k->conf.wireguard_port : 0, .complete = status.complete};
	if (k->sender)
		rn_sender_offer(k->sender, &state);
}

void rn_kern_port_status(const struct rn_kern *k, struct rn_local_status *s)
{
	struct rn_underlay_status status;

	rn_underlay_status(k->underlay, &status);
	s->steering = status.complete;
	s->control_port = k->conf.control_port;
	s->steered = status.given;
	snprintf(s->steering_why, sizeof(s->steering_why), "%s", status.why);
}
