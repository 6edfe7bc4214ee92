/* Memory for tensors, in large pages where it is large. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* Aligned to 64 bytes at least, freed by free(); NULL without memory. */
void *pages_alloc(size_t bytes);

#endif
