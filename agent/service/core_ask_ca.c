/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to ca and who waits for each answer. */
#include <errno.h>
#include <stdlib.h>

#include "service/core_state.h"

#define ASK_MS 5000
#define ASKS_MAX 1024

struct rn_ca_ask {
	struct rn_ca_ask *next;
	uint32_t id;
	int64_t until;
	rn_ca_answered *answered;
	void *context;
};

static unsigned count(const struct rn_ca_ask *ask)
{
	unsigned n = 0;
	for (; ask; ask = ask->next)
		n++;
	return n;
}

int rn_ask_ca(struct rn_core *core, struct rn_local *message, rn_ca_answered *answered, void *context,
	      struct rn_err *err)
{
	struct rn_ca_ask *ask = count(core->asks) < ASKS_MAX ? calloc(1, sizeof(*ask)) : NULL;
	if (!ask)
		return rn_fail(err, -EAGAIN, "the gateway has too much to do just now: try again in a few seconds");
	*ask = (struct rn_ca_ask){.next = core->asks,
				  .id = ++core->next_id,
				  .answered = answered,
				  .context = context,
				  .until = rn_core_now_ms(core) + ASK_MS};
	message->number = ask->id;
	if (rn_core_send(core, RN_CORE_CA, message)) {
		free(ask);
		return rn_fail(err, -EAGAIN,
			       "the gateway's ca process is not there: see `systemctl status rnaut-ca` on the "
			       "gateway, then try again");
	}
	core->asks = ask;
	rn_core_arm(core, ask->until);
	return 0;
}

/* Off the list first: who is called may ask again. */
static void answer(struct rn_core *core, struct rn_ca_ask **at, int code, const struct rn_local *local,
		   const char *text)
{
	struct rn_ca_ask *ask = *at;
	bool leaf = !code && local && local->block_size;
	*at = ask->next;
	ask->answered(core, ask->context, code, text, leaf ? local->block : NULL, leaf ? local->block_size : 0);
	free(ask);
}

void rn_ask_ca_receive(struct rn_core *core, const struct rn_local *local)
{
	for (struct rn_ca_ask **at = &core->asks; *at; at = &(*at)->next) {
		if ((*at)->id != local->number)
			continue;
		answer(core, at, -(int)local->code, local, local->text);
		return;
	}
}

void rn_ask_ca_tick(struct rn_core *core, bool gone)
{
	int64_t now = rn_core_now_ms(core);
	struct rn_ca_ask **at = &core->asks;
	while (*at) {
		if (gone || now >= (*at)->until) {
			answer(core, at, -EAGAIN, NULL,
			       "the gateway's ca process did not answer: try again in a few seconds");
			/* The list may have changed. */
			at = &core->asks;
			continue;
		}
		rn_core_arm(core, (*at)->until);
		at = &(*at)->next;
	}
}
