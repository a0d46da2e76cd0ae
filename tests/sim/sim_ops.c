/* SPDX-License-Identifier: Apache-2.0 */
/* What people do at the gateway and what happens to hosts and wires, drawn from the seed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define DAY_S 86400
#define POLICY_RULES_MAX 8

/* ---- people ---- */

struct sim_change { /* that the gateway was asked for */
	struct sim_change *next;
	struct sim *sim;
	enum rn_record_type type;
	uint32_t device;
	uint64_t version;
	unsigned before; /* of the journal's records */
	int64_t at;
};

void sim_changes_free(struct sim *s)
{
	struct sim_change *c;

	while ((c = s->changes)) {
		s->changes = c->next;
		free(c);
	}
}

static struct sim_host *by_name(struct sim *s, const char *name)
{
	for (unsigned i = 0; i < s->host_count; i++)
		if (strcmp(s->hosts[i].name, name) == 0)
			return &s->hosts[i];
	return NULL;
}

/* What the gateway says is enforced must be. */
static void check_enforced(const struct sim_change *c, const char *name)
{
	struct sim_host *h = by_name(c->sim, name);
	const struct rn_config *config = h->kernel.dp.config;
	struct rn_device d;
	uint64_t version = 0;

	/* A hub that lost its power since then enforces nothing, or what it had on its disk. */
	if (!config->generation || h->power_lost_ms >= c->at)
		return;
	if (c->type == RN_RECORD_POLICY)
		version = h->kernel.dp.policy[config->generation & 1].version;
	else if (sim_kernel_find(h, c->device, &d))
		version = d.version;
	if (version && version < c->version)
		sim_fail(c->sim, "the gateway says that %s enforces version %llu, but it has %llu", name,
			 (unsigned long long)c->version, (unsigned long long)version);
}

/* That of the first record of its kind since it was asked for: others come with it, and a policy may wait. */
static void find_version(struct sim_change *c)
{
	const struct sim *s = c->sim;

	for (unsigned i = c->before; i < s->journal_count && !c->version; i++)
		if (s->journal[i].type == c->type && s->journal[i].device.number == c->device)
			c->version = s->journal[i].version;
}

static void done(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs, unsigned hub_count)
{
	struct sim_change *c = context;

	(void)err;
	find_version(c);
	for (unsigned i = 0; code == 0 && c->version && i < hub_count; i++)
		if (hubs[i].applied)
			check_enforced(c, hubs[i].hub);
}

static struct sim_change *begin_change(struct sim *s, enum rn_record_type type, uint32_t device)
{
	struct sim_change *c = sim_zeros(1, sizeof(*c));

	*c = (struct sim_change){.next = s->changes, .sim = s, .type = type, .device = device, .at = s->now_ms};
	c->before = s->journal_count;
	s->changes = c;
	sim_enter(&s->hosts[0], SIM_CORE);
	s->result->operations++;
	return c;
}

static void end_change(struct sim_change *c)
{
	sim_harvest(c->sim);
	find_version(c);
	sim_host_settle(&c->sim->hosts[0]);
}

void sim_set_policy(struct sim *s)
{
	static char text[RN_POLICY_TEXT_MAX];
	struct sim_change *c;

	realm_policy_text(&s->rng, 1 + rng_below(&s->rng, POLICY_RULES_MAX), text, sizeof(text));
	sim_say(s, "policy of %zu bytes", strlen(text));
	c = begin_change(s, RN_RECORD_POLICY, 0);
	rn_core_policy_set(s->hosts[0].core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)}, done, c);
	end_change(c);
}

static struct sim_host *draw(struct sim *s, bool with_hubs)
{
	for (int tries = 0; tries < 20; tries++) {
		struct sim_host *h = &s->hosts[rng_below(&s->rng, s->host_count)];

		if (h->index && h->stage == SIM_MEMBER && (with_hubs || !rn_kind_is_hub(h->kind)))
			return h;
	}
	return NULL;
}

/* Its hubs anew; where the first is another, it goes there now. */
static void set_homes(struct sim *s)
{
	const struct sim_host *hubs[3] = {sim_draw_hub(s), sim_draw_hub(s), sim_draw_hub(s)};
	struct rn_core_homes homes = {.fallbacks_given = true};
	struct sim_host *h = draw(s, false);
	struct sim_change *c;

	if (!h || !hubs[0])
		return;
	homes.target = sim_percent(s, 60) ? hubs[0]->name : NULL;
	for (unsigned i = 1; i < 3; i++)
		if (hubs[i] && sim_percent(s, 60))
			homes.fallbacks[homes.fallback_count++] = hubs[i]->name;
	sim_say(s, "%s: %s and %u more", h->name, homes.target ? homes.target : "its hub", homes.fallback_count);
	c = begin_change(s, RN_RECORD_DEVICE, h->number);
	rn_core_device_homes(s->hosts[0].core, h->name, &homes, done, c);
	end_change(c);
}

static void set_trust(struct sim *s)
{
	struct sim_host *h = draw(s, true);
	uint8_t trust = (uint8_t)rng_below(&s->rng, RN_TRUST_MAX + 1);
	struct sim_change *c;

	if (!h)
		return;
	sim_say(s, "trust of %s is %u", h->name, trust);
	c = begin_change(s, RN_RECORD_DEVICE, h->number);
	rn_core_trust(s->hosts[0].core, h->name, trust, done, c);
	end_change(c);
}

static void quarantine(struct sim *s)
{
	struct sim_host *h = draw(s, true);
	bool on = sim_percent(s, 60);
	struct sim_change *c;

	if (!h)
		return;
	sim_say(s, "%s %s", on ? "quarantine of" : "release of", h->name);
	c = begin_change(s, RN_RECORD_DEVICE, h->number);
	rn_core_quarantine(s->hosts[0].core, h->name, on, done, c);
	end_change(c);
}

static void revoke(struct sim *s)
{
	struct sim_host *h = draw(s, sim_percent(s, 25));
	struct sim_change *c;

	if (!h || !sim_percent(s, 40))
		return;
	sim_say(s, "%s is revoked", h->name);
	c = begin_change(s, RN_RECORD_DEVICE, h->number);
	rn_core_revoke(s->hosts[0].core, h->name, done, c);
	end_change(c);
}

static void enroll(struct sim *s)
{
	static const enum rn_kind kinds[] = {RN_KIND_DESKTOP, RN_KIND_SERVER, RN_KIND_IOT, RN_KIND_REGIONAL,
					     RN_KIND_PROJECT};
	enum rn_kind kind = kinds[rng_below(&s->rng, sim_percent(s, 40) ? 5 : 3)];
	struct sim_host *hub = draw(s, true);

	if (s->host_count >= s->host_room)
		return;
	while (hub && !rn_kind_is_hub(hub->kind))
		hub = &s->hosts[hub->hub];
	sim_enroll(sim_new_host(s, kind, rn_kind_is_hub(kind) || !hub ? 0 : hub->index));
}

static void new_key(struct sim *s)
{
	struct sim_host *h = draw(s, true);
	uint8_t secret[RN_KEY_SIZE];

	if (!h)
		return;
	sim_say(s, "%s has a new WireGuard key", h->name);
	rn_x25519_keypair(h->wireguard_public, secret);
	sim_host_kill(h, SIM_KERN);
	sim_host_settle(h);
}

static void people(struct sim *s)
{
	static const struct {
		unsigned share;
		void (*act)(struct sim *s);
	} acts[] = {{24, sim_set_policy}, {20, set_trust}, {17, quarantine}, {8, revoke},
		    {12, enroll},	  {7, new_key},	   {12, set_homes}};
	unsigned drawn = rng_below(&s->rng, 100), at = 0;

	if (!s->hosts[0].core)
		return;
	while (drawn >= acts[at].share)
		drawn -= acts[at++].share;
	acts[at].act(s);
}

/* ---- misfortunes ---- */

static void wire(struct sim *s)
{
	static const int64_t delays[] = {5, 40, 200, 900};

	s->loss = sim_percent(s, 50) ? 0 : rng_below(&s->rng, 31);
	s->repeat = sim_percent(s, 50) ? 0 : rng_below(&s->rng, 20);
	s->reorder = sim_percent(s, 50) ? 0 : rng_below(&s->rng, 50);
	s->delay_max_ms = delays[rng_below(&s->rng, 4)];
	s->delay_min_ms = s->delay_max_ms / 5;
	sim_say(s, "the wire loses %u %%, repeats %u %%, up to %lld ms", s->loss, s->repeat,
		(long long)s->delay_max_ms);
}

static void cut(struct sim *s)
{
	struct sim_cut *c = &s->cuts[rng_below(&s->rng, SIM_CUTS)];

	if (c->on) {
		c->on = false;
		sim_say(s, "a cut is healed");
		return;
	}
	*c = (struct sim_cut){.on = true, .one_way = sim_percent(s, 30)};
	if (sim_percent(s, 40))
		c->salt = 1 + rng_next(&s->rng) / 2;
	c->a = rng_below(&s->rng, s->host_count);
	c->b = s->hosts[c->a].hub;
	sim_say(s, "cut: %s", c->salt ? "by halves" : s->hosts[c->a].name);
}

static void crash(struct sim *s)
{
	struct sim_host *h = sim_percent(s, 25) ? &s->hosts[0] : draw(s, true);
	const bool later = sim_percent(s, 60), power = sim_percent(s, 35);
	const enum sim_process process = rng_below(&s->rng, SIM_PROCESSES);

	if (!h)
		return;
	if (later) {
		h->fuse = 1 + rng_below(&s->rng, 30);
		h->fuse_of = process;
		h->fuse_power = power;
		return;
	}
	if (power)
		sim_host_power_loss(h);
	else
		sim_host_kill(h, process);
	sim_host_settle(h);
}

static void clock_jump(struct sim *s)
{
	static const int64_t jumps[] = {0, 60, -60, 600, -600, DAY_S, -DAY_S, 3650ll * DAY_S, -3650ll * DAY_S};
	struct sim_host *h = &s->hosts[rng_below(&s->rng, s->host_count)];

	s->jumped_ms = s->now_ms;
	h->wall_off_s = jumps[rng_below(&s->rng, sizeof(jumps) / sizeof(*jumps))];
	for (unsigned i = 0; i < s->host_count; i++) {
		s->hosts[i].ahead |= s->hosts[i].wall_off_s - s->hosts[0].wall_off_s > DAY_S;
		s->hosts[i].early |= s->hosts[i].wall_off_s > s->hosts[0].wall_off_s;
	}
	sim_say(s, "%s: the clock is off by %lld s", h->name, (long long)h->wall_off_s);
}

static void slow(struct sim *s)
{
	struct sim_host *h = &s->hosts[rng_below(&s->rng, s->host_count)];

	if (sim_percent(s, 60))
		h = &s->hosts[h->hub];
	h->slow_kern_ms = sim_percent(s, 30) ? 0 : rng_below(&s->rng, 2000);
	h->core_room = sim_percent(s, 50) ? 400 : SIM_ROOM;
	sim_say(s, "%s: kern takes %u ms", h->name, h->slow_kern_ms);
}

static void evil(struct sim *s)
{
	struct sim_host *h = &s->hosts[s->hosts[rng_below(&s->rng, s->host_count)].hub];

	h->evil = h->index && !h->evil;
	h->was_evil |= h->evil;
	sim_say(s, "%s is %s", h->name, h->evil ? "evil" : "honest");
}

/* Everybody is suspended at once. */
static void sleep_for_days(struct sim *s)
{
	if (!sim_percent(s, 15))
		return;
	s->now_ms += (1 + rng_below(&s->rng, 9)) * DAY_S * 1000ll;
	s->jumped_ms = s->now_ms;
	sim_say(s, "days go by");
}

/* As long as a number rests, and more. */
static void sleep_for_a_while(struct sim *s)
{
	s->now_ms += (11 + rng_below(&s->rng, 20)) * 60 * 1000ll;
	s->jumped_ms = s->now_ms;
	sim_say(s, "a while goes by");
}

static void misfortune(struct sim *s)
{
	static void (*const acts[])(struct sim *) = {
	    wire, cut, cut, crash, crash, crash, clock_jump, slow, evil, sleep_for_days, sleep_for_a_while};

	acts[rng_below(&s->rng, sizeof(acts) / sizeof(*acts))](s);
}

void sim_step(struct sim *s)
{
	const int64_t ms = 20 + rng_below(&s->rng, sim_percent(s, 20) ? 8000 : 1200);
	int64_t until;

	if (s->params.faults && sim_percent(s, 45))
		misfortune(s);
	else
		people(s);
	until = s->now_ms + ms;
	while (sim_turn(s, until))
		continue;
}

static bool was_lied_to(const struct sim_host *h)
{
	const struct sim *s = h->sim;
	bool lied = false;

	for (unsigned i = 0; i < s->host_count && !rn_kind_is_hub(h->kind) && s->latest[h->number]; i++)
		lied |= s->hosts[i].was_evil && rn_homes_concern(&s->latest[h->number]->device, s->hosts[i].number);
	return lied || (s->hosts[h->hub].was_evil && !rn_kind_is_hub(h->kind));
}

void sim_faults_end(struct sim *s)
{
	sim_say(s, "no more faults");
	s->quiet = true;
	s->jumped_ms = s->now_ms;
	s->loss = s->repeat = s->reorder = 0;
	s->delay_min_ms = 2;
	s->delay_max_ms = 20;
	memset(s->cuts, 0, sizeof(s->cuts));
	for (unsigned i = 0; i < s->host_count; i++) {
		struct sim_host *h = &s->hosts[i];

		h->fuse = h->slow_kern_ms = 0;
		h->core_room = SIM_ROOM;
		h->evil = false;
		h->wall_off_s = 0;
		/* A hub that held something back and said SYNCED: its nodes ask it anew for everything. */
		if (was_lied_to(h))
			sim_host_kill(h, SIM_NET);
		for (int p = 0; p < SIM_PROCESSES; p++)
			if (h->begin_at[p] != INT64_MAX)
				h->begin_at[p] = s->now_ms;
		sim_host_settle(h);
	}
}
