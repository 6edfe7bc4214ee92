/* Random graphs of the layers that passes know, every shape of which fits. */
#ifndef TESTS_PASSES_RANDOM_GRAPH_H
#define TESTS_PASSES_RANDOM_GRAPH_H

#include "tests/passes/random_parts.h"

static void rg_unary(struct rg *r, struct value *x)
{
	static const enum op_id id[] = {OP_RELU, OP_SIGMOID, OP_TANH, OP_ABS, OP_HSWISH, OP_CLAMP,
	    OP_NEGATIVE, OP_SOFT_PLUS, OP_RELU};
	struct node *n = rg_node(r, id[rg_any(r, 9)], &x, 1, 1);
	if (node_is(n, OP_CLAMP)) {
		attr_set_f(n, "min", rg_any(r, 2) ? 0 : -1);
		attr_set_f(n, "max", rg_any(r, 2) ? 6 : 1);
	}
	rg_keep(r, n);
}

/* With a constant that is one number, one per channel, one per column or of full size. */
static void rg_arithmetic(struct rg *r, struct value *x)
{
	static const enum op_id id[] = {OP_ADD, OP_MULTIPLY, OP_SUBTRACT, OP_DIVIDE, OP_MAXIMUM,
	    OP_MINIMUM, OP_ADD, OP_MULTIPLY};
	int64_t dims[MAX_RANK];
	int rank = x->info.shape.rank, kind = rg_any(r, 4), k = rg_any(r, 8);
	for (int i = 0; i < rank; i++) {
		bool all = i && (kind == 1 ? i == 1 : kind == 2 ? i == rank - 1 : kind == 3);
		dims[i] = all ? rg_dim(x, i) : 1;
	}
	bool divides = id[k] == OP_DIVIDE;
	int skip = rg_any(r, 2); /* leading ones left out */
	struct value *c = rg_floats(
	    r, rank - skip, dims + skip, divides ? 0.5 : -1.5, divides ? 2 : 1.5);
	bool first = !divides && rg_any(r, 3) == 0;
	struct value *in[] = {first ? c : x, first ? x : c};
	rg_keep(r, rg_node(r, id[k], in, 2, 1));
}

static void rg_binary(struct rg *r, struct value *x)
{
	static const enum op_id id[] = {OP_ADD, OP_ADD, OP_MULTIPLY, OP_SUBTRACT, OP_MAXIMUM};
	struct value *y = rg_like(r, x), *in[] = {x, y};
	if (!y)
		return;
	if (rg_any(r, 3))
		rg_keep(r, rg_node(r, id[rg_any(r, 5)], in, 2, 1));
	else {
		struct node *n = rg_node(r, OP_CONCAT, in, 2, 1);
		attr_set_i(n, "axis", x->info.shape.rank > 1);
		rg_keep(r, n);
	}
}

static void rg_window(struct rg *r, struct node *n, int64_t most)
{
	int64_t stride = 1 + rg_any(r, 2), one[2] = {1, 1}, s[2] = {stride, stride};
	int64_t begin[2] = {rg_any(r, (int)most), rg_any(r, (int)most)};
	int64_t end[2] = {rg_any(r, (int)most), rg_any(r, (int)most)};
	attr_set_ints(n, "strides", 2, s);
	if (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION))
		attr_set_ints(n, "dilations", 2, one);
	attr_set_ints(n, "pads_begin", 2, begin);
	attr_set_ints(n, "pads_end", 2, end);
}

static void rg_conv(struct rg *r, struct value *x)
{
	int64_t c = rg_dim(x, 1), k = 1 + 2 * (rg_any(r, 3) == 0);
	bool grouped = rg_any(r, 4) == 0;
	int64_t dims[] = {c, 1 + rg_any(r, 2), 1, k, k}, plain[] = {1 + rg_any(r, 8), c, k, k};
	if (x->info.shape.rank != 4 || rg_dim(x, 2) < k || rg_dim(x, 3) < k)
		return;
	struct value *w = grouped ? rg_floats(r, 5, dims, -0.6, 0.6)
				  : rg_floats(r, 4, plain, -0.6, 0.6);
	struct value *in[] = {x, w};
	struct node *n = rg_node(r, grouped ? OP_GROUP_CONVOLUTION : OP_CONVOLUTION, in, 2, 1);
	rg_window(r, n, k == 1 ? 1 + (rg_any(r, 4) == 0) : 2);
	rg_keep(r, n);
}

static void rg_pool(struct rg *r, struct value *x)
{
	int64_t k = 1 + rg_any(r, 3), kernel[] = {k, k};
	if (x->info.shape.rank != 4 || rg_dim(x, 2) < k || rg_dim(x, 3) < k)
		return;
	bool largest = rg_any(r, 2);
	struct node *n = rg_node(r, largest ? OP_MAX_POOL_1 : OP_AVG_POOL, &x, 1, 1);
	attr_set_ints(n, "kernel", 2, kernel);
	if (!largest)
		attr_set_i(n, "exclude-pad", rg_any(r, 2));
	/* rounded up, a window of up to 2 might see no element at all */
	attr_set_s(n, "rounding_type", k < 3 || rg_any(r, 4) ? "floor" : "ceil");
	rg_window(r, n, k > 1 ? 2 : 1);
	rg_keep(r, n);
}

static void rg_norm(struct rg *r, struct value *x)
{
	int64_t c = x->info.shape.rank > 1 ? rg_dim(x, 1) : 0;
	if (c < 1)
		return;
	struct value *in[] = {x, rg_floats(r, 1, &c, -1.5, 1.5), rg_floats(r, 1, &c, -1, 1),
	    rg_floats(r, 1, &c, -1, 1), rg_floats(r, 1, &c, 0.5, 2)};
	struct node *n = rg_node(r, OP_BATCH_NORM, in, 5, 1);
	attr_set_f(n, "epsilon", 1e-5);
	rg_keep(r, n);
}

/* Parts that cover an axis, or some that don't. */
static void rg_slices(struct rg *r, struct value *x)
{
	int axis = 1 + rg_any(r, x->info.shape.rank - 1);
	int64_t all = rg_dim(x, axis), at = 0, along = axis, parts = 2 + rg_any(r, 2);
	for (int k = 0; k < parts && at < all; k++) {
		int64_t end = k == parts - 1 ? INT64_MAX : at + 1 + rg_any(r, 2);
		int64_t step = rg_any(r, 8) ? 1 : 2;
		struct value *in[] = {x, rg_ints(r, 1, &at), rg_ints(r, 1, &end),
		    rg_ints(r, 1, &step), rg_ints(r, 1, &along)};
		rg_keep(r, rg_node(r, OP_SLICE, in, 5, 1));
		at = end < all ? end : all;
	}
}

static void rg_reorder(struct rg *r, struct value *x)
{
	int64_t axis = 1, c = x->info.shape.rank > 1 ? rg_dim(x, 1) : 0, from[64];
	if (c < 2 || c > 64)
		return;
	for (int64_t i = 0; i < c; i++)
		from[i] = c - 1 - i;
	struct value *in[] = {x, rg_ints(r, (int)c, from), rg_ints(r, -1, &axis)};
	rg_keep(r, rg_node(r, OP_GATHER, in, 3, 1));
}

static void rg_transpose(struct rg *r, struct value *x)
{
	static const int64_t order4[][4] = {{0, 2, 3, 1}, {0, 3, 1, 2}, {0, 1, 3, 2}, {0, 2, 1, 3}},
			     order3[] = {0, 2, 1}, order2[] = {0, 1};
	int rank = x->info.shape.rank;
	struct value *in[] = {x, rank == 4   ? rg_ints(r, 4, order4[rg_any(r, 4)])
				 : rank == 3 ? rg_ints(r, 3, order3)
					     : rg_ints(r, 2, order2)};
	rg_keep(r, rg_node(r, OP_TRANSPOSE, in, 2, 1));
}

static void rg_view(struct rg *r, struct value *x)
{
	int rank = x->info.shape.rank;
	int64_t flat[] = {0, -1}, three[] = {0, 0, -1}, deep[] = {0, rg_dim(x, 1), -1, 1};
	int kind = rg_any(r, 3);
	struct value *in[] = {x, kind == 0   ? rg_ints(r, 2, flat)
				 : kind == 1 ? rg_ints(r, 3, three)
					     : rg_ints(r, 4, deep)};
	struct node *n = rank > 2 || kind != 1 ? rg_node(r, OP_RESHAPE, in, 2, 1) : NULL;
	if (!n)
		return;
	attr_set_i(n, "special_zero", true);
	rg_keep(r, n);
}

static void rg_reduce(struct rg *r, struct value *x)
{
	static const enum op_id id[] = {OP_REDUCE_MEAN, OP_REDUCE_MAX, OP_REDUCE_SUM, OP_REDUCE_L2};
	int rank = x->info.shape.rank;
	int64_t axis = 1 + rg_any(r, rank - 1);
	struct value *in[] = {x, rg_ints(r, 1, &axis)};
	struct node *n = rg_node(r, id[rg_any(r, 4)], in, 2, 1);
	attr_set_i(n, "keep_dims", rank < 3 || rg_any(r, 2));
	rg_keep(r, n);
}

static void rg_pad(struct rg *r, struct value *x)
{
	int64_t begin[MAX_RANK] = {0}, end[MAX_RANK] = {0}, one = 1;
	int rank = x->info.shape.rank;
	for (int i = rg_any(r, 4) ? 2 : 1; i < rank; i++) {
		begin[i] = rg_any(r, 2);
		end[i] = rg_any(r, 2);
	}
	struct value *in[] = {
	    x, rg_ints(r, rank, begin), rg_ints(r, rank, end), rg_floats(r, 1, &one, 0, 0)};
	if (rg_any(r, 4) == 0)
		in[3] = rg_floats(r, 0, NULL, -1, 1);
	else
		in[3] = rg_floats(r, 0, NULL, 0, 0);
	struct node *n = rg_node(r, OP_PAD, in, 4, 1);
	attr_set_s(n, "pad_mode", "constant");
	rg_keep(r, n);
}

static void rg_matmul(struct rg *r, struct value *x)
{
	int rank = x->info.shape.rank;
	int64_t k = rg_dim(x, rank - 1), n = 1 + rg_any(r, 6);
	bool turned = rg_any(r, 2);
	int64_t dims[] = {turned ? n : k, turned ? k : n};
	struct value *in[] = {x, rg_floats(r, 2, dims, -0.6, 0.6)};
	struct node *m = k > 0 && k <= 512 ? rg_node(r, OP_MATMUL, in, 2, 1) : NULL;
	if (!m)
		return;
	attr_set_i(m, "transpose_b", turned);
	rg_keep(r, m);
}

static void rg_softmax(struct rg *r, struct value *x)
{
	struct node *n = rg_node(r, OP_SOFTMAX, &x, 1, 1);
	attr_set_i(n, "axis", 1 + rg_any(r, x->info.shape.rank - 1));
	rg_keep(r, n);
}

static void rg_layer(struct rg *r)
{
	static void (*const layer[])(struct rg * r, struct value * x) = {rg_unary, rg_unary,
	    rg_arithmetic, rg_arithmetic, rg_arithmetic, rg_binary, rg_binary, rg_conv, rg_conv,
	    rg_conv, rg_pool, rg_norm, rg_norm, rg_slices, rg_reorder, rg_transpose, rg_view,
	    rg_reduce, rg_pad, rg_matmul, rg_softmax};
	/* the last ones most, so that chains grow */
	int back = rg_any(r, 3) ? 1 : 1 + rg_any(r, r->n);
	struct value *x = r->v[r->n - back];
	int rank = x->info.shape.rank;
	for (int i = 1; i < rank; i++) /* nothing of unknown or no size but the batch */
		if (rg_dim(x, i) < 1 || rg_dim(x, i) > 4096)
			return;
	if (rank >= 2)
		layer[rg_any(r, sizeof layer / sizeof *layer)](r, x);
}

/* NULL when the generator itself is wrong. */
static struct graph *random_graph(uint64_t seed)
{
	struct rg r = {.g = graph_new("random"), .seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 3};
	struct shape s = shape_any(4);
	static const int64_t size[] = {4, 5, 6, 8};
	s.dim[0] = rg_any(&r, 2) ? dim_any() : dim_of(2);
	s.dim[1] = dim_of(1 + rg_any(&r, 5));
	for (int i = 2; i < 4; i++)
		s.dim[i] = dim_of(size[rg_any(&r, 4)]);
	struct node *p = graph_add(r.g, op_row(OP_PARAMETER), "x", NULL, 0, 1);
	attr_set_shape(p, "shape", &s);
	attr_set_type(p, "element_type", DT_F32);
	rg_keep(&r, p);
	for (int k = 6 + rg_any(&r, 16); k > 0 && !r.failed && r.n < RG_VALUES; k--)
		rg_layer(&r);
	for (int i = 1, made = 0; !r.failed && i <= r.n;
	     i++) /* what nothing reads, and some more */
		if (!r.v[r.n - i]->nuses || (made++ < 2 && rg_any(&r, 4) == 0))
			graph_add(r.g, op_row(OP_RESULT), "r", &r.v[r.n - i], 1, 0);
	struct err err = {0};
	if (r.failed || graph_infer(r.g, &err)) {
		printf("generator: %s\n", err.text);
		graph_free(r.g);
		r.g = NULL;
	}
	err_clear(&err);
	return r.g;
}

#endif
