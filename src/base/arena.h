/* Memory that dies together: a graph's nodes and names, a pass's scratch. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void); /* NULL without memory */
void arena_free(struct arena *a);
/* Zeroed, aligned to 16 bytes, lives until arena_free or a reset; NULL without memory. size 0 is
 * legal. */
void *arena_alloc(struct arena *a, size_t size);
/* arena_alloc of n * size with the product checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
void *arena_copy(struct arena *a, const void *p, size_t size);
char *arena_str(struct arena *a, const char *s);
char *arena_strn(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Scratch: everything allocated after the mark is given back by the reset. */
struct arena_mark {
	void *block;
	size_t used;
};
struct arena_mark arena_mark(struct arena *a);
void arena_reset(struct arena *a, struct arena_mark m);

#endif
