/* Makes the n-th allocation of this program fail and counts those that live: include it in one file
 * of a test program. Under a sanitizer, which has an allocator of its own, nothing fails. */
#ifndef UNIT_ALLOC_FAIL_H
#define UNIT_ALLOC_FAIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Allocations until one fails; 0: none does. */
static long alloc_countdown;
/* Allocations not freed yet. */
static long alloc_live;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define ALLOC_FAIL_WORKS false
#else
#define ALLOC_FAIL_WORKS true

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

static bool alloc_fails(void)
{
	if (!alloc_countdown || --alloc_countdown)
		return false;
	errno = ENOMEM;
	return true;
}

static void *counted(void *p)
{
	alloc_live += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	return alloc_fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	if (alloc_fails())
		return NULL;
	return p ? __libc_realloc(p, size) : counted(__libc_malloc(size));
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;
	return __builtin_mul_overflow(n, size, &bytes) ? NULL : realloc(p, bytes);
}

void *aligned_alloc(size_t align, size_t size)
{
	return alloc_fails() ? NULL : counted(__libc_memalign(align, size));
}

int posix_memalign(void **p, size_t align, size_t size)
{
	void *q = aligned_alloc(align, size);
	if (q)
		*p = q;
	return q ? 0 : ENOMEM;
}

void free(void *p)
{
	alloc_live -= p != NULL;
	__libc_free(p);
}
#endif

#endif
