/* A shuffle of channels with channels last: the groups of a pixel's channels dealt out one by one,
 * for elements of 1 and 4 bytes. */
#ifndef KERNELS_SHUFFLE_H
#define KERNELS_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

/* Plain data. */
struct channel_shuffle {
	int64_t pixels;
	int groups, n;              /* n channels in each group */
	int64_t ld_a, ld_b, ld_out; /* elements from pixel to pixel */
	int size;                   /* bytes of an element: 1 or 4 */
};

/* Channel c of group g of a pixel becomes its channel c * groups + g. Two groups are at a and b,
 * more of them n elements apart at a; out overlaps none. */
void channel_shuffle(
    const struct channel_shuffle *k, struct pool *pool, const void *a, const void *b, void *out);

/* out[2 i] = a[i], out[2 i + 1] = b[i] for i below n. */
typedef void zip_fn(int64_t n, const void *a, const void *b, void *out);

struct zip {
	const char *name;
	unsigned need;    /* enum cpu_feature bits */
	zip_fn *b32, *b8; /* elements of 32, 8 bits */
};

extern const struct zip zip_rows[]; /* best first, ref last, ended by name NULL */
int zip_pick(void);

#define ZIP(need, isa) zip_fn zip_b32__##isa, zip_b8__##isa;
#include "kernels/kernels.def"

#endif
