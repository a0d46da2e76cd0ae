/* SPDX-License-Identifier: Apache-2.0 */
/* What the store keeps: rows as bytes, and a start from them. Whatever no gateway would have written is refused. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "domain/meaning_state.h"

/* ---- a number ---- */

static bool means(enum rn_meaning_state state)
{
	return state == RN_MEANING_ANNOUNCED || state == RN_MEANING_USABLE || state == RN_MEANING_ENDING;
}

static bool row_good(const struct rn_meaning *in)
{
	bool ended = in->state == RN_MEANING_FORGETTING || in->state == RN_MEANING_RESTING;

	return in->number && in->number <= RN_IDENTITY_MAX && in->version && (means(in->state) || ended) &&
	       (in->count > 0) == means(in->state) && rn_meaning_set_good(in->selectors, in->count);
}

size_t rn_meaning_put(const struct rn_meaning *in, uint8_t out[RN_MEANING_ROW_MAX])
{
	struct rn_writer w = rn_writer(out, RN_MEANING_ROW_MAX);

	rn_write_u32(&w, in->number);
	rn_write_u8(&w, (uint8_t)in->state);
	rn_write_u8(&w, (uint8_t)in->count);
	rn_write_u64(&w, in->version);
	for (uint32_t i = 0; i < in->count; i++)
		rn_write_u32(&w, in->selectors[i]);
	return w.at;
}

int rn_meaning_get(const uint8_t *data, size_t size, uint32_t *selectors, struct rn_meaning *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_meaning in = {.number = rn_read_u32(&r), .selectors = selectors};

	in.state = rn_read_u8(&r);
	in.count = rn_read_u8(&r);
	in.version = rn_read_u64(&r);
	if (in.count > RN_SELECTORS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < in.count; i++)
		selectors[i] = rn_read_u32(&r);
	if (!rn_reader_done(&r) || !row_good(&in))
		return -EBADMSG;
	*ret = in;
	return 0;
}

int rn_meanings_load_number(struct rn_meanings *m, const struct rn_meaning *in, int64_t now, uint64_t newest)
{
	struct rn_meaning_row *r;

	/* In order of version, since the lists are. */
	if (!row_good(in) || in->number > m->numbers_max || in->version <= m->loaded || in->version > newest)
		return -EBADMSG;
	if (in->count && rn_meaning_find(m, in->selectors, in->count))
		return -EBADMSG;
	if (rn_meaning_reach(m, in->number))
		return -ENOMEM;
	r = &m->rows[in->number];
	if (r->state != RN_MEANING_FREE)
		return -EBADMSG;
	if (in->count && rn_meaning_name(m, in->number, in->selectors, in->count))
		return -ENOMEM;
	r->version = m->loaded = in->version;
	m->said = in->version > m->said ? in->version : m->said;
	r->rest_until = now + RN_MEANING_REST_MS;
	rn_meaning_load_state(m, in->number, in->state);
	if (means(in->state))
		rn_meaning_look_at(m, in->number);
	return 0;
}

/* ---- a hub ---- */

size_t rn_meaning_hub_put(const struct rn_meaning_hub *in, uint8_t out[RN_MEANING_HUB_ROW])
{
	struct rn_writer w = rn_writer(out, RN_MEANING_HUB_ROW);

	rn_write_u32(&w, in->hub);
	rn_write_u8(&w, in->apart);
	rn_write_u64(&w, in->version);
	rn_write_u64(&w, in->told);
	rn_write_u64(&w, in->left_ms);
	return w.at;
}

static bool hub_good(const struct rn_meaning_hub *in)
{
	return in->hub && in->left_ms <= RN_MEANING_LEASE_MS && (in->version || in->apart) &&
	       (!in->apart || !in->left_ms) && (in->told >= in->version || in->apart);
}

int rn_meaning_hub_get(const uint8_t *data, size_t size, struct rn_meaning_hub *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_meaning_hub in = {.hub = rn_read_u32(&r)};
	uint8_t apart = rn_read_u8(&r);

	in.apart = apart != 0;
	in.version = rn_read_u64(&r);
	in.told = rn_read_u64(&r);
	in.left_ms = rn_read_u64(&r);
	if (!rn_reader_done(&r) || apart > 1 || !hub_good(&in))
		return -EBADMSG;
	*ret = in;
	return 0;
}

int rn_meanings_load_hub(struct rn_meanings *m, const struct rn_meaning_hub *in, int64_t now, uint64_t newest)
{
	bool connected = in->told == UINT64_MAX;
	struct rn_meaning_node *n;
	int rc;

	if (!hub_good(in) || in->gone || in->version > newest || (!connected && in->told > newest) ||
	    rn_meaning_node_of(m, in->hub))
		return -EBADMSG;
	rc = rn_meaning_add_node(m, in->hub, &n);
	if (rc)
		return rc == -ENOMEM ? rc : -EBADMSG;
	n->place = in->apart ? APART : MEMBER;
	n->version = in->version;
	m->said = in->version > m->said ? in->version : m->said;
	n->told = connected ? newest : in->told;
	n->closed_at = now;
	n->until = now + (int64_t)in->left_ms;
	if (connected)
		rn_meaning_mark_node(m, n);
	return 0;
}

/* ---- the head ---- */

size_t rn_meaning_head_put(const struct rn_meaning_head *in, uint8_t out[RN_MEANING_HEAD_ROW])
{
	struct rn_writer w = rn_writer(out, RN_MEANING_HEAD_ROW);

	rn_write_u32(&w, in->epoch);
	rn_write_u64(&w, in->fence);
	rn_write_u64(&w, in->horizon);
	return w.at;
}

int rn_meaning_head_get(const uint8_t *data, size_t size, struct rn_meaning_head *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_meaning_head in = {.epoch = rn_read_u32(&r)};

	in.fence = rn_read_u64(&r);
	in.horizon = rn_read_u64(&r);
	if (!rn_reader_done(&r) || !in.epoch)
		return -EBADMSG;
	*ret = in;
	return 0;
}

int rn_meanings_load_head(struct rn_meanings *m, const struct rn_meaning_head *head)
{
	if (!head->epoch)
		return -EBADMSG;
	m->epoch = head->epoch;
	m->fence = head->fence;
	m->horizon = head->horizon;
	return 0;
}

struct rn_meaning_head rn_meanings_head(const struct rn_meanings *m)
{
	return (struct rn_meaning_head){m->epoch, m->fence, m->horizon};
}
