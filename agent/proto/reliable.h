/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_PROTO_RELIABLE_H
#define RN_PROTO_RELIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/wire.h"

/*
 * Messages as numbered fragments in the frames of datagrams that may be lost, repeated or out of order. Each side holds
 * at most RN_RECEIVE_WINDOW fragments out of order and one unfinished message. Loss is found as QUIC finds it
 * (RFC 9002: later transmissions arrived, or a timeout), the congestion window is NewReno's, the RTT estimate RFC
 * 6298's.
 */
struct rn_reliable;
struct rn_reliable *rn_reliable_new(void); /* NULL: out of memory */
void rn_reliable_free(struct rn_reliable *r);

/* Copies the message: 0, -EAGAIN where the queue has no room, -EMSGSIZE, -ENOMEM. */
int rn_reliable_queue(struct rn_reliable *r, const uint8_t *message, size_t size);
bool rn_reliable_drained(const struct rn_reliable *r); /* nothing queued, everything acknowledged */

/* Frames received, without their type byte: 0 or -EPROTO. */
int rn_reliable_read_ack(struct rn_reliable *r, int64_t now_ms, struct rn_reader *in);
int rn_reliable_read_data(struct rn_reliable *r, int64_t now_ms, struct rn_reader *in);
/* The next whole message: 1 (valid until the next call of any function), 0 none, -EPROTO, -ENOMEM. */
int rn_reliable_next(struct rn_reliable *r, const uint8_t **ret, size_t *ret_size);

void rn_reliable_want_ack(struct rn_reliable *r); /* answer a ping */
/* Is there a frame to write now? */
bool rn_reliable_ready(const struct rn_reliable *r, int64_t now_ms);
/* Writes frames into one datagram's room (RN_TRANSPORT_PLAIN_MAX bytes). */
void rn_reliable_write(struct rn_reliable *r, int64_t now_ms, struct rn_writer *out);
int64_t rn_reliable_deadline(const struct rn_reliable *r); /* INT64_MAX: none */
void rn_reliable_tick(struct rn_reliable *r, int64_t now_ms);
int64_t rn_reliable_rto(const struct rn_reliable *r); /* milliseconds, with backoff */

#endif
