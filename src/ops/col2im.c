/* Col2Im: sliding blocks, as columns, summed up into the picture they were cut from. */
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/elem.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_col2im[] = {{"strides", ATTR_INTS, false, "1, 1", NULL},
    {"dilations", ATTR_INTS, false, "1, 1", NULL}, {"pads_begin", ATTR_INTS, false, "0, 0", NULL},
    {"pads_end", ATTR_INTS, false, "0, 0", NULL}, {0}};

/* One spatial axis of the picture. */
struct slide {
	int64_t size, kernel, stride, dilation, pad, blocks;
};

/* Positions that the kernel takes; -1 when it does not fit. */
static int64_t count_blocks(const struct slide *a, int64_t pad_end)
{
	int64_t span, room;
	if (a->size < 0 || a->kernel < 1 || a->stride < 1 || a->dilation < 1 || a->pad < 0 ||
	    pad_end < 0 || mul_i64(a->dilation, a->kernel - 1, &span) ||
	    add_i64(a->size, a->pad, &room) || add_i64(room, pad_end, &room) ||
	    sub_i64(room, span, &room) || room < 1)
		return -1;
	return (room - 1) / a->stride + 1;
}

static bool read_slides(
    const struct node *n, const int64_t *size, const int64_t *kernel, struct slide a[2])
{
	const int64_t *v[4];
	static const char *const name[] = {"strides", "dilations", "pads_begin", "pads_end"};
	for (int k = 0; k < 4; k++)
		if (attr_ints(n, name[k], &v[k]) != 2)
			return false;
	for (int i = 0; i < 2; i++) {
		a[i] = (struct slide){size[i], kernel[i], v[0][i], v[1][i], v[2][i], 0};
		a[i].blocks = count_blocks(&a[i], v[3][i]);
		if (a[i].blocks < 0)
			return false;
	}
	return true;
}

int infer_col2im(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int64_t size[2], kernel[2], volume;
	struct slide a[2];
	struct dim d;
	int status = infer_want_rank(s, 0, 2, 3, "the columns");
	for (int k = 1; k < 3 && !status; k++)
		status = infer_want_int(s, k, "a size");
	s->out[0].type = s->in[0].type;
	if (status || in->rank < 0)
		return status;
	*out = shape_any(in->rank + 1);
	bool known = infer_ints(s, 1, size, 2) == 2, block = infer_ints(s, 2, kernel, 2) == 2;
	int c = in->rank - 2;
	if (c)
		out->dim[0] = in->dim[0];
	if (known)
		for (int i = 0; i < 2; i++)
			out->dim[c + 1 + i] = dim_of(size[i]);
	if (!block)
		return OK;
	if (kernel[0] < 1 || kernel[1] < 1 || mul_i64(kernel[0], kernel[1], &volume))
		return infer_fail(s, "the kernel size is out of range");
	d = in->dim[c];
	if (dim_static(d) && d.min % volume)
		return infer_fail(s, "%lld channels cannot be divided into blocks of %lld",
		    (long long)d.min, (long long)volume);
	out->dim[c] = (struct dim){
	    d.min / volume + (d.min % volume != 0), d.max == DIM_INF ? DIM_INF : d.max / volume, 0};
	if (!known)
		return OK;
	if (!read_slides(s->node, size, kernel, a))
		return infer_fail(s, "strides, dilations, pads and sizes do not fit together");
	if (!dim_merge(in->dim[c + 1], dim_of(a[0].blocks * a[1].blocks), &d))
		return infer_fail(s, "%lld columns, expected %lld", (long long)in->dim[c + 1].min,
		    (long long)(a[0].blocks * a[1].blocks));
	return OK;
}

/* Adds the columns of one kernel element to its places in one channel. */
static void add_columns(
    const struct slide a[2], int64_t ky, int64_t kx, const double *columns, double *plane)
{
	for (int64_t i = 0; i < a[0].blocks; i++) {
		int64_t y = i * a[0].stride - a[0].pad + ky * a[0].dilation;
		for (int64_t k = 0; k < a[1].blocks; k++) {
			int64_t x = k * a[1].stride - a[1].pad + kx * a[1].dilation;
			if (y >= 0 && y < a[0].size && x >= 0 && x < a[1].size)
				plane[y * a[1].size + x] += columns[i * a[1].blocks + k];
		}
	}
}

int eval_col2im(struct eval *s)
{
	const struct tensor *in = &s->in[0];
	int n, m;
	const int64_t *size = eval_ints(s, 1, &n), *kernel = size ? eval_ints(s, 2, &m) : NULL;
	struct slide a[2];
	if (!kernel)
		return s->err->status;
	if (n != 2 || m != 2 || !read_slides(s->node, size, kernel, a))
		return eval_fail(s, E_FORMAT, "the sizes do not fit");
	int64_t columns = a[0].blocks * a[1].blocks, area = size[0] * size[1];
	int64_t planes = area ? tensor_count(&s->out[0]) / area : 0, at = 0;
	double *plane = arena_array(s->scratch, (size_t)area + 1, sizeof *plane);
	double *column = arena_array(s->scratch, (size_t)columns + 1, sizeof *column);
	if (!plane || !column)
		return fail_nomem(s->err);
	if (planes * kernel[0] * kernel[1] * columns != tensor_count(in))
		return eval_fail(s, E_FORMAT, "the columns do not fill the picture");
	for (int64_t p = 0; p < planes; p++) {
		memset(plane, 0, (size_t)area * sizeof *plane);
		for (int64_t k = 0; k < kernel[0] * kernel[1]; k++, at += columns) {
			span_f64(column, in, at, columns);
			add_columns(a, k / kernel[1], k % kernel[1], column, plane);
		}
		span_put_f64(&s->out[0], p * area, area, plane);
	}
	return OK;
}
