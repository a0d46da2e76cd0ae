/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network in one process, from one seed. sim_main [--seed N] [--seeds N] [--hubs N] [--devices N] [--steps N]
 * [--jobs N] [--trace]. One line a seed that failed; `SEED=n make sim` plays it again, to the byte.
 *
 * Real: core with its database, net's sessions and their keeping (role/net_peers.c, net_core.c, proto/session*), kern's
 * records, lease, revoked list and tables (role/kern_records.c, kern_resume.c, service/enforce*,
 * sys/datapath_memory.c). Ours: clocks, chance, the wire, the sockets between processes, the maps' memory, certificates
 * and ca (sim_ca.c), WireGuard (none).
 *
 * What must hold, at every change of a kernel's tables: every device and policy in them was signed by the gateway in
 * that version and allows no more than it says; no version falls, nobody revoked comes back, no lease is longer than
 * one. At every step: whatever a door lets in, the reference evaluator allows on the records that it has; whoever
 * reaches another through all doors, from hub to hub too, could by the gateway's own state at some time; and no hub is
 * believed what cannot be behind it (sim_flow.c, sim_reach.c). A device is behind one hub at any time and keeps its
 * addresses, and hubs end when they must (sim_homes.c); no two hubs read one identity number differently
 * (sim_numbers.c). Whenever the gateway says that a hub enforces a change, it does. After the faults: every honest host
 * has the gateway's state within CALM_MS, and nothing is left in queues or tables of sessions.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define CALM_MS 180000
#define JOBS_MAX 64
#ifdef __SANITIZE_ADDRESS__
#define LEAKS 1 /* somebody looks for them */
#else
#define LEAKS 0
#endif

/* ---- one seed ---- */

static void remove_tree(const char *path)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(path);

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name) < 0)
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static unsigned strangers(const struct sim *s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->host_count; i++)
		count += s->hosts[i].stage == SIM_STRANGER;
	return count;
}

/* Everybody enrols on a good day, hubs first, thirty at a time. */
static void found(struct sim *s)
{
	static const enum rn_kind kinds[] = {RN_KIND_DESKTOP, RN_KIND_SERVER, RN_KIND_IOT, RN_KIND_MOBILE};

	sim_make_gateway(s);
	sim_run(s, 500);
	for (unsigned i = 0; i < s->params.hubs + s->params.devices; i++) {
		bool hub = i < s->params.hubs;

		if (i == s->params.hubs)
			while (strangers(s))
				sim_run(s, 100);
		sim_enroll(sim_new_host(s, hub ? RN_KIND_REGIONAL : kinds[rng_below(&s->rng, 4)],
					hub ? 0 : rng_below(&s->rng, s->params.hubs + 1)));
		while (strangers(s) > 30)
			sim_run(s, 20);
	}
	sim_run(s, 3000);
}

static void calm_down(struct sim *s)
{
	const int64_t began = s->now_ms;
	char why[128] = "";

	sim_faults_end(s);
	while (!sim_converged(s, why, sizeof(why))) {
		if (s->now_ms - began >= CALM_MS)
			sim_fail(s, "not in step %d s after the last fault: %s", CALM_MS / 1000, why);
		sim_run(s, 250);
	}
	s->result->converged_ms = s->now_ms - began;
	sim_check_calm(s);
	sim_run(s, 8000); /* what was closed lingers for five seconds */
	sim_check_bounds(s);
}

static void end(struct sim *s)
{
	for (unsigned i = 0; i < s->host_count; i++)
		sim_host_free(&s->hosts[i]);
	while (s->queued)
		free(s->queue[--s->queued].data);
	for (unsigned i = 0; i < s->journal_count; i++) {
		rn_policy_model_free(s->journal[i].policy);
		rn_policy_record_done(&s->journal[i].rules);
	}
	sim_changes_free(s);
	free(s->journal);
	free(s->queue);
	free(s->hosts);
}

static void live(struct sim *s)
{
	found(s);
	for (s->step = 1; s->step <= s->params.steps; s->step++) {
		sim_step(s);
		sim_check_numbers(s);
		sim_check_ends(s);
		sim_check_reach(s, 12);
	}
	calm_down(s);
}

static void play(const struct sim_params *params, struct sim_result *result, const char *dir)
{
	struct sim *s = sim_zeros(1, sizeof(*s));

	*s = (struct sim){
	    .params = *params, .result = result, .begun = 1800000000, .delay_min_ms = 1, .delay_max_ms = 5};
	s->rng.state = params->seed * 0x9e3779b97f4a7c15ull + 1;
	s->numbers = !params->rest && sim_percent(s, 50) ? 16 + rng_below(&s->rng, 40) + params->devices : 0;
	s->host_room = 1 + params->hubs + params->devices + 64;
	s->hosts = sim_zeros(s->host_room, sizeof(*s->hosts));
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	result->hash = 0xcbf29ce484222325ull;
	sim_seed_random(params->seed);
	if (rn_crypto_start())
		abort();
	if (params->rest)
		sim_flat(s);
	else
		live(s);
	if (!LEAKS)
		return;
	end(s);
	free(s);
}

/* ---- many ---- */

/* Where nobody says a size the seed says it: many small networks find more in the same time than few large ones. */
static struct sim_params sized(const struct sim_params *params, uint64_t seed)
{
	struct sim_params p = *params;

	p.seed = seed;
	if (p.hubs)
		return p;
	p.hubs = seed % 50 == 0 ? 8 : seed % 5 == 0 ? 3 : 2;
	p.devices = seed % 50 == 0 ? 60 : seed % 5 == 0 ? 12 : 6;
	return p;
}

struct job {
	pid_t pid; /* 0: free */
	uint64_t seed;
	char dir[64];
	struct sim_result *result;
};

struct totals {
	unsigned passed, failed;
	uint64_t events, datagrams, crashes, operations, records, reached, meshed, lies;
	int64_t calm_ms, calm_max_ms;
	long kib;
	double cpu;
};

static void begin_job(struct job *job, const struct sim_params *params)
{
	memset(job->result, 0, sizeof(*job->result));
	snprintf(job->dir, sizeof(job->dir), "%s/rn-sim-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(job->dir))
		abort();
	job->seed = params->seed;
	fflush(stdout);
	job->pid = fork();
	if (job->pid < 0)
		abort();
	if (job->pid > 0)
		return;
	mallopt(M_MMAP_THRESHOLD, 128 * 1024); /* large tables stay zero pages until they are used */
	play(params, job->result, job->dir);
	fflush(stdout);
	exit(0);
}

static void tell(const struct job *job, int status, bool always)
{
	const struct sim_result *r = job->result;

	if (status == 0 && !always)
		return;
	if (status == 0)
		printf("seed %llu: good, hash %016llx, %llu events, %llu datagrams, in step after %lld ms\n",
		       (unsigned long long)job->seed, (unsigned long long)r->hash, (unsigned long long)r->events,
		       (unsigned long long)r->datagrams, (long long)r->converged_ms);
	else
		printf("seed %llu FAILED, hash %016llx: %s\n", (unsigned long long)job->seed,
		       (unsigned long long)r->hash, r->failed ? r->text : "the process died (see above, or --trace)");
	fflush(stdout);
}

static void add(struct totals *t, const struct sim_result *r, const struct rusage *used, int status)
{
	t->passed += status == 0;
	t->failed += status != 0;
	t->events += r->events;
	t->datagrams += r->datagrams;
	t->crashes += r->crashes;
	t->operations += r->operations;
	t->records += r->records;
	t->reached += r->reached;
	t->meshed += r->meshed;
	t->lies += r->lies;
	t->calm_ms += r->converged_ms;
	if (r->converged_ms > t->calm_max_ms)
		t->calm_max_ms = r->converged_ms;
	t->cpu += (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
		  (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
	if (used->ru_maxrss > t->kib)
		t->kib = used->ru_maxrss;
}

static void end_job(struct job *jobs, unsigned count, struct totals *t, bool always)
{
	struct rusage used;
	int status;
	pid_t pid = wait4(-1, &status, 0, &used);

	for (unsigned i = 0; i < count; i++) {
		if (jobs[i].pid != pid)
			continue;
		jobs[i].pid = 0;
		remove_tree(jobs[i].dir);
		tell(&jobs[i], status, always);
		add(t, jobs[i].result, &used, status);
	}
}

static void run_all(struct sim_params params, unsigned seeds, unsigned job_count, struct totals *t)
{
	struct sim_result *results =
	    mmap(NULL, JOBS_MAX * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct job jobs[JOBS_MAX] = {0};
	struct sim_params sized_params;
	unsigned running = 0;

	for (unsigned n = 0; n < seeds || running;) {
		if (n < seeds && running < job_count) {
			unsigned i = 0;

			while (jobs[i].pid)
				i++;
			jobs[i].result = &results[i];
			sized_params = sized(&params, params.seed++);
			begin_job(&jobs[i], &sized_params);
			n++;
			running++;
			continue;
		}
		end_job(jobs, job_count, t, seeds <= 20);
		running--;
	}
}

/* Networks of these sizes, "1000,10000", the hub in them compared with the first. */
static int run_flat(struct sim_params params, const char *sizes)
{
	struct sim_result *results =
	    mmap(NULL, JOBS_MAX * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned passed = 0, failed = 0;

	for (char *at = (char *)sizes; *at && passed + failed < JOBS_MAX; at += *at == ',') {
		struct job job = {.result = &results[passed + failed]};
		int status = 1;

		params.rest = (unsigned)strtoul(at, &at, 10);
		begin_job(&job, &params);
		waitpid(job.pid, &status, 0);
		remove_tree(job.dir);
		if (status)
			tell(&job, status, true);
		else
			status = (int)sim_flat_compare(params.rest, job.result, passed + failed ? &results[0] : NULL);
		passed += status == 0;
		failed += status != 0;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

static const char *text_after(int argc, char **argv, const char *option)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], option) == 0)
			return argv[i + 1];
	return NULL;
}

static unsigned number_after(int argc, char **argv, const char *option, unsigned otherwise)
{
	const char *text = text_after(argc, argv, option);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct sim_params params = {.hubs = number_after(argc, argv, "--hubs", 0),
				    .devices = number_after(argc, argv, "--devices", 12),
				    .steps = number_after(argc, argv, "--steps", 80),
				    .seed = number_after(argc, argv, "--seed", 1),
				    .faults = number_after(argc, argv, "--faults", 1) != 0,
				    .trace = strcmp(argv[argc - 1], "--trace") == 0};
	unsigned seeds = number_after(argc, argv, "--seeds", 1);
	unsigned jobs = number_after(argc, argv, "--jobs", (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	struct timespec began, ended;
	struct totals t = {0};
	double seconds;

	if (params.hubs + params.devices + 9 > SIM_HOSTS_MAX)
		return 2;
	if (text_after(argc, argv, "--flat"))
		return run_flat(params, text_after(argc, argv, "--flat"));
	clock_gettime(CLOCK_MONOTONIC, &began);
	run_all(params, seeds, jobs < JOBS_MAX ? jobs : JOBS_MAX, &t);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
	printf("%.1f s, %.2f seeds/s, %.2f s of CPU a seed, %ld MiB at most; %llu events, %llu datagrams, %llu "
	       "changes, %llu records, %llu deaths, "
	       "%llu pairs reached, %llu from hub to hub, %llu lies believed that could be true; in step after %lld "
	       "ms, %lld at most\n",
	       seconds, seeds / seconds, t.cpu / seeds, t.kib / 1024, (unsigned long long)t.events,
	       (unsigned long long)t.datagrams, (unsigned long long)t.operations, (unsigned long long)t.records,
	       (unsigned long long)t.crashes, (unsigned long long)t.reached, (unsigned long long)t.meshed,
	       (unsigned long long)t.lies, (long long)(t.calm_ms / (t.passed ? t.passed : 1)),
	       (long long)t.calm_max_ms);
	printf("seeds %llu to %llu\n", (unsigned long long)params.seed, (unsigned long long)params.seed + seeds - 1);
	printf("%u passed, %u failed\n", t.passed, t.failed);
	return t.failed != 0;
}
