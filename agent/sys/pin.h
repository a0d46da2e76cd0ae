/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_PIN_H
#define RN_SYS_PIN_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* BPF objects by name in a directory of a bpf file system, where they outlive us. */

struct bpf_program;

/* dir/name: 0 or -ENAMETOOLONG. */
int rn_pin_path(char out[PATH_MAX], const char *dir, const char *name);
/* Pins under the program's own name, in place of what is there, at once. *ret_id is the kernel's. 0 or -errno. */
int rn_pin_program(const char *dir, const struct bpf_program *program, uint32_t *ret_id);
/* Removes what of names is there, in this order, until the first failure. 0 or -errno with *err. */
int rn_pin_remove(const char *dir, const char *const names[], size_t count, struct rn_err *err);

#endif
