/* SPDX-License-Identifier: Apache-2.0 */
/* The session to this host's hub, or of a hub to the gateway: records come down, what happened here goes up. */
#include <errno.h>
#include <string.h>

#include "service/core_state.h"

#define BACKOFF_FIRST_MS 200
#define BACKOFF_LAST_MS 15000
#define CONNECT_MS 30000
#define SILENT_S 30 /* after so long a session is given up */
#define HEARD_EVERY_S 600
#define HUB_KEEPALIVE_MS 3000 /* a restart of the gateway holds up no revocation; devices may pay for traffic */
#define EVENTS_MS 100
#define FLUSH_MS 100

int rn_upstream_say(struct rn_core *core, const struct rn_message *message)
{
	struct rn_core_upstream *up = &core->upstream;
	if (up->state != RN_UPSTREAM_OPEN || up->busy)
		return -EAGAIN;
	return rn_core_say(core, up->session, message) ? -EAGAIN : 0;
}

/* ---- how old is what this host knows? ---- */

/* Also over a restart, though not to the second. */
static void keep_heard(struct rn_core *core, int64_t at, bool now)
{
	struct rn_core_upstream *up = &core->upstream;
	/* From the future: the clock was ahead. What is heard now is never that old. */
	if (at > up->heard || up->heard > rn_core_now(core))
		up->heard = at;
	if (up->heard == up->heard_stored ||
	    (!now && up->heard >= up->heard_stored && up->heard < up->heard_stored + HEARD_EVERY_S))
		return;
	up->heard_stored = up->heard;
	(void)rn_store_set_number(core->books.store, "heard", (uint64_t)up->heard, NULL);
}

void rn_upstream_start(struct rn_core *core)
{
	uint64_t heard = 0;
	(void)rn_store_number(core->books.store, "heard", &heard, NULL);
	core->upstream.heard = core->upstream.heard_stored = heard <= INT64_MAX ? (int64_t)heard : 0;
}

/* ---- connecting ---- */

static void retry_later(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	uint8_t jitter;
	rn_random(&jitter, sizeof(jitter));
	up->backoff_ms = up->backoff_ms ? up->backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (up->backoff_ms > BACKOFF_LAST_MS)
		up->backoff_ms = BACKOFF_LAST_MS;
	up->retry_at = rn_core_now_ms(core) + up->backoff_ms + up->backoff_ms * jitter / 512;
	rn_core_arm(core, up->retry_at);
}

uint32_t rn_upstream_tag(struct rn_core *core)
{
	if (!++core->upstream.tags)
		core->upstream.tags = 1;
	return core->upstream.tags;
}

/* To whom this host was enrolled, or whose record has come since. */
static int dial(struct rn_core *core)
{
	struct rn_local local = {.type = RN_LOCAL_NET_CONNECT,
				 .number = core->upstream.tag,
				 .endpoint = core->params.self.upstream,
				 .port = core->params.self.upstream_shared,
				 .code = core->hub ? HUB_KEEPALIVE_MS : 0};
	if (!core->hub && core->home.hub != core->params.self.hub)
		return rn_home_dial(core, core->home.hub, core->upstream.tag);
	memcpy(local.key, core->params.self.upstream_key, RN_KEY_SIZE);
	return rn_core_send(core, RN_CORE_NET, &local);
}

static void connect_now(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	up->tag = rn_upstream_tag(core);
	if (dial(core)) {
		retry_later(core);
		return;
	}
	up->state = RN_UPSTREAM_CONNECTING;
	up->retry_at = rn_core_now_ms(core) + CONNECT_MS;
}

void rn_upstream_closed(struct rn_core *core, int reason)
{
	struct rn_core_upstream *up = &core->upstream;
	if (up->state == RN_UPSTREAM_OPEN) {
		rn_log(RN_LOG_NOTICE, "the session to the %s has ended: %s", core->hub ? "gateway" : "hub",
		       reason > 0 ? strerror(reason) : "closed");
		keep_heard(core, rn_core_now(core) - (reason == ETIMEDOUT ? SILENT_S : 0), true);
	}
	rn_request_lost(core);
	up->state = RN_UPSTREAM_IDLE;
	up->session = 0;
	up->busy = false;
	up->record_total = up->record_at = 0;
	if (core->gateway)
		return;
	retry_later(core);
	rn_home_lost(core);
}

/* ---- who is connected here, for the gateway ---- */

void rn_upstream_presence(struct rn_core *core, uint32_t device, bool connected)
{
	struct rn_message message = {.type = RN_MESSAGE_PRESENCE,
				     .presence = {.device = device, .connected = connected}};
	if (core->hub && core->upstream.state == RN_UPSTREAM_OPEN && rn_upstream_say(core, &message))
		core->upstream.presence_due = true;
}

static void say_present(struct rn_core *core)
{
	for (const struct rn_downstream *s = core->sessions; s; s = s->next)
		rn_upstream_presence(core, s->device, true);
}

static void say_presence_again(struct rn_core *core)
{
	const struct rn_ledger_entry *entry;
	core->upstream.presence_due = false;
	for (unsigned i = 0; (entry = rn_ledger_at(core->books.ledger, i)); i++)
		if (entry->record.hub == core->params.self.device && (entry->record.flags & RN_DEVICE_MANAGED))
			rn_upstream_presence(core, entry->device, rn_downstream_of(core, entry->device) != NULL);
}

void rn_upstream_busy(struct rn_core *core, bool busy)
{
	core->upstream.busy = busy;
	if (!busy && core->upstream.presence_due)
		say_presence_again(core);
}

/* The mark is what somebody said; the newest record, too, bears a signature. */
static void claim(struct rn_core *core, struct rn_message_subscribe *ret)
{
	const struct rn_core_upstream *up = &core->upstream;
	const struct rn_ledger_entry *newest = rn_ledger_newest(core->books.ledger);
	*ret = (struct rn_message_subscribe){.again = up->afresh};
	if (!up->broken) {
		ret->epoch = up->synced.epoch;
		ret->version = up->synced.version;
	}
	if (newest) {
		ret->seen_epoch = newest->epoch;
		ret->seen = newest->version;
	}
}

static void begin(struct rn_core *core, uint64_t session)
{
	struct rn_core_upstream *up = &core->upstream;
	struct rn_message message = {.type = RN_MESSAGE_SUBSCRIBE};
	claim(core, &message.subscribe);
	up->answered = !core->hub;
	up->state = RN_UPSTREAM_OPEN;
	up->session = session;
	up->busy = up->presence_due = false;
	up->seen_afresh = true;
	up->since = rn_core_now(core);
	keep_heard(core, up->since, true);
	rn_log(RN_LOG_INFO, "connected to the %s", core->hub ? "gateway" : "hub");
	if (rn_upstream_say(core, &message)) {
		rn_upstream_closed(core, ENOTCONN);
		return;
	}
	if (up->answered)
		rn_upstream_applied(core);
	rn_home_opened(core);
	rn_resolve_opened(core);
	say_present(core);
}

static bool expected(struct rn_core *core, const uint8_t key[RN_KEY_SIZE])
{
	const struct rn_ledger_entry *hub = rn_ledger_device(core->books.ledger, rn_home_hub(core));
	if (!core->hub && core->home.hub != core->params.self.hub)
		return hub && rn_equal(key, hub->record.noise_key, RN_KEY_SIZE);
	return rn_equal(key, core->params.self.upstream_key, RN_KEY_SIZE);
}

void rn_upstream_open(struct rn_core *core, const struct rn_local *local)
{
	struct rn_core_upstream *up = &core->upstream;
	struct rn_local end = {.type = RN_LOCAL_NET_CLOSE, .session = local->session};
	if (up->state != RN_UPSTREAM_CONNECTING || local->number != up->tag || !local->session ||
	    !expected(core, local->key))
		rn_core_send(core, RN_CORE_NET, &end);
	else
		begin(core, local->session);
}

/* What one hub said of how far it is means nothing of another's devices. */
void rn_upstream_change(struct rn_core *core, uint64_t session)
{
	struct rn_core_upstream *up = &core->upstream;
	struct rn_local end = {.type = RN_LOCAL_NET_CLOSE, .session = up->session};
	if (up->state == RN_UPSTREAM_OPEN)
		rn_core_send(core, RN_CORE_NET, &end);
	up->state = RN_UPSTREAM_IDLE;
	up->session = 0;
	up->record_total = up->record_at = 0;
	up->afresh = true;
	up->backoff_ms = up->retry_at = 0;
	rn_request_lost(core);
	core->own.home_at = 0;
	rn_core_arm(core, rn_core_now_ms(core));
	if (session)
		begin(core, session);
	else if (core->connected[RN_CORE_NET])
		connect_now(core);
}

/* ---- records ---- */

static void store_soon(struct rn_core *core)
{
	if (core->upstream.flush_at)
		return;
	core->upstream.flush_at = rn_core_now_ms(core) + FLUSH_MS;
	rn_core_arm(core, core->upstream.flush_at);
}

static void flush(struct rn_core *core, const struct rn_position *synced)
{
	struct rn_err err = {""};
	core->upstream.flush_at = 0;
	/* A crash must bring back nothing beside what was to be forgotten. */
	if (core->kern_forgets) {
		store_soon(core);
		return;
	}
	/* What cannot be stored is enforced all the same; it is tried again with the next. */
	if (rn_ledger_flush(core->books.ledger, core->books.store, synced, &err)) {
		if (rn_log_allowed(&core->strange, rn_core_now_ms(core), 1000))
			rn_log(RN_LOG_ERROR, "%s", err.text);
	} else if (synced) {
		core->upstream.stored = *synced;
	}
}

/* The mark with what is under it, where it could not be stored when it came. */
static void flush_late(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	bool mark = !rn_position_reaches(&up->stored, &up->synced);
	flush(core, mark ? &up->synced : NULL);
	if (mark)
		rn_upstream_applied(core);
}

void rn_upstream_flush(struct rn_core *core)
{
	if (core->upstream.flush_at)
		flush_late(core);
}

/* Who subscribed here was told SYNCED without this record, and may be away now. */
static void remember_late(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	const struct rn_ledger_entry *newest = rn_ledger_newest(core->books.ledger);
	struct rn_position told = {newest->epoch, newest->version};
	struct rn_err err = {""};
	if (rn_position_reaches(&told, &up->synced))
		told = up->synced;
	if (rn_position_reaches(&up->late, &told))
		return;
	up->late = told;
	if (rn_ledger_set_position(core->books.store, "late", &up->late, &err))
		rn_log(RN_LOG_ERROR, "%s", err.text);
}

/* To whoever was sent more than this record already. */
static void send_again(struct rn_core *core, const struct rn_ledger_entry *entry)
{
	bool asked = entry->type == RN_RECORD_DEVICE && !rn_kind_is_hub(entry->record.kind) &&
		     entry->record.hub != rn_home_hub(core);
	if (core->hub && !asked && !rn_position_before(&core->upstream.synced, entry))
		remember_late(core);
	rn_feed_again(&core->kern.feed, entry);
	for (struct rn_downstream *s = core->sessions; s; s = s->next)
		rn_feed_again(&s->feed, entry);
}

/* A number that was not forgotten means another set: no honest gateway says so to a hub that missed nothing. */
static bool contradicts(struct rn_core *core, const uint8_t *blob, size_t size, enum rn_record_type type)
{
	struct rn_identity_record now, old;
	const struct rn_ledger_entry *entry;
	if (type != RN_RECORD_IDENTITY || rn_record_get_identity(blob, size, &now) || !now.selector_count)
		return false;
	entry = rn_ledger_identity(core->books.ledger, now.number);
	return entry && !rn_record_get_identity(entry->blob, entry->size, &old) && old.selector_count &&
	       (old.selector_count != now.selector_count ||
		memcmp(old.selectors, now.selectors, sizeof(old.selectors)) != 0);
}

/* A hub can hold back and repeat, but not invent: the signature is the gateway's. */
bool rn_upstream_take(struct rn_core *core, const uint8_t *blob, size_t size)
{
	struct rn_record_head head;
	struct rn_ledger_entry *entry;
	if (rn_record_verify(blob, size, core->params.anchor.policy_public, &head)) {
		rn_log(RN_LOG_WARNING, "the %s sent a record without the gateway's signature: refused",
		       core->hub ? "gateway" : "hub");
		return false;
	}
	if (contradicts(core, blob, size, head.type)) {
		rn_log(RN_LOG_ERROR, "record version %llu gives an identity number another meaning: asking anew",
		       (unsigned long long)head.version);
		core->upstream.broken = true;
		return false;
	}
	int rc = rn_ledger_take(core->books.ledger, blob, size, &entry);
	if (rc == -ESTALE)
		return true;
	if (rc) {
		core->upstream.broken |= rc == -ENOENT;
		rn_log(RN_LOG_ERROR, "record version %llu cannot be taken: %s", (unsigned long long)head.version,
		       rc == -ENOENT ? "parts of the policy have not come" : strerror(-rc));
		return false;
	}
	store_soon(core);
	if (entry->type == RN_RECORD_DEVICE && (entry->record.flags & RN_DEVICE_REVOKED))
		rn_downstream_deny(core, &entry->record);
	send_again(core, entry);
	rn_core_publish(core);
	if (entry->type == RN_RECORD_DEVICE)
		rn_rehome_signed(core, entry);
	if (!core->hub && (entry->device == core->params.self.device || rn_kind_is_hub(entry->record.kind)))
		rn_core_arm(core, rn_core_now_ms(core)); /* it may have to go elsewhere */
	return true;
}

static bool take_piece(struct rn_core *core, const struct rn_message_record *m)
{
	struct rn_core_upstream *up = &core->upstream;
	if (m->offset == 0) {
		up->record_total = m->total;
		up->record_at = 0;
	}
	if (!m->piece_size || m->total != up->record_total || m->total > RN_RECORD_SIZE_MAX ||
	    m->offset != up->record_at || m->piece_size > m->total - m->offset)
		return false;
	memcpy(up->record + m->offset, m->piece, m->piece_size);
	up->record_at += (uint32_t)m->piece_size;
	if (up->record_at < up->record_total)
		return true;
	up->record_total = up->record_at = 0;
	return rn_upstream_take(core, up->record, m->total);
}

static void synced(struct rn_core *core, const struct rn_message_version *m)
{
	core->upstream.backoff_ms = 0;
	core->upstream.afresh = false;
	core->upstream.synced = (struct rn_position){m->epoch, m->version};
	rn_core_publish(core); /* first: nobody who waits for the mark should wait for the disk */
	flush(core, &core->upstream.synced);
}

/* ---- from where it goes on ---- */

/* All that this hub read is forgotten, on the disk first. Its own record goes too: it is nobody's peer until told. */
static int forget(struct rn_core *core, struct rn_err *err)
{
	const struct rn_position nothing = {0};
	struct rn_ledger *ledger = core->books.ledger;
	struct rn_store *store = core->books.store;
	const struct rn_ledger_entry *entry;
	uint32_t self = core->params.self.device;
	int rc = rn_store_begin(store, err);
	for (unsigned i = 0; !rc && (entry = rn_ledger_identity_at(ledger, i)); i++)
		rc = rn_store_remove_record(store, RN_RECORD_IDENTITY, entry->device, err);
	if (!rc)
		rc = rn_store_remove_record(store, RN_RECORD_DEVICE, self, err);
	if (!rc)
		rc = rn_ledger_set_position(store, "synced", &nothing, err);
	if (!rc)
		rc = rn_store_commit(store, err);
	if (rc) {
		rn_store_rollback(store);
		return rc;
	}
	while ((entry = rn_ledger_identity_at(ledger, 0)))
		rn_ledger_remove_identity(ledger, entry->device);
	rn_ledger_remove(ledger, self);
	core->upstream.synced = core->upstream.stored = nothing;
	return 0;
}

static bool goes_on_from(struct rn_core *core, const struct rn_message_version *m)
{
	struct rn_err err = {""};
	if (!core->hub || core->upstream.answered)
		return false;
	if (!m->version && forget(core, &err)) {
		rn_log(RN_LOG_ERROR, "the gateway says that this hub begins anew: %s", err.text);
		return false;
	}
	if (!m->version)
		rn_core_kern_forget(core);
	core->upstream.answered = true;
	core->upstream.broken = false;
	rn_upstream_applied(core);
	return true;
}

static void removed(struct rn_core *core, const struct rn_message *message)
{
	uint32_t device = message->removed.device;
	struct rn_err err = {""};
	if (device == core->params.self.device || rn_home_lists(core, device) ||
	    !rn_ledger_device(core->books.ledger, device))
		return;
	rn_ledger_remove(core->books.ledger, device);
	if (rn_store_remove_record(core->books.store, RN_RECORD_DEVICE, device, &err))
		rn_log(RN_LOG_ERROR, "%s", err.text);
	rn_core_kern_remove(core, device);
	for (struct rn_downstream *s = core->sessions; s; s = s->next)
		if (s->subscribed)
			rn_core_say(core, s->session, message);
}

static void answer(struct rn_core *core, const struct rn_message *message)
{
	struct rn_downstream *session;
	if (message->answer.device == core->params.self.device) {
		rn_request_answered(core, &message->answer);
		return;
	}
	session = core->hub ? rn_downstream_of(core, message->answer.device) : NULL;
	if (session)
		rn_core_say(core, session->session, message);
}

bool rn_upstream_message(struct rn_core *core, const struct rn_message *message)
{
	/* To a hub nothing comes before the answer to SUBSCRIBE. */
	if (!core->upstream.answered && message->type != RN_MESSAGE_FROM)
		return false;
	switch ((int)message->type) {
	case RN_MESSAGE_RECORD:
		return take_piece(core, &message->record);
	case RN_MESSAGE_SYNCED:
		synced(core, &message->version);
		return true;
	case RN_MESSAGE_FROM:
		return goes_on_from(core, &message->version);
	case RN_MESSAGE_REMOVED:
		removed(core, message);
		return true;
	case RN_MESSAGE_INTEREST:
		rn_resolve_given(core, &message->interest);
		return true;
	case RN_MESSAGE_ANSWER:
		answer(core, message);
		return true;
	default:
		return false;
	}
}

/* ---- what goes up ---- */

/* What is in the kernel and on the disk, so that whatever happens nothing older comes back. */
void rn_upstream_applied(struct rn_core *core)
{
	const struct rn_core_upstream *up = &core->upstream;
	const struct rn_position *at =
	    rn_position_reaches(&up->stored, &core->kern.applied) ? &core->kern.applied : &up->stored;
	struct rn_message message = {.type = RN_MESSAGE_APPLIED,
				     .version = {.epoch = at->epoch, .version = at->version}};
	if (at->version && up->answered)
		rn_upstream_say(core, &message);
}

static void send_events(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	struct rn_message message = {.type = RN_MESSAGE_EVENTS,
				     .events = {.reporter = up->events_reporter,
						.lost = up->events_lost,
						.events = up->events,
						.events_size = up->events_size}};
	up->events_at = 0;
	if (up->events_size && rn_upstream_say(core, &message))
		up->events_lost += up->events_size / sizeof(struct rn_event);
	up->events_size = 0;
}

/* Hubs report what they see; nodes only what never reached their hub because they stopped it themselves. */
static bool worth_sending(const struct rn_core *core, const uint8_t *event)
{
	struct rn_event e;
	memcpy(&e, event, sizeof(e));
	return core->hub || e.reason != RN_ALLOWED;
}

void rn_upstream_events(struct rn_core *core, uint32_t reporter, const uint8_t *events, size_t size, uint64_t lost)
{
	struct rn_core_upstream *up = &core->upstream;
	up->events_lost += lost;
	for (; size >= sizeof(struct rn_event); events += sizeof(struct rn_event), size -= sizeof(struct rn_event)) {
		if (!worth_sending(core, events))
			continue;
		if (up->events_size == sizeof(up->events) || (up->events_size && reporter != up->events_reporter))
			send_events(core);
		up->events_reporter = reporter;
		memcpy(up->events + up->events_size, events, sizeof(struct rn_event));
		up->events_size += sizeof(struct rn_event);
	}
	if (!up->events_size || up->events_at)
		return;
	up->events_at = rn_core_now_ms(core) + EVENTS_MS;
	rn_core_arm(core, up->events_at);
}

void rn_upstream_tick(struct rn_core *core)
{
	struct rn_core_upstream *up = &core->upstream;
	int64_t now = rn_core_now_ms(core);
	rn_home_tick(core);
	if (up->state == RN_UPSTREAM_OPEN)
		keep_heard(core, rn_core_now(core) - SILENT_S, false);
	if (up->flush_at && now >= up->flush_at)
		flush_late(core);
	if (up->events_at && now >= up->events_at)
		send_events(core);
	if (core->gateway || !core->connected[RN_CORE_NET] || now < up->retry_at)
		return;
	if (up->state == RN_UPSTREAM_CONNECTING)
		rn_upstream_closed(core, ETIMEDOUT);
	else if (up->state == RN_UPSTREAM_IDLE)
		connect_now(core);
}
