/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_ROLE_WEB_H
#define RN_ROLE_WEB_H

#include "proto/local.h"
#include "proto/web.h"
#include "proto/web_head.h"
#include "sys/conf.h"
#include "sys/files.h"
#include "sys/http.h"
#include "sys/loop.h"

/*
 * The inside of the web process: web.c starts and ends, web_listen.c the listening sockets, web_request.c a request
 * from its header to its route, web_page.c the console's files, web_exchange.c a request on its way to core and back,
 * web_core.c the connection to core.
 */
#define WEB_CORE_RETRY_MS 200
#define WEB_WAIT_MS 60000 /* for core's answer */
#define WEB_LARGE_MAX RN_HTTP_LARGE_AT_ONCE

struct web_exchange;

struct web_core {
	uid_t uid;    /* of rnaut-core */
	bool strange; /* another listened: said once */
	int fd;	      /* -1: away */
	bool lost;    /* to be hung up, from the loop */
	struct rn_watch *watch;
	struct rn_timer *retry;
	uint8_t buffer[RN_LOCAL_SIZE_MAX];
};

struct web_server {
	struct web *web;
	struct rn_http *http;
	bool secure;
};

struct web {
	struct rn_conf conf;
	bool certificate_only; /* look after it and end */
	struct rn_loop *loop;
	struct web_core core;
	int https_fd, http_fd; /* listening; -1: none */
	struct web_server https, http;
	struct web_exchange *exchanges;
	unsigned under_way, large; /* large: bodies that are on their way */
	uint64_t session; /* the last one given */
	struct rn_timer *sweep, *daily;
	int64_t expires; /* Unix seconds: the certificate's end */
};

/* web_listen.c: sockets of systemd, else as the configuration says; as root, since a port may be a low one */
int web_listen(struct web *web, struct rn_err *err);

/* web_request.c */
extern const struct rn_http_header web_headers_secure[], web_headers_plain[];
void web_on_head(void *context, struct rn_http_request *request); /* context: struct web_server */
void web_on_request(void *context, struct rn_http_request *request);
void web_refuse(struct rn_http_request *request, struct rn_web_verdict verdict, unsigned retry_after, bool close);

/* web_page.c */
struct web_file {
	const char *path, *type, *tag;				/* tag: of its content */
	const uint8_t *plain, *plain_end, *packed, *packed_end; /* packed: gzip; empty where it would not be smaller */
};
extern const struct web_file web_files[]; /* generated from console/dist; ended by a NULL path */
void web_page(struct rn_http_request *request, const struct rn_web_head *head, const char *path, const char *method);

/* web_exchange.c */
void web_exchange_begin(struct web *web, struct rn_http_request *request, const struct rn_web_request *ask);
/*
 * The same before a large body has come, so that core says of strangers' at once that it does not want them; with its
 * end it goes on.
 */
void web_exchange_announce(struct web *web, struct rn_http_request *request, const struct rn_web_request *ask);
void web_exchange_go_on(struct web_exchange *exchange);
void web_on_gone(void *context, struct rn_http_request *request); /* context: struct web_server */
/* What core is to hear, as far as it takes it: 0, -EAGAIN, or why it is lost. */
int web_exchanges_speak(struct web *web);
bool web_exchange_receive(struct web *web, const struct rn_local *in); /* false: core makes no sense */
void web_exchanges_abandon(struct web *web);			       /* core is away */
void web_exchanges_sweep(struct web *web);			       /* who has waited too long */
void web_exchanges_free(struct web *web);			       /* the servers have ended */

/* web_core.c */
int web_core_start(struct web *web, struct rn_err *err);
void web_core_stop(struct web *web);
bool web_core_there(const struct web *web);
void web_core_flush(struct web *web); /* somebody has something to say */

#endif
