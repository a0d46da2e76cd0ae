// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include "base/addr.h"
#include "episode.h"
#include "error.h"
#include "frame.h"
#include "packet.h"

struct player {
	struct rn_bpf *bpf;
	const struct episode *e;
	struct reference ref;
	struct realm realm; /* the episode's, with the policies' selectors added */
	struct rn_policy_model *models[2];
	struct rn_policy_record records[2];
	uint64_t generation;
	unsigned member[REALM_DEVICES]; /* 0: away, else who it is, + 1 */
	bool behind[REALM_DEVICES];	/* its identity, its home */
	char text[1024];
};

struct episode *episode_new(void)
{
	struct episode *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	return e;
}

void episode_free(struct episode *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->step_count; i++)
		free(e->steps[i]);
	free(e);
}

const struct step *episode_add(struct episode *e, const struct step *step)
{
	struct step *copy = malloc(sizeof(*copy));

	if (!copy || e->step_count == EPISODE_STEPS)
		abort();
	*copy = *step;
	e->steps[e->step_count++] = copy;
	return copy;
}

struct player *player_new(struct rn_bpf *bpf)
{
	struct player *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->bpf = bpf;
	return p;
}

static void drop_policies(struct player *p)
{
	for (int i = 0; i < 2; i++) {
		rn_policy_model_free(p->models[i]);
		p->models[i] = NULL;
		rn_policy_record_done(&p->records[i]);
	}
}

void player_free(struct player *p)
{
	if (!p)
		return;
	drop_policies(p);
	free(p);
}

const char *player_text(const struct player *p)
{
	return p->text;
}

struct reference *player_reference(struct player *p)
{
	return &p->ref;
}

const struct rn_policy_model *player_policy(const struct player *p, unsigned policy)
{
	return p->models[policy];
}

uint32_t player_index(unsigned device)
{
	return 3 + 2 * device;
}

uint32_t player_identity(unsigned device)
{
	return 0x20000 + device;
}

static uint32_t slot_of(unsigned device)
{
	return (device * 331 + 7) % RN_IDENTITIES_MAX;
}

static int __attribute__((format(printf, 2, 3))) differ(struct player *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
	return -EPROTO;
}

static int load_policy(struct player *p, unsigned n)
{
	struct rn_selector_source selectors = realm_selectors(&p->realm);
	struct rn_err err = {""};
	int code = -EINVAL;

	p->models[n] = rn_policy_parse(p->e->policies[n], strlen(p->e->policies[n]), &err);
	if (p->models[n])
		code = rn_policy_compile(p->models[n], &selectors, NULL, EPISODE_AROUND, &p->records[n], &err);
	if (code < 0)
		differ(p, "policy %u: %s", n, err.text);
	return code < 0 ? -EINVAL : 0;
}

/* The state as the word of the ABI. */
static uint64_t state_word(const struct reference_state *s)
{
	uint64_t word = (uint64_t)s->incarnation << RN_STATE_INCARNATION_SHIFT | s->trust;

	return word | (s->present ? RN_STATE_PRESENT : 0) | (s->quarantined ? RN_STATE_QUARANTINED : 0) |
	       (s->revoked ? RN_STATE_REVOKED : 0) | (s->local ? RN_STATE_LOCAL : 0) |
	       (s->attached ? RN_STATE_ATTACHED : 0) | (s->remote ? (uint64_t)s->peer << 16 | RN_STATE_REMOTE : 0);
}

/* Hub 0 is this one. */
static const struct frame_hub hubs[] = {
    {{0xfd, 9, [15] = 1}, {10, 9, 0, 1}}, {{0xfd, 9, [15] = 2}, {10, 9, 0, 2}}, {{0xfd, 9, [15] = 3}, {10, 9, 0, 3}}};
static const uint32_t peer_of[] = {0, 5, RN_MESH_PEERS_MAX - 1, 77};

static struct rn_mesh_addresses addresses_of(unsigned hub)
{
	struct rn_mesh_addresses a = {
	    .v4 = packet_v4(hubs[hub].v4[0], hubs[hub].v4[1], hubs[hub].v4[2], hubs[hub].v4[3])};

	memcpy(a.v6.b, hubs[hub].v6, 16);
	return a;
}

struct rn_addr player_hub_address(unsigned hub, bool v6)
{
	struct rn_mesh_addresses a = addresses_of(hub);

	return v6 ? a.v6 : a.v4;
}

/* The maps' and the reference's lists after a change of p->behind. */
static void write_behind(struct player *p, unsigned device)
{
	p->ref.behind_count = 0;
	for (unsigned d = 0; d < REALM_DEVICES; d++) {
		if (p->behind[d])
			p->ref.behind[p->ref.behind_count++] = (struct reference_behind){
			    peer_of[p->e->home[d]], player_identity(d), realm_party(&p->realm.devices[d])};
	}
	if (p->behind[device])
		rn_bpf_behind(p->bpf, peer_of[p->e->home[device]], player_identity(device), slot_of(device));
	else
		rn_bpf_behind_remove(p->bpf, peer_of[p->e->home[device]], player_identity(device));
}

static void set_mesh(struct player *p)
{
	*p->bpf->mesh = (struct rn_mesh_self){
	    .addresses = addresses_of(0), .rnm0 = 9, .rn0 = p->bpf->config->ifindex, .mtu = EPISODE_FRAME_MAX};
	p->ref.frame_max = EPISODE_FRAME_MAX;
	p->ref.self_v4 = addresses_of(0).v4;
	p->ref.self_v6 = addresses_of(0).v6;
	for (unsigned hub = 1; hub <= EPISODE_HUBS; hub++) {
		struct rn_mesh_addresses a = addresses_of(hub);

		p->bpf->hubs[peer_of[hub]] = a;
		rn_bpf_peer(p->bpf, &a.v4, peer_of[hub]);
		rn_bpf_peer(p->bpf, &a.v6, peer_of[hub]);
		p->ref.peers[p->ref.peer_count++] = (struct reference_peer){peer_of[hub], a.v4, a.v6};
	}
	for (unsigned d = 0; d < REALM_DEVICES; d++) {
		p->behind[d] = p->e->home[d] != 0;
		if (p->behind[d])
			write_behind(p, d);
	}
}

static void write_state(struct player *p, unsigned device)
{
	p->bpf->devices[player_index(device)].state = state_word(&p->ref.devices[player_index(device)].state);
}

static void set_addresses(struct player *p, unsigned device)
{
	for (int i = 0; i < 2; i++) {
		const struct rn_addr *addr = &p->e->addresses[device][i];

		rn_bpf_address(p->bpf, addr, player_index(device));
		p->ref.addresses[p->ref.address_count++] = (struct reference_address){*addr, player_index(device)};
	}
}

static void remove_addresses(struct player *p, unsigned device)
{
	uint32_t kept = 0;

	for (int i = 0; i < 2; i++)
		rn_bpf_address(p->bpf, &p->e->addresses[device][i], 0);
	for (uint32_t i = 0; i < p->ref.address_count; i++)
		if (p->ref.addresses[i].index != player_index(device))
			p->ref.addresses[kept++] = p->ref.addresses[i];
	p->ref.address_count = kept;
}

/* The index of `device` belongs to the realm's device `who` from now on; usually they are the same. */
static void join(struct player *p, unsigned device, unsigned who)
{
	struct reference_device *ref = &p->ref.devices[player_index(device)];
	const struct realm_device *d = &p->realm.devices[who];

	ref->party = realm_party(d);
	ref->identity = player_identity(who);
	ref->state = (struct reference_state){
	    .present = true,
	    .local = device == p->e->self,
	    .attached = device != p->e->self && !p->e->home[device],
	    .remote = p->e->home[device],
	    .peer = (uint16_t)peer_of[p->e->home[device]],
	    .trust = d->trust,
	    .incarnation = ref->state.incarnation + 1,
	};
	p->bpf->devices[player_index(device)] = (struct rn_device){
	    .number = 1000 + who,
	    .identity_slot = slot_of(who),
	    .identity_number = player_identity(who),
	    .owner = d->owner,
	};
	p->member[device] = who + 1;
	write_state(p, device);
	set_addresses(p, device);
}

static void leave(struct player *p, unsigned device)
{
	struct reference_state *s = &p->ref.devices[player_index(device)].state;

	remove_addresses(p, device);
	*s = (struct reference_state){.incarnation = s->incarnation};
	p->member[device] = 0;
	write_state(p, device);
}

int player_start(struct player *p, const struct episode *e)
{
	drop_policies(p);
	rn_bpf_reset(p->bpf);
	p->e = e;
	p->realm = e->realm;
	p->generation = 0;
	memset(&p->ref, 0, sizeof(p->ref));
	p->ref.role = e->role;
	p->ref.now_ns = *p->bpf->now;
	p->ref.lease_until_ns = p->bpf->config->lease_until_ns;
	p->ref.mtu = p->bpf->config->mtu;
	p->bpf->config->role = e->role;
	for (unsigned i = 0; i < 2; i++)
		if (load_policy(p, i) < 0)
			return -EINVAL;
	if (e->role == RN_ROLE_HUB)
		set_mesh(p);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		join(p, d, d);
	return 0;
}

static void change_policy(struct player *p, uint64_t which)
{
	if (which > 1) {
		p->bpf->config->generation = p->ref.generation = 0;
		return;
	}
	p->generation++;
	rn_bpf_policy(p->bpf, p->generation, &p->records[which]);
	for (unsigned d = 0; d < REALM_DEVICES; d++)
		rn_bpf_identity(p->bpf, slot_of(d), p->realm.devices[d].selectors, p->realm.devices[d].selector_count);
	p->ref.generation = p->generation;
	p->ref.policy = p->models[which];
}

static void change_state(struct player *p, const struct step *step)
{
	struct reference_state *s = &p->ref.devices[player_index(step->device)].state;

	if (!p->member[step->device])
		return;
	if (step->kind == STEP_TRUST)
		s->trust = (uint8_t)step->value;
	else if (step->kind == STEP_QUARANTINE)
		s->quarantined = step->value;
	else if (step->kind == STEP_REVOKE)
		s->revoked = step->value;
	else if (step->kind == STEP_ATTACH)
		s->attached = step->value;
	else if (step->kind == STEP_PRESENT)
		s->present = step->value;
	else if (step->kind == STEP_REMOTE) {
		s->remote = step->value;
		s->peer = (uint16_t)peer_of[step->value];
	}
	write_state(p, step->device);
}

static void change(struct player *p, const struct step *step)
{
	switch (step->kind) {
	case STEP_CLOCK:
		*p->bpf->now += step->value;
		p->ref.now_ns = *p->bpf->now;
		break;
	case STEP_WALL:
		p->ref.wall_offset_ns = (int64_t)(step->value - *p->bpf->now);
		p->bpf->config->wall_offset_ns = p->ref.wall_offset_ns;
		break;
	case STEP_POLICY:
		change_policy(p, step->value);
		break;
	case STEP_LINK:
		p->bpf->config->link_down = (uint32_t)step->value;
		p->ref.link_down = step->value;
		break;
	case STEP_LEASE:
		p->bpf->config->lease_until_ns = p->ref.lease_until_ns = p->ref.now_ns + step->value;
		break;
	case STEP_MEMBER:
		if (p->member[step->device] && p->member[step->device] != step->value)
			leave(p, step->device);
		if (step->value && p->member[step->device] != step->value)
			join(p, step->device, (unsigned)step->value - 1);
		break;
	case STEP_TRUST:
	case STEP_QUARANTINE:
	case STEP_REVOKE:
	case STEP_ATTACH:
	case STEP_REMOTE:
	case STEP_PRESENT:
		change_state(p, step);
		break;
	case STEP_BEHIND:
		p->behind[step->device] = step->value;
		write_behind(p, step->device);
		break;
	case STEP_PACKET:
	case STEP_KINDS:
		abort();
	}
}

static struct rn_flow_key key_of(const struct reference_packet *p)
{
	bool from_lo = memcmp(&p->source, &p->destination, sizeof(p->source)) < 0;
	bool echo = p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
	bool asks = !p->reply; /* the source is who asks */
	struct rn_flow_key key = {
	    .lo = from_lo ? p->source : p->destination,
	    .hi = from_lo ? p->destination : p->source,
	    .lo_port = htons(from_lo ? p->source_port : p->destination_port),
	    .hi_port = htons(from_lo ? p->destination_port : p->source_port),
	    .protocol = p->protocol,
	    .echo_from_hi = echo && asks != from_lo,
	};

	return key;
}

static uint32_t flags_of(const struct reference_flow *f)
{
	return (f->replied ? RN_FLOW_REPLIED : 0) | (f->fin_originator ? RN_FLOW_FIN_ORIGIN : 0) |
	       (f->fin_responder ? RN_FLOW_FIN_RESPONDER : 0) | (f->rst ? RN_FLOW_RST : 0);
}

/* Within which times the entry holds is the programs' to say, as long as it holds now. */
static int adopt_times(struct player *p, const struct reference_verdict *v, const struct rn_flow *g)
{
	struct reference_flow *f = &p->ref.flows[v->flow - p->ref.flows];
	int64_t now = (int64_t)p->ref.now_ns + p->ref.wall_offset_ns;

	if (v->path != REFERENCE_HELD && v->flow->judged_ns == now && (now < g->since_ns || now >= g->until_ns))
		return differ(p, "the entry does not hold at the time that it was judged at");
	f->since_ns = g->since_ns;
	f->until_ns = g->until_ns;
	return 0;
}

static int compare_flow(struct player *p, const struct reference_verdict *v)
{
	struct rn_flow_key key = key_of(&v->packet);
	const struct reference_flow *f = v->flow;
	struct rn_flow g;
	int code = rn_bpf_flow(p->bpf, &key, &g);

	if ((code == 0) != (f != NULL))
		return differ(p, "the programs have %s entry for the packet, the reference %s", code ? "no" : "an",
			      f ? "one" : "none");
	if (!f)
		return 0;
#define SAME(field, expected)                                                                                          \
	do {                                                                                                           \
		if ((uint64_t)(g.field) != (uint64_t)(expected))                                                       \
			return differ(p, "the entry's " #field " is %llu, the reference says %llu",                    \
				      (unsigned long long)(g.field), (unsigned long long)(expected));                  \
	} while (0)
	SAME(reason, f->reason);
	SAME(rule, f->rule);
	SAME(observed, f->observed);
	SAME(generation, f->generation);
	SAME(from_hi, memcmp(&f->originator, &key.hi, sizeof(key.hi)) == 0);
	SAME(created_ns, f->created_ns);
	SAME(seen_ns, f->seen_ns);
	SAME(packets[0], f->packets[0]);
	SAME(packets[1], f->packets[1]);
	SAME(bytes[0], f->bytes[0]);
	SAME(bytes[1], f->bytes[1]);
	SAME(dropped, f->dropped);
	SAME(flags, flags_of(f));
	if (f->source && f->destination) {
		SAME(source, f->source);
		SAME(destination, f->destination);
		SAME(source_state, state_word(&f->source_state));
		SAME(destination_state, state_word(&f->destination_state));
		SAME(peer, f->as.peer);
		SAME(identity, f->identity);
		SAME(trust, f->as.peer ? f->as.trust : f->source_state.trust);
	}
#undef SAME
	return adopt_times(p, v, &g);
}

/* The bytes that go on: what went in, but for the hop limit of what is forwarded; in a frame, where it goes to a hub.
 */
static size_t expected_bytes(const struct step *step, const struct reference_verdict *v, uint8_t *out)
{
	uint8_t inner[EPISODE_PACKET_MAX];
	bool v6 = step->data[0] >> 4 == 6;
	struct frame f = {.v6 = v6, .from = hubs[0], .identity = v->identity, .trust = v->trust};
	size_t size = v->to_peer ? v->bytes : step->size;

	memcpy(inner, step->data, size);
	if (v->hop && !v->told) {
		inner[v6 ? 7 : 8]--;
		if (!v6) { /* RFC 1624 */
			unsigned now = inner[8] * 256u, sum = 0xffffu - (inner[10] * 256u + inner[11]);

			sum += 0xffffu - (now + 256u);
			sum = sum % 0x10000 + sum / 0x10000 + now;
			sum = sum % 0x10000 + sum / 0x10000;
			inner[10] = (uint8_t)((0xffff - sum) >> 8);
			inner[11] = (uint8_t)(0xffff - sum);
		}
	}
	if (v->mss)
		packet_clamp(inner, size, (uint16_t)v->mss);
	if (v->told)
		size = error_about(&v->told_by, v->reason == RN_TOO_BIG ? (int)v->told_mtu : -1, step->data, v->bytes,
				   inner);
	if (!v->to_peer) {
		memcpy(out, inner, size);
		return size;
	}
	for (unsigned hub = 1; hub <= EPISODE_HUBS; hub++)
		if (peer_of[hub] == v->to_peer)
			f.to = hubs[hub];
	f.tos = frame_tos(inner);
	return frame_encode(&f, inner, size, out);
}

static int compare_packet(struct player *p, const struct step *step, const struct reference_verdict *v,
			  const struct rn_bpf_result *got)
{
	uint8_t expected[EPISODE_PACKET_MAX + 64];
	size_t size = expected_bytes(step, v, expected);

	if (got->size != size)
		return differ(p, "the packet left with %zu bytes of %zu", got->size, size);
	for (size_t i = 0; i < size; i++)
		if (expected[i] != got->packet[i])
			return differ(p, "byte %zu left as %02x and not %02x", i, got->packet[i], expected[i]);
	return 0;
}

static const char *reason_name(enum rn_reason reason)
{
	static const char *const names[] = {
#define RN_REASON(number, NAME, name, text) [number] = name,
#include "abi/verdict.def"
#undef RN_REASON
	};

	return reason < RN_REASON_COUNT ? names[reason] : "?";
}

static uint16_t type_of(const struct step *step)
{
	if (step->ethertype)
		return step->ethertype;
	return step->data[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* As the test run gets it. */
struct wire {
	uint8_t bytes[EPISODE_PACKET_MAX + 64];
	size_t size;
	uint16_t ethertype;
	struct reference_claim claim;
};

static void put_on_wire(const struct step *step, struct wire *w)
{
	struct frame f = {.v6 = step->v6, .to = hubs[0], .identity = step->identity, .trust = step->trust};

	w->ethertype = step->ethertype;
	if (step->direction != RN_BPF_MESH) {
		memcpy(w->bytes, step->data, step->size);
		w->size = step->size;
		return;
	}
	f.from = hubs[step->hub];
	f.tos = step->data[0] >> 4 == 6 ? frame_tos(step->data) : step->data[1];
	w->size = frame_encode(&f, step->data, step->size, w->bytes);
	if (!w->ethertype)
		w->ethertype = step->v6 ? ETH_P_IPV6 : ETH_P_IP;
}

/* Whether the frame is one: then what it says. */
static bool judge_frame(const struct player *p, const struct wire *w, struct reference_claim *claim)
{
	struct frame_world world = {.self = hubs[0]};
	struct frame_verdict v;

	for (unsigned d = 0; d < REALM_DEVICES; d++) {
		if (p->behind[d])
			world.peers[world.peer_count++] = (struct frame_peer){
			    hubs[p->e->home[d]], peer_of[p->e->home[d]], player_identity(d), slot_of(d)};
	}
	if (!frame_judge(&world, w->ethertype, w->bytes, w->size, &v))
		return false;
	*claim = (struct reference_claim){v.peer, v.identity, (uint8_t)v.trust};
	return true;
}

static int send_wire(struct player *p, const struct step *step, const struct wire *w, struct rn_bpf_result *ret)
{
	struct rn_bpf_send in = {w->bytes, w->size, w->ethertype, .linear = step->linear};
	int code = rn_bpf_send(p->bpf, step->direction, &in, ret);

	if (code && in.linear) { /* not every kernel's test run takes such a packet */
		in.linear = 0;
		code = rn_bpf_send(p->bpf, step->direction, &in, ret);
	}
	return code;
}

static int compare_verdict(struct player *p, const struct step *step, const struct reference_verdict *v,
			   const struct rn_bpf_result *got)
{
	int code;

	if (got->reason != v->reason)
		return differ(p, "the programs say %s, the reference says %s", reason_name(got->reason),
			      reason_name(v->reason));
	if (got->action != v->action)
		return differ(p, "%s: the programs' action is %d, the reference's %d", reason_name(v->reason),
			      got->action, v->action);
	if (got->bytes != v->bytes)
		return differ(p, "%s: the programs count %llu bytes, the reference %llu", reason_name(v->reason),
			      (unsigned long long)got->bytes, (unsigned long long)v->bytes);
	if (step->direction != RN_BPF_MESH && got->framed != (v->to_peer != 0))
		return differ(p, "a frame %s made", got->framed ? "was" : "was not");
	if (got->returned != (v->told && v->to_peer))
		return differ(p, "an error %s in a frame", got->returned ? "went back" : "did not go back");
	if (v->path == REFERENCE_REFUSED)
		return 0;
	code = v->packet.fragment && v->packet.from ? 0 : compare_flow(p, v); /* a later fragment has no key */
	return code == 0 && (v->reason == RN_ALLOWED || v->told) ? compare_packet(p, step, v, got) : code;
}

static int play_packet(struct player *p, const struct step *step, struct reference_verdict *v)
{
	struct rn_bpf_result got;
	struct reference_claim claim = {0};
	bool mesh = step->direction == RN_BPF_MESH, good;
	struct wire w;
	int code;

	put_on_wire(step, &w);
	code = send_wire(p, step, &w, &got);
	if (code == -EINVAL && step->size < (type_of(step) == ETH_P_IPV6 ? 40 : 20))
		return 1;
	if (code)
		return differ(p, "the test run failed: %s", strerror(-code));
	if (!mesh) {
		reference_judge(&p->ref, step->direction, NULL, type_of(step), step->data, step->size, v);
		return compare_verdict(p, step, v, &got);
	}
	good = judge_frame(p, &w, &claim);
	if (good != (got.frame == RN_MESH_PASSED))
		return differ(p, "the frame is %s, and what became of it is %d", good ? "good" : "not", got.frame);
	if (!good) {
		*v = (struct reference_verdict){.frame = got.frame};
		return got.action == TC_ACT_SHOT ? 0 : differ(p, "a bad frame's action is %d", got.action);
	}
	reference_judge(&p->ref, 0, &claim, w.ethertype, step->data, step->size, v);
	return compare_verdict(p, step, v, &got);
}

int player_step(struct player *p, const struct step *step, struct reference_verdict *ret)
{
	if (step->kind == STEP_PACKET)
		return play_packet(p, step, ret);
	change(p, step);
	return 0;
}
