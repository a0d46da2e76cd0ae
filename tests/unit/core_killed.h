/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RN_TESTS_UNIT_CORE_KILLED_H
#define RN_TESTS_UNIT_CORE_KILLED_H

/* A core that dies at any moment: a child does things in a world until it is killed, and what is left is looked at. */
struct killed {	       /* what the child tells */
	char dir[300]; /* of its gateway */
	volatile unsigned steps;
};

struct killed_rounds {
	unsigned count, steps; /* round n is killed after `steps` + n steps, and n times `us` later */
	unsigned us;
	void (*go_on)(struct killed *told);		/* in the child: never comes back */
	void (*look)(const char *path, unsigned steps); /* at core.db as it was left, after as many steps at least */
};
void killed_rounds(const struct killed_rounds *rounds);

#endif
