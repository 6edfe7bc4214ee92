/* Convolutions, and matrix products with constant weights, as calls of the convolution kernels. */
#include <limits.h>
#include <stdlib.h>

#include "base/checked.h"
#include "exec/lower.h"
#include "exec/pack.h"
#include "exec/tap.h"
#include "ops/window.h"

/* Kernels count in int, and tasks too. */
static bool counts_fit(int64_t a, int64_t b, int64_t c)
{
	int64_t n;
	return a >= 0 && b >= 0 && c >= 0 && !mul_i64(a, b, &n) && !mul_i64(n, c, &n) &&
	       n <= INT_MAX / 64;
}

/* ---- Convolution ---- */

static int groups_of(const struct node *n, const struct tensor *w)
{
	return node_is(n, OP_GROUP_CONVOLUTION) ? (int)w->dim[0] : 1;
}

bool conv_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *w = lower_dims(l, node_in(n, 1));
	const struct tensor *y = lower_dims(l, &n->out[0]);
	int spatial = x->rank - 2, lead = w->rank - spatial;
	struct window win;
	struct err ignored = {0};
	if (window_read(&win, n, spatial, &ignored) < 0)
		return false;
	for (int d = 0; d < w->rank; d++)
		if (w->dim[d] > INT_MAX / 64)
			return false;
	*s = (struct conv_shape){.batch = (int)x->dim[0],
	    .groups = groups_of(n, w),
	    .cout = (int)w->dim[lead - 2],
	    .cin = (int)w->dim[lead - 1]};
	for (int d = 0; d < 3; d++)
		s->in[d] = s->out[d] = s->kernel[d] = s->stride[d] = s->dilation[d] = 1;
	for (int i = 0; i < spatial; i++) {
		int d = 3 - spatial + i;
		win.dim[i].kernel = dim_of(w->dim[lead + i]);
		window_pad(&win, i, x->dim[2 + i], y->dim[2 + i]);
		if (x->dim[2 + i] > INT_MAX / 64 || y->dim[2 + i] > INT_MAX / 64 ||
		    win.dim[i].stride > INT_MAX / 64 || win.dim[i].dilation > INT_MAX / 64 ||
		    win.dim[i].begin > INT_MAX / 64 || win.dim[i].begin < -INT_MAX / 64)
			return false;
		s->in[d] = (int)x->dim[2 + i];
		s->out[d] = (int)y->dim[2 + i];
		s->kernel[d] = (int)w->dim[lead + i];
		s->stride[d] = (int)win.dim[i].stride;
		s->dilation[d] = (int)win.dim[i].dilation;
		s->pad[d] = (int)win.dim[i].begin;
	}
	int64_t taps = (int64_t)conv_volume(s->kernel);
	return counts_fit(pixels_of(x), 1, 1) && counts_fit(pixels_of(y), 1, 1) &&
	       counts_fit(taps, s->cin, 1) && counts_fit(s->groups, s->cout, 1) &&
	       counts_fit(s->groups, s->cin, 1);
}

bool conv_has_kernel(const struct lower *l, const struct node *n)
{
	struct conv_shape s;
	if (!node_is(n, OP_CONVOLUTION) && !node_is(n, OP_GROUP_CONVOLUTION))
		return false;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *w = lower_dims(l, node_in(n, 1));
	return x->type == DT_F32 && w->type == DT_F32 && tensor_count(x) && tensor_count(w) &&
	       lower_constant(l, node_in(n, 1)) && conv_shape_of(l, n, &s);
}

int conv_way_of(struct lower *l, const struct conv_shape *s)
{
	const struct exec_options *o = &l->e->o;
	int way = o->bf16 ? nhwc_conv_f32_choose_bf16(s, o->exact)
			  : nhwc_conv_f32_choose(s, o->exact);
	return o->tune ? tune_way(&l->tuning, s, way) : way;
}

/* The operands that are the same whatever is convolved. */
static int finish(struct lower *l, struct call *c, struct nhwc_conv_f32 *k, const struct fused *f,
    const void *packed, struct spot x, struct spot add, struct spot y)
{
	int status = buffer_fixed(l, packed, nhwc_conv_f32_packed(k), &c->packed);
	if (status == OK)
		status = buffer_fixed(l, f->bias,
		    (size_t)k->s.groups * (size_t)k->s.cout * sizeof *f->bias, &c->bias);
	c->conv = *k;
	call_operands(l, c, x, add, y);
	return status == OK ? call_scratch(l, c, k->scratch) : status;
}

/* What the call tells of its results, when it can. */
static int see(struct lower *l, struct call *c, const struct fused *f)
{
	if (!nhwc_conv_f32_sees(c->conv.way))
		return OK;
	int status = tap_seen(l->e, l->p, f->before, &c->before, l->err);
	return status ? status : tap_seen(l->e, l->p, &f->end->out[0], &c->after, l->err);
}

enum layout conv_reads(const struct lower *l, const struct value *v, struct nhwc_conv_f32 *k)
{
	k->planes = !l->last[v->id] && nhwc_conv_f32_reads_planes(&k->s, k->way);
	return k->planes ? ROW_MAJOR : CHANNELS_LAST;
}

static int conv_call(struct lower *l, const struct node *n, struct nhwc_conv_f32 *k,
    const struct fused *f, enum layout layout, const void *packed)
{
	const struct value *out = &f->end->out[0];
	struct spot x, add = {0}, y;
	enum layout in = layout == CHANNELS_LAST ? conv_reads(l, node_in(n, 0), k) : layout;
	int status = spot_need(l, node_in(n, 0), in, &x);
	if (status == OK && f->add)
		status = spot_need(l, f->add, layout, &add);
	if (status == OK)
		status = spot_make(l, out, layout, true, &y);
	if (status < 0)
		return status;
	if (layout == CHANNELS_LAST) {
		k->ld_in = k->planes ? k->s.cin : x.ld;
		k->ld_add = add.ld;
		k->ld_out = y.ld;
	}
	k->lo = f->lo;
	k->hi = f->hi;
	fused_act(k, f);
	nhwc_conv_f32_plan(k, pool_size(l->e->o.pool));
	struct call *c = call_add(l, CALL_CONV, n);
	status = c ? finish(l, c, k, f, packed, x, add, y) : fail_nomem(l->err);
	return status ? status : see(l, c, f);
}

static int fuse_for(struct lower *l, int i, const struct node *n, int axis,
    const struct nhwc_conv_f32 *k, struct fused *f)
{
	int64_t channels = (int64_t)k->s.groups * k->s.cout;
	return nhwc_conv_f32_sees(k->way) ? fuse_seeing(l, i, n, axis, channels, f)
					  : fuse(l, i, n, axis, channels, f);
}

int lower_conv(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct nhwc_conv_f32 k = {0};
	struct fused f;
	const void *packed;
	if (!conv_has_kernel(l, n) || !conv_shape_of(l, n, &k.s))
		return OK;
	*done = true;
	k.way = pack_way(l->e->net, n, &k.s, conv_way_of(l, &k.s), l->e->o.share);
	nhwc_conv_f32_plan(&k, pool_size(l->e->o.pool));
	int status = pack_conv(l->e, n, &k, &packed, l->err);
	if (status == OK)
		status = fuse_for(l, i, n, 1, &k, &f);
	bool block = false;
	if (status == OK)
		fuse_act(l, &f);
	if (status == OK && !f.before)
		status = lower_block(l, i, &k, &f, packed, &block);
	if (status < 0 || block)
		return status;
	return conv_call(l, n, &k, &f, CHANNELS_LAST, packed);
}

/* ---- MatMul with one constant matrix on the right ---- */

bool linear_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s)
{
	const struct value *b = node_in(n, 1);
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *w = lower_dims(l, b);
	const struct tensor *y = lower_dims(l, &n->out[0]);
	bool t = attr_bool(n, "transpose_b");
	if (!lower_constant(l, b) || w->rank != 2 || x->rank < 2 || attr_bool(n, "transpose_a"))
		return false;
	int64_t cin = w->dim[t], cout = w->dim[!t], rows = cout ? tensor_count(y) / cout : 0;
	if (!counts_fit(cin, 1, 1) || !counts_fit(cout, 1, 1) || !counts_fit(rows, 1, 1) || !cin)
		return false;
	*s = (struct conv_shape){.batch = (int)rows,
	    .groups = 1,
	    .cin = (int)cin,
	    .cout = (int)cout,
	    .in = {1, 1, 1},
	    .out = {1, 1, 1},
	    .kernel = {1, 1, 1},
	    .stride = {1, 1, 1},
	    .dilation = {1, 1, 1}};
	return true;
}

int lower_linear(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct nhwc_conv_f32 k = {0};
	struct fused f;
	const void *packed;
	bool t = attr_bool(n, "transpose_b");
	if (!linear_shape_of(l, n, &k.s))
		return OK;
	k.way = conv_way_of(l, &k.s);
	int status = k.way == CONV_IGEMM ? lower_compressed(l, i, &k.s, done) : OK;
	if (status < 0 || *done)
		return status;
	*done = true;
	k.ld_in = k.s.cin;
	k.ld_out = k.ld_add = k.s.cout;
	nhwc_conv_f32_plan(&k, pool_size(l->e->o.pool));
	status = pack_linear(l->e, n, &k, t, &packed, l->err);
	if (status == OK)
		status = fuse_for(l, i, n, lower_dims(l, &n->out[0])->rank - 1, &k, &f);
	if (status == OK)
		fuse_act(l, &f);
	return status == OK ? conv_call(l, n, &k, &f, ROW_MAJOR, packed) : status;
}
