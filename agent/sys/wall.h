/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_SYS_WALL_H
#define RN_SYS_WALL_H

/* The wall clock: when somebody sets it. A descriptor, readable from then on until it is drained; or -errno. */
int rn_wall_watch(void);
void rn_wall_drain(int fd);

#endif
