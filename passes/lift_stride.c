/* A step by which 1x1 convolutions skip pixels moves up to what makes them: through activations and
 * sums into the convolution or pooling before, which then computes only the pixels that are used.
 * Exact: each output that stays is computed as before. */
#include <math.h>

#include "base/checked.h"
#include "passes/rewrite.h"

#define MAX_SPATIAL 3
#define DEPTH 12
#define PICK_COST 16 /* operations that a pixel moved by a picking layer is worth */

struct stride {
	int n; /* spatial dims: those after batch and channels */
	int64_t by[MAX_SPATIAL];
};

static double pixels(const struct stride *s)
{
	double all = 1;
	for (int i = 0; i < s->n; i++)
		all *= (double)s->by[i];
	return all;
}

static bool is_conv(const struct node *n)
{
	return node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION);
}

static bool is_max_pool(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) || node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14);
}

static bool is_pool(const struct node *n)
{
	return is_max_pool(n) || node_is(n, OP_AVG_POOL) || node_is(n, OP_AVG_POOL_14);
}

/* Pads that do not depend on the stride, and a last window that must fit. */
static bool plain_window(const struct node *n)
{
	bool given = !attr_s(n, "auto_pad")[0] || attr_is(n, "auto_pad", "explicit") ||
		     attr_is(n, "auto_pad", "valid");
	return given && (!is_pool(n) || attr_is(n, "rounding_type", "floor"));
}

static bool no_pads(const struct node *n)
{
	static const char *const side[] = {"pads_begin", "pads_end"};
	const int64_t *v;
	for (int k = 0; k < 2 && !attr_is(n, "auto_pad", "valid"); k++)
		for (int i = attr_ints(n, side[k], &v) - 1; i >= 0; i--)
			if (v[i])
				return false;
	return true;
}

/* Elements of the window, or 0 when they are not known. */
static double window_size(const struct node *n)
{
	const int64_t *v;
	double size = 1;
	if (is_pool(n)) {
		for (int i = attr_ints(n, "kernel", &v) - 1; i >= 0; i--)
			size *= (double)v[i];
		return size;
	}
	const struct shape *w = &node_in(n, 1)->info.shape;
	for (int i = node_is(n, OP_GROUP_CONVOLUTION) ? 3 : 2; i < w->rank; i++)
		size *= dim_static(w->dim[i]) ? (double)w->dim[i].min : 0;
	return w->rank < 0 ? 0 : size;
}

/* Does n only look at every so many pixels of its input? Then by which step. */
static bool skips(const struct node *n, int index, struct stride *s)
{
	const int64_t *v;
	bool more = false;
	if (index || !(is_conv(n) || is_pool(n)) || !plain_window(n) || !no_pads(n) ||
	    window_size(n) != 1 || (n->nout > 1 && n->out[1].nuses))
		return false;
	s->n = attr_ints(n, "strides", &v);
	if (s->n < 1 || s->n > MAX_SPATIAL || n->out[0].info.shape.rank != s->n + 2)
		return false;
	for (int i = 0; i < s->n; i++) {
		s->by[i] = v[i];
		more = more || v[i] > 1;
	}
	return more;
}

/* The step that all readers of v share. */
static bool shared_stride(const struct value *v, struct stride *s)
{
	struct stride one;
	bool first = true;
	value_each_use (v, u) {
		if (!skips(u->node, u->index, first ? s : &one))
			return false;
		for (int i = 0; !first && i < s->n; i++)
			if (one.n != s->n || one.by[i] != s->by[i])
				return false;
		first = false;
	}
	return !first;
}

/* How an elementwise layer sees one of its inputs. */
enum role { ROLE_NONE, ROLE_CONSTANT, ROLE_PIXELS };

static bool all_ones(const struct shape *s, int from)
{
	for (int i = from; i < s->rank; i++)
		if (i >= 0 && !(dim_static(s->dim[i]) && s->dim[i].min == 1))
			return false;
	return true;
}

static bool same_pixels(const struct shape *a, const struct shape *b)
{
	struct shape x = *a, y = *b;
	if (a->rank != b->rank || a->rank < 2)
		return false;
	for (int i = 0; i < 2; i++)
		x.dim[i] = y.dim[i] = dim_of(1);
	return same_shapes(&x, &y);
}

static enum role role_of(const struct node *n, int i, const struct stride *s)
{
	const struct value *v = node_in(n, i), *out = &n->out[0];
	const struct shape *shape = v ? &v->info.shape : NULL;
	if (!v || shape->rank < 0)
		return ROLE_NONE;
	if (node_is(n, OP_PRELU) && i == 1 && shape->rank == 1)
		return ROLE_CONSTANT; /* along the channels */
	if (same_pixels(shape, &out->info.shape) && !all_ones(shape, 2))
		return ROLE_PIXELS;
	return shape->rank <= s->n + 2 && all_ones(shape, shape->rank - s->n) ? ROLE_CONSTANT
									      : ROLE_NONE;
}

/* Works on each pixel by itself, with channels and pixels where they were? */
static bool pixelwise(const struct node *n, const struct stride *s)
{
	bool known = n->op->flags & (OPF_UNARY | OPF_BROADCAST) || node_is(n, OP_FAKE_QUANTIZE) ||
		     (node_is(n, OP_CONCAT) && attr_i(n, "axis") == 1);
	if (!known || n->nout != 1 || n->out[0].info.shape.rank != s->n + 2)
		return false;
	bool any = false;
	for (int i = 0; i < n->nin; i++) {
		enum role r = role_of(n, i, s);
		if (r == ROLE_NONE || (r == ROLE_CONSTANT && node_is(n, OP_CONCAT)))
			return false;
		any = any || r == ROLE_PIXELS;
	}
	return any;
}

static bool takes_stride(const struct node *n, const struct stride *s)
{
	const int64_t *v;
	return (is_conv(n) || is_pool(n)) && plain_window(n) && !(n->nout > 1 && n->out[1].nuses) &&
	       attr_ints(n, "strides", &v) == s->n;
}

/* Operations for one element of a convolution's or pooling's output. */
static double work_of(const struct node *n)
{
	double size = window_size(n);
	if (!is_conv(n))
		return size;
	const struct shape *w = &node_in(n, 1)->info.shape;
	struct dim in = w->dim[node_is(n, OP_GROUP_CONVOLUTION) ? 2 : 1];
	return dim_static(in) ? size * (double)in.min : size;
}

static double elements(const struct value *v)
{
	double all = 1;
	for (int i = 0; i < v->info.shape.rank; i++)
		if (dim_static(v->info.shape.dim[i])) /* an unknown batch: per picture */
			all *= (double)v->info.shape.dim[i].min;
	return all;
}

/* The operations that are saved when only every s-th pixel of v, of which all readers agree, is
 * made; less what layers cost that pick pixels from values which others need whole. */
static double gain(const struct value *v, const struct stride *s, bool own, int depth)
{
	const struct node *n = v->node;
	double kept = 1 / pixels(s), skipped = elements(v) * (1 - kept), sum = skipped;
	if (own && takes_stride(n, s))
		return skipped * work_of(n);
	if (!dtype_is_float(v->info.type))
		return -HUGE_VAL;
	if (!own || !depth || !pixelwise(n, s))
		return -PICK_COST * elements(v) * kept;
	for (int i = 0; i < n->nin; i++)
		if (role_of(n, i, s) == ROLE_PIXELS)
			sum += gain(node_in(n, i), s, node_in(n, i)->nuses == 1, depth - 1);
	return sum;
}

static bool multiply_strides(struct node *n, const struct stride *s)
{
	int64_t product[MAX_SPATIAL];
	const int64_t *v;
	attr_ints(n, "strides", &v);
	for (int i = 0; i < s->n; i++)
		if (mul_i64(v[i], s->by[i], &product[i]))
			return false;
	return attr_set_ints(n, "strides", s->n, product);
}

/* A pooling over one pixel that skips others, placed before at. */
static struct value *pick(
    struct pass_ctx *c, struct node *at, struct value *v, const struct stride *s)
{
	static const int64_t ones[MAX_SPATIAL] = {1, 1, 1}, zeros[MAX_SPATIAL];
	struct node *n = graph_insert_before(
	    at, op_row(OP_MAX_POOL_1), name_with(at, v->node->name, "/strided"), &v, 1, 1);
	if (!n || !attr_set_ints(n, "kernel", s->n, ones) ||
	    !attr_set_ints(n, "strides", s->n, s->by) ||
	    !attr_set_ints(n, "pads_begin", s->n, zeros) ||
	    !attr_set_ints(n, "pads_end", s->n, zeros)) {
		fail_nomem(c->err);
		return NULL;
	}
	return node_infer(n, c->err) ? NULL : &n->out[0];
}

static int stride_value(struct pass_ctx *c, struct value *v, const struct stride *s, int depth);

/* Input i of n, which reads all pixels of it, gets every s-th one. */
static int stride_input(
    struct pass_ctx *c, struct node *n, int i, const struct stride *s, int depth)
{
	struct value *v = node_in(n, i);
	struct node *p = v->node;
	if (v->nuses == 1 && (takes_stride(p, s) || (depth && pixelwise(p, s))))
		return stride_value(c, v, s, depth);
	struct value *some = pick(c, n, v, s);
	if (!some)
		return c->err->status;
	node_set_input(n, i, some);
	return OK;
}

/* Makes v hold every s-th pixel only; the names of its tensor meant all of them. */
static int stride_value(struct pass_ctx *c, struct value *v, const struct stride *s, int depth)
{
	struct node *n = v->node;
	v->nnames = 0;
	if (takes_stride(n, s))
		return multiply_strides(n, s) ? node_infer(n, c->err) : fail_nomem(c->err);
	for (int i = 0; i < n->nin; i++) {
		int e = role_of(n, i, s) == ROLE_PIXELS ? stride_input(c, n, i, s, depth - 1) : OK;
		if (e)
			return e;
	}
	return node_infer(n, c->err);
}

static bool unit_strides(struct node *n, int count)
{
	static const int64_t ones[MAX_SPATIAL] = {1, 1, 1};
	return attr_set_ints(n, "strides", count, ones);
}

static int lift(struct pass_ctx *c, struct node *n)
{
	struct stride s;
	struct value *v = n->nout ? &n->out[0] : NULL;
	if (!v || !shared_stride(v, &s) || !(gain(v, &s, true, DEPTH) > 0))
		return 0;
	int e = stride_value(c, v, &s, DEPTH);
	value_each_use (v, u)
		if (!e && !unit_strides(u->node, s.n))
			e = fail_nomem(c->err);
	value_each_use (v, u)
		if (!e)
			e = node_infer(u->node, c->err);
	return e ? e : 1;
}

/* Backwards, so that a stride travels as far as it can in one go. */
static int lift_stride(struct pass_ctx *c)
{
	int done = 0;
	for (struct node *n = c->graph->last, *before; n; n = before) {
		before = n->prev;
		int r = lift(c, n);
		if (r < 0)
			return err_in(c->err, "node '%s'", n->name);
		done += r;
	}
	return done;
}

const struct pass pass_lift_stride = {
    .name = "lift-stride",
    .about = "move the strides of 1x1 convolutions to where they save work",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .run = lift_stride,
};
