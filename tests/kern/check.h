/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_KERN_CHECK_H
#define RN_TESTS_KERN_CHECK_H

#include <stdbool.h>

#include "stage.h"

/* A line where it does not hold; the test goes on. */
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
void check(bool good, const char *what, const char *file, int line);

/* The scenario in a process and namespaces of its own; hub 1 is its host's hub. What it checked is counted here. */
void check_run(const char *name, void (*scenario)(struct stage *s), bool is_hub, uint32_t self);
/* Prints how many checks passed and failed in all: main's exit status. */
int check_tally(void);

#endif
