/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One hub with its devices, while the rest of the network grows: what it holds and what it hears must stay the same.
 * The gateway, the hub and its devices are played as everywhere here; the rest are rows that the gateway's own registry
 * makes, signs and stores, and nobody plays them.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "service/core_numbering.h"
#include "service/core_registry.h"
#include "sim.h"

#define OWN 50	     /* devices of the hub that is looked at */
#define OTHERS 200   /* that they talk to, */
#define TALKS_TO 8   /* each to so many */
#define FAR_HUBS 100 /* that the rest is behind */
#define FAR_LEAST 1000
#define ADDED 300 /* what happens elsewhere meanwhile */
#define TRUSTED 500
#define QUARANTINED 50
#define REVOKED 20
#define TRUSTED_OTHERS 20
#define AT_ONCE 1000 /* rows in a transaction */
#define KINDS 22     /* the first of the rest have every set of tags */

static const char policy[] =
    "{\"tags\": [\"laptop\", \"server\", \"yard\"], \"rules\": [\n"
    "{\"id\": \"web\", \"source_criteria\": [\"tag:laptop\"], \"destination_criteria\": [\"tag:server\"],"
    " \"services\": [\"tcp:443\"], \"action\": \"allow\"},\n";
static const char named[] = "{\"id\": \"named\", \"source_criteria\": [\"everyone\"], \"destination_criteria\": ["
			    "\"device:far-0000250\", \"device:far-0000251\", \"device:far-0000252\"],"
			    " \"action\": \"deny\"},\n";
static const char yard[] = "{\"id\": \"yard\", \"source_criteria\": [\"tag:yard\"], \"destination_criteria\": "
			   "[\"tag:server\"], \"action\": \"allow\"},\n";

struct flat {
	struct sim *s;
	struct sim_host *hub;
	uint32_t hubs[FAR_HUBS], others[OTHERS], made;
	struct rn_addr addresses[OTHERS];
};

static double seconds(void)
{
	struct sim_host *here = sim_here;
	struct timespec t;

	sim_here = NULL; /* the real clock */
	clock_gettime(CLOCK_MONOTONIC, &t);
	sim_here = here;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void nobody_waits(void *context, int code, const struct rn_err *err, const struct rn_enforced *hubs,
			 unsigned hub_count)
{
	struct sim *s = context;

	(void)hubs;
	(void)hub_count;
	if (code)
		sim_fail(s, "refused: %s", err->text);
}

/* ---- the rest ---- */

static struct rn_new_device far_device(const struct flat *f, uint32_t i)
{
	struct rn_new_device d = {.kind = RN_KIND_SERVER, .hub = f->hubs[i % FAR_HUBS], .trust = RN_TRUST_START};

	snprintf(d.name, sizeof(d.name), "far-%07u", i);
	d.tags = i < OTHERS || i % 10 == 0 ? "server\n" : i % 20 == 1 ? "yard\n" : "desk\n";
	rn_random(d.noise_key, RN_KEY_SIZE);
	rn_random(d.wireguard_key, RN_KEY_SIZE);
	return d;
}

static struct rn_new_device far_hub(uint32_t i)
{
	struct rn_new_device d = {.kind = RN_KIND_REGIONAL, .parent = 1, .trust = RN_TRUST_START, .tags = ""};

	snprintf(d.name, sizeof(d.name), "far-hub-%03u", i);
	rn_random(d.noise_key, RN_KEY_SIZE);
	rn_random(d.wireguard_key, RN_KEY_SIZE);
	d.wireguard = (struct rn_endpoint){rn_addr_from_v4(0x0a640000u + i), 51820};
	d.control = (struct rn_endpoint){d.wireguard.addr, 51821};
	return d;
}

static void add_one(struct flat *f, struct rn_change *change, bool hub, uint32_t i)
{
	struct rn_new_device d = hub ? far_hub(i) : far_device(f, i);
	struct rn_device_record record;

	if (rn_registry_add(change, &d, &record))
		sim_fail(f->s, "%s: %s", d.name, change->err->text);
	if (hub)
		f->hubs[i] = record.number;
	if (!hub && i < OTHERS)
		f->addresses[i] = record.ipv6;
}

/* What the sets of the rest mean is known to the hub before anybody has them; as from an enrolment, but once for all. */
static void make_known(struct flat *f)
{
	struct rn_books *books = &f->s->hosts[0].core->books;
	struct rn_err err = {""};
	uint32_t number;

	for (uint32_t i = 0; i < KINDS; i++) {
		struct rn_new_device d = far_device(f, OTHERS + i);

		sim_enter(&f->s->hosts[0], SIM_CORE);
		if (rn_registry_hold(books, &d, &number, &err))
			sim_fail(f->s, "%s: %s", d.name, err.text);
		for (int ms = 0; ms < 10000 && !rn_numbering_usable(books, number); ms += 100) {
			rn_members_settle(f->s->hosts[0].core);
			sim_host_settle(&f->s->hosts[0]);
			sim_run(f->s, 100);
		}
	}
}

static void add(struct flat *f, bool hubs, uint32_t first, uint32_t count, uint32_t at_once)
{
	struct sim_host *gw = &f->s->hosts[0];
	struct rn_books *books = &gw->core->books;
	struct rn_err err = {""};
	struct rn_change change;

	for (uint32_t i = 0; i < count; i += at_once) {
		sim_enter(gw, SIM_CORE);
		if (rn_change_begin(&change, books, rn_unix_ns() / 1000000000, &err))
			sim_fail(f->s, "%s", err.text);
		for (uint32_t k = i; k < i + at_once && k < count; k++)
			add_one(f, &change, hubs, first + k);
		if (rn_change_commit(&change))
			sim_fail(f->s, "%s", err.text);
		rn_core_publish(gw->core);
		sim_host_settle(gw);
		sim_run(f->s, 5);
	}
}

/* ---- what happens ---- */

static void set_policy(struct flat *f, const char *more, const char *and_more)
{
	char text[2048];
	struct sim_host *gw = &f->s->hosts[0];

	snprintf(text, sizeof(text), "%s%s%s]}", policy, more, and_more);
	sim_enter(gw, SIM_CORE);
	rn_core_policy_set(gw->core, &(struct rn_core_policy_new){.text = text, .size = strlen(text)}, nobody_waits, f->s);
	sim_host_settle(gw);
	sim_run(f->s, 1000);
}

static void change(struct flat *f, uint32_t row, void (*act)(struct rn_core *, const char *, struct sim *))
{
	struct sim_host *gw = &f->s->hosts[0];
	char name[24];

	snprintf(name, sizeof(name), "far-%07u", row);
	sim_enter(gw, SIM_CORE);
	act(gw->core, name, f->s);
	sim_host_settle(gw);
	sim_run(f->s, 20);
}

static void trust(struct rn_core *core, const char *name, struct sim *s)
{
	rn_core_trust(core, name, (uint8_t)rng_below(&s->rng, RN_TRUST_MAX + 1), nobody_waits, s);
}

static void quarantine(struct rn_core *core, const char *name, struct sim *s)
{
	rn_core_quarantine(core, name, true, nobody_waits, s);
}

static void revoke_it(struct rn_core *core, const char *name, struct sim *s)
{
	rn_core_revoke(core, name, nobody_waits, s);
}

static void talk(struct flat *f)
{
	struct sim *s = f->s;

	for (unsigned i = 0; i < OWN; i++) {
		struct sim_host *h = &s->hosts[f->hub->index + 1 + i];
		const struct rn_ledger_entry *self = rn_ledger_device(h->core->books.ledger, h->number);

		for (unsigned k = 0; k < TALKS_TO; k++)
			sim_kern_met(h, RN_UNKNOWN_DESTINATION, &self->record.ipv6,
				     &f->addresses[(i * 4 + k) % OTHERS]);
		sim_run(s, 500); /* a device has 20 questions a second */
	}
	sim_run(s, 3000);
}

/* None of them are among those that are talked to, but for the last. */
static void live(struct flat *f)
{
	for (uint32_t i = 0; i < TRUSTED; i++)
		change(f, 300 + i % 600, trust);
	for (uint32_t i = 0; i < QUARANTINED; i++)
		change(f, 900 + i, quarantine);
	for (uint32_t i = 0; i < REVOKED; i++)
		change(f, 960 + i, revoke_it);
	for (uint32_t i = 0; i < TRUSTED_OTHERS; i++)
		change(f, i, trust);
	add(f, false, f->made, ADDED, 1);
	f->made += ADDED;
	set_policy(f, named, "");
	for (int p = 0; p < SIM_PROCESSES; p++) {
		sim_host_kill(f->hub, p);
		sim_host_settle(f->hub);
		sim_run(f->s, 15000);
	}
}

/* ---- what it comes to ---- */

static long file_kib(const struct sim_host *h, const char *name)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/core/%s", h->dir, name);
	return stat(path, &st) < 0 ? 0 : (long)(st.st_size / 1024);
}

static void note(struct flat *f, struct sim_figures *to)
{
	const struct rn_core *core = f->hub->core;

	*to = (struct sim_figures){.records = rn_ledger_count(core->books.ledger),
				   .enforced = rn_enforce_devices(f->hub->kern->enforce),
				   .interests = rn_interests_count(core->kern.feed.interests),
				   .heard = f->hub->heard};
	for (const struct rn_downstream *d = core->sessions; d; d = d->next)
		to->interests += rn_interests_count(d->feed.interests);
	memset(&f->hub->heard, 0, sizeof(f->hub->heard));
}

static size_t heap_of(struct sim_host *h, enum sim_process process)
{
	size_t before = heap();

	sim_host_kill(h, process);
	return before - heap();
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm && fscanf(statm, "%*d %ld", &pages) != 1)
		pages = 0;
	if (statm)
		fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void found(struct flat *f)
{
	struct sim *s = f->s;

	sim_make_gateway(s);
	sim_run(s, 500);
	set_policy(f, "", "");
	f->hub = sim_new_host(s, RN_KIND_REGIONAL, 0);
	sim_enroll(f->hub);
	sim_run(s, 3000);
	for (unsigned i = 0; i < OWN; i++) {
		struct sim_host *h = sim_new_host(s, RN_KIND_DESKTOP, f->hub->index);

		h->tags[0] = "laptop";
		h->tag_count = 1;
		sim_enroll(h);
		sim_run(s, 200);
	}
	sim_run(s, 3000);
	add(f, true, 0, FAR_HUBS, FAR_HUBS);
	make_known(f);
}

void sim_flat(struct sim *s)
{
	struct flat f = {.s = s, .made = s->params.rest < FAR_LEAST ? FAR_LEAST : s->params.rest};
	struct sim_result *r = s->result;
	double began;

	found(&f);
	began = seconds();
	add(&f, false, 0, f.made, AT_ONCE);
	r->rows_s = seconds() - began;
	sim_run(s, 5000);
	memset(&f.hub->heard, 0, sizeof(f.hub->heard));
	began = seconds();
	talk(&f);
	note(&f, &r->talked);
	r->talk_s = seconds() - began;
	began = seconds();
	live(&f);
	note(&f, &r->lived);
	r->live_s = seconds() - began;
	began = seconds();
	set_policy(&f, named, yard); /* makes one in twenty of all finer */
	sim_run(s, 5000);
	note(&f, &r->finer);
	r->finer_s = seconds() - began;
	r->gateway_rss_kib = resident_kib();
	r->hub_heap[SIM_KERN] = heap_of(f.hub, SIM_KERN);
	r->hub_heap[SIM_NET] = heap_of(f.hub, SIM_NET);
	r->hub_heap[SIM_CORE] = heap_of(f.hub, SIM_CORE);
	r->hub_store_kib = file_kib(f.hub, "core.db");
	r->gateway_heap = heap_of(&s->hosts[0], SIM_CORE);
	r->gateway_store_kib = file_kib(&s->hosts[0], "core.db");
}

/* ---- the same? ---- */

static unsigned compare(const char *when, const struct sim_figures *a, const struct sim_figures *b)
{
	unsigned differ = a->records != b->records || a->enforced != b->enforced || a->interests != b->interests;

	/* Records: how many that are due at once go in one message differs by chance, not by size. */
	for (unsigned type = 0; type < 16; type++)
		differ += a->heard.messages[type] != b->heard.messages[type];
	differ += a->heard.inside > b->heard.inside + b->heard.inside / 50;
	differ += a->heard.datagrams > b->heard.datagrams + b->heard.datagrams / 10 + 20;
	if (differ)
		printf("%s the hub was NOT as in the smaller network\n", when);
	return differ != 0;
}

static void say(const char *when, const struct sim_figures *f)
{
	printf("  %-8s %u records, %u in kern, %u interests; %llu datagrams, %llu bytes; messages", when, f->records,
	       f->enforced, f->interests, (unsigned long long)f->heard.datagrams, (unsigned long long)f->heard.bytes);
	for (unsigned type = 0; type < 16; type++)
		if (f->heard.messages[type])
			printf(" %u: %llu", type, (unsigned long long)f->heard.messages[type]);
	printf(", %llu bytes in them\n", (unsigned long long)f->heard.inside);
}

unsigned sim_flat_compare(unsigned rest, const struct sim_result *r, const struct sim_result *smaller)
{
	unsigned differ = 0;

	printf(
	    "%u devices elsewhere: hash %016llx; gateway %ld MiB resident, core.db %ld MiB; made in %.1f s, %.1f s of "
	    "talk, %.1f s of changes, %.1f s for one in twenty finer\n",
	    rest, (unsigned long long)r->hash, r->gateway_rss_kib / 1024, r->gateway_store_kib / 1024, r->rows_s,
	    r->talk_s, r->live_s, r->finer_s);
	say("talked", &r->talked);
	say("lived", &r->lived);
	say("finer", &r->finer);
	printf("  the hub's heap in KiB: core %zu, net %zu, kern %zu; its core.db %ld KiB\n",
	       r->hub_heap[SIM_CORE] / 1024, r->hub_heap[SIM_NET] / 1024, r->hub_heap[SIM_KERN] / 1024,
	       r->hub_store_kib);
	if (!smaller)
		return 0;
	differ += compare("talked:", &r->talked, &smaller->talked);
	differ += compare("lived:", &r->lived, &smaller->lived);
	differ += r->hub_store_kib > smaller->hub_store_kib + 64;
	for (int p = 0; p < SIM_PROCESSES; p++)
		differ += r->hub_heap[p] > smaller->hub_heap[p] + smaller->hub_heap[p] / 50 + 16384;
	return differ;
}
