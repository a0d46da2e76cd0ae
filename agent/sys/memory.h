/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_MEMORY_H
#define RN_SYS_MEMORY_H

/* How much memory a process keeps: hints to the C library and the kernel. Nothing depends on them, nothing fails. */

/*
 * Once, some time after the start: gives back what only starting needed, on the heap, on the stack below the caller and
 * of the program's and its libraries' text. (Half of what was read of them by then is never read again. What is, comes
 * back from the page cache.)
 */
#define RN_SETTLE_MS 10000 /* the first connections and the first sync are over */
void rn_memory_settle(void);

/*
 * For a large buffer on the stack of which only what was written is read: it is not cleared each time (which the build
 * otherwise does), so that its pages become this process's memory only as far as messages reach.
 */
#define RN_UNCLEARED __attribute__((uninitialized))

#endif
