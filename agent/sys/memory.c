/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK_KEPT (16 * 1024)
#define STACK_DROPPED (512 * 1024)

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

/* What is below the frames that are in use is nobody's. The rest of it was never mapped, which is no error here. */
static void drop_stack(void)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const char here = 0;
	uintptr_t end = ((uintptr_t)&here - STACK_KEPT) & ~(page - 1);

	madvise((void *)(end - STACK_DROPPED), STACK_DROPPED, MADV_DONTNEED); // NOLINT: an address
}

void rn_memory_settle(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_text, NULL);
	drop_stack();
}
