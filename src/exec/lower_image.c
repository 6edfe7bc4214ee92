/* Interpolate and LRN as calls of their kernels, with channels last. */
#include <string.h>

#include "exec/lower.h"
#include "ops/interpolate.h"

static bool is_plane(const struct lower *l, const struct value *v)
{
	const struct tensor *t = lower_dims(l, v);
	return t->type == DT_F32 && t->rank == 4 && tensor_count(t) && is_small(pixels_of(t)) &&
	       is_small(t->dim[1]) && is_small(t->dim[3] * t->dim[1]);
}

/* ---- Interpolate ---- */

/* What it does along each axis; false when that is not known now, or more than the plane changes.
 */
static bool resize_axes(const struct lower *l, const struct node *n, struct interpolate *p)
{
	struct tensor in[4] = {0}, out = *lower_dims(l, &n->out[0]);
	struct err ignored = {0};
	struct eval s = {.node = n,
	    .nin = n->nin,
	    .nout = 1,
	    .in = in,
	    .out = &out,
	    .scratch = l->p->arena,
	    .err = &ignored};
	for (int k = 0; k < n->nin && k < 4; k++) {
		const struct value *v = node_in(n, k);
		if (!v)
			continue;
		in[k] = k && lower_constant(l, v) ? l->e->c->t[v->id] : *lower_dims(l, v);
		if (k && (!lower_fixed(l, v) || !in[k].data))
			return false;
	}
	if (interpolate_read(&s, p) < 0)
		return false;
	for (int d = 0; d < 2; d++)
		if (p->pad[d] || p->axis[d].in != p->axis[d].out || p->axis[d].scale != 1)
			return false;
	return true;
}

static bool is_resize(const struct lower *l, const struct node *n, struct interpolate *p)
{
	return (node_is(n, OP_INTERPOLATE) || node_is(n, OP_INTERPOLATE_4)) && n->nin <= 4 &&
	       is_plane(l, node_in(n, 0)) && is_plane(l, &n->out[0]) && resize_axes(l, n, p) &&
	       resample_width(&p->axis[2]) <= RESIZE_TAPS &&
	       resample_width(&p->axis[3]) <= RESIZE_TAPS;
}

/* Places and weights of element i, without those that give nothing; at least one. */
static int taps_of(
    const struct interpolate *p, int axis, int64_t in, int64_t i, int32_t *index, float *weight)
{
	int64_t at[2 * RESIZE_TAPS] = {i}, n = 1;
	double w[2 * RESIZE_TAPS] = {1};
	int count = 0;
	if (p->active >> axis & 1)
		n = resample_taps(&p->axis[axis], i, at, w);
	for (int64_t k = 0; k < n; k++) {
		int64_t from = at[k] - p->pad[axis];
		if (from < 0 || from >= in || w[k] == 0)
			continue;
		index[count] = (int32_t)from;
		weight[count++] = (float)w[k];
	}
	if (!count) {
		index[0] = 0;
		weight[0] = 0;
	}
	return count ? count : 1;
}

/* The table along dim d of the plane, and its number of taps. */
static int make_table(
    struct lower *l, const struct interpolate *p, struct nhwc_resize_f32 *k, int d, struct ref *out)
{
	int32_t index[2 * RESIZE_TAPS];
	float weight[2 * RESIZE_TAPS];
	k->taps[d] = 1;
	for (int i = 0; i < k->out[d]; i++) {
		int n = taps_of(p, 2 + d, k->in[d], i, index, weight);
		k->taps[d] = n > k->taps[d] ? n : k->taps[d];
	}
	size_t bytes = nhwc_resize_f32_table(k, d);
	int32_t *to = arena_array(l->p->arena, bytes / sizeof *to + 1, sizeof *to);
	if (!to)
		return fail_nomem(l->err);
	memset(to, 0, bytes);
	float *w = (float *)(to + (int64_t)k->out[d] * k->taps[d]);
	for (int i = 0; i < k->out[d]; i++) {
		int n = taps_of(p, 2 + d, k->in[d], i, index, weight);
		memcpy(to + (int64_t)i * k->taps[d], index, (size_t)n * sizeof *index);
		memcpy(w + (int64_t)i * k->taps[d], weight, (size_t)n * sizeof *weight);
	}
	return buffer_fixed(l, to, bytes, out);
}

static int lower_resize(struct lower *l, const struct node *n, const struct interpolate *p)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	struct nhwc_resize_f32 k = {.batch = (int)x->dim[0],
	    .n = (int)x->dim[1],
	    .in = {(int)x->dim[2], (int)x->dim[3]},
	    .out = {(int)y->dim[2], (int)y->dim[3]}};
	struct ref table[2];
	struct spot from, to;
	struct call *c;
	int status = OK;
	for (int d = 0; d < 2 && status == OK; d++)
		status = make_table(l, p, &k, d, &table[d]);
	if (status == OK)
		status = call_one(l, CALL_RESIZE, n, &n->out[0], CHANNELS_LAST, &from, &to, &c);
	if (status != OK)
		return status;
	k.ld_in = from.ld;
	k.ld_out = to.ld;
	nhwc_resize_f32_plan(&k, pool_size(l->e->o.pool));
	c->resize.k = k;
	c->resize.table[0] = table[0];
	c->resize.table[1] = table[1];
	return call_scratch(l, c, k.scratch);
}

/* Bytes whose results are each like one pixel; done: it is so. */
static int lower_nearest(
    struct lower *l, const struct node *n, const struct interpolate *p, bool *done)
{
	const struct tensor *x = lower_dims(l, node_in(n, 0)), *y = lower_dims(l, &n->out[0]);
	struct pixel_pick k = {.batch = (int)x->dim[0],
	    .n = (int)x->dim[1],
	    .in = {(int)x->dim[2], (int)x->dim[3]},
	    .out = {(int)y->dim[2], (int)y->dim[3]}};
	int32_t index[2 * RESIZE_TAPS];
	float weight[2 * RESIZE_TAPS];
	int32_t *table = arena_array(
	    l->p->arena, pixel_pick_table(&k) / sizeof *table, sizeof *table);
	if (!table)
		return fail_nomem(l->err);
	for (int d = 0; d < 2; d++)
		for (int i = 0; i < k.out[d]; i++) {
			if (taps_of(p, 2 + d, k.in[d], i, index, weight) != 1 || weight[0] != 1)
				return OK;
			table[d * k.out[0] + i] = index[0];
		}
	*done = true;
	return pick_call(l, n, k, table);
}

/* ---- LRN ---- */

static bool is_lrn(const struct lower *l, const struct node *n)
{
	if (!node_is(n, OP_LRN) || !is_plane(l, node_in(n, 0)))
		return false;
	struct tensor axes = l->e->c->t[node_in(n, 1)->id];
	return axes.type != DT_NONE && axes.data && tensor_count(&axes) == 1 &&
	       tensor_i64(&axes, 0) == 1 && attr_i(n, "size") >= 1 && is_small(attr_i(n, "size"));
}

static int lower_lrn(struct lower *l, const struct node *n)
{
	const struct tensor *t = lower_dims(l, node_in(n, 0));
	struct nhwc_lrn_f32 k = {.rows = (int)pixels_of(t),
	    .n = (int)t->dim[1],
	    .size = (int)attr_i(n, "size"),
	    .beta = (float)attr_f(n, "beta"),
	    .bias = (float)attr_f(n, "bias")};
	struct spot from, to;
	struct call *c;
	int status = call_one(l, CALL_LRN, n, &n->out[0], CHANNELS_LAST, &from, &to, &c);
	if (status != OK)
		return status;
	k.scale = (float)(attr_f(n, "alpha") / k.size);
	k.ld_in = from.ld;
	k.ld_out = to.ld;
	nhwc_lrn_f32_plan(&k, pool_size(l->e->o.pool));
	c->lrn = k;
	return call_scratch(l, c, k.scratch);
}

/* ---- both ---- */

bool image_has_kernel(const struct lower *l, const struct node *n)
{
	struct interpolate p;
	return is_lrn(l, n) || is_resize(l, n, &p);
}

int lower_image(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct interpolate p;
	bool lrn = is_lrn(l, n);
	*done = lrn;
	if (lrn || !is_resize(l, n, &p))
		return lrn ? lower_lrn(l, n) : OK;
	int status = l->e->quant[n->out[0].id].on ? lower_nearest(l, n, &p, done) : OK;
	if (status < 0 || *done)
		return status;
	*done = true;
	return lower_resize(l, n, &p);
}
