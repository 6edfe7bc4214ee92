/* Memory for tensors, in large pages where it is large. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* Aligned to 64 bytes at least, freed by free(); NULL without memory. */
void *pages_alloc(size_t bytes);
/* The same for memory that is written soon and whole: large pages from half of one on. */
void *pages_alloc_work(size_t bytes);

/* Pieces that are freed together, in large pages once they are many. Zero-initialise. */
struct pages_room {
	struct pages_block *newest;
	char *at;
	size_t left, taken; /* bytes at at; of all pieces */
};
/* Aligned to 64 bytes; NULL without memory. */
void *pages_take(struct pages_room *r, size_t bytes);
void pages_free(struct pages_room *r);

#endif
