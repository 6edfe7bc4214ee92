/* What the operators that move elements share: rectangular copies and reading of index inputs. */
#ifndef OPS_VIEW_H
#define OPS_VIEW_H

#include "ops/op.h"

#define VIEW_RANK (2 * MAX_RANK) /* blocks split a dimension in two */

/* Element i[0..rank) goes from src + sum i*from to dst + sum i*to; strides count elements and may
 * be 0 (from only) or negative. Targets must not overlap. */
struct view {
	int rank;
	int64_t dim[VIEW_RANK], from[VIEW_RANK], to[VIEW_RANK];
};
/* Appends a dimension; the caller keeps within VIEW_RANK. */
void view_dim(struct view *v, int64_t n, int64_t from, int64_t to);
/* Copies; size is an element's bytes: 1, 2, 4 or 8. */
void view_copy(const struct view *v, void *dst, const void *src, size_t size);

#define MAP_ZERO INT64_MIN /* in a map: no source, the element becomes zero */
/* Fills t from src: the element at i[0..rank) comes from the sum of map[k][i[k]], in elements. */
void map_copy(struct tensor *t, const void *src, int64_t *const map[], size_t size);

/* Row-major strides of a tensor in elements. */
void tensor_strides(const struct tensor *t, int64_t stride[MAX_RANK]);
/* Product of dims [from, to). */
int64_t dims_product(const struct tensor *t, int from, int to);

/* Bytes of one element of a tensor; 0 with the error set for types packed below a byte. */
size_t eval_elem_size(struct eval *s, const struct tensor *t);
/* All values of integer input k, n of them, in scratch memory; NULL with the error set. */
const int64_t *eval_ints(struct eval *s, int k, int *n);
/* The only value of integer input k. */
int eval_int(struct eval *s, int k, int64_t *v);
/* Axis normalised for a rank; -1 with the error set. */
int eval_axis(struct eval *s, int64_t axis, int rank);
/* Fails unless output k has this rank and these sizes: inference promised so. */
int eval_expect(struct eval *s, int k, int rank, const int64_t *dims);

/* Element i of an index tensor, fast for the usual types. */
static inline int64_t index_at(const struct tensor *t, int64_t i)
{
	if (t->type == DT_I64)
		return ((const int64_t *)t->data)[i];
	if (t->type == DT_I32)
		return ((const int32_t *)t->data)[i];
	return tensor_i64(t, i);
}

#endif
