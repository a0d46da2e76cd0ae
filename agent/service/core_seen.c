/* SPDX-License-Identifier: Apache-2.0 */
/* When a device's tunnel was last alive and what went through it: its hub's kern knows, and the gateway is told. */
#include "base/buf.h"
#include "service/core_state.h"

#define AT_ONCE 500 /* in one message */
#define SEEN_SIZE (4 + 3 * 8)

static void read_seen(struct rn_reader *r, struct rn_seen *ret)
{
	ret->handshake = (int64_t)rn_read_u64(r);
	ret->received = rn_read_u64(r);
	ret->sent = rn_read_u64(r);
}

static bool say(struct rn_core *core, struct rn_writer *w)
{
	struct rn_message message = {.type = RN_MESSAGE_SEEN, .seen = {.seen = w->data, .seen_size = w->at}};
	bool said = !w->at || rn_upstream_say(core, &message) == 0;

	w->at = 0;
	return said;
}

/* At each new handshake, which is every two minutes while somebody speaks: a hub of thousands says a few a second. */
static void report(struct rn_core *core)
{
	uint8_t block[AT_ONCE * SEEN_SIZE];
	struct rn_writer w = rn_writer(block, sizeof(block));
	const struct rn_ledger_entry *entry;
	bool all = core->upstream.seen_afresh, said = true;

	for (unsigned i = 0; said && (entry = rn_ledger_at(core->books.ledger, i)); i++) {
		const struct rn_seen *seen = &entry->seen;

		if (entry->record.hub != core->params.self.device || !seen->handshake ||
		    (!all && seen->handshake == entry->seen_told))
			continue;
		rn_write_u32(&w, entry->device);
		rn_write_u64(&w, (uint64_t)seen->handshake);
		rn_write_u64(&w, seen->received);
		rn_write_u64(&w, seen->sent);
		rn_ledger_set_seen_told(core->books.ledger, entry->device, seen->handshake);
		if (w.at == sizeof(block))
			said = say(core, &w);
	}
	core->upstream.seen_afresh = !(said && say(core, &w));
}

void rn_seen_here(struct rn_core *core)
{
	struct rn_reader r = rn_reader(core->kern.status.peers, core->kern.status.peers_size);

	while (rn_reader_left(&r)) {
		struct rn_seen seen;
		uint32_t device = rn_read_u32(&r);

		rn_read_view(&r, 16 + 2); /* where it is */
		read_seen(&r, &seen);
		if (!r.failed)
			rn_ledger_set_seen(core->books.ledger, device, &seen);
	}
	if (core->hub && !core->gateway && core->upstream.state == RN_UPSTREAM_OPEN)
		report(core);
}

void rn_seen_there(struct rn_core *core, uint32_t hub, const struct rn_message_seen *m)
{
	struct rn_reader r = rn_reader(m->seen, m->seen_size);
	int64_t now = rn_core_now(core);

	while (rn_reader_left(&r)) {
		uint32_t device = rn_read_u32(&r);
		const struct rn_ledger_entry *entry = rn_ledger_device(core->books.ledger, device);
		struct rn_seen seen;

		read_seen(&r, &seen);
		if (seen.handshake < 0 || seen.handshake > now)
			seen.handshake = now;
		if (!r.failed && entry && device != hub && entry->record.hub == hub)
			rn_ledger_set_seen(core->books.ledger, device, &seen);
	}
}
