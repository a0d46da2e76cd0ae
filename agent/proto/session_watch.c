// SPDX-License-Identifier: Apache-2.0
#include "proto/session_internal.h"

/* Is the other end there? Asked often where somebody has another place to go. */

int64_t rn_watch_deadline(const struct rn_session *session)
{
	return session->watched.every_ms && session->state == RN_OPEN ? session->watched.at_ms : INT64_MAX;
}

/* How long a ping may be under way before another is sent. */
static int64_t patience(const struct rn_watched *w)
{
	int64_t ms = w->rtt.known ? 2 * w->rtt.smoothed + 4 * w->rtt.variation : RN_WATCH_WAIT_FIRST_MS;

	if (ms < RN_WATCH_WAIT_MIN_MS)
		return RN_WATCH_WAIT_MIN_MS;
	return ms < RN_WATCH_WAIT_MAX_MS ? ms : RN_WATCH_WAIT_MAX_MS;
}

void rn_watch_tick(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_watched *w = &session->watched;
	unsigned before = w->unanswered;

	if (now_ms < rn_watch_deadline(session))
		return;
	if (before <= RN_WATCH_PINGS)
		w->unanswered++;
	w->at_ms = now_ms + (before < RN_WATCH_PINGS ? patience(w) : w->every_ms);
	rn_transport_ping(s, now_ms, session);
	if (before == 1 || before == RN_WATCH_PINGS)
		rn_session_tell(s, session, RN_SESSION_SILENCE, NULL, 0, (int)before);
}

void rn_watch_heard(struct rn_sessions *s, int64_t now_ms, struct rn_session *session)
{
	struct rn_watched *w = &session->watched;
	bool doubted = w->unanswered > 1;

	if (w->unanswered == 1)
		rn_rtt_sample(&w->rtt, now_ms - (w->at_ms - patience(w)));
	w->unanswered = 0;
	w->at_ms = now_ms + w->every_ms;
	if (session->state != RN_OPEN || (!doubted && !w->asked))
		return;
	w->asked = false;
	rn_session_tell(s, session, RN_SESSION_SILENCE, NULL, 0, 0);
}
