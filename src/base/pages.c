/* Memory for tensors: large ones ask for the large pages that the system may have, so that reading
 * them in order does not stop at every 4 KB. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/pages.h"

#define LARGE ((size_t)2 << 20) /* bytes of a large page */

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
