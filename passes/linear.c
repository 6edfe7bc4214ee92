/* Scales, shifts and permutations of channels moved into the weights of linear layers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/linear.h"

#define CHUNK 65536       /* bytes of weight read at a time: a multiple of 64 */
#define SAFE_SCALE 0x1p20 /* a larger factor is only used when no product overflows */

/* ---- the view ----------------------------------------------------------------------------------
 */

static int64_t product(const struct shape *s, int from)
{
	int64_t n = 1;
	for (int i = from; i < s->rank; i++)
		n *= s->dim[i].min;
	return n;
}

static bool any_pads(const struct node *n)
{
	static const char *const name[] = {"pads_begin", "pads_end"};
	if (attr_is(n, "auto_pad", "valid"))
		return false;
	if (attr_s(n, "auto_pad")[0] && !attr_is(n, "auto_pad", "explicit"))
		return true;
	for (int k = 0; k < 2; k++) {
		const int64_t *v;
		int count = attr_ints(n, name[k], &v);
		for (int i = 0; i < count; i++)
			if (v[i])
				return true;
	}
	return false;
}

static bool view_conv(struct linear *l, const struct shape *w)
{
	struct node *n = l->node;
	bool grouped = node_is(n, OP_GROUP_CONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION);
	bool back = node_is(n, OP_DECONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION);
	int at = grouped ? 1 : 0;
	if (w->rank < at + 2)
		return false;
	l->groups = grouped ? w->dim[0].min : 1;
	l->p = w->dim[at].min;
	l->q = w->dim[at + 1].min;
	l->inner = product(w, at + 2);
	l->p_is_out = !back;
	l->data = 0;
	l->weight = 1;
	l->axis_in = l->axis_out = 1;
	l->adds_border = back || any_pads(n);
	return true;
}

static bool view_matmul(struct linear *l, const struct shape *w)
{
	struct node *n = l->node;
	bool left = l->weight == 0;
	bool turned = attr_bool(n, left ? "transpose_a" : "transpose_b");
	bool data_turned = attr_bool(n, left ? "transpose_b" : "transpose_a");
	if (w->rank < 2 || l->rank_in < 2)
		return false;
	l->groups = l->inner = 1;
	l->p = w->dim[w->rank - 2].min;
	l->q = w->dim[w->rank - 1].min;
	if (shape_count(w) != l->p * l->q)
		return false;
	l->p_is_out = left ? !turned : turned;
	l->axis_out = l->rank_out - (left ? 2 : 1);
	l->axis_in = l->rank_in - ((left ? !data_turned : data_turned) ? 2 : 1);
	return true;
}

static bool is_conv(const struct node *n)
{
	return node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
	       node_is(n, OP_DECONVOLUTION) || node_is(n, OP_GROUP_DECONVOLUTION);
}

bool linear_of(struct node *n, struct linear *l)
{
	bool conv = is_conv(n);
	*l = (struct linear){.node = n};
	if (!conv && !node_is(n, OP_MATMUL))
		return false;
	l->weight = conv || value_const(node_in(n, 1)) ? 1 : 0;
	l->data = 1 - l->weight;
	const struct value *w = node_in(n, l->weight);
	enum dtype type = w->info.type;
	if (!value_const(w) || value_const(node_in(n, l->data)) ||
	    (type != DT_F32 && type != DT_F16))
		return false;
	if (shape_count(&w->info.shape) < 1)
		return false;
	l->rank_in = node_in(n, l->data)->info.shape.rank;
	l->rank_out = n->out[0].info.shape.rank;
	if (l->rank_in < 0 || l->rank_out < 2 || n->out[0].info.type != type)
		return false;
	if (!(conv ? view_conv(l, &w->info.shape) : view_matmul(l, &w->info.shape)))
		return false;
	return linear_inputs(l) <= MAX_CHANNELS && linear_outputs(l) <= MAX_CHANNELS;
}

int64_t linear_inputs(const struct linear *l)
{
	return l->groups * (l->p_is_out ? l->q : l->p);
}

int64_t linear_outputs(const struct linear *l)
{
	return l->groups * (l->p_is_out ? l->p : l->q);
}

/* ---- reading the weight ------------------------------------------------------------------------
 */

/* Calls fn for each run of elements [at, at + n) of the weight, as FP32. */
static int each_chunk(struct pass_ctx *c, const struct linear *l,
    void (*fn)(void *user, int64_t at, const float *w, int64_t n), void *user)
{
	const struct value *v = node_in(l->node, l->weight);
	int64_t count = shape_count(&v->info.shape);
	struct blob *b = value_const(v)->data;
	struct blob *wide = v->info.type == DT_F32 ? blob_ref(b)
						   : blob_cast(b, v->info.type, DT_F32, count);
	float *buffer = aligned_alloc(64, CHUNK);
	int e = wide && buffer ? OK : fail_nomem(c->err);
	for (size_t off = 0; !e && off < blob_size(wide); off += CHUNK) {
		size_t part = blob_size(wide) - off < CHUNK ? blob_size(wide) - off : CHUNK;
		e = blob_read(wide, off, buffer, part, c->err);
		if (!e)
			fn(user, off / 4, buffer, part / 4);
	}
	blob_unref(wide);
	free(buffer);
	return e;
}

static void find_largest(void *user, int64_t at, const float *w, int64_t n)
{
	double *largest = user;
	(void)at;
	for (int64_t i = 0; i < n; i++) {
		*largest = fmax(*largest, fabs(w[i]));
	}
}

/* Could a product leave the weight's type? The weight is read only when a factor is suspicious. */
static int overflows(
    struct pass_ctx *c, const struct linear *l, const double *scale, int64_t n, bool *answer)
{
	double factor = 0, largest = 0;
	bool half = node_in(l->node, l->weight)->info.type == DT_F16;
	for (int64_t i = 0; i < n; i++) {
		if (!isfinite(scale[i])) {
			*answer = true;
			return OK;
		}
		factor = fmax(factor, fabs(scale[i]));
	}
	*answer = false;
	if (factor <= (half ? 1.0 : SAFE_SCALE))
		return OK;
	int e = each_chunk(c, l, find_largest, &largest);
	*answer = factor * largest > (half ? 65504.0 : 0x1.fffffep127);
	return e;
}

/* ---- scaling -----------------------------------------------------------------------------------
 */

/* The weight's blob times scale, seen as [outer][channels][inner]. */
static struct blob *scaled(
    const struct value *v, int64_t channels, int64_t inner, const double *scale)
{
	struct blob *src = value_const(v)->data;
	int64_t count = shape_count(&v->info.shape);
	if (v->info.type == DT_F32)
		return blob_scaled(src, channels, inner, scale);
	struct blob *wide = blob_cast(src, v->info.type, DT_F32, count);
	struct blob *times = wide ? blob_scaled(wide, channels, inner, scale) : NULL;
	struct blob *back = times ? blob_cast(times, DT_F32, v->info.type, count) : NULL;
	blob_unref(wide);
	blob_unref(times);
	return back;
}

/* A Const before the layer instead of its weight; takes the reference on data. */
static int put_weight(struct pass_ctx *c, struct linear *l, struct blob *data)
{
	struct value *old = node_in(l->node, l->weight);
	int64_t dims[MAX_RANK];
	for (int i = 0; i < old->info.shape.rank; i++)
		dims[i] = old->info.shape.dim[i].min;
	struct node *made = data ? graph_const(l->node->graph, l->node, old->node->name,
				       old->info.type, old->info.shape.rank, dims, data)
				 : NULL;
	if (!made)
		return fail_nomem(c->err);
	node_set_input(l->node, l->weight, &made->out[0]);
	remove_dead(old->node);
	return OK;
}

/* scale has groups * p (side p) or groups * q values. */
static int scale_side(struct pass_ctx *c, struct linear *l, bool side_p, const double *scale)
{
	const struct value *v = node_in(l->node, l->weight);
	if (side_p)
		return put_weight(c, l, scaled(v, l->groups * l->p, l->q * l->inner, scale));
	if (l->groups == 1)
		return put_weight(c, l, scaled(v, l->q, l->inner, scale));
	int64_t n = l->groups * l->p * l->q;
	double *all = calloc(n, sizeof *all);
	if (!all)
		return fail_nomem(c->err);
	for (int64_t i = 0; i < n; i++)
		all[i] = scale[i / (l->p * l->q) * l->q + i % l->q];
	int e = put_weight(c, l, scaled(v, n, l->inner, all));
	free(all);
	return e;
}

static bool all_equal(const double *x, int64_t n, double y)
{
	for (int64_t i = 0; i < n; i++)
		if (x[i] != y)
			return false;
	return true;
}

bool linear_scale_out(struct pass_ctx *c, struct linear *l, const double *scale, int *status)
{
	bool over = false;
	*status = OK;
	if (all_equal(scale, linear_outputs(l), 1))
		return true;
	*status = overflows(c, l, scale, linear_outputs(l), &over);
	if (*status || over)
		return false;
	*status = scale_side(c, l, l->p_is_out, scale);
	return !*status;
}

bool linear_scale_in(struct pass_ctx *c, struct linear *l, const double *scale, int *status)
{
	bool over = false;
	*status = OK;
	if (all_equal(scale, linear_inputs(l), 1))
		return true;
	*status = overflows(c, l, scale, linear_inputs(l), &over);
	if (*status || over)
		return false;
	*status = scale_side(c, l, !l->p_is_out, scale);
	return !*status;
}

/* ---- shifts and permutations -------------------------------------------------------------------
 */

struct dot {
	const struct linear *l;
	const double *shift;
	double *out;
};

/* Adds what n elements from (g, p, q) on contribute, which share g and p and, when inner is not 1,
 * q. */
static void dot_run(const struct dot *d, int64_t g, int64_t p, int64_t q, const float *w, int64_t n)
{
	const struct linear *l = d->l;
	bool single = l->inner == 1;
	const double *shift = d->shift + (l->p_is_out ? g * l->q + q : g * l->p + p);
	double *out = d->out + (l->p_is_out ? g * l->p + p : g * l->q + q), sum = 0;
	if (single && !l->p_is_out) {
		for (int64_t i = 0; i < n; i++)
			out[i] += w[i] * *shift;
		return;
	}
	for (int64_t i = 0; i < n; i++)
		sum += single ? w[i] * shift[i] : w[i];
	*out += single ? sum : sum * *shift;
}

/* A chunk may start anywhere. */
static void dot_chunk(void *user, int64_t at, const float *w, int64_t n)
{
	const struct dot *d = user;
	const struct linear *l = d->l;
	int64_t unit = l->inner == 1 ? l->q : l->inner; /* elements of a run */
	for (int64_t i = 0, run; i < n; i += run) {
		int64_t row = (at + i) / l->inner, q = row % l->q, p = row / l->q;
		run = unit - (at + i) % unit;
		run = run < n - i ? run : n - i;
		dot_run(d, p / l->p, p % l->p, q, w + i, run);
	}
}

int linear_shift(struct pass_ctx *c, const struct linear *l, const double *shift, double *out)
{
	struct dot d = {l, shift, out};
	memset(out, 0, linear_outputs(l) * sizeof *out);
	return each_chunk(c, l, dot_chunk, &d);
}

int linear_permute_in(struct pass_ctx *c, struct linear *l, const int64_t *perm)
{
	struct const_view w;
	const struct value *v = node_in(l->node, l->weight);
	if (const_open(v, &w, c->err))
		return c->err->status;
	size_t size = tensor_bytes(&w.t), width = dtype_bits(w.t.type) / 8;
	char *made = malloc(size), *from = w.t.data;
	/* Runs of elements that stay together: [outer][channel][run]. */
	int64_t inputs = l->p_is_out ? l->q : l->p;
	size_t run = (l->p_is_out ? l->inner : l->q * l->inner) * width;
	for (size_t at = 0; made && at < size; at += run) {
		int64_t row = at / run, i = row % inputs;
		memcpy(made + at, from + (row - i + perm[i]) * run, run);
	}
	const_close(&w);
	return put_weight(c, l, made ? blob_heap(made, size) : NULL);
}
