/* Padding with zeros before a convolution becomes the convolution's own. */
#include "passes/rewrite.h"

/* Zeros around the spatial dims and nowhere else: their numbers at both ends. */
static bool zero_pad(const struct node *p, int64_t *begin, int64_t *end, int *rank)
{
	double value = 0;
	int other;
	if (!(node_is(p, OP_PAD) || node_is(p, OP_PAD_1)) || !attr_is(p, "pad_mode", "constant") ||
	    p->out[0].nuses != 1 || !dtype_is_float(p->out[0].info.type))
		return false;
	if (!const_ints(node_in(p, 1), begin, MAX_RANK, rank) ||
	    !const_ints(node_in(p, 2), end, MAX_RANK, &other) || *rank != other || *rank < 3)
		return false;
	if (node_in(p, 3) && !(const_number(node_in(p, 3), &value) && value == 0))
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

static int fuse(struct pass_ctx *c, struct node *n)
{
	int64_t begin[MAX_RANK], end[MAX_RANK];
	int rank;
	if (!node_is(n, OP_CONVOLUTION) && !node_is(n, OP_GROUP_CONVOLUTION))
		return 0;
	struct node *pad = node_in(n, 0)->node;
	bool valid = attr_is(n, "auto_pad", "valid");
	if ((!valid && attr_s(n, "auto_pad")[0] && !attr_is(n, "auto_pad", "explicit")) ||
	    !zero_pad(pad, begin, end, &rank) || rank != n->out[0].info.shape.rank)
		return 0;
	int64_t none[MAX_RANK] = {0};
	if (valid && (!attr_set_ints(n, "pads_begin", rank - 2, none) ||
			 !attr_set_ints(n, "pads_end", rank - 2, none)))
		return fail_nomem(c->err);
	if (!add_pads(n, "pads_begin", begin + 2, rank - 2) ||
	    !add_pads(n, "pads_end", end + 2, rank - 2) || !attr_set_s(n, "auto_pad", "explicit"))
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
    .about = "let a convolution pad with zeros itself",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_pad,
};
