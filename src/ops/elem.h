/* Spans of elements of any type as doubles or 64-bit integers, and walks over broadcast tensors:
 * what the evaluations of the families share. */
#ifndef OPS_ELEM_H
#define OPS_ELEM_H

#include "base/vector.h"
#include "ops/op.h"

#define SPAN 512 /* elements that an evaluation holds at once as doubles */

/* Elements at..at+n-1 of t, in row-major order, as doubles (integers beyond 2^53 round). */
void span_f64(double *dst, const struct tensor *t, int64_t at, int64_t n);
/* The same as 64-bit integers: u64 as its bits, floats truncate. */
void span_i64(int64_t *dst, const struct tensor *t, int64_t at, int64_t n);
/* n copies of element at. */
void span_fill_f64(double *dst, const struct tensor *t, int64_t at, int64_t n);
void span_fill_i64(int64_t *dst, const struct tensor *t, int64_t at, int64_t n);
/* Writes doubles to elements at..at+n-1 of t: floats round once; to integers they are rounded half
 * away from zero and saturate, NaN gives 0; BOOL is v != 0. */
void span_put_f64(struct tensor *t, int64_t at, int64_t n, const double *src);
/* Writes integers: they wrap. */
void span_put_i64(struct tensor *t, int64_t at, int64_t n, const int64_t *src);

/* True for the types whose arithmetic is done in int64_t: the integers and BOOL. */
static inline bool type_whole(enum dtype t)
{
	return t == DT_BOOL || dtype_is_int(t);
}

#define WALK_MAX 5

/* A walk over an output shape in rows along which every input either advances by one element or
 * stays: adjacent dims are merged where all inputs allow it. */
struct walk {
	int nin, rank;
	int64_t dim[MAX_RANK];
	int64_t stride[WALK_MAX][MAX_RANK];
	int64_t pos[MAX_RANK];
	/* The current row: n outputs from index out; input k starts at at[k] and advances by
	 * step[k], which is 0 or 1. */
	int64_t n, out;
	int64_t at[WALK_MAX];
	int step[WALK_MAX];
	bool done;
};
/* Input k has in_rank[k] dims in_dim[k], aligned to the right and stretched where 1: the shapes
 * were checked by inference. Use: for (walk_start(...); !w.done; walk_next(&w)). */
void walk_start(struct walk *w, int rank, const int64_t *dims, int nin, const int *in_rank,
    const int64_t *const *in_dim);
/* walk_start over tensors. */
void walk_tensors(struct walk *w, const struct tensor *out, int nin, const struct tensor *in);
void walk_next(struct walk *w);

/* Product of dims from..to-1. */
static inline int64_t dims_count(const int64_t *dim, int from, int to)
{
	int64_t n = 1;
	for (int i = from; i < to; i++)
		n *= dim[i];
	return n;
}

/* Scratch of n * size bytes from the arena of s: NULL without memory. */
void *eval_scratch(struct eval *s, int64_t n, size_t size);
/* Axes from an integer tensor (or one scalar), normalised to 0..rank-1, as a bit mask. */
int elem_axes(struct eval *s, const struct tensor *t, int rank, uint32_t *mask);
/* One axis. */
int elem_axis(struct eval *s, int64_t axis, int rank, int *out);

/* ---- shared checks of inference ----------------------------------------------------------- */

/* Fails unless inputs a and b are of the same type (absent ones pass). */
int infer_same_types(struct infer *s, int a, int b);
/* Fails unless input k is a floating-point tensor. */
int infer_float(struct infer *s, int k);
/* Fails unless input k is of type t. */
int infer_type(struct infer *s, int k, enum dtype t);
/* Fails unless input k is of an integer type. */
int infer_integer(struct infer *s, int k);
/* Fails unless input k may have one element. */
int infer_one(struct infer *s, int k);

/* v = expr of a = v[i] and b = c[i]. */
#define PAIR_LOOP(name, type, expr)                                                  \
	static VECTOR void name(type *restrict v, const type *restrict c, int64_t n) \
	{                                                                            \
		for (int64_t i = 0; i < n; i++) {                                    \
			type a = v[i], b = c[i];                                     \
			v[i] = (expr);                                               \
		}                                                                    \
	}

#endif
