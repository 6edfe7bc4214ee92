/* An arena: blocks in a list, the newest first; only whole tails are given back. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"

#define ALIGN 16
#define FIRST_BLOCK 4096
#define LARGEST_STEP (1 << 20)
#define AHEAD (1 << 16) /* bytes of which the pages are asked for together */

/* Bytes of the largest block that is kept for what comes next; sanitizers want to see that what was
 * given back is gone. */
#ifdef __SANITIZE_ADDRESS__
#define KEPT 0
#else
#define KEPT LARGEST_STEP
#endif

struct block {
	struct block *older;
	size_t used, ready, cap; /* of bytes[]; up to ready there are pages */
	_Alignas(ALIGN) char bytes[];
};

struct arena {
	struct block *newest;
	struct block *spare; /* of those that were dropped, or NULL */
	size_t step;         /* size of the next ordinary block */
};

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof *a);
	if (a)
		a->step = FIRST_BLOCK;
	return a;
}

/* The largest of those dropped, but for very large ones, becomes the spare one. */
static void drop_until(struct arena *a, const struct block *keep)
{
	while (a->newest != keep) {
		struct block *b = a->newest, *less = a->spare;
		a->newest = b->older;
		if (b->cap <= KEPT && (!less || less->cap < b->cap))
			a->spare = b;
		else
			less = b;
		free(less);
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	drop_until(a, NULL);
	free(a->spare);
	free(a);
}

static struct block *block_new(struct arena *a, size_t size)
{
	size_t cap = size > a->step ? size : a->step, total;
	if (add_size(cap, sizeof(struct block), &total))
		return NULL;
	struct block *b = malloc(total);
	if (!b)
		return NULL;
	b->ready = 0;
	b->cap = cap;
	if (a->step < LARGEST_STEP)
		a->step *= 2;
	return b;
}

static struct block *block_add(struct arena *a, size_t size)
{
	bool fits = a->spare && a->spare->cap >= size;
	struct block *b = fits ? a->spare : block_new(a, size);
	if (!b)
		return NULL;
	if (fits)
		a->spare = NULL;
	b->used = 0;
	b->older = a->newest;
	a->newest = b;
	return b;
}

/* Pages that come one by one, each when it is first written, take twice the time. Where the system
 * cannot bring them together, they do. */
static void make_ready(struct block *b)
{
	size_t end = b->cap - b->used > AHEAD ? b->used + AHEAD : b->cap;
#ifdef MADV_POPULATE_WRITE
	uintptr_t from = (uintptr_t)(b->bytes + b->ready);
	size_t before = from % (uintptr_t)sysconf(_SC_PAGESIZE);
	if (b->cap > AHEAD)
		madvise((void *)(from - before), end - b->ready + before, MADV_POPULATE_WRITE);
#endif
	b->ready = end;
}

/* Not zeroed. */
static void *take(struct arena *a, size_t size)
{
	size_t need;
	if (add_size(size ? size : 1, ALIGN - 1, &need))
		return NULL;
	need &= ~(size_t)(ALIGN - 1);
	struct block *b = a->newest;
	if (!b || b->cap - b->used < need)
		b = block_add(a, need);
	if (!b)
		return NULL;
	void *p = b->bytes + b->used;
	b->used += need;
	if (b->used > b->ready)
		make_ready(b);
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = take(a, size);
	return p ? memset(p, 0, size) : NULL;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;
	return mul_size(n, size, &total) ? NULL : arena_alloc(a, total);
}

void *arena_copy(struct arena *a, const void *p, size_t size)
{
	void *q = take(a, size);
	if (q && size)
		memcpy(q, p, size);
	return q;
}

char *arena_str(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s) + 1);
}

char *arena_strn(struct arena *a, const char *s, size_t n)
{
	char *q = n == SIZE_MAX ? NULL : take(a, n + 1);
	if (q && n)
		memcpy(q, s, n);
	if (q)
		q[n] = 0;
	return q;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *q = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (q)
		vsnprintf(q, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return q;
}

struct arena_mark arena_mark(struct arena *a)
{
	return (struct arena_mark){a->newest, a->newest ? a->newest->used : 0};
}

void arena_reset(struct arena *a, struct arena_mark m)
{
	drop_until(a, m.block);
	if (a->newest)
		a->newest->used = m.used;
	else
		a->step = FIRST_BLOCK;
}
