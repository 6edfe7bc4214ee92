/* Memory that is kept for whoever works next, so that it is not asked for and cleared each time. */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdlib.h>

#include "base/checked.h"

/* Zero-initialise. */
struct room {
	void *p;
	size_t bytes;
};

/* n elements of a size, aligned to 64, that hold anything; what was there before is gone. NULL
 * without memory. */
static inline void *room_of(struct room *r, size_t n, size_t size)
{
	size_t bytes;
	if (mul_size(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return NULL;
	if (!r->p || bytes > r->bytes) {
		free(r->p);
		r->bytes = bytes;
		r->p = aligned_alloc(64, (bytes + 64) & ~(size_t)63);
	}
	return r->p;
}

static inline void room_free(struct room *r)
{
	free(r->p);
	*r = (struct room){0};
}

#endif
