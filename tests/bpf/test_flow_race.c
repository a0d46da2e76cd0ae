/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two CPUs at one set of the flow table: twice as many flows as it has places, so each run finds, makes, judges again
 * or drives out, while the source's trust changes all the time and so whatever was judged is judged again. What passes
 * is exactly what the policy of the round allows: no packet gets the verdict of another's entry, or half of one.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "world.h"

#define ROUNDS 2000u /* at most; on a machine that has other things to do as many as it can in */
#define PATIENCE_S 20
#define ROUNDS_LEAST 100u
#define RUNS 60u /* of a thread, in a round */
#define TIMES 20u
#define FLOWS 16u
#define THREADS 2

struct racer {
	struct world *w;
	pthread_t thread;
	pthread_barrier_t *line;
	const struct packet *packets;
	unsigned number;
	uint64_t sent[2]; /* of the flows that are always allowed, of the others */
	unsigned wrong;	  /* others that passed last */
	atomic_bool *over;
};

static void stay_on(unsigned number)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(number % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *race(void *context)
{
	struct racer *r = context;
	unsigned state = r->number + 1;

	stay_on(r->number);
	for (;;) {
		pthread_barrier_wait(r->line);
		if (*r->over)
			return NULL;
		for (unsigned i = 0; i < RUNS; i++) {
			unsigned flow = (unsigned)rand_r(&state) % FLOWS;
			const struct packet *p = &r->packets[flow];

			r->wrong += !rn_bpf_repeat(r->w->bpf, RN_BPF_OUT, p->data, p->size, TIMES) && flow % 2;
			r->sent[flow % 2] += TIMES;
		}
		pthread_barrier_wait(r->line);
	}
}

/* Until both have run. */
static void disturb(struct world *w, pthread_barrier_t *line)
{
	for (int i = 0; i < 200; i++) {
		w->bpf->devices[LAPTOP].state ^= 1; /* 80 and 81 allow the same */
		sched_yield();
	}
	pthread_barrier_wait(line);
}

/* A packet that meets a change of its source is dropped as unknown (rn_look_up of bpf/judge.h); that is seldom. */
static void expect_round(struct world *w, struct racer racers[THREADS], uint64_t before[3], bool others)
{
	uint64_t passed = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_ALLOWED) - before[0];
	uint64_t denied = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_DEFAULT_DENY) - before[1];
	uint64_t unknown = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_UNKNOWN_SOURCE) - before[2];
	uint64_t sent[2] = {0};
	unsigned wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		sent[0] += racers[i].sent[0];
		sent[1] += racers[i].sent[1];
		wrong += racers[i].wrong;
		racers[i].sent[0] = racers[i].sent[1] = racers[i].wrong = 0;
	}
	assert_int_equal(passed + denied + unknown, sent[0] + sent[1]);
	assert_in_range(passed, 0, sent[0] + (others ? sent[1] : 0));
	assert_in_range(denied, 0, others ? 0 : sent[1]);
	assert_in_range(unknown, 0, (sent[0] + sent[1]) / 10);
	if (!others)
		assert_int_equal(wrong, 0);
}

static void test_two_cpus(void **state)
{
	struct rn_bpf_options options = {.role = RN_ROLE_NODE, .flow_sets = 1};
	struct world *w = world_open(&options);
	struct packet packets[FLOWS];
	struct racer racers[THREADS];
	pthread_barrier_t line;
	atomic_bool over = false;
	uint64_t before[3];
	time_t end = time(NULL) + PATIENCE_S;

	(void)state;
	for (unsigned i = 0; i < FLOWS; i++)
		packets[i] = world_packet(LAPTOP, SERVER, true, i % 2 ? IPPROTO_UDP : IPPROTO_TCP, i, i % 2 ? 53 : 80);
	pthread_barrier_init(&line, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){w, .line = &line, .packets = packets, .number = i, .over = &over};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (unsigned round = 0; round < ROUNDS && (round < ROUNDS_LEAST || time(NULL) < end); round++) {
		world_policy(w, round + 3, round % 2 ? 3 : 0);
		before[0] = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_ALLOWED);
		before[1] = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_DEFAULT_DENY);
		before[2] = rn_bpf_counted(w->bpf, RN_BPF_OUT, RN_UNKNOWN_SOURCE);
		pthread_barrier_wait(&line);
		disturb(w, &line);
		expect_round(w, racers, before, round % 2 == 0);
	}
	over = true;
	pthread_barrier_wait(&line);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(racers[i].thread, NULL);
	assert_int_equal(rn_bpf_flow_count(w->bpf), RN_FLOW_WAYS);
	print_message("%llu flows gave way\n", (unsigned long long)rn_bpf_evicted(w->bpf));
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_cpus)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
