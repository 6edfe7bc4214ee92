/* Helpers for inference: checks of inputs, and integer content that is known only in part. */
#ifndef OPS_CONTENT_H
#define OPS_CONTENT_H

#include "ops/op.h"

/* An integer of which nothing is known. */
static inline struct dim elem_any(void)
{
	return (struct dim){INT64_MIN, DIM_INF, 0};
}
/* The size that an integer asks for, when it is not negative. */
static inline struct dim elem_size(struct dim e)
{
	if (e.min < 0)
		return e.max < 0 || e.max == DIM_INF ? dim_any() : (struct dim){0, e.max, 0};
	return e;
}

/* Input k must be of an integer type; what names it in the error. */
int infer_want_int(struct infer *s, int k, const char *what);
/* Input k must have a rank in [lo, hi] if its rank is known. */
int infer_want_rank(struct infer *s, int k, int lo, int hi, const char *what);
/* Inputs a and b must have one type. */
int infer_want_same(struct infer *s, int a, int b);
/* A rank that tensors may have. */
int infer_want_max_rank(struct infer *s, int rank);
/* Element count of input k when static, else -1. */
int64_t infer_count(const struct infer *s, int k);
/* Axes (or any list of at most MAX_RANK integers) of input k, normalised for rank and checked to be
 * distinct. *n is -1 when they are not known. */
int infer_axes(struct infer *s, int k, int rank, int *axes, int *n);
/* Content of input k as *n values, the unknown ones elem_any; NULL when not even the count is known
 * or there are more than LIMIT_ELEMS, or it has a rank above 1. */
const struct dim *infer_content(struct infer *s, int k, int *n);
/* The shape that input k asks for; unknown when not even its rank is known. */
int infer_target(struct infer *s, int k, struct shape *out);
/* True when some content of input k is known: worth passing on. */
bool infer_has_content(struct infer *s, int k);

#endif
