// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_world.h"

int store_place(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/rn-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/core.db", f->dir);
	*state = f;
	return 0;
}

int store_begin(void **state)
{
	struct fixture *f;

	store_place(state);
	f = *state;
	assert_int_equal(rn_store_open(f->path, true, &f->store, &f->err), 0);
	return 0;
}

int store_end(void **state)
{
	static const char *const names[] = {"core.db", "core.db-wal", "core.db-shm"};
	struct fixture *f = *state;

	rn_store_close(f->store);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}
