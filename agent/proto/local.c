/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/local.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "proto/fields.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(kind, member) RN_FIELD_AT(struct rn_local, kind, member)
#define VIEW(member) RN_FIELD_VIEW(struct rn_local, BIG, member, RN_LOCAL_SIZE_MAX)

/* A type's set of fields. */
enum {
	SESSION = 1 << 0,
	NUMBER = 1 << 1,
	VERSION = 1 << 2,
	KEY = 1 << 3,
	KEY2 = 1 << 4,
	ENDPOINT = 1 << 5,
	ROLE = 1 << 6,
	TOKEN = 1 << 7,
	EXPIRES = 1 << 8,
	CODE = 1 << 9,
	TEXT = 1 << 10,
	BLOCK = 1 << 11,
	STATUS = 1 << 12,
	PORT = 1 << 13,
};

/* In their order on the wire. */
static const struct {
	unsigned bit;
	struct rn_field field;
} fields[] = {
    {SESSION, AT(U64, session)},
    {NUMBER, AT(U32, number)},
    {VERSION, AT(U64, version)},
    {KEY, AT(BYTES, key)},
    {KEY2, AT(BYTES, key2)},
    {ENDPOINT, AT(ENDPOINT, endpoint)},
    {ROLE, AT(U8, role)},
    {TOKEN, AT(U64, token)},
    {EXPIRES, AT(U64, expires)},
    {PORT, AT(U16, port)},
    {CODE, AT(U16, code)},
    {TEXT, AT(TEXT, text)},
    {BLOCK, VIEW(block)},
    {STATUS, AT(U32, status.id)},
    {STATUS, AT(U8, status.wireguard)},
    {STATUS, AT(U8, status.link_up)},
    {STATUS, AT(U8, status.filters)},
    {STATUS, AT(TEXT, status.interface)},
    {STATUS, AT(U32, status.mtu)},
    {STATUS, AT(U16, status.port)},
    {STATUS, AT(U64, status.policy_version)},
    {STATUS, AT(U64, status.applied)},
    {STATUS, AT(U64, status.lease_seconds_left)},
    {STATUS, AT(U64, status.flows)},
    {STATUS, AT(U64, status.lost)},
    {STATUS, AT(U8, status.steering)},
    {STATUS, AT(U16, status.control_port)},
    {STATUS, AT(U64, status.steered)},
    {STATUS, AT(TEXT, status.steering_why)},
    {STATUS, AT(TEXT, status.mesh_interface)},
    {STATUS, AT(U8, status.mesh_wireguard)},
    {STATUS, AT(U8, status.mesh_up)},
    {STATUS, AT(U8, status.mesh_filters)},
    {STATUS, AT(U32, status.mesh_mtu)},
    {STATUS, AT(U16, status.mesh_port)},
    {STATUS, AT(U32, status.mesh_peers)},
    {STATUS, AT(U32, status.mesh_alive)},
    {STATUS, VIEW(status.counters)},
    {STATUS, VIEW(status.frames)},
    {STATUS, VIEW(status.peers)},
};

static const struct {
	bool known;
	unsigned set;
} types[] = {
#define TYPE(NAME, bits) [RN_LOCAL_##NAME] = {true, bits}
    TYPE(KERN_HELLO, NUMBER | VERSION | KEY | KEY2 | PORT),
    TYPE(KERN_APPLIED, NUMBER | VERSION),
    TYPE(KERN_REFUSED, NUMBER | VERSION | TEXT),
    TYPE(KERN_EVENTS, VERSION | BLOCK),
    TYPE(KERN_FLOWS, NUMBER | ROLE | BLOCK),
    TYPE(KERN_STATUS, STATUS),
    TYPE(KERN_SYNC, NUMBER | VERSION),
    TYPE(KERN_RECORD, BLOCK),
    TYPE(KERN_SYNCED, NUMBER | VERSION),
    TYPE(KERN_REMOVE, NUMBER),
    TYPE(KERN_LINK, NUMBER),
    TYPE(KERN_FLOWS_GET, NUMBER),
    TYPE(KERN_STATUS_GET, NUMBER),
    TYPE(KERN_HOME, SESSION | NUMBER | VERSION),
    TYPE(KERN_FORGET, 0),
    TYPE(NET_HELLO, KEY),
    TYPE(NET_OPEN, SESSION | NUMBER | KEY | ENDPOINT | ROLE | EXPIRES | TEXT | BLOCK),
    TYPE(NET_MESSAGE, SESSION | BLOCK),
    TYPE(NET_CLOSED, SESSION | NUMBER | VERSION),
    TYPE(NET_BUSY, SESSION | NUMBER),
    TYPE(NET_SEALED, NUMBER | BLOCK),
    TYPE(NET_CONNECT, NUMBER | KEY | ENDPOINT | PORT | CODE),
    TYPE(NET_SEND, SESSION | BLOCK),
    TYPE(NET_CLOSE, SESSION),
    TYPE(NET_DENY, KEY),
    TYPE(NET_LEAF, BLOCK),
    TYPE(NET_SEAL, NUMBER | KEY | BLOCK),
    TYPE(NET_SILENCE, SESSION | NUMBER),
    TYPE(NET_WATCH, SESSION | NUMBER),
    TYPE(CA_TOKEN, NUMBER | KEY2 | ROLE | TOKEN | EXPIRES | TEXT),
    TYPE(CA_ISSUE, NUMBER | KEY | BLOCK),
    TYPE(CA_RENEW, NUMBER | KEY | BLOCK),
    TYPE(CA_REVOKE, NUMBER | KEY),
    TYPE(CA_HELLO, 0),
    TYPE(CA_ANSWER, NUMBER | CODE | TEXT | BLOCK),
    TYPE(WEB_HELLO, 0),
    TYPE(WEB_REQUEST, SESSION | BLOCK),
    TYPE(WEB_BODY, SESSION | BLOCK),
    TYPE(WEB_CREDIT, SESSION | NUMBER),
    TYPE(WEB_GONE, SESSION),
    TYPE(WEB_ANSWER, SESSION | BLOCK),
    TYPE(WEB_PIECE, SESSION | ROLE | BLOCK),
#undef TYPE
};

static bool known(unsigned type)
{
	return type < COUNT(types) && types[type].known;
}

int rn_local_encode(const struct rn_local *in, uint8_t *out, size_t out_size)
{
	struct rn_writer w = rn_writer(out, out_size < RN_LOCAL_SIZE_MAX ? out_size : RN_LOCAL_SIZE_MAX);
	size_t i;

	if (!known(in->type))
		return -EINVAL;
	rn_write_u16(&w, (uint16_t)in->type);
	for (i = 0; i < COUNT(fields); i++)
		if (types[in->type].set & fields[i].bit)
			rn_fields_write(&w, in, &fields[i].field, 1);
	return w.failed ? -EMSGSIZE : (int)w.at;
}

int rn_local_decode(const uint8_t *data, size_t size, struct rn_local *ret)
{
	struct rn_reader r = rn_reader(data, size);
	struct rn_local message;
	unsigned type = rn_read_u16(&r);
	size_t i;

	if (size > RN_LOCAL_SIZE_MAX || !known(type))
		return -EBADMSG;
	memset(&message, 0, sizeof(message));
	message.type = type;
	for (i = 0; i < COUNT(fields); i++)
		if (types[type].set & fields[i].bit)
			rn_fields_read(&r, &message, &fields[i].field, 1);
	if (!rn_reader_done(&r))
		return -EBADMSG;
	*ret = message;
	return 0;
}
