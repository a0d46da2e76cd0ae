/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_BPF_ERROR_H
#define RN_TESTS_BPF_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "abi/maps.h"

/* Section 6a of docs/datapath.md written a second time, from the RFCs and without a line of bpf/. */
#define ERROR_MAX 1280u

/*
 * The ICMP error that `by` sends about a packet (from its IP header on, `size` bytes): mtu -1: time exceeded, else too
 * big for that much. Its size.
 */
size_t error_about(const struct rn_addr *by, int mtu, const uint8_t *packet, size_t size, uint8_t *ret);

#endif
