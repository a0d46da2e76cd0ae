// SPDX-License-Identifier: Apache-2.0
/* Sections 2 to 6 of docs/datapath.md. */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

#include <linux/pkt_cls.h>
#include <netinet/in.h>

/* One packet on its way through the sections. */
struct way {
	struct reference *r;
	bool out;		      /* through rn_egress */
	struct reference_claim claim; /* of the packet's frame */
	const struct reference_packet *p;
	struct reference_verdict *v;
};

/* An outcome of section 4; `place` where section 5 said no. */
struct judgement {
	enum rn_reason reason;
	uint32_t rule, observed;
	bool log;
	int64_t until;
	bool place;
	uint32_t source, destination;
	struct reference_claim as;
};

static bool same_addr(const struct rn_addr *a, const struct rn_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_state(const struct reference_state *a, const struct reference_state *b)
{
	return a->present == b->present && a->quarantined == b->quarantined && a->revoked == b->revoked &&
	       a->local == b->local && a->attached == b->attached && a->remote == b->remote && a->peer == b->peer &&
	       a->trust == b->trust && a->incarnation == b->incarnation;
}

/* The index of who has the address and is present, or 0. */
static uint32_t look_up(const struct reference *r, const struct rn_addr *addr)
{
	for (uint32_t i = 0; i < r->address_count; i++)
		if (same_addr(&r->addresses[i].addr, addr) && r->devices[r->addresses[i].index].state.present)
			return r->addresses[i].index;
	return 0;
}

/* Section 5: RN_ALLOWED where the packet can be here. */
static enum rn_reason place(const struct way *w, uint32_t source, uint32_t destination)
{
	const struct reference_state *s = &w->r->devices[source].state, *d = &w->r->devices[destination].state;
	bool source_good, destination_good;

	if (w->r->role == RN_ROLE_HUB && w->claim.peer) {
		source_good = s->remote && !s->attached && !s->local && s->peer == w->claim.peer;
		destination_good = d->local || d->attached;
	} else if (w->r->role == RN_ROLE_HUB && !w->out) {
		source_good = s->attached && !s->local;
		destination_good = d->local || d->attached || d->remote;
	} else if (w->r->role == RN_ROLE_HUB) {
		source_good = s->local;
		destination_good = (d->attached || d->remote) && !d->local;
	} else if (w->r->role == RN_ROLE_NODE && !w->out) {
		source_good = !s->local;
		destination_good = d->local;
	} else if (w->r->role == RN_ROLE_NODE) {
		source_good = s->local;
		destination_good = !d->local;
	} else {
		return RN_INTERNAL;
	}
	if (!source_good)
		return RN_WRONG_SOURCE;
	return destination_good ? RN_ALLOWED : RN_NO_ROUTE;
}

static const struct reference_behind *behind(const struct reference *r, const struct reference_claim *claim)
{
	for (uint32_t i = 0; i < r->behind_count; i++)
		if (r->behind[i].peer == claim->peer && r->behind[i].identity == claim->identity)
			return &r->behind[i];
	return NULL;
}

static int64_t wall_ns(const struct way *w)
{
	return (int64_t)w->r->now_ns + w->r->wall_offset_ns;
}

static void judge_policy(const struct way *w, uint16_t port, struct judgement *j)
{
	const struct reference_device *s = &w->r->devices[j->source], *d = &w->r->devices[j->destination];
	struct rn_question q = {s->party, d->party, .protocol = w->p->protocol, .port = port,
				.at = wall_ns(w) / 1000000000};
	struct rn_answer e;

	q.source.trust = s->state.trust;
	if (j->as.peer) {
		const struct reference_behind *b = behind(w->r, &j->as);

		if (!b) {
			j->reason = RN_WRONG_IDENTITY;
			return;
		}
		q.source = b->party;
		/* Whose two devices are is told by their records, whatever identity a frame gives to the source. */
		q.source.owner_number = s->party.owner_number;
		q.source.trust = j->as.trust < s->state.trust ? j->as.trust : s->state.trust;
	}
	q.destination.trust = d->state.trust;
	if (q.protocol == IPPROTO_ICMP || q.protocol == IPPROTO_ICMPV6)
		q.port = 0;
	rn_policy_evaluate(w->r->policy, &q, &e);
	j->reason = e.reason;
	j->rule = e.rule;
	j->observed = e.observed;
	j->log = e.log;
	j->until = e.until;
}

/* Section 4. The packet itself may go the other way than from s to d; `claim` is about s. */
static struct judgement judge(const struct way *w, const struct rn_addr *s, const struct rn_addr *d, uint16_t port,
			      const struct reference_claim *claim)
{
	bool backward = !same_addr(s, &w->p->source);
	struct judgement j = {.source = look_up(w->r, s), .destination = look_up(w->r, d)};
	const struct reference_state *source = &w->r->devices[j.source].state,
				     *destination = &w->r->devices[j.destination].state;

	if (!j.source || !j.destination) {
		j.reason = !j.source ? RN_UNKNOWN_SOURCE : RN_UNKNOWN_DESTINATION;
		return j;
	}
	j.reason = backward ? place(w, j.destination, j.source) : place(w, j.source, j.destination);
	j.place = j.reason != RN_ALLOWED;
	if (j.place)
		return j;
	if (source->remote && source->peer == claim->peer)
		j.as = *claim;
	if (source->revoked)
		j.reason = RN_SOURCE_REVOKED;
	else if (destination->revoked)
		j.reason = RN_DESTINATION_REVOKED;
	else if (source->quarantined)
		j.reason = RN_SOURCE_QUARANTINED;
	else if (destination->quarantined)
		j.reason = RN_DESTINATION_QUARANTINED;
	else
		judge_policy(w, port, &j);
	return j;
}

static bool is_echo(const struct reference_packet *p)
{
	return p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
}

/* Does the entry have this packet's key? Both directions have the same; echo keeps who asks. */
static bool same_key(const struct reference_flow *f, const struct reference_packet *p)
{
	bool along = same_addr(&f->originator, &p->source) && same_addr(&f->responder, &p->destination) &&
		     f->originator_port == p->source_port && f->responder_port == p->destination_port;
	bool against = same_addr(&f->originator, &p->destination) && same_addr(&f->responder, &p->source) &&
		       f->originator_port == p->destination_port && f->responder_port == p->source_port;

	if (f->protocol != p->protocol)
		return false;
	if (is_echo(p))
		return p->reply ? against : along;
	return along || against;
}

static struct reference_flow *find_flow(struct reference *r, const struct reference_packet *p)
{
	for (uint32_t i = 0; i < r->flow_count; i++)
		if (same_key(&r->flows[i], p))
			return &r->flows[i];
	return NULL;
}

static bool closed(const struct reference_flow *f)
{
	return f->rst || (f->fin_originator && f->fin_responder);
}

static uint64_t timeout(const struct reference_flow *f)
{
	if (f->protocol == IPPROTO_TCP && closed(f))
		return RN_TCP_CLOSED_NS;
	if (f->protocol == IPPROTO_TCP)
		return f->replied ? RN_TCP_ESTABLISHED_NS : RN_TCP_OPENING_NS;
	if (f->protocol == IPPROTO_UDP)
		return f->replied ? RN_UDP_ESTABLISHED_NS : RN_UDP_OPENING_NS;
	return RN_ICMP_NS;
}

static enum reference_phase phase(const struct reference_flow *f)
{
	if (!f)
		return REFERENCE_NONE;
	if (f->protocol == IPPROTO_TCP && closed(f))
		return REFERENCE_TCP_CLOSED;
	if (f->protocol == IPPROTO_TCP)
		return f->replied ? REFERENCE_TCP_ESTABLISHED : REFERENCE_TCP_OPENING;
	if (f->protocol == IPPROTO_UDP)
		return f->replied ? REFERENCE_UDP_ESTABLISHED : REFERENCE_UDP_OPENING;
	return REFERENCE_ECHO;
}

static bool opens(const struct reference_packet *p)
{
	return p->protocol == IPPROTO_TCP && p->syn && !p->ack;
}

static bool absent(const struct way *w, const struct reference_flow *f)
{
	uint64_t idle;

	w->v->path = REFERENCE_FIRST;
	if (!f)
		return true;
	idle = w->r->now_ns > f->seen_ns ? w->r->now_ns - f->seen_ns : 0;
	if (idle >= timeout(f)) {
		w->v->path = REFERENCE_EXPIRED;
		return true;
	}
	w->v->path = REFERENCE_REOPENED;
	return opens(w->p) && closed(f);
}

static const struct rn_addr *hub_address(const struct way *w, uint32_t peer)
{
	for (uint32_t i = 0; i < w->r->peer_count; i++)
		if (w->r->peers[i].peer == peer)
			return w->p->v6 ? &w->r->peers[i].v6 : &w->r->peers[i].v4;
	return NULL;
}

/* To another hub: the largest packet that goes there, 0: none does. */
static uint64_t room_to(const struct way *w, uint32_t peer)
{
	bool v6 = w->p->v6;

	const struct rn_addr none = {{0}}, *hub = hub_address(w, peer);

	return hub && !same_addr(hub, &none) ? w->r->frame_max - (v6 ? 48 : 28) : 0;
}

/* Section 6b: what fits to where the packet goes and back to where it came from. */
static uint32_t most_mss(const struct way *w, uint64_t room)
{
	uint64_t back = w->claim.peer ? room_to(w, w->claim.peer) : w->r->mtu;

	if (!w->out && back && back < room)
		room = back;
	return (uint32_t)room - (w->p->v6 ? 60 : 40);
}

/* Section 6, before anything is counted: can an allowed packet leave? Sets the action. */
static enum rn_reason leave(const struct way *w)
{
	const struct rn_addr *from = w->p->router ? &w->p->sender : &w->p->source;
	const struct reference_device *s = &w->r->devices[look_up(w->r, from)],
				      *d = &w->r->devices[look_up(w->r, &w->p->destination)];
	bool stays = w->r->role != RN_ROLE_HUB || d->state.local || (w->out && d->state.attached);
	uint64_t room = w->r->mtu;

	w->v->action = w->claim.peer ? TC_ACT_REDIRECT : TC_ACT_OK;
	if (stays)
		return RN_ALLOWED;
	w->v->hop = !w->out;
	if (w->v->hop && w->p->hop_limit <= 1)
		return RN_TTL_EXCEEDED;
	w->v->told_mtu = w->r->mtu;
	if (!d->state.attached) {
		w->v->to_peer = d->state.peer;
		w->v->identity = s->identity;
		w->v->trust = s->state.trust;
		room = room_to(w, d->state.peer);
		if (!room)
			return RN_NO_ROUTE;
	}
	w->v->told_mtu = (uint32_t)room;
	if (w->p->bytes > room)
		return RN_TOO_BIG;
	if (w->p->syn && !w->p->fragment && !w->p->error)
		w->v->mss = most_mss(w, room);
	w->v->action = TC_ACT_REDIRECT;
	return RN_ALLOWED;
}

static void count_passed(const struct way *w, struct reference_flow *f)
{
	bool backward = !same_addr(&f->originator, &w->p->source);

	f->packets[backward]++;
	f->bytes[backward] += w->p->bytes;
	if (w->p->error)
		return;
	f->seen_ns = w->r->now_ns;
	f->replied |= backward;
	f->fin_originator |= w->p->fin && !backward;
	f->fin_responder |= w->p->fin && backward;
	f->rst |= w->p->rst;
}

static void take_judgement(const struct way *w, struct reference_flow *f, const struct judgement *j)
{
	f->generation = w->r->generation;
	f->source = j->source;
	f->destination = j->destination;
	f->source_state = w->r->devices[j->source].state;
	f->destination_state = w->r->devices[j->destination].state;
	f->reason = j->reason;
	f->rule = j->rule;
	f->observed = j->observed;
	f->judged_ns = wall_ns(w);
	f->since_ns = INT64_MIN;
	f->until_ns = INT64_MAX;
	f->as = j->as;
	f->identity = j->as.peer ? j->as.identity : w->r->devices[j->source].identity;
}

static struct reference_flow *new_flow(struct reference *r)
{
	if (r->flow_count == REFERENCE_FLOWS)
		abort();
	return &r->flows[r->flow_count++];
}

static void tell_judgement(const struct way *w, const struct judgement *j)
{
	w->v->rule = j->rule;
	w->v->observed = j->observed;
	w->v->log = j->log;
	w->v->until = j->until;
}

/* No entry counts: the packet's own direction is judged, and an entry made where `make` says so. */
static enum rn_reason first_packet(const struct way *w, struct reference_flow *old, bool make)
{
	struct judgement j = judge(w, &w->p->source, &w->p->destination, w->p->destination_port, &w->claim);
	enum rn_reason reason = j.reason;
	struct reference_flow *f;

	tell_judgement(w, &j);
	if (reason == RN_ALLOWED)
		reason = leave(w);
	if (reason != RN_ALLOWED || !make)
		return reason;
	f = old ? old : new_flow(w->r);
	*f = (struct reference_flow){
	    .originator = w->p->source,
	    .responder = w->p->destination,
	    .originator_port = w->p->source_port,
	    .responder_port = w->p->destination_port,
	    .protocol = w->p->protocol,
	    .created_ns = w->r->now_ns,
	    .made = ++w->r->made,
	};
	take_judgement(w, f, &j);
	count_passed(w, f);
	w->v->flow = f;
	return reason;
}

/* Is the entry about who the frame says the packet is from? */
static bool same_claim(const struct way *w, const struct reference_flow *f)
{
	if (!same_addr(&f->originator, &w->p->source))
		return true; /* the frame speaks of the other end */
	return f->as.peer == w->claim.peer &&
	       (!f->as.peer || (f->as.identity == w->claim.identity && f->as.trust == w->claim.trust));
}

static bool holds(const struct way *w, const struct reference_flow *f)
{
	return f->source && f->destination && f->generation == w->r->generation &&
	       same_state(&f->source_state, &w->r->devices[f->source].state) &&
	       same_state(&f->destination_state, &w->r->devices[f->destination].state);
}

static bool of_policy(enum rn_reason reason)
{
	return reason == RN_ALLOWED || reason == RN_DENY_RULE || reason == RN_DEFAULT_DENY ||
	       reason == RN_TRUST_TOO_LOW || reason == RN_OUTSIDE_TIME;
}

static bool in_time(const struct way *w, const struct reference_flow *f)
{
	return wall_ns(w) >= f->since_ns && wall_ns(w) < f->until_ns;
}

static enum rn_reason present_flow(const struct way *w, struct reference_flow *f)
{
	bool backward = !same_addr(&f->originator, &w->p->source);
	enum rn_reason reason;

	struct judgement j = judge(w, &f->originator, &f->responder, f->responder_port, backward ? &f->as : &w->claim);

	w->v->path = REFERENCE_HELD;
	reason = j.reason;
	if (holds(w, f) && same_claim(w, f) && in_time(w, f)) {
		/* By the policy a judgement now says the same. Who may be behind a hub is not asked again. */
		if (!j.place && of_policy(j.reason) && of_policy(f->reason) &&
		    (j.reason != f->reason || j.rule != f->rule || j.observed != f->observed))
			take_judgement(w, f, &j);
		if (!j.place)
			reason = f->reason;
	} else {
		w->v->path = !holds(w, f) ? REFERENCE_AGAIN : !same_claim(w, f) ? REFERENCE_CLAIM : REFERENCE_TIME;
		tell_judgement(w, &j);
		if (!j.place)
			take_judgement(w, f, &j);
	}
	if (reason == RN_ALLOWED)
		reason = leave(w);
	if (reason == RN_ALLOWED)
		count_passed(w, f);
	else
		f->dropped++;
	return reason;
}

/* Section 3, answers: may this one, who is not the answered packet's receiver, say so here? */
static bool router_may(const struct way *w, const struct reference_flow *f)
{
	bool backward = !same_addr(&f->originator, &w->p->source);
	uint32_t router = look_up(w->r, &w->p->sender), about = backward ? f->destination : f->source,
		 to = backward ? f->source : f->destination;
	const struct reference_state *s = &w->r->devices[router].state;

	if ((!router && w->r->role != RN_ROLE_NODE) || s->revoked || s->quarantined)
		return false;
	if (w->r->role == RN_ROLE_NODE)
		return !w->out && place(w, router, to) == RN_ALLOWED;
	if (w->claim.peer)
		return hub_address(w, w->claim.peer) && same_addr(hub_address(w, w->claim.peer), &w->p->sender) &&
		       place(w, about, to) == RN_ALLOWED && place(w, router, to) == RN_ALLOWED;
	return w->out && place(w, router, to) == RN_ALLOWED;
}

/* An ICMP error and the flow that it is about: no judgement, no change but in what is counted. */
static enum rn_reason answer(const struct way *w, struct reference_flow *f)
{
	bool backward = f && !same_addr(&f->originator, &w->p->source);
	enum rn_reason reason = RN_ALLOWED;

	if (absent(w, f))
		return RN_ICMP_ERROR;
	w->v->path = REFERENCE_HELD;
	if (!backward && !f->replied)
		return RN_ICMP_ERROR;
	if (!holds(w, f) || !in_time(w, f) || (!w->p->router && !same_claim(w, f)))
		return RN_ICMP_ERROR;
	if (w->p->router && !router_may(w, f))
		return RN_ICMP_ERROR;
	if (!w->p->router)
		reason = backward ? place(w, f->destination, f->source) : place(w, f->source, f->destination);
	if (reason == RN_ALLOWED)
		reason = f->reason;
	if (reason == RN_ALLOWED)
		reason = leave(w);
	if (reason == RN_ALLOWED)
		count_passed(w, f);
	else
		f->dropped++;
	return reason;
}

static enum rn_reason judge_whole(const struct way *w)
{
	const struct reference_packet *p = w->p;
	struct reference_flow *f;

	f = find_flow(w->r, p);
	w->v->flow = f;
	w->v->phase = phase(f);
	w->v->backward = f && !same_addr(&f->originator, &p->source);
	if (w->p->error)
		return answer(w, f);
	if (absent(w, f))
		return is_echo(p) && p->reply ? RN_UNSOLICITED_REPLY : first_packet(w, f, true);
	if (opens(p) && w->v->backward) {
		w->v->path = REFERENCE_REVERSE_SYN;
		if (p->fragment)
			return RN_FRAGMENT;
		return first_packet(w, f, false);
	}
	return present_flow(w, f);
}

/* Section 3a: the packet's others, where its first has passed and not yet its last. */
static struct reference_fragments *under_way(const struct way *w)
{
	for (uint32_t i = 0; i < w->r->fragment_count; i++) {
		struct reference_fragments *s = &w->r->fragments[i];

		if (s->id != w->p->id || !same_addr(&s->source, &w->p->source) ||
		    !same_addr(&s->destination, &w->p->destination) || (!w->p->v6 && s->protocol != w->p->protocol))
			continue;
		if (w->r->now_ns < s->seen_ns + RN_FRAGMENT_NS)
			return s;
	}
	return NULL;
}

/* The first has passed, with this flow. Those that wait no more are forgotten. */
static void begin_fragments(const struct way *w, const struct reference_flow *f)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->r->fragment_count; i++)
		if (w->r->now_ns < w->r->fragments[i].seen_ns + RN_FRAGMENT_NS)
			w->r->fragments[kept++] = w->r->fragments[i];
	w->r->fragment_count = kept;
	if (kept == REFERENCE_FRAGMENTS)
		abort();
	w->r->fragments[w->r->fragment_count++] = (struct reference_fragments){
	    .source = w->p->source,
	    .destination = w->p->destination,
	    .id = w->p->id,
	    .protocol = w->p->protocol,
	    .out = w->out,
	    .backward = !same_addr(&f->originator, &w->p->source),
	    .claim = w->claim,
	    .generation = w->r->generation,
	    .seen_ns = w->r->now_ns,
	    .ends = {f->source, f->destination},
	    .states = {f->source_state, f->destination_state},
	    .next = w->p->to,
	    .flow = (uint32_t)(f - w->r->flows),
	    .made = f->made,
	};
}

static bool follows(const struct way *w, const struct reference_fragments *s)
{
	if (s->next != w->p->from || s->out != w->out || s->protocol != w->p->protocol)
		return false;
	if (s->claim.peer != w->claim.peer || s->claim.identity != w->claim.identity ||
	    s->claim.trust != w->claim.trust)
		return false;
	return s->generation == w->r->generation && same_state(&s->states[0], &w->r->devices[s->ends[0]].state) &&
	       same_state(&s->states[1], &w->r->devices[s->ends[1]].state);
}

static enum rn_reason rest(const struct way *w)
{
	struct reference_fragments *s = under_way(w);
	struct reference_flow *f;
	enum rn_reason reason;

	w->v->path = REFERENCE_REST;
	if (!s || !follows(w, s))
		return RN_FRAGMENT;
	reason = place(w, s->ends[s->backward], s->ends[!s->backward]);
	if (reason == RN_ALLOWED)
		reason = leave(w);
	f = &w->r->flows[s->flow];
	if (f->made == s->made && reason == RN_ALLOWED)
		count_passed(w, f);
	else if (f->made == s->made)
		f->dropped++;
	if (reason != RN_ALLOWED)
		return reason;
	s->next = w->p->to;
	s->seen_ns = w->r->now_ns;
	if (!w->p->more)
		*s = w->r->fragments[--w->r->fragment_count];
	return RN_ALLOWED;
}

static enum rn_reason judge_parsed(const struct way *w)
{
	enum rn_reason reason;

	if (w->r->generation == 0)
		return RN_NO_POLICY;
	if (w->r->link_down)
		return RN_LINK_DOWN;
	if (w->r->now_ns >= w->r->lease_until_ns)
		return RN_LEASE_EXPIRED;
	if (w->p->fragment && w->p->from)
		return rest(w);
	if (w->p->fragment && under_way(w)) {
		w->v->path = REFERENCE_REST;
		w->v->flow = find_flow(w->r, w->p);
		return RN_FRAGMENT;
	}
	reason = judge_whole(w);
	if (reason == RN_ALLOWED && w->p->fragment)
		begin_fragments(w, w->v->flow);
	return reason;
}

/* Section 6a: whether there is a token left, which is then gone. */
static bool take_token(struct reference *r, uint32_t index, uint64_t each, uint32_t burst)
{
	struct reference_bucket *b = &r->bucket[index];
	int64_t most = (int64_t)(each * burst);
	uint64_t idle = r->now_ns - b->at;

	b->credit = idle > (uint64_t)most || b->credit + (int64_t)idle > most ? most : b->credit + (int64_t)idle;
	b->at = r->now_ns;
	if (b->credit < (int64_t)each)
		return false;
	b->credit -= (int64_t)each;
	return true;
}

/* Section 6a: a packet that was dropped for its size or its hop limit. */
static bool tell(const struct way *w)
{
	static const struct rn_addr none;
	const struct rn_addr *own = w->p->v6 ? &w->r->self_v6 : &w->r->self_v4;
	uint32_t from = look_up(w->r, &w->p->source), self = look_up(w->r, own);

	if (w->p->error || (w->p->fragment && w->p->from))
		return false;
	if (!take_token(w->r, from, 1000000000 / RN_DEVICE_ERRORS_PER_SECOND, RN_DEVICE_ERRORS_BURST) ||
	    !take_token(w->r, 0, 1000000000 / RN_ERRORS_PER_SECOND, RN_ERRORS_BURST))
		return false;
	w->v->told_by = w->out ? w->p->destination : *own;
	if (same_addr(&w->v->told_by, &none))
		return false;
	if (!w->claim.peer)
		return true;
	w->v->to_peer = w->claim.peer;
	w->v->identity = w->r->devices[self].identity;
	w->v->trust = w->r->devices[self].state.trust;
	return w->r->devices[self].state.local;
}

void reference_judge(struct reference *r, int direction, const struct reference_claim *claim, uint16_t ethertype,
		     const uint8_t *data, size_t size, struct reference_verdict *ret)
{
	struct way w = {.r = r, .out = direction != 0, .p = &ret->packet, .v = ret};

	if (claim)
		w.claim = *claim;
	*ret = (struct reference_verdict){0};
	reference_parse(ethertype, data, size, &ret->packet);
	ret->bytes = ret->packet.bytes;
	ret->reason = ret->packet.reason == RN_ALLOWED ? judge_parsed(&w) : ret->packet.reason;
	if (ret->reason != RN_ALLOWED) {
		ret->action = w.out ? TC_ACT_STOLEN : TC_ACT_SHOT;
		ret->to_peer = 0;
	}
	if (ret->reason == RN_TOO_BIG || ret->reason == RN_TTL_EXCEEDED)
		ret->told = tell(&w);
	if (ret->told)
		ret->action = TC_ACT_REDIRECT;
}
