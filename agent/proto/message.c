/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/message.h"

#include <errno.h>
#include <string.h>

#include "proto/fields.h"
#include "proto/session.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(kind, member) RN_FIELD_AT(struct rn_message, kind, member)
#define VIEW(member, max) RN_FIELD_VIEW(struct rn_message, BLOCK, member, max)
#define REST RN_MESSAGE_MAX /* the message's own bound is the field's */

static const struct rn_field enroll_fields[] = {
	AT(U64, enroll.token),		 AT(U8, enroll.role),
	AT(TEXT, enroll.name),		 AT(BYTES, enroll.noise_key),
	AT(BYTES, enroll.wireguard_key), AT(ENDPOINT, enroll.wireguard),
	AT(ENDPOINT, enroll.control),	 AT(BYTES, enroll.signature),
};
static const struct rn_field enrolled_fields[] = {
	AT(U16, enrolled.status),
	AT(TEXT, enrolled.text),
	VIEW(enrolled.anchor, RN_BLOCK_MAX),
	VIEW(enrolled.leaf, RN_BLOCK_MAX),
	VIEW(enrolled.issuer, RN_BLOCK_MAX),
	AT(U32, enrolled.device),
	AT(U32, enrolled.hub),
	AT(BYTES, enrolled.upstream_key),
	AT(ENDPOINT, enrolled.upstream),
	AT(U16, enrolled.upstream_shared),
};
static const struct rn_field subscribe_fields[] = { AT(U32, subscribe.epoch), AT(U64, subscribe.version),
						    AT(U32, subscribe.seen_epoch), AT(U64, subscribe.seen),
						    AT(U8, subscribe.again) };
static const struct rn_field record_fields[] = { AT(U32, record.total), AT(U32, record.offset),
						 VIEW(record.piece, REST) };
static const struct rn_field version_fields[] = { AT(U32, version.epoch), AT(U64, version.version) };
static const struct rn_field request_fields[] = { AT(U32, request.device), AT(U32, request.id),
						  VIEW(request.sealed, RN_BLOCK_MAX) };
static const struct rn_field answer_fields[] = { AT(U32, answer.device), AT(U32, answer.id), AT(U16, answer.status),
						 AT(TEXT, answer.text), VIEW(answer.body, RN_BLOCK_MAX) };
static const struct rn_field events_fields[] = { AT(U32, events.reporter), AT(U64, events.lost),
						 VIEW(events.events, REST) };
static const struct rn_field removed_fields[] = { AT(U32, removed.device) };
static const struct rn_field presence_fields[] = { AT(U32, presence.device), AT(U8, presence.connected) };
static const struct rn_field seen_fields[] = { VIEW(seen.seen, REST) };
static const struct rn_field resolve_fields[] = { AT(U32, resolve.device), AT(BYTES, resolve.address.b) };
static const struct rn_field interests_fields[] = { VIEW(interests.items, REST) };
static const struct rn_field interest_fields[] = { AT(U32, interest.device), AT(U32, interest.receiver) };
static const struct rn_field home_fields[] = { AT(U32, home.device), AT(U64, home.moved) };

static const struct layout {
	const struct rn_field *fields;
	size_t count;
} layouts[] = {
#define LAYOUT(TYPE, list) [RN_MESSAGE_##TYPE] = { list, COUNT(list) }
	LAYOUT(ENROLL, enroll_fields),	 LAYOUT(ENROLLED, enrolled_fields), LAYOUT(SUBSCRIBE, subscribe_fields),
	LAYOUT(RECORD, record_fields),	 LAYOUT(SYNCED, version_fields),    LAYOUT(APPLIED, version_fields),
	LAYOUT(REQUEST, request_fields), LAYOUT(ANSWER, answer_fields),	    LAYOUT(EVENTS, events_fields),
	LAYOUT(REMOVED, removed_fields), LAYOUT(PRESENCE, presence_fields), LAYOUT(SEEN, seen_fields),
	LAYOUT(RESOLVE, resolve_fields), LAYOUT(INTERESTS, interests_fields), LAYOUT(INTEREST, interest_fields),
	LAYOUT(HOME, home_fields),
	LAYOUT(FROM, version_fields),
#undef LAYOUT
};

static const struct layout *layout_of(unsigned type)
{
	return type < COUNT(layouts) && layouts[type].fields ? &layouts[type] : NULL;
}

int rn_message_encode(const struct rn_message *in, uint8_t *out, size_t out_size)
{
	const struct layout *layout = layout_of(in->type);
	struct rn_writer w = rn_writer(out, out_size < RN_MESSAGE_MAX ? out_size : RN_MESSAGE_MAX);

	if (!layout)
		return -EINVAL;
	rn_write_u8(&w, (uint8_t)in->type);
	rn_fields_write(&w, in, layout->fields, layout->count);
	return w.failed ? -EMSGSIZE : (int)w.at;
}

int rn_message_decode(const uint8_t *data, size_t size, struct rn_message *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_message message;
	const struct layout *layout;
	unsigned type = rn_read_u8(&r);

	layout = layout_of(type);
	if (size > RN_MESSAGE_MAX || !layout)
		return -EBADMSG;
	memset(&message, 0, sizeof(message));
	message.type = type;
	rn_fields_read(&r, &message, layout->fields, layout->count);
	if (!rn_reader_done(&r))
		return -EBADMSG;
	*ret = message;
	return 0;
}

int rn_message_enroll_signed(const struct rn_message_enroll *in, uint8_t *out, size_t out_size)
{
	static const char label[] = "rnaut enroll v1";
	const struct rn_message message = { .type = RN_MESSAGE_ENROLL, .enroll = *in };
	struct rn_writer w = rn_writer(out, out_size);

	rn_write_bytes(&w, label, sizeof(label));
	rn_fields_write(&w, &message, enroll_fields, COUNT(enroll_fields) - 1);
	return w.failed ? -EMSGSIZE : (int)w.at;
}
