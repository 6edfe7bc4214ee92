/* Max and average pooling as calls of the pooling kernels. */
#include <math.h>

#include "exec/lower.h"
#include "exec/tap.h"
#include "ops/window.h"

static bool is_max(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14);
}

static bool is_average(const struct node *n)
{
	return node_is(n, OP_AVG_POOL) || node_is(n, OP_AVG_POOL_14) || node_is(n, OP_AVG_POOL_16);
}

/* Dim i of the window; false when it is none for the kernels: one may lie outside of the input
 * altogether. */
static bool set_dim(const struct tensor *x, const struct tensor *y, const struct window *w, int i,
    int64_t kernel, struct nhwc_pool *k)
{
	int d = 3 - w->n + i;
	int64_t in = x->dim[2 + i], out = y->dim[2 + i], begin = w->dim[i].begin;
	int64_t stride = w->dim[i].stride, dilation = w->dim[i].dilation;
	if (!is_small(in) || !is_small(out) || !is_small(kernel) || !is_small(stride) ||
	    !is_small(dilation) || !is_small(begin) || !is_small(w->dim[i].end))
		return false;
	int64_t reach = (kernel - 1) * dilation;
	if (begin < 0 || begin > reach || dilation > in || (out - 1) * stride - begin >= in)
		return false;
	k->s.in[d] = (int)in;
	k->s.out[d] = (int)out;
	k->s.kernel[d] = (int)kernel;
	k->s.stride[d] = (int)stride;
	k->s.dilation[d] = (int)dilation;
	k->s.pad[d] = (int)begin;
	k->pad_end[d] = (int)w->dim[i].end;
	return true;
}

static bool pool_shape(const struct lower *l, const struct node *n, struct nhwc_pool *k)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	struct err ignored = {0};
	struct window w;
	const int64_t *kernel;
	int spatial = x->rank - 2;
	if (x->type != DT_F32 || spatial < 1 || spatial > 3 || !is_small(pixels_of(x)) ||
	    !is_small(pixels_of(y)) || !is_small(x->dim[1]) || !tensor_count(x) ||
	    window_read(&w, n, spatial, &ignored) < 0 || attr_ints(n, "kernel", &kernel) != spatial)
		return false;
	*k = (struct nhwc_pool){.kind = is_max(n) ? POOL_MAX : POOL_AVG,
	    .exclude_pad = is_average(n) && attr_bool(n, "exclude-pad"),
	    .lo = -INFINITY,
	    .hi = INFINITY};
	k->s = (struct conv_shape){.batch = (int)x->dim[0], .groups = (int)x->dim[1], 1, 1};
	for (int d = 0; d < 3; d++)
		k->s.in[d] = k->s.out[d] = k->s.kernel[d] = k->s.stride[d] = k->s.dilation[d] = 1;
	for (int i = 0; i < spatial; i++) {
		w.dim[i].kernel = dim_of(kernel[i]);
		window_pad(&w, i, x->dim[2 + i], y->dim[2 + i]);
		if (!set_dim(x, y, &w, i, kernel[i], k))
			return false;
	}
	return true;
}

/* ---- calls ---- */

/* The indices of the newer versions may not be asked for. */
bool pool_has_kernel(const struct lower *l, const struct node *n)
{
	struct nhwc_pool k;
	if (!is_max(n) && !is_average(n))
		return false;
	return (n->nout < 2 || (!is_tapped(l->e, &n->out[1]) && !l->e->uses[n->out[1].id])) &&
	       pool_shape(l, n, &k);
}

bool max_pool_shape(const struct lower *l, const struct node *n, struct conv_shape *s)
{
	struct nhwc_pool k;
	if (!is_max(n) || !pool_has_kernel(l, n) || !pool_shape(l, n, &k))
		return false;
	*s = k.s;
	return true;
}

int lower_pool(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct nhwc_pool k;
	struct spot x, y;
	struct call *c;
	if (!pool_has_kernel(l, n) || !pool_shape(l, n, &k))
		return OK;
	*done = true;
	int status = call_one(l, CALL_POOL, n, &n->out[0], CHANNELS_LAST, &x, &y, &c);
	if (status != OK)
		return status;
	k.ld_in = x.ld;
	k.ld_out = y.ld;
	nhwc_pool_f32_plan(&k, pool_size(l->e->o.pool));
	c->pool = k;
	return OK;
}
