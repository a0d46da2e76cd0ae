// SPDX-License-Identifier: Apache-2.0
/*
 * The programs of bpf/ against the reference, on random policies and packets. Every step of an episode is played on
 * both; they must agree on reason, action, bytes, the flow's entry and what leaves. RN_SEED=N begins with another seed,
 * RN_EPISODES=N plays fewer, RN_LEDGER=FILE goes on where it ended; a mismatch prints its seed and a reproduction that
 * has been cut down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "base/addr.h"
#include "episode.h"

#define EPISODES 1000u
#define PACKETS 1100u /* an episode; RN_PACKETS is another number */
#define PACKETS_LEAST 1000000ul
#define SEED 20261122u

static const char *const reasons[] = {
#define RN_REASON(number, NAME, name, text) [number] = name,
#include "abi/verdict.def"
#undef RN_REASON
};
static const char *const paths[] = {"refused", "no entry",     "expired entry", "closed and SYN", "reverse SYN",
				    "held",    "judged again", "another claim", "another time",	  "rest"};
static const char *const phases[] = {
    "none", "TCP opening", "TCP established", "TCP closed", "UDP opening", "UDP established", "echo"};

struct tally {
	unsigned long packets, allowed, rules;
	unsigned long reasons[RN_REASON_COUNT];
	unsigned long kinds[2][RN_BPF_DIRECTIONS]
			   [2]; /* hub or node, direction, IPv4 or IPv6: of the packets that parsed */
	unsigned long frames[RN_MESH_REASON_COUNT]; /* that came in */
	unsigned long errors[REFERENCE_PHASES][2];  /* ICMP errors that passed: about which flows, forward, backward */
	unsigned long routers[2][RN_BPF_DIRECTIONS][2]; /* of them, from on the way: hub or node, where; and refused */
	unsigned long fragments[2][2][RN_BPF_DIRECTIONS]; /* first or not, passed or not, where */
	unsigned long told[2][RN_BPF_DIRECTIONS];	  /* of hops, of size; where */
	unsigned long untold, promised[2]; /* dropped for that without a word; SYNs that left, IPv4 or IPv6 */
	unsigned long sent[2];		   /* in frames, IPv4 or IPv6 */
	unsigned long ways[REFERENCE_PATHS][REFERENCE_PHASES][2]; /* forward, backward */
};

static void count(void *context, const struct episode *e, const struct step *step, const struct reference_verdict *v)
{
	struct tally *t = context;

	if (step->direction == RN_BPF_MESH)
		t->frames[v->frame]++;
	if (v->frame)
		return;
	t->packets++;
	t->sent[step->data[0] >> 4 == 6] += v->reason == RN_ALLOWED && v->to_peer;
	if (v->packet.error && v->reason == RN_ALLOWED)
		t->errors[v->phase][v->backward]++;
	if (v->packet.error && v->packet.router)
		t->routers[e->role == RN_ROLE_NODE][step->direction][v->reason != RN_ALLOWED]++;
	if (v->reason == RN_TTL_EXCEEDED || v->reason == RN_TOO_BIG) {
		t->told[v->reason == RN_TOO_BIG][step->direction] += v->told;
		t->untold += !v->told;
	}
	t->promised[step->data[0] >> 4 == 6] += v->mss && v->reason == RN_ALLOWED;
	t->allowed += v->reason == RN_ALLOWED;
	t->reasons[v->reason]++;
	if (v->packet.reason == RN_ALLOWED)
		t->kinds[e->role == RN_ROLE_NODE][step->direction][step->data[0] >> 4 == 6]++;
	t->ways[v->path][v->phase][v->backward]++;
	if (v->packet.fragment)
		t->fragments[v->packet.from != 0][v->reason != RN_ALLOWED][step->direction]++;
}

/* Whether the episode still goes wrong without the steps and rules that are switched off. */
static bool still_wrong(struct player *p, const struct episode *e, const bool *skip)
{
	struct reference_verdict v;

	if (player_start(p, e) < 0)
		return false;
	for (unsigned i = 0; i < e->step_count; i++)
		if (!skip[i] && player_step(p, e->steps[i], &v) < 0)
			return true;
	return false;
}

static void shrink_steps(struct player *p, const struct episode *e, bool *skip)
{
	for (unsigned chunk = e->step_count / 2; chunk > 0; chunk /= 2) {
		for (unsigned at = 0; at < e->step_count; at += chunk) {
			bool before[EPISODE_STEPS];
			unsigned end = at + chunk < e->step_count ? at + chunk : e->step_count;

			memcpy(before, skip, sizeof(before));
			for (unsigned i = at; i < end; i++)
				skip[i] = true;
			if (!still_wrong(p, e, skip))
				memcpy(skip, before, sizeof(before));
		}
	}
}

static void shrink_rules(struct player *p, struct episode *e, const bool *skip)
{
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned rule = policy_rules(e->policies[n]); rule-- > 0;) {
			char before[EPISODE_POLICY_SIZE];
			bool without[EPISODE_RULES_MAX] = {false};

			without[rule] = true;
			memcpy(before, e->policies[n], sizeof(before));
			policy_without(before, without, e->policies[n]);
			if (!still_wrong(p, e, skip))
				memcpy(e->policies[n], before, sizeof(before));
		}
	}
}

static const char *const directions[] = {"in", "out", "from a hub"};

static void print_packet(const struct step *s)
{
	struct reference_packet p;
	char from[RN_ADDR_TEXT], to[RN_ADDR_TEXT];

	reference_parse(s->ethertype ? s->ethertype : s->data[0] >> 4 == 6 ? 0x86dd : 0x0800, s->data, s->size, &p);
	printf("  packet %s, ethertype %04x, %zu bytes (%zu linear): %s", directions[s->direction], s->ethertype,
	       s->size, s->linear ? s->linear : s->size, reasons[p.reason]);
	if (p.reason == RN_ALLOWED)
		printf(", protocol %u, %s:%u -> %s:%u%s%s%s%s%s, hop limit %u", p.protocol,
		       rn_addr_format(&p.source, from), p.source_port, rn_addr_format(&p.destination, to),
		       p.destination_port, p.syn ? " SYN" : "", p.ack ? " ACK" : "", p.fin ? " FIN" : "",
		       p.rst ? " RST" : "", p.reply ? " reply" : "", p.hop_limit);
	if (s->direction == RN_BPF_MESH)
		printf(", in a frame of hub %u: identity %x, trust %u", s->hub, s->identity, s->trust);
	printf("\n    ");
	for (size_t i = 0; i < s->size && i < 100; i++)
		printf("%02x", s->data[i]);
	printf("%s\n", s->size > 100 ? "..." : "");
}

static void print_step(const struct step *s)
{
	static const char *const names[] = {"packet",	 "clock +",  "wall clock", "policy",
					    "link down", "lease +",  "trust",	   "quarantine",
					    "revoke",	 "attached", "behind hub", "identity behind its hub",
					    "present",	 "member"};

	if (s->kind == STEP_PACKET)
		print_packet(s);
	else if (s->kind >= STEP_TRUST)
		printf("  device-%u %s %llu\n", s->device + 1, names[s->kind], (unsigned long long)s->value);
	else
		printf("  %s %llu\n", names[s->kind], (unsigned long long)s->value);
}

static void print_episode(const struct episode *e, const bool *skip)
{
	char a[RN_ADDR_TEXT], b[RN_ADDR_TEXT];

	printf("role %s; here: device-%u\n", e->role == RN_ROLE_HUB ? "hub" : "node", e->self + 1);
	for (unsigned d = 0; d < REALM_DEVICES; d++) {
		const struct realm_device *device = &e->realm.devices[d];
		struct rn_party party = realm_party(device);

		printf("  %s: index %u, hub %u, owner %s, trust %u, %s, %s, tags", device->name, player_index(d),
		       e->home[d], party.owner ? party.owner : "nobody", device->trust,
		       rn_addr_format(&e->addresses[d][0], a), rn_addr_format(&e->addresses[d][1], b));
		for (uint32_t t = 0; t < device->tag_count; t++)
			printf(" %s", device->tags[t]);
		printf("\n");
	}
	printf("policy 0:\n%spolicy 1:\n%ssteps:\n", e->policies[0], e->policies[1]);
	for (unsigned i = 0; i < e->step_count; i++)
		if (!skip[i])
			print_step(e->steps[i]);
}

static void report(struct player *p, struct episode *e, uint64_t seed)
{
	static bool skip[EPISODE_STEPS];

	printf("MISMATCH with seed %llu: %s\n", (unsigned long long)seed, player_text(p));
	fflush(stdout);
	if (still_wrong(p, e, skip)) {
		shrink_steps(p, e, skip);
		shrink_rules(p, e, skip);
		shrink_steps(p, e, skip);
		still_wrong(p, e, skip);
	} else {
		printf("(the second time it did not happen)\n");
	}
	print_episode(e, skip);
	printf("then: %s\n", player_text(p));
}

static unsigned packets_each;

static bool run_episode(struct player *p, uint64_t seed, struct tally *t)
{
	struct episode *e = episode_new();
	struct rng rng = {seed};
	int code = episode_make(e, p, &rng, packets_each, count, t);

	if (code < 0)
		report(p, e, seed);
	else
		t->rules += policy_rules(e->policies[0]);
	episode_free(e);
	return code == 0;
}

static void print_tally(const struct tally *t)
{
	printf("%lu packets, %lu allowed (%lu %%), %lu rules, each of which decided\n", t->packets, t->allowed,
	       t->packets ? 100 * t->allowed / t->packets : 0, t->rules);
	for (unsigned i = 0; i < RN_REASON_COUNT; i++)
		printf("  %-24s%8lu\n", reasons[i], t->reasons[i]);
	printf("frames sent: %lu in IPv4, %lu in IPv6; come in:\n", t->sent[0], t->sent[1]);
	for (unsigned i = 0; i < RN_MESH_REASON_COUNT; i++)
		if (t->frames[i])
			printf("  %-24u%8lu\n", i, t->frames[i]);
	for (unsigned d = 0; d < RN_BPF_DIRECTIONS; d++)
		printf("  told, %s: of hops %lu, of size %lu\n", directions[d], t->told[0][d], t->told[1][d]);
	printf("  not told: %lu; SYNs that left: %lu in IPv4, %lu in IPv6\n", t->untold, t->promised[0],
	       t->promised[1]);
	for (unsigned phase = 0; phase < REFERENCE_PHASES; phase++)
		printf("  error about     %-16sforward%8lu, backward%8lu\n", phases[phase], t->errors[phase][0],
		       t->errors[phase][1]);
	for (unsigned i = 0; i < 2 * RN_BPF_DIRECTIONS; i++)
		printf("  error on the way, %s, %s: passed %lu, not %lu\n", i < RN_BPF_DIRECTIONS ? "hub" : "node",
		       directions[i % RN_BPF_DIRECTIONS], t->routers[i / RN_BPF_DIRECTIONS][i % RN_BPF_DIRECTIONS][0],
		       t->routers[i / RN_BPF_DIRECTIONS][i % RN_BPF_DIRECTIONS][1]);
	for (unsigned i = 0; i < 2 * RN_BPF_DIRECTIONS; i++)
		printf("  %s fragments, %s: passed %lu, not %lu\n", i < RN_BPF_DIRECTIONS ? "first" : "other",
		       directions[i % RN_BPF_DIRECTIONS], t->fragments[i / RN_BPF_DIRECTIONS][0][i % RN_BPF_DIRECTIONS],
		       t->fragments[i / RN_BPF_DIRECTIONS][1][i % RN_BPF_DIRECTIONS]);
	for (unsigned path = 0; path < REFERENCE_PATHS; path++)
		for (unsigned phase = 0; phase < REFERENCE_PHASES; phase++)
			if (t->ways[path][phase][0] || t->ways[path][phase][1])
				printf("  %-16s%-16s forward%8lu, backward%8lu\n", paths[path], phases[phase],
				       t->ways[path][phase][0], t->ways[path][phase][1]);
}

static int missing;

static void need(bool good, const char *what, unsigned a, unsigned b, unsigned c)
{
	if (good)
		return;
	printf("NOT COVERED: %s %u %u %u\n", what, a, b, c);
	missing++;
}

/* A run that does not reach these proves less than it says. */
static void check_coverage(const struct tally *t)
{
	need(t->packets >= PACKETS_LEAST, "packets", 0, 0, 0);
	need(10 * t->allowed >= 3 * t->packets && 10 * t->allowed <= 7 * t->packets, "30 to 70 % allowed", 0, 0, 0);
	for (unsigned i = 0; i < RN_REASON_COUNT; i++)
		if (i != RN_FLOW_TABLE_FULL && i != RN_INTERNAL && i != RN_POLICY_TOO_WIDE) /* see the other tests */
			need(t->reasons[i] >= (i == RN_WRONG_IDENTITY ? 10 : 20), "reason", i, 0, 0);
	for (unsigned i = 0; i < 12; i++)
		if (i < 10) /* no frames come to a node */
			need(t->kinds[i / 6][i / 2 % 3][i % 2] >= 1000, "role, direction, family", i / 6, i / 2 % 3,
			     i % 2);
	for (unsigned i = 0; i < 2 * RN_BPF_DIRECTIONS; i++)
		for (unsigned dropped = 0; dropped < 2; dropped++)
			need(t->fragments[i / RN_BPF_DIRECTIONS][dropped][i % RN_BPF_DIRECTIONS] >= 50, "fragments",
			     i / RN_BPF_DIRECTIONS, dropped, i % RN_BPF_DIRECTIONS);
	for (unsigned d = 0; d < RN_BPF_DIRECTIONS; d++)
		for (unsigned size = d == RN_BPF_OUT; size < 2; size++) /* this host's own begin with all their hops */
			need(t->told[size][d] >= 10, "told", size, d, 0);
	need(t->untold >= 20, "not told", 0, 0, 0);
	need(t->promised[0] >= 500 && t->promised[1] >= 500, "SYNs that left", 0, 0, 0);
	need(t->sent[0] >= 1000 && t->sent[1] >= 1000, "frames sent", 0, 0, 0);
	need(t->frames[RN_MESH_PASSED] >= 5000, "frames", RN_MESH_PASSED, 0, 0);
	need(t->frames[RN_MESH_WRONG_IDENTITY] >= 100, "frames", RN_MESH_WRONG_IDENTITY, 0, 0);
	need(t->frames[RN_MESH_WRONG_TRUST] >= 10, "frames", RN_MESH_WRONG_TRUST, 0, 0);
	need(t->ways[REFERENCE_FIRST][REFERENCE_NONE][0] >= 1000, "first", 0, 0, 0);
	for (unsigned phase = REFERENCE_TCP_OPENING; phase < REFERENCE_PHASES; phase++) {
		for (unsigned back = 0; back < 2; back++) {
			need(t->ways[REFERENCE_EXPIRED][phase][back] >= 20, "expired", phase, back, 0);
			need(t->ways[REFERENCE_HELD][phase][back] >= 20, "held", phase, back, 0);
			need(t->ways[REFERENCE_AGAIN][phase][back] >= 20, "judged again", phase, back, 0);
		}
		need(t->errors[phase][1] >= 20, "errors", phase, 1, 0);
		if (phase == REFERENCE_TCP_ESTABLISHED || phase == REFERENCE_UDP_ESTABLISHED)
			need(t->errors[phase][0] >= 10, "errors", phase, 0, 0);
		need(t->ways[REFERENCE_CLAIM][phase][0] >= 20, "another claim", phase, 0, 0);
		need(t->ways[REFERENCE_TIME][phase][0] >= 20, "another time", phase, 0, 0);
		if (phase <= REFERENCE_TCP_CLOSED)
			need(phase == REFERENCE_TCP_CLOSED || t->ways[REFERENCE_REVERSE_SYN][phase][1] >= 20,
			     "reverse SYN", phase, 0, 0);
	}
	need(t->routers[0][RN_BPF_IN][0] == 0 && t->routers[0][RN_BPF_IN][1] >= 20, "router, hub in", 0, 0, 0);
	need(t->routers[0][RN_BPF_OUT][0] >= 20 && t->routers[0][RN_BPF_OUT][1] >= 20, "router, hub out", 0, 0, 0);
	need(t->routers[0][RN_BPF_MESH][0] >= 20 && t->routers[0][RN_BPF_MESH][1] >= 20, "router, frame", 0, 0, 0);
	need(t->routers[1][RN_BPF_IN][0] >= 20 && t->routers[1][RN_BPF_IN][1] >= 20, "router, node in", 0, 0, 0);
	need(t->routers[1][RN_BPF_OUT][0] == 0 && t->routers[1][RN_BPF_OUT][1] >= 20, "router, node out", 0, 0, 0);
	for (unsigned back = 0; back < 2; back++)
		need(t->ways[REFERENCE_REOPENED][REFERENCE_TCP_CLOSED][back] >= 20, "reopened", back, 0, 0);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/*
 * A line a seed: "seed packets allowed rules". A run that is given a ledger goes on where the last one ended, and says
 * what all of them came to.
 */
struct ledger {
	FILE *file; /* NULL: none is kept */
	unsigned long seeds, packets, allowed;
};

static uint64_t open_ledger(struct ledger *l, uint64_t seed)
{
	const char *path = getenv("RN_LEDGER");
	unsigned long long done;
	unsigned long packets, allowed, rules;

	l->file = path ? fopen(path, "a+") : NULL;
	if (path && !l->file) {
		perror(path);
		exit(1);
	}
	while (l->file && fscanf(l->file, "%llu %lu %lu %lu", &done, &packets, &allowed, &rules) == 4) {
		seed = done + 1;
		l->seeds++;
		l->packets += packets;
		l->allowed += allowed;
	}
	return seed;
}

static void write_ledger(struct ledger *l, uint64_t seed, const struct tally *before, const struct tally *now)
{
	if (!l->file)
		return;
	l->seeds++;
	l->packets += now->packets - before->packets;
	l->allowed += now->allowed - before->allowed;
	fprintf(l->file, "%llu %lu %lu %lu\n", (unsigned long long)seed, now->packets - before->packets,
		now->allowed - before->allowed, now->rules - before->rules);
	fflush(l->file);
}

static void close_ledger(struct ledger *l)
{
	if (!l->file)
		return;
	printf("ledger: %lu policies, %lu packets, %lu allowed\n", l->seeds, l->packets, l->allowed);
	fclose(l->file);
}

int main(void)
{
	static struct tally tally;
	struct rn_bpf_options options = {.role = RN_ROLE_HUB};
	struct rn_bpf *bpf = rn_bpf_open(&options);
	struct player *p = player_new(bpf);
	uint64_t seed = setting("RN_SEED", SEED), episodes = setting("RN_EPISODES", EPISODES);
	struct ledger ledger = {0};
	bool good = true;

	packets_each = (unsigned)setting("RN_PACKETS", PACKETS);

	seed = open_ledger(&ledger, seed);
	for (uint64_t i = 0; i < episodes && good; i++) {
		const struct tally before = tally;

		good = run_episode(p, seed + i, &tally);
		if (good)
			write_ledger(&ledger, seed + i, &before, &tally);
	}
	close_ledger(&ledger);
	if (good) {
		printf("seeds %llu to %llu: %llu policies, ", (unsigned long long)seed,
		       (unsigned long long)(seed + episodes - 1), (unsigned long long)episodes);
		print_tally(&tally);
		if (episodes >= EPISODES)
			check_coverage(&tally);
	}
	player_free(p);
	rn_bpf_close(bpf);
	good = good && !missing;
	printf("[  %s  ] 1 test(s).\n", good ? "PASSED" : "FAILED"); /* counted like the unit tests */
	return good ? 0 : 1;
}
