/* FP32 convolution as GEMM: weights times columns gathered from the image into panels. */
#include <string.h>

#include "kernels/conv_f32.h"

static size_t volume(const int d[3])
{
	return (size_t)d[0] * (size_t)d[1] * (size_t)d[2];
}

static int depth_of(const struct conv_shape *s)
{
	return (int)((size_t)s->cin * volume(s->kernel));
}

size_t conv_f32_packed_size(const struct gemm_f32 *row, const struct conv_shape *s)
{
	return (size_t)s->groups * gemm_f32_size_a(row, s->cout, depth_of(s));
}

void conv_f32_pack(
    const struct gemm_f32 *row, const struct conv_shape *s, const float *w, float *packed)
{
	int k = depth_of(s), panels = (s->cout + row->mr - 1) / row->mr;
	size_t size = gemm_f32_size_a(row, s->cout, k);
	for (int g = 0; g < s->groups; g++, packed += size, w += (size_t)s->cout * (size_t)k)
		gemm_f32_pack_a(row, s->cout, k, w, (size_t)k, 1, 0, panels, packed);
}

/* The columns of one panel that lie in one row of the output. */
struct run {
	int at, n;   /* first column in the panel, count */
	int z, y, x; /* input position of the first column under kernel element 0, may be < 0 */
};

#define MAX_NR 64

static int split_runs(const struct conv_shape *s, int j0, int n, struct run *run)
{
	int count = 0;
	for (int at = 0; at < n; count++) {
		int j = j0 + at, x = j % s->out[2], y = j / s->out[2] % s->out[1];
		int z = j / s->out[2] / s->out[1], len = s->out[2] - x;
		len = len < n - at ? len : n - at;
		run[count] = (struct run){at, len, z * s->stride[0] - s->pad[0],
		    y * s->stride[1] - s->pad[1], x * s->stride[2] - s->pad[2]};
		at += len;
	}
	return count;
}

/* dst[j] = row[x + j * stride] for 0 <= j < n, 0 outside 0..width-1. */
static void copy_run(const float *row, int width, int x, int stride, int n, float *dst)
{
	int lo = x < 0 ? (-x + stride - 1) / stride : 0;
	int hi = x < width ? (width - 1 - x) / stride + 1 : 0;
	lo = lo < n ? lo : n;
	hi = hi < n ? hi : n;
	for (int j = 0; j < lo; j++)
		dst[j] = 0;
	if (stride == 1)
		for (int j = lo; j < hi; j++)
			dst[j] = row[x + j];
	else
		for (int j = lo; j < hi; j++)
			dst[j] = row[x + j * stride];
	for (int j = hi > lo ? hi : lo; j < n; j++)
		dst[j] = 0;
}

/* A kernel element: channel and offsets, stepped in the order of the weights. */
struct element {
	int c, z, y, x;
};

static struct element element_at(const struct conv_shape *s, int p)
{
	const int *k = s->kernel;
	return (struct element){
	    p / k[2] / k[1] / k[0], p / k[2] / k[1] % k[0], p / k[2] % k[1], p % k[2]};
}

static void element_next(const struct conv_shape *s, struct element *e)
{
	if (++e->x < s->kernel[2])
		return;
	e->x = 0;
	if (++e->y < s->kernel[1])
		return;
	e->y = 0;
	if (++e->z < s->kernel[0])
		return;
	e->z = 0;
	e->c++;
}

struct image {
	const struct conv_shape *s;
	const float *data; /* first channel of the group */
};

static void pack_columns(const void *ctx, int p0, int kc, int j0, int n, int nr, float *dst)
{
	const struct image *im = ctx;
	const struct conv_shape *s = im->s;
	struct run run[MAX_NR];
	struct element e = element_at(s, p0);
	int nruns = split_runs(s, j0, n, run);
	for (int p = 0; p < kc; p++, dst += nr, element_next(s, &e)) {
		const float *plane = im->data + (size_t)e.c * volume(s->in);
		for (int i = 0; i < nruns; i++) {
			const struct run *r = &run[i];
			int z = r->z + e.z * s->dilation[0], y = r->y + e.y * s->dilation[1];
			bool inside = z >= 0 && z < s->in[0] && y >= 0 && y < s->in[1];
			size_t line = inside ? (size_t)z * (size_t)s->in[1] + (size_t)y : 0;
			copy_run(plane + line * (size_t)s->in[2], inside ? s->in[2] : 0,
			    inside ? r->x + e.x * s->dilation[2] : 0, s->stride[2], r->n,
			    dst + r->at);
		}
	}
}

/* 1x1 without strides and pads: the image is the matrix B. */
static bool is_plain(const struct conv_shape *s)
{
	for (int d = 0; d < 3; d++)
		if (s->kernel[d] != 1 || s->stride[d] != 1 || s->pad[d] || s->in[d] != s->out[d])
			return false;
	return true;
}

void conv_f32_plan(struct conv_f32 *c, int threads)
{
	const struct conv_shape *s = &c->s;
	int n = (int)volume(s->out);
	c->cut = gemm_f32_cut(c->row, s->cout, n, (int64_t)s->batch * s->groups, threads);
	c->scratch = gemm_f32_scratch(c->row, depth_of(s), c->cut.col_panels * c->row->nr);
}

struct conv_run {
	const struct conv_f32 *c;
	const float *in;
	float *out, *scratch;
};

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

static void conv_task(void *ctx, int task, int worker)
{
	const struct conv_run *r = ctx;
	const struct conv_f32 *c = r->c;
	const struct conv_shape *s = &c->s;
	const struct gemm_f32_cut *cut = &c->cut;
	int j = task % cut->cols, i = task / cut->cols % cut->rows;
	size_t item = (size_t)(task / cut->cols / cut->rows), group = item % (size_t)s->groups;
	size_t n = volume(s->out), in_size = (size_t)s->cin * volume(s->in);
	struct image im = {s, r->in + item * in_size};
	struct gemm_f32_job job = {.row = c->row,
	    .m = s->cout,
	    .n = (int)n,
	    .k = depth_of(s),
	    .a = c->packed + group * gemm_f32_size_a(c->row, s->cout, depth_of(s)),
	    .pack = pack_columns,
	    .ctx = &im,
	    .c = r->out + item * (size_t)s->cout * n,
	    .ldc = n,
	    .e = {c->bias ? c->bias + group * (size_t)s->cout : NULL, NULL, c->lo, c->hi}};
	if (is_plain(s)) {
		job.b = im.data;
		job.b_panel = (size_t)c->row->nr;
		job.ldb = n;
	}
	int mp = (s->cout + c->row->mr - 1) / c->row->mr;
	int np = ((int)n + c->row->nr - 1) / c->row->nr;
	gemm_f32_block(&job, i * cut->row_panels, min_int((i + 1) * cut->row_panels, mp),
	    j * cut->col_panels, min_int((j + 1) * cut->col_panels, np),
	    r->scratch + (size_t)worker * c->scratch);
}

void conv_f32_run(
    const struct conv_f32 *c, struct pool *pool, const float *in, float *out, float *scratch)
{
	struct conv_run r = {c, in, out, scratch};
	pool_run(pool, c->s.batch * c->s.groups * c->cut.rows * c->cut.cols, conv_task, &r);
}
