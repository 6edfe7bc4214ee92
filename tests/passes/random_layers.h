/* Random networks of the layers that kernels exist for, of any sizes, strides, pads and groups: in
 * floats, or with FakeQuantize around what is multiplied, as INT8 networks have it. */
#ifndef TESTS_PASSES_RANDOM_LAYERS_H
#define TESTS_PASSES_RANDOM_LAYERS_H

#include <math.h>

#include "tests/passes/random_parts.h"

#define RL_ELEMS 40000   /* of a value, at most */
#define RL_MACS 12000000 /* of a layer */

struct rl {
	struct rg r;
	bool bytes;  /* with FakeQuantize */
	bool coarse; /* some of few levels: a tie is worth much */
	int rank;    /* of pictures: 3, 4 or 5 */
};

static int rl_any(struct rl *l, int n)
{
	return rg_any(&l->r, n);
}

static int64_t rl_count(const struct value *v)
{
	int64_t n = 1;
	for (int i = 0; i < v->info.shape.rank; i++)
		n *= rg_dim(v, i);
	return n;
}

/* A value that no layer but the next one reads. */
static struct value *rl_part(struct rl *l, struct node *n)
{
	struct err err = {0};
	if (n && !node_infer(n, &err))
		return &n->out[0];
	printf("generator: %s: %s\n", n ? n->op->type : "no node", err.text);
	err_clear(&err);
	l->r.failed = true;
	return NULL;
}

/* ---- FakeQuantize ------------------------------------------------------------------------------
 */

static struct value *rl_const(struct rl *l, int rank, const int64_t *dims, const float *v)
{
	struct tensor t = {.type = DT_F32, .rank = rank};
	if (rank)
		memcpy(t.dim, dims, rank * sizeof *dims);
	struct blob *b = blob_copy(v, tensor_bytes(&t));
	return rl_part(l, graph_const(l->r.g, NULL, "k", DT_F32, rank, dims, b));
}

/* Between ranges of as many elements as dims say, the same on both sides. */
static struct node *rl_fake(struct rl *l, struct value *x, int rank, const int64_t *dims,
    const float *low, const float *high, int levels)
{
	struct value *a = rl_const(l, rank, dims, low), *b = rl_const(l, rank, dims, high);
	struct value *in[] = {x, a, b, a, b};
	struct node *n = rg_node(&l->r, OP_FAKE_QUANTIZE, in, 5, 1);
	attr_set_i(n, "levels", levels);
	return n;
}

/* A range of activations: from 0, symmetric, with its zero somewhere, or without one. */
static void rl_range(struct rl *l, int kind, int levels, float *low, float *high)
{
	float top = 0.5f + 3 * rng_f32(&l->r.seed), step = top / (levels - 1);
	int zero = kind == 0 ? 0 : kind == 1 ? levels / 2 : rl_any(l, levels);
	*low = -zero * step;
	*high = (levels - 1 - zero) * step;
	if (kind == 3) {
		*low += 0.1f;
		*high += 0.3f;
	}
}

/* x as a layer with weights reads it; per_channel where only that may be. */
static struct value *rl_quantized(struct rl *l, struct value *x, bool per_channel)
{
	static const int odd_levels[] = {255, 256, 16, 65536};
	float low[64], high[64];
	int64_t dims[MAX_RANK] = {1, 1, 1, 1, 1}, c = rg_dim(x, 1);
	int odd = rl_any(l, 16), levels = odd < 4 ? odd_levels[odd] : 256, kind = rl_any(l, 7);
	if (!l->bytes || node_is(x->node, OP_FAKE_QUANTIZE) || rl_any(l, 12) == 0)
		return x;
	l->coarse |= levels < 255;
	dims[1] = c <= 64 && (per_channel ? rl_any(l, 2) : rl_any(l, 16)) == 0 ? c : 1;
	kind = kind < 3 ? 0 : kind < 5 ? 1 : kind - 3;
	for (int i = 0; i < dims[1]; i++)
		rl_range(l, kind, levels, &low[i], &high[i]);
	return rg_keep(&l->r, rl_fake(l, x, x->info.shape.rank, dims, low, high, levels));
}

/* Weights (outer dims of channels, then what is summed) behind a FakeQuantize. */
static struct value *rl_fake_weights(
    struct rl *l, struct value *w, int rank, const int64_t *dims, int outer, float top)
{
	int64_t range[MAX_RANK] = {1, 1, 1, 1, 1, 1}, n = 1;
	float *low, *high;
	bool each = rl_any(l, 4);
	for (int i = 0; each && i < outer; i++)
		n *= range[i] = dims[i];
	low = malloc(n * sizeof *low);
	high = malloc(n * sizeof *high);
	bool even = rl_any(l, 3) == 0;
	for (int64_t i = 0; low && high && i < n; i++) {
		high[i] = top * (0.4f + rng_f32(&l->r.seed));
		low[i] = -high[i] * (even ? 128.0f / 127 : 1);
	}
	struct value *v = low && high
			      ? rl_part(l, rl_fake(l, w, rank, range, low, high, even ? 256 : 255))
			      : NULL;
	free(low);
	free(high);
	return v;
}

/* Weights as integers, (q - zero) * scale, as OpenVINO writes them. */
static struct value *rl_integer_weights(
    struct rl *l, int rank, const int64_t *dims, int outer, float top)
{
	struct tensor t;
	int64_t range[MAX_RANK] = {1, 1, 1, 1, 1, 1};
	for (int i = 0; i < outer; i++)
		range[i] = dims[i];
	if (tensor_alloc(&t, DT_I8, rank, dims, NULL))
		return NULL;
	for (int64_t i = 0; i < tensor_count(&t); i++)
		tensor_set_i64(&t, i, rl_any(l, 255) - 127);
	struct blob *b = blob_copy(t.data, tensor_bytes(&t));
	tensor_free(&t);
	struct value *q = rl_part(l, graph_const(l->r.g, NULL, "q", DT_I8, rank, dims, b));
	struct node *n = rg_node(&l->r, OP_CONVERT, &q, 1, 1);
	attr_set_type(n, "destination_type", DT_F32);
	struct value *v = rl_part(l, n);
	if (rl_any(l, 4) == 0) {
		float zero = (float)rl_any(l, 5) - 2;
		struct value *in[] = {v, rl_const(l, 0, NULL, &zero)};
		v = rl_part(l, rg_node(&l->r, OP_SUBTRACT, in, 2, 1));
	}
	struct value *scale = rg_floats(&l->r, rank, range, 0.3 * top / 127, top / 127);
	return rl_part(l, rg_node(&l->r, OP_MULTIPLY, (struct value *[]){v, scale}, 2, 1));
}

/* Weights of n summed products each; outer dims number the channels. */
static struct value *rl_weights(struct rl *l, int rank, const int64_t *dims, int outer, int64_t n)
{
	float top = 1.7f / sqrtf((float)n);
	int kind = l->bytes ? rl_any(l, 10) : 0;
	if (kind > 6)
		return rl_integer_weights(l, rank, dims, outer, top);
	struct value *w = rg_floats(&l->r, rank, dims, -top, top);
	return kind ? rl_fake_weights(l, w, rank, dims, outer, top) : w;
}

/* ---- convolutions ------------------------------------------------------------------------------
 */

struct rl_window {
	int64_t kernel[3], stride[3], dilation[3], begin[3], end[3];
	int64_t out; /* pixels, as a convolution has them; below 1: does not fit */
};

static struct rl_window rl_window(struct rl *l, const struct value *x)
{
	static const int kernels[] = {1, 1, 1, 2, 3, 3, 3, 3, 3, 4, 5, 7};
	int n = x->info.shape.rank - 2, k = kernels[rl_any(l, 12)], s = rl_any(l, 3) ? 1 : 2;
	bool even = rl_any(l, 4), same = rl_any(l, 2);
	struct rl_window w = {.out = 1};
	for (int i = 0; i < n; i++) {
		w.kernel[i] = even ? k : kernels[rl_any(l, 12)];
		w.stride[i] = even || rl_any(l, 2) ? s : 1 + rl_any(l, 3);
		w.dilation[i] = rl_any(l, 6) ? 1 : 1 + rl_any(l, 3);
		int64_t reach = (w.kernel[i] - 1) * w.dilation[i];
		w.begin[i] = same ? reach / 2 : rl_any(l, (int)reach + 1);
		w.end[i] = same ? reach - reach / 2 : rl_any(l, (int)reach + 1);
		int64_t room = rg_dim(x, i + 2) + w.begin[i] + w.end[i] - reach;
		w.out = room < 1 ? 0 : w.out * ((room - 1) / w.stride[i] + 1);
	}
	return w;
}

static void rl_set_window(struct node *n, const struct rl_window *w, int dims)
{
	attr_set_ints(n, "strides", dims, w->stride);
	attr_set_ints(n, "dilations", dims, w->dilation);
	attr_set_ints(n, "pads_begin", dims, w->begin);
	attr_set_ints(n, "pads_end", dims, w->end);
}

static struct value *rl_bias(struct rl *l, struct value *x)
{
	int64_t dims[MAX_RANK] = {1, rg_dim(x, 1), 1, 1, 1};
	struct value *in[] = {x, rg_floats(&l->r, x->info.shape.rank, dims, -0.5, 0.5)};
	return rg_keep(&l->r, rg_node(&l->r, OP_ADD, in, 2, 1));
}

static struct value *rl_activation(struct rl *l, struct value *x)
{
	static const enum op_id id[] = {OP_RELU, OP_RELU, OP_CLAMP, OP_HSWISH, OP_SIGMOID, OP_SWISH,
	    OP_PRELU, OP_TANH, OP_ELU, OP_GELU, OP_HSIGMOID, OP_MISH, OP_SOFT_PLUS, OP_ABS};
	enum op_id which = id[rl_any(l, sizeof id / sizeof *id)];
	int64_t c = rg_dim(x, 1);
	struct value *in[] = {x, NULL};
	if (which == OP_PRELU)
		in[1] = rg_floats(&l->r, 1, &c, -0.2, 0.5);
	struct node *n = rg_node(&l->r, which, in, which == OP_PRELU ? 2 : 1, 1);
	if (which == OP_CLAMP) {
		attr_set_f(n, "min", rl_any(l, 3) ? 0 : -1);
		attr_set_f(n, "max", rl_any(l, 3) ? 6 : 1);
	} else if (which == OP_ELU)
		attr_set_f(n, "alpha", 0.7);
	return rg_keep(&l->r, n);
}

/* What often follows a layer with weights. */
static void rl_after(struct rl *l, struct value *x)
{
	if (x && rl_any(l, 3))
		x = rl_bias(l, x);
	if (x && rl_any(l, 3))
		x = rl_activation(l, x);
	if (x && l->bytes && rl_any(l, 3))
		rl_quantized(l, x, false);
}

static int64_t rl_channels(struct rl *l)
{
	static const int usual[] = {8, 16, 32, 24};
	return rl_any(l, 3) ? 1 + rl_any(l, 40) : usual[rl_any(l, 4)];
}

static void rl_conv(struct rl *l, struct value *x)
{
	struct rl_window w = rl_window(l, x);
	int n = x->info.shape.rank - 2;
	int64_t c = rg_dim(x, 1), dims[MAX_RANK] = {rl_channels(l), c}, taps = c;
	for (int i = 0; i < n; i++)
		taps *= dims[2 + i] = w.kernel[i];
	int64_t out = rg_dim(x, 0) * w.out * dims[0];
	if (!w.out || out > RL_ELEMS || out * taps > RL_MACS)
		return;
	struct value *in[] = {rl_quantized(l, x, false), rl_weights(l, n + 2, dims, 1, taps)};
	struct node *m = rg_node(&l->r, OP_CONVOLUTION, in, 2, 1);
	rl_set_window(m, &w, n);
	rl_after(l, rg_keep(&l->r, m));
}

/* Depthwise or in groups. */
static void rl_group_conv(struct rl *l, struct value *x)
{
	struct rl_window w = rl_window(l, x);
	int n = x->info.shape.rank - 2;
	int64_t c = rg_dim(x, 1), groups = c;
	for (int tries = rl_any(l, 3) ? 0 : 8; tries > 0 && groups == c; tries--) {
		int64_t g = 1 + rl_any(l, (int)c);
		groups = c % g ? c : g;
	}
	int64_t dims[MAX_RANK] = {groups, rl_any(l, 4) ? 1 : 1 + rl_any(l, 3), c / groups};
	dims[1] = groups == c ? dims[1] : 1 + rl_any(l, 12);
	int64_t taps = dims[2], out = rg_dim(x, 0) * w.out * groups * dims[1];
	for (int i = 0; i < n; i++)
		taps *= dims[3 + i] = w.kernel[i];
	if (!w.out || out > RL_ELEMS || out * taps > RL_MACS)
		return;
	struct value *in[] = {rl_quantized(l, x, groups == c), rl_weights(l, n + 3, dims, 2, taps)};
	struct node *m = rg_node(&l->r, OP_GROUP_CONVOLUTION, in, 2, 1);
	rl_set_window(m, &w, n);
	rl_after(l, rg_keep(&l->r, m));
}

static void rl_deconv(struct rl *l, struct value *x)
{
	struct rl_window w = rl_window(l, x);
	int n = x->info.shape.rank - 2;
	bool grouped = rl_any(l, 3) == 0;
	int64_t c = rg_dim(x, 1), m = 1 + rl_any(l, 20), taps = grouped ? 1 : c, out = rg_dim(x, 0);
	int64_t dims[MAX_RANK] = {c, grouped ? 1 : m, grouped ? 1 : 0};
	int rank = n + 2 + grouped;
	int64_t extra[3];
	for (int i = 0; i < n; i++) {
		taps *= dims[rank - n + i] = w.kernel[i];
		int64_t reach = (w.kernel[i] - 1) * w.dilation[i];
		extra[i] = w.stride[i] > 1 && rl_any(l, 3) == 0;
		int64_t size = (rg_dim(x, 2 + i) - 1) * w.stride[i] + reach + 1 - w.begin[i] -
			       w.end[i] + extra[i];
		out *= size > 0 ? size : 0;
	}
	out *= grouped ? c : m;
	if (out < 1 || out > RL_ELEMS || out * taps > RL_MACS)
		return;
	struct value *in[] = {
	    rl_quantized(l, x, false), rl_weights(l, rank, dims, grouped ? 2 : 0, taps)};
	struct node *d = rg_node(
	    &l->r, grouped ? OP_GROUP_DECONVOLUTION : OP_DECONVOLUTION, in, 2, 1);
	rl_set_window(d, &w, n);
	attr_set_ints(d, "output_padding", n, extra);
	rl_after(l, rg_keep(&l->r, d));
}

/* ---- other layers ------------------------------------------------------------------------------
 */

static void rl_pool(struct rl *l, struct value *x)
{
	struct rl_window w = rl_window(l, x);
	int n = x->info.shape.rank - 2;
	bool largest = rl_any(l, 2), up = rl_any(l, 4) == 0, fits = rl_count(x) <= RL_ELEMS;
	for (int i = 0; i < n; i++) {
		int64_t k = w.kernel[i];
		w.begin[i] = w.begin[i] < k ? w.begin[i] : k - 1;
		w.end[i] = w.end[i] < k ? w.end[i] : k - 1;
		fits &= rg_dim(x, 2 + i) >= k;
		up &= w.end[i] <= k - w.stride[i]; /* else a window may see no element at all */
	}
	if (!fits)
		return;
	struct node *m = rg_node(&l->r, largest ? OP_MAX_POOL_1 : OP_AVG_POOL, &x, 1, 1);
	attr_set_ints(m, "kernel", n, w.kernel);
	attr_set_ints(m, "strides", n, w.stride);
	attr_set_ints(m, "pads_begin", n, w.begin);
	attr_set_ints(m, "pads_end", n, w.end);
	if (!largest)
		attr_set_i(m, "exclude-pad", rl_any(l, 2));
	attr_set_s(m, "rounding_type", up ? "ceil" : "floor");
	rg_keep(&l->r, m);
}

static void rl_activate(struct rl *l, struct value *x)
{
	rl_activation(l, x);
}

/* With another value of the same shape, both quantized or not. */
static void rl_sum(struct rl *l, struct value *x)
{
	static const enum op_id id[] = {OP_ADD, OP_ADD, OP_ADD, OP_MULTIPLY, OP_SUBTRACT};
	struct value *y = rg_like(&l->r, x);
	if (!y || y == x)
		return;
	struct value *in[] = {rl_quantized(l, x, false), rl_quantized(l, y, false)};
	x = rg_keep(&l->r, rg_node(&l->r, id[rl_any(l, 5)], in, 2, 1));
	if (x && rl_any(l, 2))
		x = rl_activation(l, x);
	if (x && rl_any(l, 2))
		rl_quantized(l, x, false);
}

/* Of up to three values that differ in their channels only. */
static void rl_concat(struct rl *l, struct value *x)
{
	struct value *in[3] = {x};
	int n = 1;
	for (int tries = 0; tries < 12 && n < 3; tries++) {
		struct value *y = l->r.v[rl_any(l, l->r.n)];
		bool fits = y->info.shape.rank == x->info.shape.rank;
		for (int i = 0; fits && i < x->info.shape.rank; i++)
			fits = i == 1 || rg_dim(x, i) == rg_dim(y, i);
		if (fits && rl_count(y) < RL_ELEMS)
			in[n++] = y;
	}
	struct node *c = rg_node(&l->r, OP_CONCAT, in, n, 1);
	attr_set_i(c, "axis", 1);
	x = rg_keep(&l->r, c);
	if (x && rl_any(l, 2))
		rl_quantized(l, x, false);
}

static void rl_split(struct rl *l, struct value *x)
{
	int64_t c = rg_dim(x, 1), axis = 1, first = 1 + rl_any(l, (int)c);
	if (first == c)
		return;
	int64_t sizes[] = {first, c - first};
	struct value *at = rl_part(l, graph_const_i64(l->r.g, NULL, "axis", -1, &axis));
	struct value *lengths = rl_part(l, graph_const_i64(l->r.g, NULL, "sizes", 2, sizes));
	rg_keep(&l->r, rg_node(&l->r, OP_VARIADIC_SPLIT, (struct value *[]){x, at, lengths}, 3, 2));
}

/* Channels in another order, as ShuffleNet writes it. */
static void rl_shuffle(struct rl *l, struct value *x)
{
	int64_t c = rg_dim(x, 1), g = 2 + rl_any(l, 3), order[] = {0, 2, 1, 3, 4};
	if (c % g || x->info.shape.rank != 4)
		return;
	int64_t apart[] = {0, g, c / g, rg_dim(x, 2), rg_dim(x, 3)};
	int64_t back[] = {0, c, rg_dim(x, 2), rg_dim(x, 3)};
	struct value *in[] = {x, rg_ints(&l->r, 5, apart)};
	struct node *n = rg_node(&l->r, OP_RESHAPE, in, 2, 1);
	attr_set_i(n, "special_zero", true);
	struct value *turn[] = {rl_part(l, n), rg_ints(&l->r, 5, order)};
	struct value *join[] = {
	    rl_part(l, rg_node(&l->r, OP_TRANSPOSE, turn, 2, 1)), rg_ints(&l->r, 4, back)};
	n = rg_node(&l->r, OP_RESHAPE, join, 2, 1);
	attr_set_i(n, "special_zero", true);
	rg_keep(&l->r, n);
}

static void rl_resize(struct rl *l, struct value *x)
{
	static const char *const ways[] = {"asymmetric", "half_pixel", "align_corners"};
	int64_t to[] = {rg_dim(x, 2) * 2, rg_dim(x, 3) * 2}, axes[] = {2, 3};
	bool nearest = rl_any(l, 2);
	if (x->info.shape.rank != 4)
		return;
	if (rl_any(l, 2))
		to[0] = 1 + rl_any(l, 20), to[1] = 1 + rl_any(l, 20);
	if (rg_dim(x, 0) * rg_dim(x, 1) * to[0] * to[1] > RL_ELEMS)
		return;
	float scale[] = {(float)to[0] / rg_dim(x, 2), (float)to[1] / rg_dim(x, 3)};
	int64_t two = 2;
	struct value *in[] = {
	    x, rg_ints(&l->r, 2, to), rl_const(l, 1, &two, scale), rg_ints(&l->r, 2, axes)};
	struct node *n = rg_node(&l->r, OP_INTERPOLATE_4, in, 4, 1);
	attr_set_s(n, "mode", nearest ? "nearest" : "linear_onnx");
	attr_set_s(n, "shape_calculation_mode", "sizes");
	attr_set_s(n, "coordinate_transformation_mode", ways[rl_any(l, 3)]);
	attr_set_s(n, "nearest_mode", rl_any(l, 2) ? "floor" : "round_prefer_floor");
	rg_keep(&l->r, n);
}

static struct value *rl_mean(struct rl *l, struct value *x, bool keep)
{
	int64_t axes[] = {2, 3, 4};
	struct value *in[] = {x, rg_ints(&l->r, x->info.shape.rank - 2, axes)};
	struct node *n = rg_node(&l->r, rl_any(l, 4) ? OP_REDUCE_MEAN : OP_REDUCE_MAX, in, 2, 1);
	attr_set_i(n, "keep_dims", keep);
	return rg_keep(&l->r, n);
}

/* Squeeze and excitation: channels weighed by what is seen of them. */
static void rl_squeeze(struct rl *l, struct value *x)
{
	int rank = x->info.shape.rank;
	int64_t c = rg_dim(x, 1), m = 1 + rl_any(l, 9), dims[MAX_RANK] = {m, c, 1, 1, 1};
	int64_t back[MAX_RANK] = {c, m, 1, 1, 1};
	struct rl_window w = {.stride = {1, 1, 1}, .dilation = {1, 1, 1}};
	struct value *s = rl_mean(l, x, true);
	for (int i = 0; i < 2 && s; i++) {
		struct value *in[] = {
		    rl_quantized(l, s, false), rl_weights(l, rank, i ? back : dims, 1, i ? m : c)};
		struct node *n = rg_node(&l->r, OP_CONVOLUTION, in, 2, 1);
		rl_set_window(n, &w, rank - 2);
		s = rg_keep(&l->r, n);
		s = s ? rl_bias(l, s) : NULL;
		enum op_id id = !i ? OP_RELU : rl_any(l, 2) ? OP_SIGMOID : OP_HSIGMOID;
		s = s ? rg_keep(&l->r, rg_node(&l->r, id, &s, 1, 1)) : NULL;
	}
	struct value *in[] = {x, s};
	if (s)
		rg_keep(&l->r, rg_node(&l->r, OP_MULTIPLY, in, 2, 1));
}

static void rl_matmul(struct rl *l, struct value *x)
{
	int rank = x->info.shape.rank;
	int64_t k = rg_dim(x, rank - 1), n = 1 + rl_any(l, 40);
	bool turned = rl_any(l, 3);
	int64_t dims[] = {turned ? n : k, turned ? k : n};
	struct value *in[] = {rl_quantized(l, x, false), rl_weights(l, 2, dims, turned ? 1 : 0, k)};
	struct node *m = rg_node(&l->r, OP_MATMUL, in, 2, 1);
	attr_set_i(m, "transpose_b", turned);
	x = rg_keep(&l->r, m);
	int64_t bias[] = {n};
	if (x && rl_any(l, 2)) {
		struct value *sum[] = {x, rg_floats(&l->r, 1, bias, -0.5, 0.5)};
		x = rg_keep(&l->r, rg_node(&l->r, OP_ADD, sum, 2, 1));
	}
	if (x && rl_any(l, 2))
		rl_activation(l, x);
}

/* A classifier's end, or pictures as sequences. */
static void rl_flatten(struct rl *l, struct value *x)
{
	int64_t flat[] = {0, -1}, rows[] = {0, 0, -1}, order[] = {0, 2, 1};
	int kind = rl_any(l, 3);
	if (kind == 0)
		x = rl_mean(l, x, false);
	else {
		struct value *in[] = {
		    x, kind == 1 ? rg_ints(&l->r, 2, flat) : rg_ints(&l->r, 3, rows)};
		struct node *n = rg_node(&l->r, OP_RESHAPE, in, 2, 1);
		attr_set_i(n, "special_zero", true);
		x = rg_keep(&l->r, n);
	}
	if (x && kind == 2)
		x = rg_keep(&l->r, rg_node(&l->r, OP_TRANSPOSE,
				       (struct value *[]){x, rg_ints(&l->r, 3, order)}, 2, 1));
	if (x && rg_dim(x, x->info.shape.rank - 1) <= 2000)
		rl_matmul(l, x);
}

static void rl_softmax(struct rl *l, struct value *x)
{
	struct node *n = rg_node(&l->r, OP_SOFTMAX, &x, 1, 1);
	attr_set_i(n, "axis", 1 + rl_any(l, x->info.shape.rank - 1));
	rg_keep(&l->r, n);
}

/* Part of the picture, or with a border. */
static void rl_edges(struct rl *l, struct value *x)
{
	int rank = x->info.shape.rank;
	int64_t begin[MAX_RANK] = {0}, end[MAX_RANK] = {0};
	for (int i = 2; i < rank; i++) {
		begin[i] = rl_any(l, 3);
		end[i] = rl_any(l, 3);
	}
	float zero = 0;
	struct value *in[] = {
	    x, rg_ints(&l->r, rank, begin), rg_ints(&l->r, rank, end), rl_const(l, 0, NULL, &zero)};
	struct node *n = rg_node(&l->r, OP_PAD, in, 4, 1);
	attr_set_s(n, "pad_mode", "constant");
	rg_keep(&l->r, n);
}

static void rl_slice(struct rl *l, struct value *x)
{
	int64_t axis = 1 + rl_any(l, x->info.shape.rank - 1), all = rg_dim(x, (int)axis);
	int64_t at = rl_any(l, (int)all), end = at + 1 + rl_any(l, (int)(all - at));
	int64_t step = rl_any(l, 4) ? 1 : 2;
	struct value *in[] = {x, rg_ints(&l->r, 1, &at), rg_ints(&l->r, 1, &end),
	    rg_ints(&l->r, 1, &step), rg_ints(&l->r, 1, &axis)};
	rg_keep(&l->r, rg_node(&l->r, OP_SLICE, in, 5, 1));
}

/* ---- networks ----------------------------------------------------------------------------------
 */

static void rl_layer(struct rl *l)
{
	static void (*const layer[])(struct rl *, struct value *) = {rl_conv, rl_conv, rl_conv,
	    rl_conv, rl_conv, rl_group_conv, rl_group_conv, rl_group_conv, rl_deconv, rl_pool,
	    rl_pool, rl_activate, rl_sum, rl_sum, rl_sum, rl_concat, rl_concat, rl_split,
	    rl_shuffle, rl_resize, rl_squeeze, rl_edges, rl_slice, rl_softmax, rl_flatten};
	int back = rl_any(l, 3) ? 1 : 1 + rl_any(l, l->r.n);
	struct value *x = l->r.v[l->r.n - back];
	if (x->info.shape.rank == l->rank && rl_count(x) <= RL_ELEMS)
		layer[rl_any(l, sizeof layer / sizeof *layer)](l, x);
	else if (x->info.shape.rank != l->rank && rl_any(l, 4) == 0)
		rl_matmul(l, x);
}

static void rl_input(struct rl *l)
{
	struct shape s = shape_any(l->rank);
	static const int ranks3[] = {37, 1, 8, 16}, ranks5[] = {1, 2, 3, 5};
	s.dim[0] = dim_of(rl_any(l, 2) ? 1 : 1 + rl_any(l, 5));
	s.dim[1] = dim_of(rl_any(l, 4) == 0 ? 3 : rl_channels(l));
	for (int i = 2; i < l->rank; i++)
		s.dim[i] = dim_of(l->rank == 3   ? ranks3[rl_any(l, 4)] + rl_any(l, 9)
				  : l->rank == 5 ? ranks5[rl_any(l, 4)]
						 : 1 + rl_any(l, rl_any(l, 3) ? 17 : 30));
	struct node *p = graph_add(l->r.g, op_row(OP_PARAMETER), "x", NULL, 0, 1);
	attr_set_shape(p, "shape", &s);
	attr_set_type(p, "element_type", DT_F32);
	rg_keep(&l->r, p);
}

/* NULL when the generator itself is wrong. */
static struct graph *random_layers(uint64_t seed, bool bytes, bool *coarse)
{
	struct rl l = {.bytes = bytes};
	struct err err = {0};
	l.r = (struct rg){
	    .g = graph_new("random"), .seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 7};
	int kind = rl_any(&l, 16);
	l.rank = kind == 0 ? 3 : kind == 1 ? 5 : 4;
	rl_input(&l);
	for (int k = 2 + rl_any(&l, 12); k > 0 && !l.r.failed && l.r.n < RG_VALUES - 8; k--)
		rl_layer(&l);
	for (int i = 1, made = 0; !l.r.failed && i <= l.r.n; i++)
		if (!l.r.v[l.r.n - i]->nuses || (made++ < 1 && rl_any(&l, 8) == 0))
			graph_add(l.r.g, op_row(OP_RESULT), "r", &l.r.v[l.r.n - i], 1, 0);
	if (l.r.failed || graph_infer(l.r.g, &err)) {
		printf("generator: %s\n", err.text);
		graph_free(l.r.g);
		l.r.g = NULL;
	}
	err_clear(&err);
	*coarse = l.coarse;
	return l.r.g;
}

#endif
