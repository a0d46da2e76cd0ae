/* SPDX-License-Identifier: Apache-2.0 */
#include "role/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "role/role.h"
#include "service/console.h"
#include "sys/local.h"
#include "sys/memory.h"
#include "sys/owner.h"
#include "sys/sandbox.h"

/*
 * The web process: HTTP(S) for people and programs of the network. It holds no key but the console's TLS key, and what
 * a request may do is core's to judge.
 */
#define PEM_MAX 65536
#define DAY_MS (86400 * 1000)
#define SWEEP_MS 1000

/* Of TLS; from the network. */
static const struct rn_http_limits far = {.connections_max = 512,
					  .source_max = 32,
					  .handshake_ms = 10000,
					  .header_ms = 10000,
					  .idle_ms = 60000,
					  .body_ms = 10000,
					  .body_rate = 8192,
					  .answer_ms = 30000};
/* All who are on this host are one source. */
static const struct rn_http_limits near = {.connections_max = 128,
					   .source_max = 128,
					   .handshake_ms = 10000,
					   .header_ms = 10000,
					   .idle_ms = 60000,
					   .body_ms = 10000,
					   .body_rate = 8192,
					   .answer_ms = 30000};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

/* --- the certificate --- */

/* --certificate: never in the process that speaks to the network, whose memory has never held the CA's key. */
static int renew(const char *dir)
{
	struct rn_err err = {""};
	gid_t group;
	uid_t user;
	int r = rn_process_user(RN_PROCESS_WEB, &user, &group, &err);

	if (r == 0)
		r = rn_console_ensure(dir, group, now(), &err);
	if (r == 1)
		rn_log(RN_LOG_NOTICE, "the console has a new certificate, signed by %s/console-ca.pem", dir);
	else if (r < 0)
		rn_log(r == -ENOKEY ? RN_LOG_WARNING : RN_LOG_ERROR, "%s", err.text);
	return r < 0 && r != -ENOKEY;
}

static int read_pem(const struct web *web, const char *path, char **ret, struct rn_err *err)
{
	size_t size;
	int r = rn_file_read_text(path, PEM_MAX, ret, &size);

	if (r == -EACCES)
		return rn_fail(err, r, "rnaut-web may not read %s: chgrp rnaut-web and chmod 640 let it", path);
	return r < 0 ? rn_fail(err, r, "cannot read %s: %s%s", path, strerror(-r),
			       web->conf.console_files ? "" : "; the unit rnautd-certificate makes it")
		     : 0;
}

/* As rnaut-web, at the start and at each SIGHUP alike. */
static int load(struct web *web, struct rn_err *err)
{
	char certificate_path[RN_PATH_SIZE], key_path[RN_PATH_SIZE], *certificate = NULL, *key = NULL;
	struct rn_err inner = {""};
	int r;

	if (web->conf.console_files) {
		memcpy(certificate_path, web->conf.console_certificate, sizeof(web->conf.console_certificate));
		memcpy(key_path, web->conf.console_key, sizeof(web->conf.console_key));
		r = 0;
	} else {
		r = rn_path_join(certificate_path, sizeof(certificate_path), web->conf.state_dir, "state/web/tls.pem");
		if (r == 0)
			r = rn_path_join(key_path, sizeof(key_path), web->conf.state_dir, "state/web/tls.key");
	}
	if (r == 0)
		r = read_pem(web, certificate_path, &certificate, err);
	if (r == 0)
		r = read_pem(web, key_path, &key, err);
	if (r == 0 && rn_http_tls_load(certificate, key, &web->expires, &inner) < 0)
		r = rn_fail(err, -EINVAL, "%s and %s: %s", certificate_path, key_path, inner.text);
	if (r == 0 && web->expires < now())
		rn_log(RN_LOG_WARNING, "%s has expired: browsers will refuse the console", certificate_path);
	if (key)
		rn_wipe(key, strlen(key));
	free(certificate);
	free(key);
	return r;
}

static void on_reload(void *context)
{
	struct web *web = context;
	struct rn_err err = {""};

	if (web->https_fd < 0)
		return;
	if (load(web, &err) < 0)
		rn_log(RN_LOG_ERROR, "%s; the certificate before stays in use", err.text);
	else
		rn_log(RN_LOG_NOTICE, "the certificate has been read again");
}

/* Only root can renew it, before this process is started again: rnautd-certificate. */
static void on_daily(void *context)
{
	struct web *web = context;

	if (web->https_fd >= 0 && !web->conf.console_files && web->expires < now() + RN_CONSOLE_RENEW_SECONDS) {
		rn_log(RN_LOG_NOTICE, "the console's certificate is due: ending, to be started again and renew it");
		rn_loop_stop(web->loop);
	}
	rn_timer_set(web->daily, DAY_MS);
}

static void on_sweep(void *context)
{
	struct web *web = context;

	web_exchanges_sweep(web);
	rn_timer_set(web->sweep, SWEEP_MS);
}

/* --- life --- */

static int open_server(struct web *web, struct web_server *server, int fd, bool secure, struct rn_err *err)
{
	struct rn_http_config config = {
	    .context = server,
	    .handle = web_on_request,
	    .head = web_on_head,
	    .gone = web_on_gone,
	    .headers = secure ? web_headers_secure : web_headers_plain,
	    .limits = secure ? &far : &near,
	    .tls = secure,
	};

	if (fd < 0)
		return 0;
	*server = (struct web_server){.web = web, .secure = secure};
	server->http = rn_http_new(web->loop, fd, &config, err);
	return server->http ? 0 : -EIO;
}

static int open_loop(struct web *web, struct rn_err *err)
{
	int r;

	web->loop = rn_loop_new();
	if (!web->loop || rn_loop_on_reload(web->loop, on_reload, web) < 0)
		return rn_fail(err, -ENOMEM, "cannot make the event loop");
	web->sweep = rn_timer_new(web->loop, on_sweep, web);
	web->daily = rn_timer_new(web->loop, on_daily, web);
	if (!web->sweep || !web->daily)
		return rn_fail(err, -ENOMEM, "out of memory");
	rn_timer_set(web->sweep, SWEEP_MS);
	rn_timer_set(web->daily, DAY_MS);
	r = web_core_start(web, err);
	if (r == 0)
		r = open_server(web, &web->https, web->https_fd, true, err);
	return r < 0 ? r : open_server(web, &web->http, web->http_fd, false, err);
}

static int only_gateway(struct web *web, struct rn_err *err)
{
	struct rn_anchor anchor;
	struct rn_self self;
	int r = rn_self_load(&web->conf, &self, &anchor, err);

	if (r == 0 && !self.gateway)
		return rn_fail(err, -EINVAL, "only a gateway has a console: this host is \"%s\"", self.name);
	return r;
}

/* What root alone may do comes first, where this is root: low ports. */
static int begin(struct web *web, struct rn_err *err)
{
	gid_t group;
	int r = only_gateway(web, err);

	if (r == 0)
		r = rn_process_user(RN_PROCESS_CORE, &web->core.uid, &group, err);
	if (r == 0)
		r = web_listen(web, err);
	return r;
}

static int take_options(struct web *web, int argc, char **argv, struct rn_err *err)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--certificate") == 0)
			web->certificate_only = true;
		else
			web->conf.console_files = strcmp(argv[i], "--tls=file") == 0;
	}
	if (web->conf.console_files && (!web->conf.console_certificate[0] || !web->conf.console_key[0]))
		return rn_fail(err, -EINVAL, "--tls=file needs \"console_certificate\" and \"console_key\" in %s",
			       RN_CONF_PATH);
	return 0;
}

static int configure(struct web *web, int argc, char **argv, struct rn_err *err)
{
	int r = rn_conf_load(NULL, &web->conf, err);

	if (r == 0)
		rn_log_setup("web", web->conf.log_level);
	return r < 0 ? r : take_options(web, argc, argv, err);
}

static int certificate(struct web *web, struct rn_err *err)
{
	char state[RN_PATH_SIZE];
	int r = only_gateway(web, err);

	if (r < 0 || web->conf.console_files)
		return r;
	if (rn_path_join(state, sizeof(state), web->conf.state_dir, "state") < 0)
		return rn_fail(err, -ENAMETOOLONG, "the path of state_dir is too long");
	if (geteuid() != 0)
		return rn_fail(err, -EPERM,
			       "the key of the console's CA is root's: start rnautd web --certificate as root");
	return renew(state) ? rn_fail(err, -EIO, "the console has no certificate: the line above says why") : 0;
}

static int prepare(struct web *web, struct rn_err *err)
{
	int r = begin(web, err);

	if (r == 0)
		r = rn_sandbox_user(RN_PROCESS_WEB, err);
	if (r == 0 && web->https_fd >= 0)
		r = load(web, err);
	if (r == 0)
		r = rn_local_enter(web->conf.run_dir, err);
	if (r == 0)
		r = open_loop(web, err);
	return r < 0 ? r : rn_sandbox_seccomp(RN_PROCESS_WEB, err);
}

static void close_all(struct web *web)
{
	if (web->core.retry)
		web_core_stop(web);
	rn_http_free(web->https.http);
	rn_http_free(web->http.http);
	web_exchanges_free(web);
	rn_timer_free(web->sweep);
	rn_timer_free(web->daily);
	rn_loop_free(web->loop);
	rn_http_tls_unload();
	free(web);
}

int rn_role_web(int argc, char **argv)
{
	struct web *web = calloc(1, sizeof(*web));
	struct rn_err err = {""};
	int r;

	if (!web)
		return 1;
	web->core.fd = web->https_fd = web->http_fd = -1;
	r = rn_crypto_start();
	if (r == 0)
		r = configure(web, argc, argv, &err);
	if (r == 0)
		r = web->certificate_only ? certificate(web, &err) : prepare(web, &err);
	if (r == 0 && !web->certificate_only) {
		rn_memory_settle(); /* what follows its start is other work */
		rn_loop_run(web->loop);
	}
	if (r < 0)
		rn_log(RN_LOG_ERROR, "%s", err.text[0] ? err.text : strerror(-r));
	close_all(web);
	return r < 0;
}
