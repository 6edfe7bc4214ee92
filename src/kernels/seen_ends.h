/* The ends of floats while they are in registers, for the vectors of the including file's
 * instruction set. */
#ifndef KERNELS_SEEN_ENDS_H
#define KERNELS_SEEN_ENDS_H

#include "kernels/seen_f32.h"
#include "kernels/vec_f32.h"

struct ends {
	vec low, high, bad; /* bad: 0 as long as all is finite */
};

INLINE void ends_widen(struct ends *e, vec x)
{
	e->low = vec_min(e->low, x);
	e->high = vec_max(e->high, x);
	e->bad = vec_fma(x, vec_zero(), e->bad);
}

/* To the lanes of m. */
INLINE void ends_widen_mask(struct ends *e, vec_mask m, vec x)
{
	e->low = vec_blend(m, vec_min(e->low, x), e->low);
	e->high = vec_blend(m, vec_max(e->high, x), e->high);
	e->bad = vec_blend(m, vec_fma(x, vec_zero(), e->bad), e->bad);
}

/* What was seen so far; of NULL anything. */
INLINE struct ends ends_load(const struct seen_lanes *s)
{
	return s ? (struct ends){vec_load(s->low), vec_load(s->high), vec_load(s->bad)}
		 : (struct ends){vec_zero(), vec_zero(), vec_zero()};
}

/* Both of what went on from s, or nowhere when that is NULL. */
INLINE void ends_store(struct seen_lanes *s, const struct ends *a, const struct ends *b)
{
	if (!s)
		return;
	vec_store(s->low, vec_min(a->low, b->low));
	vec_store(s->high, vec_max(a->high, b->high));
	vec_store(s->bad, vec_add(a->bad, b->bad));
}

#endif
