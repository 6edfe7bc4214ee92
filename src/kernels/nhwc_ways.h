/* The ways of a convolution with channels last, behind nhwc_conv_f32.h, and what they share. */
#ifndef KERNELS_NHWC_WAYS_H
#define KERNELS_NHWC_WAYS_H

#include <math.h>

#include "kernels/nhwc_conv_f32.h"
#include "kernels/nhwc_kernel.h"

#define NHWC_SMALL 200000    /* multiply-adds that are not worth a second thread */
#define NHWC_LIGHT (1 << 20) /* bytes of weights that stay in each thread's cache */

/* What a cut of an image into rows and columns of blocks costs, of equal work on each thread. Of
 * equal ones, the fewest pieces; of about equal ones rows, where weights are light: the next layer
 * finds them in the same thread's cache. */
static inline int64_t nhwc_cut_cost(int64_t work, int rows, int cols, size_t weights)
{
	return work * (weights <= NHWC_LIGHT && cols > 1 ? 66 : 64) + rows * cols;
}
#define NHWC_FEW_BYTES 100000 /* of weights that are not */

static inline int nhwc_pieces(int64_t n, int64_t width)
{
	return (int)((n + width - 1) / width);
}

/* Is at within dim d of the input? */
static inline bool nhwc_inside(const struct conv_shape *s, int d, int at)
{
	return (unsigned)at < (unsigned)s->in[d];
}

/* Of n windows a stride apart, the first at x, those that take width pixels inside of the line:
 * *from..*to-1. */
static inline void nhwc_whole_windows(
    const struct conv_shape *s, int x, int n, int width, int *from, int *to)
{
	int step = s->stride[2], room = s->in[2] - width - x;
	*from = 0;
	*to = n;
	if (x < 0)
		*from = nhwc_pieces(-(int64_t)x, step) < n ? nhwc_pieces(-(int64_t)x, step) : n;
	if (room < (n - 1) * step)
		*to = room < 0 ? 0 : room / step + 1;
	*to = *to > *from ? *to : *from;
}

/* How many groups are worked on as one in panels of nr columns, with zeros between them: as fill
 * half a panel. A vector's lanes cost the same when they are empty. */
static inline int nhwc_merged(const struct conv_shape *s, int nr)
{
	int n = nr / 2 / s->cout;
	n = n < s->groups ? n : s->groups;
	while (n > 1 && s->groups % n)
		n--;
	return n > 1 ? n : 1;
}

static inline size_t nhwc_round64(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

#define NHWC_LANES 16 /* channels of the widest vector */
static inline int nhwc_lanes(int n)
{
	return (n + NHWC_LANES - 1) / NHWC_LANES * NHWC_LANES;
}

/* First of the i-th of n equal pieces of total. */
static inline int nhwc_part(int total, int i, int n)
{
	return (int)((int64_t)total * i / n);
}

/* The pixels of an output line that see all taps are *from..*to-1, if any. */
static inline void nhwc_whole(const struct conv_shape *s, int *from, int *to)
{
	int64_t reach = (int64_t)(s->kernel[2] - 1) * s->dilation[2], step = s->stride[2];
	int64_t room = (int64_t)s->in[2] - 1 - reach + s->pad[2];
	int64_t lo = s->pad[2] > 0 ? (s->pad[2] + step - 1) / step : 0;
	int64_t hi = room < 0 ? 0 : room / step + 1;
	*to = hi < s->out[2] ? (int)hi : s->out[2];
	*from = lo < *to ? (int)lo : *to;
}

/* Floats of a packed matrix [k x n]: panels of nr columns, the last one of nr / 2 when that is
 * enough. */
size_t igemm_f32_packed(const struct igemm_f32 *row, size_t k, int n);
/* One matrix: element (tap, channel, column) at w[column * cin * taps + channel * taps + tap], the
 * rows of a panel ordered by tap, then channel. */
void igemm_f32_pack(const struct igemm_f32 *row, struct pool *pool, int cin, int taps, int n,
    const float *w, float *packed);

/* The pool when so many bytes of weights are worth a second thread, else NULL. */
static inline struct pool *nhwc_packers(struct pool *pool, size_t bytes)
{
	return bytes > NHWC_FEW_BYTES ? pool : NULL;
}

/* The function behind the clamp on rows of n results, ld apart, while they are in the cache. */
static inline void nhwc_act(const struct nhwc_conv_f32 *c, float *x, int rows, int64_t ld, int n)
{
	if (c->act == SPAN_NONE)
		return;
	span_f32_fn *fn = span_f32_rows[span_f32_pick()].op[c->act];
	if (ld == n) {
		fn(x, NULL, 0, rows * n, c->act_a, c->act_b);
		return;
	}
	for (int i = 0; i < rows; i++, x += ld)
		fn(x, NULL, 0, n, c->act_a, c->act_b);
}

/* Is a run asked what it sees of its results? Then what is done to sums is left to nhwc_settle. */
static inline bool nhwc_sees(const struct nhwc_conv_f32_args *a)
{
	return a->before || a->after;
}

/* All that is done to rows of n sums x, c->ld_out apart, while they are in the cache. */
static inline void nhwc_settle(const struct nhwc_conv_f32 *c, const struct nhwc_conv_f32_args *a,
    float *x, const float *add, int rows, int n)
{
	struct seen_settle q = {.x = x,
	    .rows = rows,
	    .n = n,
	    .ld = c->ld_out,
	    .add = add,
	    .ld_add = c->ld_add,
	    .lo = c->lo,
	    .hi = c->hi,
	    .before = a->before,
	    .after = c->act == SPAN_NONE ? a->after : NULL};
	const struct seen_f32 *row = &seen_f32_rows[seen_f32_pick()];
	row->settle(&q);
	if (c->act == SPAN_NONE)
		return;
	nhwc_act(c, x, rows, c->ld_out, n);
	q.add = NULL;
	q.lo = -INFINITY;
	q.hi = INFINITY;
	q.before = NULL;
	q.after = a->after;
	row->settle(&q);
}

struct nhwc_way {
	void (*plan)(struct nhwc_conv_f32 *c);
	size_t (*packed)(const struct nhwc_conv_f32 *c);
	void (*pack)(
	    const struct nhwc_conv_f32 *c, struct pool *pool, const float *w, float *packed);
	void (*run)(
	    const struct nhwc_conv_f32 *c, struct pool *pool, const struct nhwc_conv_f32_args *a);
};
/* Shapes that the way can do. */
bool nhwc_depthwise_fits(const struct conv_shape *s);
bool nhwc_group_fits(const struct conv_shape *s);
bool nhwc_winograd_fits(const struct conv_shape *s, int way);
bool nhwc_wino_tiles_fits(const struct conv_shape *s);
bool nhwc_igemm_reads_planes(const struct conv_shape *s);
/* Is it faster by groups than CONV_IGEMM? */
bool nhwc_group_pays(const struct conv_shape *s);
/* About what a shape that Winograd's ways fit costs by one of them, or by CONV_IGEMM, in
 * multiply-adds. */
int64_t nhwc_winograd_cost(const struct conv_shape *s, int way);
/* The fastest of CONV_IGEMM and Winograd's. */
int nhwc_winograd_choose(const struct conv_shape *s);
/* Is BF16 faster than this way? */
bool nhwc_bf16_pays(const struct conv_shape *s, int way);
extern const struct nhwc_way nhwc_igemm, nhwc_igemm_bf16, nhwc_depthwise, nhwc_groups,
    nhwc_winograd, nhwc_wino_tiles;

/* Parts of a convolution for nhwc_block_f32.c, for one worker, after a plan for one thread. Output
 * rows (pixels) first..last-1 by implicit GEMM; zero is c->shared bytes of zeros. */
void nhwc_igemm_rows(const struct nhwc_conv_f32 *c, const struct nhwc_conv_f32_args *a,
    const float *zero, int first, int last, char *scratch);
/* Plans for at most so many of them; scratch takes c->worker bytes. */
void nhwc_igemm_plan_rows(struct nhwc_conv_f32 *c, int rows);
/* Output lines first..last-1 of a depthwise one, whose input is in the L2 cache after this plan. */
void nhwc_depthwise_plan_lines(struct nhwc_conv_f32 *c);
void nhwc_depthwise_lines(
    const struct nhwc_conv_f32 *c, const struct nhwc_conv_f32_args *a, int first, int last);

/* Sets row_blocks, col_blocks and block_rows for a product of panels columns of tiles of mr rows,
 * with blocks of about cached rows. */
void nhwc_cut(struct nhwc_conv_f32 *c, int panels, int mr, int cached);

#endif
