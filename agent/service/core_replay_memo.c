/* SPDX-License-Identifier: Apache-2.0 */
#include "service/core_replay_memo.h"

#include <stdlib.h>

#define PLACE_BITS 18
#define PORTS 65536u

struct judgement {
	uint32_t source, destination; /* 0: a place that is free */
	uint16_t ports;
	uint8_t protocol;
	struct rn_replay_verdict verdict;
	int64_t from, until;
};

struct rn_replay_memo {
	uint16_t ports[PORTS]; /* of each the first of those that are like it */
	struct judgement places[1u << PLACE_BITS];
};

/* Where a service begins and where one has ended, other ports begin. */
static void mark(const struct rn_policy_model *model, bool begins[PORTS + 1])
{
	for (uint32_t i = 0; i < model->rule_count; i++)
		for (uint32_t j = 0; j < model->rules[i].service_count; j++) {
			begins[model->rules[i].services[j].first] = true;
			begins[model->rules[i].services[j].last + 1u] = true;
		}
}

struct rn_replay_memo *rn_replay_memo_new(const struct rn_policy_model *now, const struct rn_policy_model *draft)
{
	struct rn_replay_memo *memo = calloc(1, sizeof(*memo));
	bool *begins = calloc(PORTS + 1, sizeof(*begins));

	if (!memo || !begins) {
		free(memo);
		free(begins);
		return NULL;
	}
	mark(now, begins);
	mark(draft, begins);
	for (uint32_t port = 1; port < PORTS; port++)
		memo->ports[port] = begins[port] ? (uint16_t)port : memo->ports[port - 1];
	free(begins);
	return memo;
}

void rn_replay_memo_free(struct rn_replay_memo *memo)
{
	free(memo);
}

static size_t place(const struct rn_replay_memo *memo, const struct rn_flow_row *row)
{
	uint64_t hash = ((uint64_t)row->source << 32 | row->destination) * 0x9e3779b97f4a7c15u;

	hash = (hash ^ hash >> 32 ^ ((uint64_t)memo->ports[row->port] << 8 | row->protocol)) * 0xff51afd7ed558ccdu;
	return hash >> (64 - PLACE_BITS);
}

const struct rn_replay_verdict *rn_replay_memo_get(const struct rn_replay_memo *memo, const struct rn_flow_row *row)
{
	const struct judgement *j = &memo->places[place(memo, row)];
	bool same = j->source && j->source == row->source && j->destination == row->destination &&
		    j->ports == memo->ports[row->port] && j->protocol == row->protocol;

	return same && row->heard >= j->from && row->heard < j->until ? &j->verdict : NULL;
}

const struct rn_replay_verdict *rn_replay_memo_set(struct rn_replay_memo *memo, const struct rn_flow_row *row,
						   const struct rn_replay_verdict *verdict, int64_t until)
{
	struct judgement *j = &memo->places[place(memo, row)];

	*j = (struct judgement){.source = row->source,
				.destination = row->destination,
				.ports = memo->ports[row->port],
				.protocol = row->protocol,
				.verdict = *verdict,
				.from = row->heard,
				.until = until};
	return &j->verdict;
}
