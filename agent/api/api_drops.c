/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "abi/mesh.h"
#include "abi/verdict.h"
#include "api/resources.h"
#include "base/buf.h"

static const struct {
	const char *name, *text;
} reasons[RN_REASON_COUNT] = {
#define RN_REASON(number, NAME, name, text) [number] = {name, text},
#include "abi/verdict.def"
#undef RN_REASON
};

static const struct {
	const char *name, *text;
} frame_reasons[RN_MESH_REASON_COUNT] = {
#define RN_FRAME(NAME, name, text) [RN_MESH_##NAME] = {name, text},
#include "abi/frame.def"
#undef RN_FRAME
};

static const char *const directions[2] = {"ingress", "egress"};

const char *rn_api_reason_name(unsigned reason)
{
	return reason < RN_REASON_COUNT ? reasons[reason].name : "unknown";
}

const char *rn_api_reason_text(unsigned reason)
{
	return reason < RN_REASON_COUNT ? reasons[reason].text : "a reason that this version does not know";
}

static struct rn_json *counter_json(unsigned direction, struct rn_reader *r)
{
	struct rn_json *counter = rn_json_object();

	rn_json_add_text(counter, "direction", directions[direction]);
	rn_json_add_u64(counter, "packets", rn_read_u64(r));
	rn_json_add_u64(counter, "bytes", rn_read_u64(r));
	return counter;
}

/* What became of frames between hubs; NULL: this host is none. */
static struct rn_json *frames_json(const struct rn_local_status *kern)
{
	static const char *const ways[2] = {"from_hubs", "to_hubs"};
	struct rn_reader r = rn_reader(kern->frames, kern->frames_size);
	struct rn_json *frames;

	if (kern->frames_size != 2 * RN_MESH_REASON_COUNT * sizeof(uint64_t))
		return NULL;
	frames = rn_json_array();
	for (unsigned way = 0; way < 2; way++)
		for (unsigned reason = 0; reason < RN_MESH_REASON_COUNT; reason++) {
			struct rn_json *frame = rn_json_object();

			rn_json_add_text(frame, "direction", ways[way]);
			rn_json_add_u64(frame, "packets", rn_read_u64(&r));
			rn_json_add_text(frame, "reason", frame_reasons[reason].name);
			rn_json_add_text(frame, "text", frame_reasons[reason].text);
			rn_json_append(frames, frame);
		}
	return frames;
}

void rn_api_drops(struct rn_api_call *call)
{
	struct rn_json *root, *passed, *dropped, *frames;
	struct rn_core_status s;
	struct rn_reader r;

	memset(&s, 0, sizeof(s));
	rn_core_status(call->core, &s);
	if (!s.kern_connected || s.kern.counters_size != 2 * RN_REASON_COUNT * 2 * sizeof(uint64_t)) {
		rn_api_fail(call, -EAGAIN,
			    &(struct rn_err){"the process kern is not there now: try again in a second"});
		return;
	}
	root = rn_json_object();
	passed = rn_json_array();
	dropped = rn_json_array();
	r = rn_reader(s.kern.counters, s.kern.counters_size);
	for (unsigned direction = 0; direction < 2; direction++)
		for (unsigned reason = 0; reason < RN_REASON_COUNT; reason++) {
			struct rn_json *counter = counter_json(direction, &r);

			if (reason != RN_ALLOWED) {
				rn_json_add_int(counter, "reason_number", reason);
				rn_json_add_text(counter, "reason", reasons[reason].name);
				rn_json_add_text(counter, "text", reasons[reason].text);
			}
			rn_json_append(reason == RN_ALLOWED ? passed : dropped, counter);
		}
	rn_json_add(root, "passed", passed);
	rn_json_add(root, "dropped", dropped);
	frames = frames_json(&s.kern);
	if (frames)
		rn_json_add(root, "frames", frames);
	else
		rn_json_add_text(root, "frames", NULL);
	rn_api_answer(call, 200, root);
}
