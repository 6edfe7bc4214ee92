/* What the operators that move elements share: rectangular copies and reading of index inputs. */
#include <string.h>

#include "ops/view.h"

#define TILE 16 /* side of the square in which a transposing copy keeps both sides in cache */

void view_dim(struct view *v, int64_t n, int64_t from, int64_t to)
{
	v->dim[v->rank] = n;
	v->from[v->rank] = from;
	v->to[v->rank++] = to;
}

/* Drops dimensions of size 1 and joins neighbours that are one run on both sides. */
static void view_join(struct view *v)
{
	int n = 0;
	for (int i = 0; i < v->rank; i++) {
		if (v->dim[i] == 1)
			continue;
		int64_t d = v->dim[i];
		if (n && v->from[n - 1] == v->from[i] * d && v->to[n - 1] == v->to[i] * d) {
			v->dim[n - 1] *= d;
			v->from[n - 1] = v->from[i];
			v->to[n - 1] = v->to[i];
			continue;
		}
		v->dim[n] = d;
		v->from[n] = v->from[i];
		v->to[n++] = v->to[i];
	}
	v->rank = n;
}

/* Moves dimension i to position p from the end. */
static void view_sink(struct view *v, int i, int p)
{
	int last = v->rank - 1 - p;
	struct view old = *v;
	for (int k = i; k < last; k++) {
		v->dim[k] = old.dim[k + 1];
		v->from[k] = old.from[k + 1];
		v->to[k] = old.to[k + 1];
	}
	v->dim[last] = old.dim[i];
	v->from[last] = old.from[i];
	v->to[last] = old.to[i];
}

/* Puts the dimension that is dense in dst last and the one dense in src before it. */
static void view_order(struct view *v)
{
	for (int i = v->rank - 1; i >= 0; i--)
		if (v->to[i] == 1) {
			view_sink(v, i, 0);
			break;
		}
	if (v->rank < 2 || v->from[v->rank - 1] == 1)
		return;
	for (int i = v->rank - 2; i >= 0; i--)
		if (v->from[i] == 1) {
			view_sink(v, i, 1);
			break;
		}
}

struct plane {
	int64_t rows, cols;
	int64_t row_from, row_to, col_from, col_to;
};

#define COPY_PLANE(type)                                                                    \
	static void copy_##type(const struct plane *p, type *dst, const type *src)          \
	{                                                                                   \
		for (int64_t r0 = 0; r0 < p->rows; r0 += TILE) {                            \
			int64_t r1 = r0 + TILE < p->rows ? r0 + TILE : p->rows;             \
			for (int64_t c0 = 0; c0 < p->cols; c0 += TILE) {                    \
				int64_t c1 = c0 + TILE < p->cols ? c0 + TILE : p->cols;     \
				for (int64_t r = r0; r < r1; r++)                           \
					for (int64_t c = c0; c < c1; c++)                   \
						dst[r * p->row_to + c * p->col_to] =        \
						    src[r * p->row_from + c * p->col_from]; \
			}                                                                   \
		}                                                                           \
	}
COPY_PLANE(uint8_t)
COPY_PLANE(uint16_t)
COPY_PLANE(uint32_t)
COPY_PLANE(uint64_t)

static void copy_plane(const struct plane *p, char *dst, const char *src, size_t size)
{
	if (p->col_from == 1 && p->col_to == 1) {
		for (int64_t r = 0; r < p->rows; r++)
			memcpy(dst + r * p->row_to * (int64_t)size,
			    src + r * p->row_from * (int64_t)size, (size_t)p->cols * size);
		return;
	}
	switch (size) {
	case 1:
		copy_uint8_t(p, (uint8_t *)dst, (const uint8_t *)src);
		break;
	case 2:
		copy_uint16_t(p, (uint16_t *)dst, (const uint16_t *)src);
		break;
	case 4:
		copy_uint32_t(p, (uint32_t *)dst, (const uint32_t *)src);
		break;
	default:
		copy_uint64_t(p, (uint64_t *)dst, (const uint64_t *)src);
	}
}

void view_copy(const struct view *view, void *dst, const void *src, size_t size)
{
	struct view v = *view;
	for (int i = 0; i < v.rank; i++)
		if (v.dim[i] <= 0)
			return;
	view_join(&v);
	view_order(&v);
	struct plane p = {1, 1, 0, 0, 1, 1};
	int outer = v.rank < 2 ? 0 : v.rank - 2;
	if (v.rank) {
		p.cols = v.dim[v.rank - 1];
		p.col_from = v.from[v.rank - 1];
		p.col_to = v.to[v.rank - 1];
	}
	if (v.rank > 1) {
		p.rows = v.dim[outer];
		p.row_from = v.from[outer];
		p.row_to = v.to[outer];
	}
	int64_t at[VIEW_RANK] = {0}, from = 0, to = 0;
	for (;;) {
		copy_plane(&p, (char *)dst + to * (int64_t)size,
		    (const char *)src + from * (int64_t)size, size);
		int i = outer - 1;
		for (; i >= 0; i--) {
			from += v.from[i];
			to += v.to[i];
			if (++at[i] < v.dim[i])
				break;
			from -= v.from[i] * v.dim[i];
			to -= v.to[i] * v.dim[i];
			at[i] = 0;
		}
		if (i < 0)
			return;
	}
}

static void map_row(
    char *dst, const char *src, const int64_t *map, int64_t n, int64_t off, size_t size)
{
	for (int64_t i = 0; i < n; i++) {
		if (map[i] == MAP_ZERO)
			memset(dst + i * (int64_t)size, 0, size);
		else if (size == 4)
			((uint32_t *)dst)[i] = ((const uint32_t *)src)[off + map[i]];
		else
			memcpy(dst + i * (int64_t)size, src + (off + map[i]) * (int64_t)size, size);
	}
}

void map_copy(struct tensor *t, const void *src, int64_t *const map[], size_t size)
{
	static const int64_t here;
	int last = t->rank - 1;
	int64_t at[MAX_RANK] = {0}, n = t->rank ? t->dim[last] : 1;
	const int64_t *row = t->rank ? map[last] : &here;
	if (!tensor_count(t))
		return;
	for (char *dst = t->data;; dst += n * (int64_t)size) {
		int64_t off = 0;
		bool zero = false;
		for (int k = 0; k < last; k++) {
			zero |= map[k][at[k]] == MAP_ZERO;
			off += zero ? 0 : map[k][at[k]];
		}
		if (zero)
			memset(dst, 0, (size_t)n * size);
		else
			map_row(dst, src, row, n, off, size);
		int k = last - 1;
		while (k >= 0 && ++at[k] == t->dim[k])
			at[k--] = 0;
		if (k < 0)
			return;
	}
}

void tensor_strides(const struct tensor *t, int64_t stride[MAX_RANK])
{
	int64_t n = 1;
	for (int i = t->rank - 1; i >= 0; i--) {
		stride[i] = n;
		n *= t->dim[i];
	}
}

int64_t dims_product(const struct tensor *t, int from, int to)
{
	int64_t n = 1;
	for (int i = from; i < to; i++)
		n *= t->dim[i];
	return n;
}

size_t eval_elem_size(struct eval *s, const struct tensor *t)
{
	int bits = dtype_bits(t->type);
	if (bits >= 8)
		return (size_t)bits / 8;
	eval_fail(s, E_UNSUPPORTED, "elements of type %s cannot be moved by '%s'",
	    dtype_name(t->type), s->node->op->type);
	return 0;
}

const int64_t *eval_ints(struct eval *s, int k, int *n)
{
	const struct tensor *t = &s->in[k];
	int64_t count = tensor_count(t);
	if (!dtype_is_int(t->type) || count > LIMIT_ATTR_VALUES) {
		eval_fail(s, E_FORMAT, "input %d is no list of integers", k);
		return NULL;
	}
	int64_t *v = arena_array(s->scratch, (size_t)count + 1, sizeof *v);
	if (!v) {
		fail_nomem(s->err);
		return NULL;
	}
	for (int64_t i = 0; i < count; i++)
		v[i] = index_at(t, i);
	*n = (int)count;
	return v;
}

int eval_int(struct eval *s, int k, int64_t *v)
{
	if (!dtype_is_int(s->in[k].type) || tensor_count(&s->in[k]) != 1)
		return eval_fail(s, E_FORMAT, "input %d is not one integer", k);
	*v = index_at(&s->in[k], 0);
	return OK;
}

int eval_axis(struct eval *s, int64_t axis, int rank)
{
	if (axis >= -rank && axis < rank)
		return (int)(axis < 0 ? axis + rank : axis);
	eval_fail(s, E_FORMAT, "axis %lld is out of range for rank %d", (long long)axis, rank);
	return -1;
}

int eval_expect(struct eval *s, int k, int rank, const int64_t *dims)
{
	const struct tensor *t = &s->out[k];
	bool same = t->rank == rank;
	for (int i = 0; same && i < rank; i++)
		same = t->dim[i] == dims[i];
	return same ? OK
		    : eval_fail(s, E_FORMAT, "output %d has another shape than its inputs ask", k);
}
