/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/resources.h"
#include "api/web_door.h"
#include "door_world.h"

static struct rn_core *core_of(struct door *d)
{
	return d->w->hosts[0].core;
}

bool door_say(struct door *d, const struct rn_local *message)
{
	static uint8_t data[RN_LOCAL_SIZE_MAX];
	struct rn_local decoded;
	int size = rn_local_encode(message, data, sizeof(data));

	assert_true(size > 0);
	assert_int_equal(rn_local_decode(data, (size_t)size, &decoded), 0);
	return rn_core_receive(core_of(d), RN_CORE_WEB, &decoded);
}

/* ---- what core says ---- */

static void hear_answer(struct door_answer *a, const struct rn_local *message)
{
	struct rn_web_answer head;

	assert_int_equal(rn_web_answer_decode(message->block, message->block_size, &head), 0);
	assert_false(a->answered || a->left);
	a->answered = true;
	a->status = head.status;
	a->stream = head.stream;
	a->expected = head.body_size;
	a->retry_after = head.retry_after;
	snprintf(a->type, sizeof(a->type), "%s", head.type);
	snprintf(a->allow, sizeof(a->allow), "%s", head.allow);
	snprintf(a->cookie, sizeof(a->cookie), "%s", head.cookie);
	a->ended = !head.stream && !head.body_size;
	a->text = calloc(1, 1);
}

static void hear_piece(struct door_answer *a, const struct rn_local *message)
{
	assert_true(a->answered && !a->ended && !a->left);
	assert_true(message->block_size <= RN_WEB_PIECE_MAX);
	a->text = realloc(a->text, a->size + message->block_size + 1);
	assert_non_null(a->text);
	if (message->block_size)
		memcpy(a->text + a->size, message->block, message->block_size);
	a->size += message->block_size;
	a->text[a->size] = 0;
	a->pieces++;
	a->ended = message->role;
	if (a->ended && !a->stream)
		assert_int_equal(a->size, a->expected);
	if (!a->stream)
		assert_true(a->size <= a->expected);
}

static void hears(void *context, const struct rn_local *message)
{
	struct door *d = context;
	struct door_answer *a = &d->answers[message->session % DOOR_ANSWERS];

	if (message->type == RN_LOCAL_WEB_ANSWER)
		hear_answer(a, message);
	else
		hear_piece(a, message);
}

/* ---- life ---- */

static void begin(struct door *d)
{
	d->streams = rn_streams_new(d->loop, core_of(d));
	assert_non_null(d->streams);
	d->web = rn_web_door_new(core_of(d), d->streams);
	assert_non_null(d->web);
}

struct door *door_new(void)
{
	struct door *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->w = world_new();
	d->loop = rn_loop_new();
	assert_non_null(d->loop);
	d->w->hosts[0].web_hears = hears;
	d->w->hosts[0].web = d;
	begin(d);
	return d;
}

static void end(struct door *d)
{
	rn_core_end(core_of(d));
	rn_web_door_free(d->web);
	rn_streams_free(d->streams);
}

void door_free(struct door *d)
{
	end(d);
	for (unsigned i = 0; i < DOOR_ANSWERS; i++)
		free(d->answers[i].text);
	world_free(d->w);
	rn_loop_free(d->loop);
	free(d);
}

void door_restart(struct door *d)
{
	end(d);
	world_restart(&d->w->hosts[0]);
	world_run(d->w);
	begin(d);
}

/* ---- what web says ---- */

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

/* a=1&b=2 as name, NUL, value, NUL; as web does, a name alone has an empty value and a value keeps its "=". */
static size_t put_query(const char *query, uint8_t *out)
{
	bool in_value = false;
	size_t size = 0;

	if (!query || !*query)
		return 0;
	for (const char *c = query; *c; c++) {
		bool ends = *c == '&' || (*c == '=' && !in_value);

		if (*c == '&' && !in_value)
			out[size++] = 0;
		out[size++] = ends ? 0 : (uint8_t)*c;
		if (ends)
			in_value = *c == '=';
	}
	if (!in_value)
		out[size++] = 0;
	out[size++] = 0;
	return size;
}

uint64_t door_begin(struct door *d, const struct door_ask *ask, uint32_t body_size)
{
	struct rn_web_request head = {
	    .method = (uint8_t)rn_web_method(ask->method), .secure = 1, .body_size = body_size};
	struct rn_local message = {.type = RN_LOCAL_WEB_REQUEST, .session = ++d->session};
	struct door_answer *a = &d->answers[message.session % DOOR_ANSWERS];
	uint8_t block[8192], query[RN_WEB_QUERY_MAX];
	int size;

	free(a->text);
	*a = (struct door_answer){0};
	copy(head.path, sizeof(head.path), ask->path);
	copy(head.cookie, sizeof(head.cookie), ask->cookie);
	copy(head.bearer, sizeof(head.bearer), ask->bearer);
	copy(head.csrf, sizeof(head.csrf), ask->csrf);
	copy(head.last_event, sizeof(head.last_event), ask->last_event);
	head.query = query;
	head.query_size = put_query(ask->query, query);
	assert_int_equal(rn_addr_parse(ask->source ? ask->source : "198.51.100.7", &head.source.addr), 0);
	head.source.port = 40000;
	size = rn_web_request_encode(&head, block, sizeof(block));
	assert_true(size > 0);
	message.block = block;
	message.block_size = (size_t)size;
	assert_true(door_say(d, &message));
	return message.session;
}

bool door_body(struct door *d, uint64_t session, const void *data, size_t size)
{
	struct rn_local message = {.type = RN_LOCAL_WEB_BODY, .session = session, .block = data, .block_size = size};

	return door_say(d, &message);
}

bool door_leave(struct door *d, uint64_t session)
{
	struct rn_local message = {.type = RN_LOCAL_WEB_GONE, .session = session};

	d->answers[session % DOOR_ANSWERS].left = true;
	return door_say(d, &message);
}

struct door_answer *door_ask(struct door *d, const struct door_ask *ask)
{
	size_t size = ask->body_size ? ask->body_size : ask->body ? strlen(ask->body) : 0, at = 0;
	uint64_t session = door_begin(d, ask, (uint32_t)size);
	struct door_answer *a = &d->answers[session % DOOR_ANSWERS];
	size_t credited = 0;

	while (at < size) {
		size_t piece = size - at < RN_WEB_PIECE_MAX ? size - at : RN_WEB_PIECE_MAX;

		assert_true(door_body(d, session, ask->body + at, piece));
		at += piece;
	}
	world_run(d->w);
	for (int waited = 0; waited < 80 && !a->answered; waited++)
		world_wait(d->w, 50);
	while (!d->no_credit && a->answered && !a->ended && a->size > credited) {
		struct rn_local credit = {.type = RN_LOCAL_WEB_CREDIT, .session = session};

		credit.number = (uint32_t)(a->size - credited);
		credited = a->size;
		assert_true(door_say(d, &credit));
	}
	return a;
}

struct door_answer *door_want(struct door *d, unsigned status, const struct door_ask *ask)
{
	struct door_answer *a = door_ask(d, ask);

	if (!a->answered || a->status != status)
		fail_msg("%s %s: %u %s, not %u", ask->method, ask->path, a->status, a->text ? a->text : "", status);
	assert_true(a->ended);
	assert_true(door_leave(d, d->session));
	return a;
}

const char *door_member(const struct door_answer *answer, const char *key, char out[512])
{
	struct rn_json *root = rn_json_parse(answer->text, answer->size, 0, NULL);
	const struct rn_json *value = root ? rn_json_get(root, key) : NULL;
	char *text = NULL;

	if (!value)
		fail_msg("no %s in %s", key, answer->text);
	if (rn_json_type(value) == RN_JSON_STRING)
		snprintf(out, 512, "%s", rn_json_text(value));
	else
		text = rn_json_print(value, false);
	if (text)
		snprintf(out, 512, "%s", text);
	free(text);
	rn_json_free(root);
	return out;
}

static void stop(void *context)
{
	rn_loop_stop(context);
}

void door_run_loop(struct door *d, int64_t ms)
{
	struct rn_timer *timer = rn_timer_new(d->loop, stop, d->loop);

	assert_non_null(timer);
	rn_timer_set(timer, ms);
	rn_loop_run(d->loop);
	rn_timer_free(timer);
}
