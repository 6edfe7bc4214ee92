/* What is quantized to integers and brought back becomes FakeQuantize, also where layers between
 * only move the integers: MaxPool, Reshape, Concat. */
#include <math.h>

#include "passes/rewrite.h"

#define DEPTH 16  /* layers that integers are followed through, one after the other */
#define NODES 256 /* and in all */
/* More stay as they are: OpenVINO takes FakeQuantize with 65536 levels for one of 8 bits, and what
 * it then computes is far off. */
#define MOST_LEVELS 256

/* A step of the integers 1 stands for: scale * (1 - zero); one for all, or one per channel. */
struct grid {
	int rank; /* of the data */
	int axis; /* of the channels */
	int64_t channels;
	struct value *scale, *zero; /* constants, NULL for 1 and 0 */
};

/* q = clamp(round(x / scale) + zero, lo, hi), stored as integers. */
struct quantizer {
	struct value *x;
	struct grid grid;
	double lo, hi;
};

/* The channels that constant v has beside x, joined with those found so far. */
static bool find_channels(const struct value *v, const struct value *x, struct grid *g)
{
	int rank = x->info.shape.rank;
	if (!v)
		return true;
	const struct shape *s = &v->info.shape;
	if (s->rank > (rank > 0 ? rank : 0) || v->info.type != DT_F32)
		return false;
	for (int i = 0; i < s->rank; i++) {
		int at = i + rank - s->rank;
		int64_t n = s->dim[i].min;
		if (n == 1)
			continue;
		if (n > MAX_CHANNELS || !dim_static(x->info.shape.dim[at]) ||
		    x->info.shape.dim[at].min != n || (g->channels > 1 && g->axis != at))
			return false;
		g->axis = at;
		g->channels = n;
	}
	return true;
}

static bool grid_of(struct value *scale, struct value *zero, const struct value *x, struct grid *g)
{
	*g = (struct grid){.rank = x->info.shape.rank, .channels = 1, .scale = scale, .zero = zero};
	return find_channels(scale, x, g) && find_channels(zero, x, g);
}

/* The other input of n, whose constant input is *k; NULL when n is no such node. */
static struct value *less_const(const struct node *n, enum op_id id, struct value **k)
{
	if (!node_is(n, id))
		return NULL;
	int at = id == OP_ADD || id == OP_MULTIPLY ? const_input(n) : 1;
	if (at < 0 || !value_const(node_in(n, at)))
		return NULL;
	*k = node_in(n, at);
	return node_in(n, 1 - at);
}

static bool quantizer_of(const struct value *v, struct quantizer *q)
{
	struct value *scale = NULL, *zero = NULL, *x;
	const struct node *n = v->node;
	if (!node_is(n, OP_CONVERT) || !dtype_is_int(v->info.type) || dtype_bits(v->info.type) > 16)
		return false;
	n = node_in(n, 0)->node;
	if (!node_is(n, OP_CLAMP) || n->out[0].info.type != DT_F32)
		return false;
	q->lo = attr_f(n, "min");
	q->hi = attr_f(n, "max");
	n = node_in(n, 0)->node;
	if ((x = less_const(n, OP_ADD, &zero)))
		n = x->node;
	if (!node_is(n, OP_ROUND) || !attr_is(n, "mode", "half_to_even"))
		return false;
	q->x = node_in(n, 0);
	if ((x = less_const(q->x->node, OP_DIVIDE, &scale)))
		q->x = x;
	int bits = dtype_bits(v->info.type);
	double least = dtype_is_signed(v->info.type) ? -ldexp(1, bits - 1) : 0;
	return q->hi - q->lo < MOST_LEVELS && q->lo == floor(q->lo) && q->hi == floor(q->hi) &&
	       q->lo < q->hi && q->lo >= least && q->hi < least + ldexp(1, bits) &&
	       grid_of(scale, zero, q->x, &q->grid);
}

/* (v - zero) * scale that ends in n: v, an integer value. NULL when n is no end of such. */
static struct value *dequantized_by(const struct node *n, struct grid *g)
{
	struct value *scale = NULL, *zero = NULL, *x;
	if (n->nout != 1 || n->out[0].info.type != DT_F32)
		return NULL;
	const struct node *next = only_use(&n->out[0]);
	if (!node_is(n, OP_MULTIPLY) && next && less_const(next, OP_MULTIPLY, &scale))
		return NULL; /* not the end */
	if (node_is(n, OP_CONVERT) && next && less_const(next, OP_SUBTRACT, &zero))
		return NULL;
	scale = zero = NULL;
	if ((x = less_const(n, OP_MULTIPLY, &scale)))
		n = x->node;
	if ((x = less_const(n, OP_SUBTRACT, &zero)))
		n = x->node;
	x = node_is(n, OP_CONVERT) ? node_in(n, 0) : NULL;
	bool fits = x && dtype_is_int(x->info.type) && dtype_bits(x->info.type) <= 16 &&
		    n->out[0].info.type == DT_F32 && !value_const(x);
	return fits && grid_of(scale, zero, x, g) ? x : NULL;
}

/* ---- layers between ----------------------------------------------------------------------------
 */

/* A Pad that fills in one constant number, or copies of what there is. */
static bool fills_number(const struct node *n)
{
	double x;
	return node_in(n, 3) ? const_number(node_in(n, 3), &x)
			     : !attr_is(n, "pad_mode", "constant");
}

static bool takes_largest(const struct node *n)
{
	return node_is(n, OP_MAX_POOL_1) ||
	       ((node_is(n, OP_MAX_POOL) || node_is(n, OP_MAX_POOL_14)) && !n->out[1].nuses);
}

/* How many of the first inputs of n are what it moves; 0 when it does anything else. */
static int moved_inputs(const struct node *n)
{
	if (node_is(n, OP_CONCAT))
		return n->nin;
	return moves_only(n) || takes_largest(n) || (node_is(n, OP_PAD) && fills_number(n));
}

/* ---- FakeQuantize ------------------------------------------------------------------------------
 */

struct rewrite {
	struct pass_ctx *c;
	struct node *end; /* of the chain that goes; new nodes stand before it */
	struct grid grid; /* that brings the integers back */
	int left;         /* nodes that may still be followed */
};

/* Scales and zero points of g, n of each. */
static bool read_grid(
    const struct grid *g, int axis, int64_t n, struct arena *a, double **scale, double **zero)
{
	*scale = arena_array(a, n, sizeof **scale);
	*zero = arena_array(a, n, sizeof **zero);
	bool ok = *scale && *zero;
	for (int64_t i = 0; ok && i < n; i++) {
		(*scale)[i] = 1;
		(*zero)[i] = 0;
	}
	if (ok && g->scale)
		ok = const_channels(g->scale, g->rank, axis, n, *scale);
	if (ok && g->zero)
		ok = const_channels(g->zero, g->rank, axis, n, *zero);
	for (int64_t i = 0; ok && i < n; i++)
		ok = (*scale)[i] >= 0x1p-100 && (*scale)[i] < 0x1p100;
	return ok;
}

/* What FakeQuantize needs to know, n of each number along axis. */
struct ranges {
	int axis;
	int64_t n;
	double *scale, *zero, *back_scale, *back_zero;
};

/* False when the numbers do not allow it, or the channels lie along different axes. */
static bool ranges_of(struct rewrite *r, const struct quantizer *q, struct ranges *out)
{
	const struct grid *a = &q->grid, *b = &r->grid, *wide = a->channels > 1 ? a : b;
	struct arena *mem = r->c->scratch;
	*out = (struct ranges){.axis = wide->axis, .n = wide->channels};
	if (a->channels > 1 && b->channels > 1 &&
	    (a->axis != b->axis || a->channels != b->channels))
		return false;
	return read_grid(a, out->axis, out->n, mem, &out->scale, &out->zero) &&
	       read_grid(b, out->axis, out->n, mem, &out->back_scale, &out->back_zero);
}

/* Can the integers v be had as the numbers that they stand for? */
static bool quantized(struct rewrite *r, const struct value *v, int depth)
{
	struct quantizer q;
	struct ranges unused;
	int moved;
	if (quantizer_of(v, &q))
		return (q.grid.scale || r->grid.scale) && ranges_of(r, &q, &unused);
	if (!depth || r->grid.channels > 1 || !(moved = moved_inputs(v->node)) ||
	    (r->left -= moved) < 0)
		return false;
	for (int i = 0; i < moved; i++)
		if (!quantized(r, node_in(v->node, i), depth - 1))
			return false;
	return true;
}

/* The numbers that a level stands for, as a constant. */
static struct value *limit(struct rewrite *r, const char *name, const struct ranges *g, int rank,
    double level, const double *scale, const double *zero)
{
	double *x = arena_array(r->c->scratch, g->n, sizeof *x);
	bool one = g->n == 1;
	for (int64_t i = 0; x && i < g->n; i++)
		x[i] = (level - zero[i]) * scale[i];
	struct node *k = x && name ? add_channels(r->end, name, DT_F32, one ? 0 : rank,
					 one ? -1 : g->axis, g->n, x)
				   : NULL;
	if (!k) {
		fail_nomem(r->c->err);
		return NULL;
	}
	return node_infer(k, r->c->err) ? NULL : &k->out[0];
}

static struct value *fake_quantize(struct rewrite *r, const struct quantizer *q, const char *name)
{
	struct ranges g;
	int rank = q->x->info.shape.rank;
	if (!ranges_of(r, q, &g)) {
		fail_nomem(r->c->err); /* it was possible before */
		return NULL;
	}
	struct value *in[5] = {q->x,
	    limit(r, name_with(r->end, name, "/input_low"), &g, rank, q->lo, g.scale, g.zero),
	    limit(r, name_with(r->end, name, "/input_high"), &g, rank, q->hi, g.scale, g.zero),
	    limit(r, name_with(r->end, name, "/output_low"), &g, rank, q->lo, g.back_scale,
		g.back_zero),
	    limit(r, name_with(r->end, name, "/output_high"), &g, rank, q->hi, g.back_scale,
		g.back_zero)};
	for (int i = 0; i < 5; i++)
		if (!in[i])
			return NULL;
	struct node *n = graph_insert_before(r->end, op_row(OP_FAKE_QUANTIZE), name, in, 5, 1);
	if (!n || !attr_set_i(n, "levels", (int64_t)(q->hi - q->lo) + 1)) {
		fail_nomem(r->c->err);
		return NULL;
	}
	return node_infer(n, r->c->err) ? NULL : &n->out[0];
}

/* The number that fills a Pad, brought back from the integers. */
static struct value *pad_value(struct rewrite *r, const struct value *v)
{
	double x;
	struct ranges g = {.n = 1};
	if (!const_number(v, &x) || !read_grid(&r->grid, 0, 1, r->c->scratch, &g.scale, &g.zero)) {
		fail(r->c->err, E_NOMEM, "out of memory");
		return NULL;
	}
	return limit(r, name_with(r->end, r->end->name, "/pad"), &g, 0, x, g.scale, g.zero);
}

/* The numbers that the integers v stand for. */
static struct value *brought_back(struct rewrite *r, struct value *v)
{
	struct quantizer q;
	if (quantizer_of(v, &q))
		return fake_quantize(r, &q, v->node->name);
	struct node *n = v->node;
	struct value **in = arena_array(r->c->scratch, n->nin, sizeof *in);
	if (!in) {
		fail_nomem(r->c->err);
		return NULL;
	}
	int moved = moved_inputs(n);
	for (int i = 0; i < n->nin; i++) {
		bool fill = node_is(n, OP_PAD) && i == 3 && node_in(n, 3);
		in[i] = i < moved ? brought_back(r, node_in(n, i))
			: fill    ? pad_value(r, node_in(n, 3))
				  : node_in(n, i);
		if (!in[i] && (i < moved || fill))
			return NULL;
	}
	struct node *made = graph_insert_before(r->end, n->op, n->name, in, n->nin, n->nout);
	if (!made || !node_copy_attrs(made, n)) {
		fail_nomem(r->c->err);
		return NULL;
	}
	return node_infer(made, r->c->err) ? NULL : &made->out[v->port];
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct rewrite r = {.c = c, .end = n, .left = NODES};
	struct quantizer q;
	struct value *v = dequantized_by(n, &r.grid), *back;
	if (!v || !quantized(&r, v, DEPTH))
		return 0;
	if (quantizer_of(v, &q))
		back = fake_quantize(&r, &q, n->name);
	else
		back = brought_back(&r, v);
	if (!back)
		return c->err->status;
	take_over(back, &n->out[0]);
	return 1;
}

static int fuse_fake_quantize(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_fake_quantize = {
    .name = "fuse-fake-quantize",
    .about = "recognise FakeQuantize in quantization to integers and back",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_fake_quantize,
};
