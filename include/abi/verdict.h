/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
#ifndef RN_ABI_VERDICT_H
#define RN_ABI_VERDICT_H

/* Why a packet passed or was dropped; the one list is verdict.def. */
enum rn_reason {
#define RN_REASON(number, NAME, name, text) RN_##NAME = number,
#include "abi/verdict.def"
#undef RN_REASON
	RN_REASON_COUNT
};

#endif
