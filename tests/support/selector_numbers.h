/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_SELECTOR_NUMBERS_H
#define RN_TESTS_SELECTOR_NUMBERS_H

#include "domain/policy.h"

/* Selectors' numbers in the order in which they are asked for: 1, 2, ... `most`; then 0. */
#define SELECTOR_NUMBERS_MAX 4096
struct selector_numbers {
	char names[SELECTOR_NUMBERS_MAX][RN_SELECTOR_TEXT];
	uint32_t count, most;
};
struct rn_selector_source selector_source(struct selector_numbers *numbers);

#endif
