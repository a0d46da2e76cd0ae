/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>

#include "cli/doctor.h"
#include "cli/remote.h"
#include "sys/files.h"

#define DAY 86400
#define RENEWED_DAYS 5 /* of seven: a leaf is renewed daily */

int rn_doctor_leaf(const struct rn_doctor *d, struct rn_leaf *ret)
{
	uint8_t der[RN_CERT_MAX], issuer_der[RN_CERT_MAX];
	size_t size = 0, issuer_size = 0;
	struct rn_issuer *issuer = NULL;
	char path[400];
	int code;

	snprintf(path, sizeof(path), "%s/state/net/leaf.der", d->cli->conf.state_dir);
	code = rn_file_read(path, der, sizeof(der), &size);
	snprintf(path, sizeof(path), "%s/state/net/issuer.der", d->cli->conf.state_dir);
	if (code == 0)
		code = rn_file_read(path, issuer_der, sizeof(issuer_der), &issuer_size);
	if (code == 0)
		code = rn_issuer_new(issuer_der, issuer_size, d->anchor.root_public, time(NULL), &issuer);
	if (code == 0)
		code = rn_issuer_verify(issuer, der, size, time(NULL), RN_LEAF_EXPIRED_TOO, ret);
	rn_issuer_free(issuer);
	return code;
}

static const char *date(int64_t when, char out[32])
{
	time_t t = (time_t)when;
	struct tm parts;

	gmtime_r(&t, &parts);
	strftime(out, 32, "%Y-%m-%d %H:%M UTC", &parts);
	return out;
}

/* What is certainly in the past: when this program was put here. */
static int64_t not_before(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 ? st.st_mtim.tv_sec : 0;
}

void rn_check_clock(struct rn_doctor *d, struct rn_finding *f)
{
	char now[32], then[32];
	struct timex t = {.modes = 0};
	int64_t floor = not_before();
	int state = adjtimex(&t);
	struct rn_leaf leaf;

	if (time(NULL) + RN_CLOCK_SKEW < floor) {
		rn_found(f, RN_HEALTH_FAIL, "this clock says %s, and this program was installed at %s",
			 date(time(NULL), now), date(floor, then));
		return rn_fix(f, "set the clock, and keep it: apt-get install systemd-timesyncd");
	}
	/* What the gateway signed is the gateway's clock. */
	if (d->set_up && rn_doctor_leaf(d, &leaf) == -EKEYEXPIRED) {
		rn_found(f, RN_HEALTH_FAIL, "this clock says %s, before what the gateway signed for this host",
			 date(time(NULL), now));
		return rn_fix(f, "set the clock, and keep it: apt-get install systemd-timesyncd");
	}
	if (state == TIME_ERROR || (t.status & STA_UNSYNC)) {
		rn_found(f, RN_HEALTH_WARN, "it says %s, and nobody keeps it right", date(time(NULL), now));
		return rn_fix(f, "apt-get install systemd-timesyncd; a clock that is 10 minutes off is refused");
	}
	rn_found(f, RN_HEALTH_PASS, "it says %s and is kept by NTP", date(time(NULL), now));
}

void rn_check_certificate(struct rn_doctor *d, struct rn_finding *f)
{
	struct rn_leaf leaf;
	int code = rn_doctor_leaf(d, &leaf);
	int64_t left;
	char until[32];

	if (code < 0) {
		rn_found(f, RN_HEALTH_FAIL, "%s",
			 code == -EKEYEXPIRED ? "it or its issuer is not valid at this clock's time"
					      : "it is missing or not one that this network's CA gave this host");
		return rn_fix(f, code == -EKEYEXPIRED
				     ? "see the check of the clock"
				     : "restore the state from a backup, or join again with a new token");
	}
	left = leaf.not_after - time(NULL);
	if (left <= 0) {
		rn_found(f, RN_HEALTH_FAIL, "it ended at %s", date(leaf.not_after, until));
		return rn_fix(f, "it is renewed as soon as the gateway is reached: see the checks of udp and upstream");
	}
	if (left < RENEWED_DAYS * DAY) {
		rn_found(f, RN_HEALTH_WARN, "it ends at %s and has not been renewed for days",
			 date(leaf.not_after, until));
		return rn_fix(f, "the gateway renews it daily: see the checks of udp and upstream");
	}
	rn_found(f, RN_HEALTH_PASS, "%s, good until %s", leaf.name, date(leaf.not_after, until));
}

void rn_check_lease(struct rn_doctor *d, struct rn_finding *f)
{
	const struct rn_json *datapath = d->status ? rn_json_get(d->status, "datapath") : NULL;
	int64_t left;

	if (!datapath || rn_json_type(datapath) != RN_JSON_OBJECT) {
		rn_found(f, RN_HEALTH_WARN, "not known: kern does not answer");
		return rn_fix(f, "see the checks of units and processes");
	}
	left = rn_remote_int(datapath, "lease_seconds_left");
	if (left <= 0) {
		rn_found(f, RN_HEALTH_FAIL, "the gateway's signed state is too old: everything is dropped");
		return rn_fix(f, "it comes anew as soon as the gateway is heard: see the checks of udp and upstream");
	}
	rn_found(f, left < 2 * DAY ? RN_HEALTH_WARN : RN_HEALTH_PASS,
		 "the gateway's signed state is good for %" PRId64 " days %" PRId64 " hours", left / DAY,
		 left % DAY / 3600);
	if (f->health != RN_HEALTH_PASS)
		rn_fix(f, "the gateway renews it daily: see the checks of udp and upstream");
}
