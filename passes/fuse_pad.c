/* Padding with zeros before a convolution or pooling becomes its own: exact. */
#include <float.h>

#include "passes/rewrite.h"

/* One number around the spatial dims and nowhere else: how often at both ends. */
static bool number_pad(const struct node *p, int64_t *begin, int64_t *end, int *rank, double *value)
{
	int other;
	*value = 0;
	if (!(node_is(p, OP_PAD) || node_is(p, OP_PAD_1)) || !attr_is(p, "pad_mode", "constant") ||
	    p->out[0].nuses != 1 || !dtype_is_float(p->out[0].info.type))
		return false;
	if (!const_ints(node_in(p, 1), begin, MAX_RANK, rank) ||
	    !const_ints(node_in(p, 2), end, MAX_RANK, &other) || *rank != other || *rank < 3)
		return false;
	if (node_in(p, 3) && !const_number(node_in(p, 3), value))
		return false;
	for (int i = 0; i < *rank; i++)
		if (begin[i] < 0 || end[i] < 0 || (i < 2 && (begin[i] || end[i])))
			return false;
	return true;
}

static bool add_pads(struct node *n, const char *name, const int64_t *more, int count)
{
	const int64_t *v;
	int64_t sum[MAX_RANK];
	int given = attr_ints(n, name, &v);
	for (int i = 0; i < count; i++)
		sum[i] = more[i] + (i < given ? v[i] : 0);
	return attr_set_ints(n, name, count, sum);
}

static bool is_avg_pool(const struct node *n)
{
	return node_is(n, OP_AVG_POOL) || node_is(n, OP_AVG_POOL_14);
}

static bool is_max_pool(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) ||
	       ((node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14)) && !n->out[1].nuses);
}

/* Nothing below 0 comes out of it. */
static bool never_negative(const struct node *n)
{
	return node_is(n, OP_RELU) || node_is(n, OP_SIGMOID) || node_is(n, OP_ABS) ||
	       (node_is(n, OP_CLAMP) && attr_f(n, "min") >= 0);
}

static bool has_pads(const struct node *n)
{
	static const char *const name[] = {"pads_begin", "pads_end"};
	const int64_t *v;
	for (int k = 0; k < 2; k++)
		for (int i = attr_ints(n, name[k], &v) - 1; i >= 0; i--)
			if (v[i])
				return true;
	return false;
}

/* Every window sees a real element: pads are less than the kernel. */
static bool pads_fit(const struct node *n, const int64_t *begin, const int64_t *end, int count)
{
	const int64_t *kernel;
	int given = attr_ints(n, "kernel", &kernel);
	for (int i = 0; i < count; i++)
		if (i >= given || begin[i] >= kernel[i] || end[i] >= kernel[i])
			return false;
	return true;
}

/* May the pooling, which has no pads, make these itself? */
static bool pool_pads(const struct node *n, const struct node *pad, double value,
    const int64_t *begin, const int64_t *end, int count)
{
	const int64_t *v;
	if (!attr_is(n, "rounding_type", "floor") || !pads_fit(n, begin, end, count))
		return false;
	if (!attr_is(n, "auto_pad", "valid") && has_pads(n))
		return false;
	if (is_avg_pool(n))
		return value == 0;
	for (int i = is_max_pool(n) && n->nout > 1 ? attr_ints(n, "dilations", &v) - 1 : -1; i >= 0;
	     i--)
		if (v[i] != 1)
			return false;
	return is_max_pool(n) &&
	       (value <= -FLT_MAX || (value <= 0 && never_negative(node_in(pad, 0)->node)));
}

static bool may_take(const struct node *n, const struct node *pad, double value,
    const int64_t *begin, const int64_t *end, int count)
{
	if (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION))
		return value == 0;
	return pool_pads(n, pad, value, begin, end, count);
}

static bool has_window(const struct node *n)
{
	return node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) || is_avg_pool(n) ||
	       is_max_pool(n);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int64_t begin[MAX_RANK], end[MAX_RANK];
	double value;
	int rank;
	if (!has_window(n))
		return 0;
	struct node *pad = node_in(n, 0)->node;
	bool valid = attr_is(n, "auto_pad", "valid");
	if ((!valid && attr_s(n, "auto_pad")[0] && !attr_is(n, "auto_pad", "explicit")) ||
	    !number_pad(pad, begin, end, &rank, &value) || rank != n->out[0].info.shape.rank ||
	    !may_take(n, pad, value, begin + 2, end + 2, rank - 2))
		return 0;
	int64_t none[MAX_RANK] = {0};
	if (valid && (!attr_set_ints(n, "pads_begin", rank - 2, none) ||
			 !attr_set_ints(n, "pads_end", rank - 2, none)))
		return fail_nomem(c->err);
	if (!add_pads(n, "pads_begin", begin + 2, rank - 2) ||
	    !add_pads(n, "pads_end", end + 2, rank - 2) || !attr_set_s(n, "auto_pad", "explicit") ||
	    (is_avg_pool(n) && !attr_set_i(n, "exclude-pad", false)))
		return fail_nomem(c->err);
	node_set_input(n, 0, node_in(pad, 0));
	remove_dead(pad);
	return 1;
}

static int fuse_pad(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_pad = {
    .name = "fuse-pad",
    .about = "let a convolution or pooling pad itself",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_pad,
};
