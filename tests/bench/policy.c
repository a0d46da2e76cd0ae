/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy of RULES rules in a network of DEVICES devices that carry five tags each of 1,000, drawn by Zipf's law: from
 * its text to the kernel's tables of a hub of HUB devices; then one rule changed, with the policy before known, and
 * then one device. A line of JSON on standard output: of each step the median, least and greatest of ROUNDS, in
 * milliseconds of a CPU, and what it takes.
 */
#include <bpf/bpf.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "domain/policy_made.h"
#include "domain/policy_parts.h"
#include "domain/policy_sides.h"
#include "domain/policy_tables.h"
#include "tests/bpf/harness.h"
#include "tests/support/rng.h"

#define RULES 100000u
#define DEVICES 1000000u
#define HUB 10000u
#define TAGS 1000u
#define EACH 5u
#define EVERYONE 1u /* selector numbers: everyone, then the tags */
#define ROUNDS 5
#define TEXT_ROOM (24u << 20)

enum step {
	PARSE,
	COMPILE,
	SIGN,
	VERIFY,
	JOIN,
	TABLES,
	LISTS,
	LOAD,
	FLOOR,
	ONE_RULE_PARSE,
	ONE_RULE_COMPILE,
	ONE_RULE_SIGN,
	ONE_RULE,
	ONE_DEVICE,
	IDENTIFY,
	STEPS
};
static const char *const step_names[STEPS] = {
    "parse",	"compile", "sign",	     "verify",		 "join",	  "tables",   "lists",
    "load",	"floor",   "one_rule_parse", "one_rule_compile", "one_rule_sign", "one_rule", "one_device",
    "identify",
};
static double spent[STEPS][ROUNDS];

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench policy: %s\n", what);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others want the CPUs, too */
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- the network ---- */

struct device {
	uint32_t selectors[1 + EACH]; /* ascending */
};
static struct device *devices;
static double zipf[TAGS]; /* the sum of all up to it */

static uint32_t draw_tag(struct rng *rng)
{
	double at = (double)(rng_next(rng) >> 11) / 9007199254740992.0 * zipf[TAGS - 1];
	uint32_t low = 0, high = TAGS - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (zipf[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void make_device(struct rng *rng, struct device *d)
{
	uint32_t count = 1;

	d->selectors[0] = EVERYONE;
	while (count < 1 + EACH) {
		uint32_t tag = EVERYONE + 1 + draw_tag(rng), i = 1;

		while (i < count && d->selectors[i] != tag)
			i++;
		if (i == count)
			d->selectors[count++] = tag;
	}
	qsort(d->selectors, count, sizeof(*d->selectors), by_number);
}

static void make_network(struct rng *rng)
{
	double sum = 0;

	for (uint32_t i = 0; i < TAGS; i++)
		zipf[i] = sum += 1.0 / (i + 1);
	devices = malloc(DEVICES * sizeof(*devices));
	must(devices != NULL, "out of memory");
	for (uint32_t i = 0; i < DEVICES; i++)
		make_device(rng, &devices[i]);
}

/* How many different sets there are among the first `count`: those are the identities. */
static uint32_t identities(uint32_t count)
{
	uint32_t size = 4194304, found = 0, *slots = calloc(size, sizeof(*slots));

	must(slots != NULL, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t hash = 0;
		uint32_t at;

		for (uint32_t k = 0; k < 1 + EACH; k++)
			hash = (hash ^ devices[i].selectors[k]) * 0x9e3779b97f4a7c15ull;
		for (at = hash >> 42; slots[at]; at = (at + 1) % size)
			if (!memcmp(&devices[slots[at] - 1], &devices[i], sizeof(devices[i])))
				break;
		if (!slots[at])
			found++;
		slots[at] = i + 1;
	}
	free(slots);
	return found;
}

/* ---- the policy ---- */

/* From tag to tag; one in ten denies, one in twenty is about devices of one owner, one in fifty asks for trust. */
static size_t make_text(char *text, uint64_t seed, uint32_t changed)
{
	struct rng rng = {seed};
	size_t at = (size_t)sprintf(text, "{\"tags\": [\"t0\"");

	for (uint32_t i = 1; i < TAGS; i++)
		at += (size_t)sprintf(text + at, ", \"t%u\"", i);
	at += (size_t)sprintf(text + at, "],\n\"rules\": [\n");
	for (uint32_t i = 0; i < RULES; i++) {
		uint32_t from = rng_below(&rng, TAGS), to = rng_below(&rng, TAGS), port = 1 + rng_below(&rng, 20000);
		bool deny = i % 10 == 0, own = i % 20 == 7, trust = i % 50 == 3;

		at += (size_t)sprintf(text + at, "{\"id\": \"rule-%u\", \"source_criteria\": [\"tag:t%u\"], ", i, from);
		if (own)
			at += (size_t)sprintf(text + at, "\"destination_criteria\": [\"same-owner\"], ");
		else
			at += (size_t)sprintf(text + at, "\"destination_criteria\": [\"tag:t%u\"], ", to);
		at += (size_t)sprintf(text + at, "\"services\": [\"tcp:%u\"%s], ", port,
				      i == changed ? ", \"udp:7\"" : "");
		if (trust)
			at += (size_t)sprintf(text + at, "\"conditions\": {\"minimum_trust\": 50}, ");
		at += (size_t)sprintf(text + at, "\"action\": \"%s\"},\n", deny ? "deny" : "allow");
	}
	return at + (size_t)sprintf(text + at, "]}\n");
}

static uint32_t number(const char *selector)
{
	return strncmp(selector, "tag:t", 5) ? EVERYONE : EVERYONE + 1 + (uint32_t)atoi(selector + 5);
}

/* ---- records ---- */

struct shelf {
	uint8_t *records[RN_PARTS_MAX];
	int sizes[RN_PARTS_MAX];
	uint32_t count, fresh;
	size_t bytes; /* of the fresh ones */
};
static const uint8_t seed_key[RN_KEY_SIZE] = {1};
static uint8_t public_key[RN_KEY_SIZE];

static int sign_part(void *context, const uint8_t *body, size_t size, uint32_t *ret_number)
{
	struct shelf *s = context;
	const struct rn_record_head head = {.epoch = 1, .version = s->count + 1, .issued = 1};
	struct rn_part part;

	for (uint32_t i = 0; i < s->count; i++)
		if (!rn_record_get_part(s->records[i], (size_t)s->sizes[i], &part) && part.size == size &&
		    !memcmp(part.body, body, size)) {
			*ret_number = i + 1;
			return 0;
		}
	must(s->count < RN_PARTS_MAX, "too many parts");
	part = (struct rn_part){ *ret_number = s->count + 1, body, size};
	s->records[s->count] = malloc(RN_RECORD_SIZE_MAX);
	s->sizes[s->count] = rn_record_put_part(&head, &part, seed_key, s->records[s->count], RN_RECORD_SIZE_MAX);
	must(s->sizes[s->count] > 0, "a part");
	s->bytes += (size_t)s->sizes[s->count++];
	s->fresh++;
	return 0;
}

static bool find_part(void *context, uint32_t wanted, struct rn_part *ret)
{
	const struct shelf *s = context;

	return wanted && wanted <= s->count &&
	       !rn_record_get_part(s->records[wanted - 1], (size_t)s->sizes[wanted - 1], ret);
}

/* ---- the steps ---- */

static struct shelf shelf;
static uint8_t root[RN_RECORD_SIZE_MAX];

struct took {
	double parse, compile, sign, verify, join, tables, load, lists;
	uint32_t parts, sides[2], pairs, candidates, rules, slots, identities;
};

static int put_root(const struct rn_policy_record *p)
{
	const struct rn_record_head head = {.epoch = 1, .version = 1u << 20, .issued = 1};
	int size = rn_record_put_policy(&head, p, seed_key, root, sizeof(root));

	must(size > 0, "the policy's record");
	return size;
}

/* before: NULL where there is none. */
static void make_policy(const struct rn_policy_made *before, const char *text, size_t size, struct took *t,
			struct rn_policy_made *ret)
{
	struct rn_err err = {""};
	double at;

	must(rn_policy_made_take(ret, text, size, &err) == 0, err.text);
	at = now_ms();
	must(rn_policy_made_parse(ret, before, &err) == 0, err.text);
	t->parse = now_ms() - at;
	at = now_ms();
	must(rn_policy_made_compile(ret, before, NULL, 0, &err) == 0, err.text);
	t->compile = now_ms() - at;
}

/* With the store's numbers, and with its own again. */
static int sign_all(struct rn_policy_made *made, struct rn_policy_record *ret)
{
	static uint32_t numbers[1 + EVERYONE + TAGS];

	for (uint32_t i = 0; i < made->selector_count; i++)
		numbers[i] = number(made->selectors[i]);
	rn_policy_made_number(made, numbers);
	must(rn_policy_split(&made->record, sign_part, &shelf, ret) == 0, "split");
	rn_policy_made_number(made, NULL);
	return put_root(ret);
}

/* What the gateway signs, and a host reads again. */
static void over_the_wire(struct rn_policy_made *made, struct took *t, struct rn_policy_record *ret)
{
	const struct rn_part_source from = {&shelf, find_part};
	struct rn_policy_record named;
	struct rn_record_head head;
	uint32_t first = shelf.count;
	double at = now_ms();
	int size = sign_all(made, &named);

	t->sign = now_ms() - at;
	t->parts = named.part_count;
	free(named.parts);
	at = now_ms();
	for (uint32_t i = first; i < shelf.count; i++)
		must(rn_record_verify(shelf.records[i], (size_t)shelf.sizes[i], public_key, &head) == 0, "a signature");
	must(rn_record_verify(root, (size_t)size, public_key, &head) == 0, "a signature");
	t->verify = now_ms() - at;
	at = now_ms();
	must(rn_record_get_policy(root, (size_t)size, ret) == 0 && rn_policy_join(ret, &from) == 0, "join");
	t->join = now_ms() - at;
}

static void load(struct rn_bpf *b, uint64_t generation, const struct rn_policy_record *p, struct took *t)
{
	struct rn_policy_sides *sides;
	struct rn_policy_arrays arrays;
	struct rn_err err = {""};
	double at = now_ms();

	sides = rn_policy_sides_new(p);
	must(sides && rn_policy_tables_build(p, sides, generation, &arrays, &err) == 0, err.text);
	t->tables = now_ms() - at;
	t->sides[0] = rn_policy_sides_count(sides, RN_SOURCE);
	t->sides[1] = rn_policy_sides_count(sides, RN_DESTINATION);
	t->pairs = arrays.pair_count;
	t->candidates = arrays.candidate_count;
	t->rules = arrays.policy.rules;
	rn_policy_tables_done(&arrays);
	rn_policy_sides_free(sides);
	at = now_ms();
	rn_bpf_policy(b, generation, p); /* builds the tables once more, and writes them */
	t->load = now_ms() - at;
	at = now_ms();
	t->slots = identities(HUB) < RN_IDENTITIES_MAX ? HUB : RN_IDENTITIES_MAX;
	for (uint32_t i = 0; i < t->slots; i++)
		rn_bpf_identity(b, i, devices[i].selectors, 1 + EACH);
	t->lists = now_ms() - at;
}

/* The least that filling a map of as many entries takes: one hash, in batches. */
static double batch_floor(void)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t *keys = malloc(RULES * sizeof(*keys)), count = RULES;
	uint64_t *values = calloc(RULES, sizeof(*values));
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "floor", sizeof(*keys), sizeof(*values), RULES * 2, NULL);
	double at;

	must(fd >= 0 && keys && values, "a map for the floor");
	for (uint32_t i = 0; i < RULES; i++)
		keys[i] = i;
	at = now_ms();
	must(bpf_map_update_batch(fd, keys, values, &count, &opts) == 0, "a batch");
	at = now_ms() - at;
	close(fd);
	free(keys);
	free(values);
	return at;
}

static double one_device(struct rn_bpf *b)
{
	double at = now_ms();

	rn_bpf_identity(b, 7, devices[HUB + 7].selectors, 1 + EACH);
	return now_ms() - at;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_steps(void)
{
	printf("{\"ms\": {");
	for (unsigned s = 0; s < STEPS; s++) {
		qsort(spent[s], ROUNDS, sizeof(double), by_value);
		printf("%s\"%s\": {\"median\": %.4f, \"least\": %.4f, \"greatest\": %.4f}", s ? ", " : "",
		       step_names[s], spent[s][ROUNDS / 2], spent[s][0], spent[s][ROUNDS - 1]);
	}
	printf("}, ");
}

static void round_of(struct rn_bpf *b, const char *text, size_t size, unsigned round, struct took *t)
{
	static char changed[TEXT_ROOM];
	struct rn_policy_record p, p_again;
	struct rn_policy_made made, made_again;
	struct took again;
	double at = now_ms();

	t->identities = identities(DEVICES);
	spent[IDENTIFY][round] = now_ms() - at;
	for (uint32_t i = 0; i < shelf.count; i++)
		free(shelf.records[i]);
	shelf = (struct shelf){0};
	make_policy(NULL, text, size, t, &made);
	over_the_wire(&made, t, &p);
	load(b, 2 * round + 2, &p, t);
	shelf.fresh = 0;
	shelf.bytes = 0;
	make_policy(&made, changed, make_text(changed, 1, RULES / 2), &again, &made_again);
	over_the_wire(&made_again, &again, &p_again);
	load(b, 2 * round + 3, &p_again, &again);
	spent[ONE_DEVICE][round] = one_device(b);
	rn_policy_record_done(&p_again);
	rn_policy_record_done(&p);
	rn_policy_made_done(&made);
	rn_policy_made_done(&made_again);
	spent[PARSE][round] = t->parse;
	spent[COMPILE][round] = t->compile;
	spent[SIGN][round] = t->sign;
	spent[VERIFY][round] = t->verify;
	spent[JOIN][round] = t->join;
	spent[TABLES][round] = t->tables;
	spent[LOAD][round] = t->load;
	spent[LISTS][round] = t->lists;
	spent[FLOOR][round] = batch_floor();
	spent[ONE_RULE_PARSE][round] = again.parse;
	spent[ONE_RULE_COMPILE][round] = again.compile;
	spent[ONE_RULE_SIGN][round] = again.sign;
	spent[ONE_RULE][round] =
	    again.parse + again.compile + again.sign + again.verify + again.join + again.load + again.lists;
}

int main(void)
{
	const struct rn_bpf_options options = {.role = RN_ROLE_HUB};
	struct rn_bpf *b = rn_bpf_open(&options);
	char *text = malloc(TEXT_ROOM);
	struct rng rng = {1};
	struct took t = {0};
	size_t size;

	must(b && text && rn_crypto_start() == 0, "no start");
	rn_ed25519_public(seed_key, public_key);
	make_network(&rng);
	size = make_text(text, 1, RULES);
	for (unsigned round = 0; round < ROUNDS; round++)
		round_of(b, text, size, round, &t);
	print_steps();
	printf(
	    "\"rules\": %u, \"devices\": %u, \"text_bytes\": %zu, \"identities\": %u, \"hub_identities\": %u, "
	    "\"slots\": %u, \"parts\": %u, \"sources\": %u, \"destinations\": %u, \"pairs\": %u, \"candidates\": %u, "
	    "\"changed_parts\": %u, \"changed_bytes\": %zu, \"heap_bytes\": %zu}\n",
	    RULES, DEVICES, size, t.identities, identities(HUB), t.slots, t.parts, t.sides[0], t.sides[1], t.pairs,
	    t.candidates, shelf.fresh, shelf.bytes, (size_t)mallinfo2().uordblks);
	rn_bpf_close(b);
	return 0;
}
