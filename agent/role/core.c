/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/log.h"
#include "role/core_peers.h"
#include "role/role.h"
#include "service/core_run.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/local.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "sys/sandbox.h"
#include "sys/worker.h"

/*
 * The core process. As root it only makes its two sockets and reads what is public; the store is opened by rnaut-core,
 * because what SQLite makes beside it must be rnaut-core's.
 */
struct host {
	struct rn_core_params params;
	struct rn_loop *loop;
	struct rn_timer *tick;
	struct rn_timer *settle; /* once */
	struct rn_core_peers *peers;
	struct rn_worker *worker; /* of a gateway */
	struct rn_core *core;
	struct rn_api *api;
	char kept[RN_PATH_SIZE]; /* the newest version, in the run directory */
	int ipc, http;		 /* listening */
};

/* ---- struct rn_core_io ---- */

static bool io_ready(void *context, enum rn_core_peer peer)
{
	struct host *h = context;
	return rn_core_peers_ready(h->peers, peer);
}

static int io_send(void *context, enum rn_core_peer peer, const struct rn_local *message)
{
	struct host *h = context;
	return rn_core_peers_send(h->peers, peer, message);
}

static int64_t io_now_us(void *context)
{
	struct timespec t;
	(void)context;
	/* Not the loop's time, which stands still while a turn of it lasts. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t io_now(void *context)
{
	struct timespec t;
	(void)context;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static void io_arm(void *context, int64_t at_ms)
{
	struct host *h = context;
	int64_t delay = at_ms - io_now_us(h) / 1000;
	rn_timer_set(h->tick, delay > 0 ? delay : 0);
}

static int io_work(void *context, void (*run)(void *job), void (*done)(void *job, bool ran), void *job)
{
	struct host *h = context;
	return rn_worker_add(h->worker, run, done, job);
}

/* What cannot be kept costs a start its patience with hubs that are away, and no more. */
static void io_keep(void *context, uint64_t version)
{
	struct host *h = context;
	uint8_t data[sizeof(version)];
	struct rn_writer w = rn_writer(data, sizeof(data));
	rn_write_u64(&w, version);
	if (rn_file_write(h->kept, data, sizeof(data), 0600))
		(void)unlink(h->kept);
}

static uint64_t io_kept(void *context)
{
	struct host *h = context;
	uint8_t data[sizeof(uint64_t)] = {0};
	struct rn_reader r = rn_reader(data, sizeof(data));
	return rn_file_read_exact(h->kept, data, sizeof(data)) ? 0 : rn_read_u64(&r);
}

static void tick(void *context)
{
	struct host *h = context;
	rn_core_tick(h->core);
}

static void settled(void *context)
{
	(void)context;
	rn_memory_settle();
}

/* ---- as root ---- */

static int read_state(struct host *h, const struct rn_conf *conf, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	char core[sizeof(conf->state_dir) + 16];
	int rc = rn_self_load(conf, &h->params.self, &h->params.anchor, err);
	if (rc)
		return rc;
	rc = rn_path_join(path, sizeof(path), conf->state_dir, "state/anchor");
	if (!rc)
		rc = rn_file_read_exact(path, h->params.anchor_blob, RN_ANCHOR_SIZE);
	if (!rc)
		rc = rn_path_join(core, sizeof(core), conf->state_dir, "state/core");
	if (rc)
		return rn_fail(err, rc, "%s/state/anchor cannot be read (%s): restore a backup of the state directory",
			       conf->state_dir, strerror(-rc));
	memcpy(h->params.dir, core, strlen(core) + 1);
	h->params.flow_rows = conf->flow_rows;
	h->params.flow_days = conf->flow_days;
	return 0;
}

/* Its own directory beside the sockets: a reboot ends it, and nobody backs it up. */
static int make_kept(struct host *h, const struct rn_conf *conf, struct rn_err *err)
{
	char directory[RN_PATH_SIZE];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int rc = h->params.self.gateway ? rn_path_join(directory, sizeof(directory), conf->run_dir, "core") : -ENOENT;
	if (rc == -ENOENT)
		return 0;
	if (!rc && uid == 0)
		rc = rn_process_user(RN_PROCESS_CORE, &uid, &gid, err);
	if (!rc)
		rc = rn_directory_make(directory, 0700, uid, gid);
	if (!rc)
		rc = rn_path_join(h->kept, sizeof(h->kept), directory, "newest");
	return rc ? rn_fail(err, rc, "the directory %s/core cannot be made: %s", conf->run_dir, strerror(-rc)) : 0;
}

static int listen_both(struct host *h, const struct rn_conf *conf, struct rn_err *err)
{
	char path[RN_PATH_SIZE];
	int rc = rn_directory_make(conf->run_dir, 0755, geteuid(), getegid());
	if (!rc)
		rc = rn_path_join(path, sizeof(path), conf->run_dir, RN_LOCAL_CORE);
	if (rc)
		return rn_fail(err, rc, "the directory %s cannot be made: %s", conf->run_dir, strerror(-rc));
	rc = rn_local_listen(path, err);
	if (rc < 0)
		return rc;
	h->ipc = rc;
	rc = rn_path_join(path, sizeof(path), conf->run_dir, "api.sock");
	return rc ? rn_fail(err, rc, "the path %s is too long", conf->run_dir) : rn_api_listen(path, &h->http, err);
}

/* ---- as rnaut-core ---- */

static int find_users(struct host *h, struct rn_core_peers_config *config, struct rn_err *err)
{
	static const enum rn_process processes[RN_CORE_PEERS] = {[RN_CORE_KERN] = RN_PROCESS_KERN,
								 [RN_CORE_NET] = RN_PROCESS_NET,
								 [RN_CORE_CA] = RN_PROCESS_CA,
								 [RN_CORE_WEB] = RN_PROCESS_WEB};
	gid_t gid;
	int rc = 0;
	for (int i = 0; i < RN_CORE_PEERS && !rc; i++) {
		config->wanted[i] = (i != RN_CORE_CA && i != RN_CORE_WEB) || h->params.self.gateway;
		if (config->wanted[i])
			rc = rn_process_user(processes[i], &config->uids[i], &gid, err);
	}
	return rc;
}

static int start(struct host *h, const struct rn_core_peers_config *config, struct rn_err *err)
{
	h->params.io = (struct rn_core_io){
	    .context = h, .ready = io_ready, .send = io_send, .now_us = io_now_us, .now = io_now, .arm = io_arm};
	if (h->kept[0]) {
		h->params.io.keep = io_keep;
		h->params.io.kept = io_kept;
	}
	if (h->params.self.gateway) {
		h->params.io.work = io_work;
		h->worker = rn_worker_new(h->loop);
		if (!h->worker)
			return rn_fail(err, -ENOMEM, "the thread for large policies did not start");
	}
	h->tick = rn_timer_new(h->loop, tick, h);
	h->settle = rn_timer_new(h->loop, settled, NULL);
	h->peers = rn_core_peers_new(config);
	if (!h->tick || !h->settle || !h->peers)
		return rn_fail(err, -ENOMEM, "out of memory");
	rn_timer_set(h->settle, RN_SETTLE_MS);
	int rc = rn_core_new(&h->params, &h->core, err);
	if (!rc)
		rc = rn_api_start(h->loop, h->core, h->http, &h->api, err);
	if (!rc)
		h->http = -1;
	if (!rc && rn_core_peers_start(h->peers, h->core))
		rc = rn_fail(err, -ENOMEM, "out of memory");
	return rc ? rc : rn_sandbox_seccomp(RN_PROCESS_CORE, err);
}

static int run(struct host *h, struct rn_err *err)
{
	struct rn_core_peers_config config = {0};
	struct rn_conf conf;
	int rc = rn_conf_load(NULL, &conf, err);
	if (rc)
		return rc;
	rn_log_setup("core", conf.log_level);
	rc = read_state(h, &conf, err);
	if (!rc)
		rc = find_users(h, &config, err);
	if (!rc)
		rc = listen_both(h, &conf, err);
	if (!rc)
		rc = make_kept(h, &conf, err);
	if (!rc)
		rc = rn_sandbox_user(RN_PROCESS_CORE, err);
	if (!rc && rn_local_listen_again(h->ipc))
		rc = rn_fail(err, -EIO, "cannot listen as rnaut-core");
	if (rc)
		return rc;
	h->loop = rn_loop_new();
	if (!h->loop)
		return rn_fail(err, -ENOMEM, "out of memory");
	config.loop = h->loop;
	config.listener = h->ipc;
	rc = start(h, &config, err);
	if (rc)
		return rc;
	rn_log(RN_LOG_NOTICE, "ready: %s, device %u", h->params.self.name, h->params.self.device);
	return rn_loop_run(h->loop);
}

static void end(struct host *h)
{
	/* Whoever waits for an answer gets one while the API can still give it. */
	rn_worker_end(h->worker);
	rn_core_peers_free(h->peers);
	if (h->core)
		rn_core_end(h->core);
	rn_api_free(h->api);
	rn_core_free(h->core);
	rn_worker_free(h->worker);
	rn_timer_free(h->tick);
	rn_timer_free(h->settle);
	rn_loop_free(h->loop);
	if (h->ipc >= 0)
		close(h->ipc);
	if (h->http >= 0)
		close(h->http);
}

int rn_role_core(int argc, char **argv)
{
	struct host h = {.ipc = -1, .http = -1};
	struct rn_err err = {""};
	(void)argc;
	(void)argv;
	if (rn_crypto_start()) {
		rn_log(RN_LOG_ERROR, "libsodium did not start");
		return 1;
	}
	int rc = run(&h, &err);
	if (rc)
		rn_log(RN_LOG_ERROR, "%s", err.text);
	end(&h);
	return rc ? 1 : 0;
}
