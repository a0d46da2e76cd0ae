/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_DOMAIN_RECORD_WIRE_H
#define RN_DOMAIN_RECORD_WIRE_H

#include "base/buf.h"
#include "domain/record.h"

/* What the files record*.c share; nobody else includes it. */

/* Wraps and signs what body() writes. The size, -EMSGSIZE, -EINVAL or -ENOMEM. */
int rn_record_seal(const struct rn_record_head *head, enum rn_record_type type,
		   void (*body)(struct rn_writer *w, const void *in), const void *in, const uint8_t seed[RN_KEY_SIZE],
		   uint8_t *out, size_t out_size);
/* A reader of the body; failed from the start where the record is not well formed or not of the type. */
struct rn_reader rn_record_body(const uint8_t *data, size_t size, enum rn_record_type type);

/* The version in the head of a record whose reader did not fail. */
uint64_t rn_record_version(const uint8_t *data);

/*
 * record_policy.c: rule numbers go out less base, and come in with base added, their sets in the arena.
 */
void rn_policy_rule_write(struct rn_writer *w, const struct rn_policy_rule *rule, uint32_t base);
void rn_policy_rule_read(struct rn_reader *r, struct rn_policy_rule *rule, uint32_t base, struct rn_arena **sets,
			 bool *no_memory);
void rn_policy_schedule_write(struct rn_writer *w, const struct rn_schedule *schedule);
void rn_policy_schedule_read(struct rn_reader *r, struct rn_schedule *ret, bool *no_memory);

/* record_check.c: is every field as record.h says? */
bool rn_network_good(const struct rn_network *n);
bool rn_device_record_good(const struct rn_device_record *d);
bool rn_policy_record_good(const struct rn_policy_record *p);
bool rn_policy_rule_good(const struct rn_policy_rule *r);
bool rn_identity_record_good(const struct rn_identity_record *i);

void rn_write_prefix(struct rn_writer *w, const struct rn_prefix *p);
struct rn_prefix rn_read_prefix(struct rn_reader *r);

#endif
