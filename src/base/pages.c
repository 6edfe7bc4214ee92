/* Memory for tensors: large ones ask for the large pages that the system may have, so that reading
 * them in order does not stop at every 4 KB. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/pages.h"

#define LARGE ((size_t)2 << 20)  /* bytes of a large page */
#define BLOCK ((size_t)64 << 20) /* that pieces lie in; what is not used of it takes no memory */
#define FEW ((size_t)1 << 20)    /* bytes for which a large page would be a waste */

/* Sanitizers want to see the ends of what is allocated. */
#ifdef __SANITIZE_ADDRESS__
#define WATCHED true
#else
#define WATCHED false
#endif

void *pages_alloc(size_t bytes)
{
	size_t align = bytes >= 2 * LARGE ? LARGE : 64;
	if (bytes > SIZE_MAX - LARGE)
		return NULL;
	void *p = aligned_alloc(align, (bytes + align - 1) / align * align + !bytes * align);
#ifdef MADV_HUGEPAGE
	/* Whole pages only, so that no more memory is taken. A refusal changes nothing. */
	if (p && align == LARGE)
		madvise(p, bytes / LARGE * LARGE, MADV_HUGEPAGE);
#endif
	return p;
}

void *pages_alloc_work(size_t bytes)
{
	if (bytes < LARGE / 2 || bytes > SIZE_MAX / 2 || WATCHED)
		return pages_alloc(bytes);
	size_t whole = (bytes + LARGE - 1) / LARGE * LARGE;
	return pages_alloc(whole < 2 * LARGE ? 2 * LARGE : whole);
}

struct pages_block {
	struct pages_block *older;
	void *data;
};

static void *add_block(struct pages_room *r, size_t bytes)
{
	struct pages_block *b = malloc(sizeof *b);
	void *data = b ? pages_alloc(bytes) : NULL;
	if (!data) {
		free(b);
		return NULL;
	}
	*b = (struct pages_block){r->newest, data};
	r->newest = b;
	return data;
}

/* Are the pieces to lie next to each other? */
static bool lie_together(const struct pages_room *r, size_t bytes)
{
	return r->taken >= FEW && bytes < 2 * LARGE && !WATCHED;
}

static bool add_room(struct pages_room *r)
{
	char *at = add_block(r, BLOCK);
	if (at) {
		r->at = at;
		r->left = BLOCK;
	}
	return at;
}

void *pages_take(struct pages_room *r, size_t bytes)
{
	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + !bytes + 63) / 64 * 64;
	r->taken += bytes;
	if (!lie_together(r, bytes) || (bytes > r->left && !add_room(r)))
		return add_block(r, bytes);
	void *p = r->at;
	r->at += bytes;
	r->left -= bytes;
	return p;
}

void pages_free(struct pages_room *r)
{
	for (struct pages_block *b = r->newest, *older; b; b = older) {
		older = b->older;
		free(b->data);
		free(b);
	}
	*r = (struct pages_room){0};
}
