/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/schedule.h"

#include <errno.h>

/*
 * How many days before the local one an opening may have begun that is not over, or after it one that has begun: one
 * past midnight, and what a clock may be put back (a day, where the date line moved; a zone's file could say two).
 */
#define DAYS_AROUND 5
#define TIME_BOUND (RN_ZONE_TIME_MAX / 2)

/* A window, its zone, and the opening that it has come to. */
struct walk {
	const struct rn_time_window *window;
	const struct rn_zone *zone;
	struct rn_window opening; /* until INT64_MIN: not begun */
	int64_t day;		  /* that the opening is of */
	bool over;		  /* there is none more before the limit */
};

/* What is asked about lies before the limit, and is asked in order of time. */
struct job {
	struct walk walks[RN_TIME_WINDOWS_MAX];
	uint32_t count;
	int64_t limit;
};

static bool sane(const struct rn_time_window *w)
{
	return w->days <= RN_EVERY_DAY && w->from < RN_DAY_SECONDS && w->to > 0 && w->to <= RN_DAY_SECONDS;
}

static int begin(struct job *job, const struct rn_times *times, const struct rn_zone_source *zones, int64_t limit)
{
	job->count = times->count;
	job->limit = limit;
	if (times->count > RN_TIME_WINDOWS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < times->count; i++) {
		const struct rn_time_window *w = &times->windows[i];
		const struct rn_zone *zone = sane(w) ? zones->zone(zones->context, w->zone) : NULL;

		if (!sane(w))
			return -EINVAL;
		if (!zone)
			return -ENOENT;
		job->walks[i] =
		    (struct walk){.window = w, .zone = zone, .opening = {0, INT64_MIN}, .over = w->from == w->to};
	}
	return 0;
}

static int64_t bounded(int64_t t)
{
	return t < -TIME_BOUND ? -TIME_BOUND : t > TIME_BOUND ? TIME_BOUND : t;
}

static int64_t day_of(int64_t civil)
{
	return civil / RN_DAY_SECONDS - (civil % RN_DAY_SECONDS < 0);
}

/* 1970-01-01 was a Thursday. */
static unsigned weekday(int64_t day)
{
	return (unsigned)(((day + 3) % 7 + 7) % 7);
}

/* Goes on to the next opening that is not over at t. A gap may leave one of the window's days without. */
static void go_on(struct walk *walk, int64_t t, int64_t limit)
{
	const struct rn_time_window *w = walk->window;
	int64_t end = day_of(rn_zone_local(walk->zone, limit)) + DAYS_AROUND;

	for (walk->day++; walk->day <= end; walk->day++) {
		int64_t to = (walk->day + (w->to < w->from)) * RN_DAY_SECONDS + w->to;

		if (!(w->days & 1u << weekday(walk->day)))
			continue;
		walk->opening.until = rn_zone_last(walk->zone, to);
		if (walk->opening.until <= t)
			continue;
		walk->opening.from = rn_zone_first(walk->zone, walk->day * RN_DAY_SECONDS + w->from);
		if (walk->opening.from < walk->opening.until)
			break;
	}
	walk->over = walk->day > end || walk->opening.from >= limit;
}

/* The window's first opening that is not over at t; NULL: there is none. */
static const struct rn_window *opening(struct job *job, uint32_t i, int64_t t)
{
	struct walk *walk = &job->walks[i];

	if (walk->opening.until == INT64_MIN)
		walk->day = day_of(rn_zone_local(walk->zone, t)) - DAYS_AROUND - 1;
	if (!walk->over && walk->opening.until <= t)
		go_on(walk, t, job->limit);
	return walk->over ? NULL : &walk->opening;
}

/*
 * The first stretch of time not over at t in which one window or another is open. It ends where it ends, or anywhere
 * past the limit; what was open before t and is over does not count for its beginning.
 */
static bool stretch(struct job *job, int64_t t, struct rn_window *ret)
{
	bool found = false, longer = true;
	const struct rn_window *o;

	for (uint32_t i = 0; i < job->count; i++) {
		o = opening(job, i, t);
		if (o && (!found || o->from < ret->from)) {
			*ret = *o;
			found = true;
		}
	}
	while (found && longer && ret->until < job->limit) {
		longer = false;
		for (uint32_t i = 0; i < job->count; i++) {
			o = opening(job, i, ret->until);
			if (o && o->from <= ret->until) {
				ret->until = o->until;
				longer = true;
			}
		}
	}
	return found;
}

int rn_schedule_open(const struct rn_times *times, const struct rn_zone_source *zones, int64_t t)
{
	struct job job;
	int r;

	t = bounded(t);
	r = begin(&job, times, zones, t + 1);
	if (r < 0 || times->count == 0)
		return r < 0 ? r : 1;
	for (uint32_t i = 0; i < times->count; i++) {
		if (opening(&job, i, t))
			return 1;
	}
	return 0;
}

int rn_schedule_next(const struct rn_times *times, const struct rn_zone_source *zones, int64_t t, int64_t *ret)
{
	struct rn_window s;
	struct job job;
	int r;

	t = bounded(t);
	r = begin(&job, times, zones, t + RN_SCHEDULE_AHEAD + 1);
	if (r < 0)
		return r;
	*ret = INT64_MAX;
	if (stretch(&job, t, &s))
		*ret = s.from > t ? s.from : s.until;
	if (*ret >= job.limit)
		*ret = INT64_MAX;
	return 0;
}

int rn_schedule_openings(const struct rn_times *times, const struct rn_zone_source *zones, int64_t from, int64_t until,
			 struct rn_window *ret, uint32_t max)
{
	struct rn_window s;
	struct job job;
	uint32_t n = 0;
	int r;

	from = bounded(from);
	until = bounded(until);
	if (until - from > 2 * RN_SCHEDULE_AHEAD || max > INT32_MAX)
		return -EINVAL;
	r = begin(&job, times, zones, until);
	if (r < 0)
		return r;
	if (times->count == 0 && from < until) {
		if (max == 0)
			return -EMSGSIZE;
		ret[0] = (struct rn_window){from, until};
		return 1;
	}
	for (int64_t t = from; t < until && stretch(&job, t, &s); t = s.until) {
		if (n == max)
			return -EMSGSIZE;
		ret[n++] = (struct rn_window){s.from > from ? s.from : from, s.until < until ? s.until : until};
	}
	return (int)n;
}
