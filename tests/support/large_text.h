/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_LARGE_TEXT_H
#define RN_TESTS_LARGE_TEXT_H

#define LARGE_PEOPLE 500u
#define LARGE_RULES 60u /* each with all these people on a side, 2 kB on the wire: parts */

/*
 * A policy's text, to free: the group `all` of `first` and so many people; rules r0, r1, ... that let it reach
 * everyone, each on a port of its own, the one of number `extra` on port 7 as well.
 */
char *large_text(const char *first, unsigned people, unsigned rules, unsigned extra);

#endif
