/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE (64 * 1024)

void rn_memory_start(void)
{
	/* Set by hand, they no longer grow with what is freed. */
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
	mallopt(M_TOP_PAD, 0);
}

/* A segment that was never writable is as it is in the file, so nothing is lost. */
static int drop_text(struct dl_phdr_info *object, size_t size, void *context)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)context;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = (object->dlpi_addr + p->p_vaddr + p->p_memsz + page - 1) & ~(page - 1);

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			madvise((void *)from, to - from, MADV_DONTNEED); // NOLINT: an address, from the headers
	}
	return 0;
}

void rn_memory_settle(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_text, NULL);
}
