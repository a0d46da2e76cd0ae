/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_JOURNAL_H
#define RN_SYS_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * An append-only file of records of one size, each with a check sum that also covers all before it. A record that
 * rn_journal_append has acknowledged survives a crash; one that was being written when the machine died is dropped
 * when the file is opened again. Anything else that is wrong with the file is damage, and it is not opened.
 *
 * File: "RNJ1", u32 record size, then records: the bytes, and 16 bytes of BLAKE2b keyed with the sum before (of the
 * first record: 16 zero bytes). Little endian.
 */
#define RN_JOURNAL_RECORD_MAX 1024

struct rn_journal;
/* Makes a new, empty journal, mode 0600: -EEXIST where the file is there. */
int rn_journal_create(const char *path, size_t record_size, struct rn_err *err);
/*
 * Opens and locks it and gives each record, oldest first, to `each`, whose error ends it. -EBADMSG: damaged or of another
 * record size; -EBUSY: another process has it open; err says it in a sentence.
 */
int rn_journal_open(const char *path, size_t record_size, int (*each)(void *context, const uint8_t *record),
		    void *context, struct rn_journal **ret, struct rn_err *err);
/* 0 once the record is on the disk; otherwise -errno (-ENOSPC ...), and the file is as it was. */
int rn_journal_append(struct rn_journal *journal, const uint8_t *record);
void rn_journal_close(struct rn_journal *journal); /* NULL is legal */

#endif
