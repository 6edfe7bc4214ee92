/* GroupNormalization: MVN between two Reshapes that put channels into groups and back, and the
 * scale and shift per channel behind it. */
#include "passes/rewrite.h"

static bool same_dim(struct dim a, struct dim b)
{
	return dim_static(a) && dim_static(b) ? a.min == b.min : a.symbol && a.symbol == b.symbol;
}

/* MVN over all dims but the first two. */
static bool over_groups(const struct node *n)
{
	int64_t axis[MAX_RANK];
	int count, rank = n->out[0].info.shape.rank;
	unsigned set = 0;
	if (!node_is(n, OP_MVN) || n->out[0].nuses != 1 || !attr_bool(n, "normalize_variance") ||
	    !(attr_is(n, "eps_mode", "INSIDE_SQRT") || attr_is(n, "eps_mode", "inside_sqrt")) ||
	    rank < 3 || !const_ints(node_in(n, 1), axis, MAX_RANK, &count))
		return false;
	for (int i = 0; i < count; i++)
		set |= 1u << (axis[i] < 0 ? axis[i] + rank : axis[i]);
	return set == (((1u << rank) - 1) & ~3u);
}

/* n is the second Reshape: x as it was before the first; the number of groups in *groups. */
static struct value *grouped_input(const struct node *n, struct node **mvn, int64_t *groups)
{
	if (!is_view(n))
		return NULL;
	*mvn = node_in(n, 0)->node;
	if (!over_groups(*mvn))
		return NULL;
	const struct value *inner = node_in(*mvn, 0);
	if (inner->nuses != 1 || !is_view(inner->node))
		return NULL;
	struct value *x = node_in(inner->node, 0);
	const struct shape *s = &x->info.shape, *g = &inner->info.shape;
	if (s->rank < 3 || !same_reshaped(s, &n->out[0].info.shape) || !dim_static(s->dim[1]) ||
	    !dim_static(g->dim[1]) || !same_dim(s->dim[0], g->dim[0]) || g->dim[1].min < 1 ||
	    s->dim[1].min % g->dim[1].min)
		return NULL;
	*groups = g->dim[1].min;
	return x;
}

static struct value *channels_of(
    struct pass_ctx *c, struct node *n, const char *suffix, int64_t count, const double *x)
{
	struct node *k = add_channels(
	    n, name_with(n, n->name, suffix), n->out[0].info.type, 1, 0, count, x);
	if (!k)
		fail_nomem(c->err);
	return k && !node_infer(k, c->err) ? &k->out[0] : NULL;
}

/* The layer in the place of n, with these factors and terms per channel. */
static int put(struct pass_ctx *c, struct node *n, struct value *x, int64_t groups, double epsilon,
    const double *scale, const double *shift)
{
	int64_t channels = x->info.shape.dim[1].min;
	struct value *in[3] = {x, channels_of(c, n, "/scale", channels, scale),
	    channels_of(c, n, "/shift", channels, shift)};
	if (!in[1] || !in[2])
		return c->err->status;
	struct node *made = graph_insert_before(n, op_row(OP_GROUP_NORM), n->name, in, 3, 1);
	if (!made || !attr_set_i(made, "num_groups", groups) ||
	    !attr_set_f(made, "epsilon", epsilon))
		return fail_nomem(c->err);
	return put_in_place(c, made, n);
}

static double *doubles(struct pass_ctx *c, int64_t n, double x)
{
	double *v = arena_array(c->scratch, n, sizeof *v);
	for (int64_t i = 0; v && i < n; i++)
		v[i] = x;
	if (!v)
		fail_nomem(c->err);
	return v;
}

static int fuse_groups(struct pass_ctx *c, struct node *n)
{
	struct node *mvn;
	int64_t groups;
	struct value *x = grouped_input(n, &mvn, &groups);
	if (!x || x->info.shape.dim[1].min > MAX_CHANNELS)
		return 0;
	double *scale = doubles(c, x->info.shape.dim[1].min, 1);
	double *shift = doubles(c, x->info.shape.dim[1].min, 0);
	if (!scale || !shift)
		return c->err->status;
	return put(c, n, x, groups, attr_f(mvn, "eps"), scale, shift);
}

/* n multiplies or shifts each channel of a GroupNormalization that nothing else reads. */
static int fuse_affine(struct pass_ctx *c, struct node *n)
{
	bool product = node_is(n, OP_MULTIPLY);
	int k = product || node_is(n, OP_ADD) ? const_input(n) : -1;
	const struct value *v = k < 0 ? NULL : node_in(n, 1 - k);
	if (!v || v->nuses != 1 || !node_is(v->node, OP_GROUP_NORM))
		return 0;
	const struct shape *s = &v->info.shape;
	if (s->rank < 2 || !dim_static(s->dim[1]) || s->dim[1].min > MAX_CHANNELS)
		return 0;
	int64_t channels = s->dim[1].min;
	double *x = doubles(c, channels, 0), *scale = doubles(c, channels, 0);
	double *shift = doubles(c, channels, 0);
	if (!x || !scale || !shift)
		return c->err->status;
	if (!const_channels(node_in(n, k), s->rank, 1, channels, x) ||
	    !const_channels(node_in(v->node, 1), 1, 0, channels, scale) ||
	    !const_channels(node_in(v->node, 2), 1, 0, channels, shift))
		return 0;
	for (int64_t i = 0; i < channels; i++) {
		scale[i] *= product ? x[i] : 1;
		shift[i] = product ? shift[i] * x[i] : shift[i] + x[i];
	}
	return put(c, n, node_in(v->node, 0), attr_i(v->node, "num_groups"),
	    attr_f(v->node, "epsilon"), scale, shift);
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	if (n->nout != 1 || !dtype_is_float(n->out[0].info.type))
		return 0;
	int r = fuse_groups(c, n);
	return r ? r : fuse_affine(c, n);
}

static int fuse_group_norm(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_group_norm = {
    .name = "fuse-group-norm",
    .about = "recognise GroupNormalization around MVN, with scale and shift",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_group_norm,
};
