/* Makes the n-th allocation of this program fail: include it once, in one test program.
 * Under a sanitizer, which has an allocator of its own, nothing fails. */
#ifndef UNIT_ALLOC_FAIL_H
#define UNIT_ALLOC_FAIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Allocations until one fails; 0: none does. */
static long alloc_countdown;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define ALLOC_FAIL_WORKS false
#else
#define ALLOC_FAIL_WORKS true

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

static bool alloc_fails(void)
{
	if (!alloc_countdown || --alloc_countdown)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return alloc_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return alloc_fails() ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return alloc_fails() ? NULL : __libc_memalign(align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	void *q = alloc_fails() ? NULL : __libc_memalign(align, size);
	if (q)
		*p = q;
	return q ? 0 : ENOMEM;
}
#endif

#endif
