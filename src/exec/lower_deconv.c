/* Transposed convolutions as calls of their kernel. */
#include <limits.h>
#include <stdlib.h>

#include "exec/lower.h"
#include "exec/pack.h"
#include "ops/window.h"

static bool set_dim(const struct tensor *x, const struct tensor *y, const struct window *w, int i,
    int64_t kernel, struct conv_shape *s)
{
	int d = 3 - w->n + i;
	int64_t sizes[] = {x->dim[2 + i], y->dim[2 + i], kernel, w->dim[i].stride,
	    w->dim[i].dilation, w->dim[i].begin};
	int *const to[] = {
	    &s->in[d], &s->out[d], &s->kernel[d], &s->stride[d], &s->dilation[d], &s->pad[d]};
	for (int k = 0; k < 6; k++) {
		if (!is_small(sizes[k]))
			return false;
		*to[k] = (int)sizes[k];
	}
	return true;
}

static bool products_fit(const struct conv_shape *s, const struct tensor *x, const struct tensor *y)
{
	int64_t taps = 1;
	for (int d = 0; d < 3; d++) {
		taps *= s->kernel[d];
		if (taps > INT_MAX / 64)
			return false;
	}
	return is_small(taps * s->cin) && is_small((int64_t)s->groups * s->cin) &&
	       is_small((int64_t)s->groups * s->cout) && is_small(pixels_of(x)) &&
	       is_small(pixels_of(y)) && deconv_fits(s);
}

bool deconv_shape_of(const struct lower *l, const struct node *n, struct conv_shape *s)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *w = lower_dims(l, node_in(n, 1));
	const struct tensor *y = lower_dims(l, &n->out[0]);
	int spatial = x->rank - 2, lead = w->rank - spatial;
	struct window win;
	struct err ignored = {0};
	if (spatial < 1 || spatial > 3 || window_read(&win, n, spatial, &ignored) < 0)
		return false;
	for (int d = 0; d < lead; d++)
		if (!is_small(w->dim[d]))
			return false;
	*s = (struct conv_shape){.batch = (int)x->dim[0],
	    .groups = lead == 3 ? (int)w->dim[0] : 1,
	    .cin = (int)w->dim[lead - 2],
	    .cout = (int)w->dim[lead - 1]};
	for (int d = 0; d < 3; d++)
		s->in[d] = s->out[d] = s->kernel[d] = s->stride[d] = s->dilation[d] = 1;
	/* where a size is asked for, pads may follow from it: eval does these */
	if ((n->nin > 2 && node_in(n, 2)) && (win.same_upper || win.same_lower))
		return false;
	for (int i = 0; i < spatial; i++)
		if (!set_dim(x, y, &win, i, w->dim[lead + i], s))
			return false;
	return products_fit(s, x, y);
}

bool deconv_has_kernel(const struct lower *l, const struct node *n)
{
	struct conv_shape s;
	if (!node_is(n, OP_DECONVOLUTION) && !node_is(n, OP_GROUP_DECONVOLUTION))
		return false;
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *w = lower_dims(l, node_in(n, 1));
	return x->type == DT_F32 && w->type == DT_F32 && tensor_count(x) && tensor_count(w) &&
	       lower_constant(l, node_in(n, 1)) && tensor_count(lower_dims(l, &n->out[0])) &&
	       deconv_shape_of(l, n, &s);
}

static int finish(struct lower *l, struct call *c, const struct fused *f, const void *packed)
{
	size_t channels = (size_t)c->deconv.g.s.groups * (size_t)c->deconv.g.s.cout;
	int status = buffer_fixed(l, packed, nhwc_deconv_f32_packed(&c->deconv), &c->packed);
	if (status == OK)
		status = buffer_fixed(l, f->bias, channels * sizeof *f->bias, &c->bias);
	return status == OK ? call_scratch(l, c, c->deconv.scratch) : status;
}

int lower_deconv(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct nhwc_deconv_f32 k = {0};
	struct fused f;
	struct spot x, y;
	struct call *c;
	const void *packed;
	if (!deconv_has_kernel(l, n) || !deconv_shape_of(l, n, &k.g.s))
		return OK;
	*done = true;
	nhwc_deconv_f32_plan(&k, pool_size(l->e->o.pool));
	int status = pack_deconv(l->e, n, &k, &packed, l->err);
	if (status == OK)
		status = fuse_alone(l, i, n, 1, (int64_t)k.g.s.groups * k.g.s.cout, &f);
	if (status == OK)
		fuse_act(l, &f);
	if (status == OK)
		status = call_one(l, CALL_DECONV, n, &f.end->out[0], CHANNELS_LAST, &x, &y, &c);
	if (status != OK)
		return status;
	k.ld_in = x.ld;
	k.ld_out = y.ld;
	k.lo = f.lo;
	k.hi = f.hi;
	k.act = f.act.op;
	k.act_a = f.act.a;
	k.act_b = f.act.b;
	nhwc_deconv_f32_plan(&k, pool_size(l->e->o.pool));
	c->deconv = k;
	return finish(l, c, &f, packed);
}
