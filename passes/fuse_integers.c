/* Integers that floats carry from a quantization to the next layer are not converted to an integer
 * type and back, and a zero point that is added, clamped and subtracted moves into the limits. */
#include <math.h>

#include "passes/rewrite.h"

#define DEPTH 10         /* layers that the search for integers looks back through */
#define EXACT 0x1p24     /* below, sums of integers in FP32 are exact */
#define READ_BYTES 65536 /* a larger constant of floats is not read */

/* What is known of a value that holds integers only. */
struct range {
	double lo, hi;
};

static bool type_range(enum dtype t, struct range *r)
{
	int bits = dtype_bits(t);
	if (t == DT_BOOL) {
		*r = (struct range){0, 1};
		return true;
	}
	if (!dtype_is_int(t) || bits > 32)
		return false;
	*r = dtype_is_signed(t) ? (struct range){-ldexp(1, bits - 1), ldexp(1, bits - 1) - 1}
				: (struct range){0, ldexp(1, bits) - 1};
	return true;
}

static bool const_range(const struct value *v, struct range *r)
{
	struct const_view w;
	if (type_range(v->info.type, r))
		return true;
	if (!dtype_is_float(v->info.type) || blob_size(value_const(v)->data) > READ_BYTES ||
	    const_open(v, &w, NULL))
		return false;
	bool whole = tensor_count(&w.t) > 0;
	*r = (struct range){INFINITY, -INFINITY};
	for (int64_t i = 0; whole && i < tensor_count(&w.t); i++) {
		double x = tensor_f64(&w.t, i);
		whole = x == floor(x) && isfinite(x);
		r->lo = fmin(r->lo, x);
		r->hi = fmax(r->hi, x);
	}
	const_close(&w);
	return whole;
}

static bool range_of(const struct value *v, int depth, struct range *r);

static double largest(struct range r)
{
	return fmax(fabs(r.lo), fabs(r.hi));
}

/* Sums of products of integers are integers, as long as FP32 holds them. */
static bool product_range(const struct node *n, int depth, struct range *r)
{
	struct range a, b;
	const struct shape *w = &node_in(n, 1)->info.shape;
	bool grouped = node_is(n, OP_GROUP_CONVOLUTION);
	if (!range_of(node_in(n, 0), depth, &a) || !range_of(node_in(n, 1), depth, &b) ||
	    !shape_static(w) || w->rank < 2)
		return false;
	int64_t all = shape_count(w);
	int64_t outputs = w->dim[0].min * (grouped ? w->dim[1].min : 1);
	double terms = node_is(n, OP_MATMUL) ? (double)all : (double)all / (outputs ? outputs : 1);
	double most = terms * largest(a) * largest(b);
	*r = (struct range){-most, most};
	return isfinite(most);
}

static bool sum_range(const struct node *n, int depth, struct range *r)
{
	struct range a, b;
	bool less = node_is(n, OP_SUBTRACT);
	if (!range_of(node_in(n, 0), depth, &a) || !range_of(node_in(n, 1), depth, &b))
		return false;
	*r = (struct range){a.lo + (less ? -b.hi : b.lo), a.hi + (less ? -b.lo : b.hi)};
	return true;
}

static bool clamp_range(const struct node *n, int depth, struct range *r)
{
	double lo = attr_f(n, "min"), hi = attr_f(n, "max");
	if (lo != floor(lo) || hi != floor(hi) || !range_of(node_in(n, 0), depth, r))
		return false;
	*r = (struct range){fmin(fmax(r->lo, lo), hi), fmin(fmax(r->hi, lo), hi)};
	return true;
}

static bool convert_range(const struct node *n, int depth, struct range *r)
{
	const struct value *v = node_in(n, 0);
	enum dtype to = n->out[0].info.type;
	if (dtype_is_float(to))
		return (to == DT_F32 || to == DT_F64) && range_of(v, depth, r);
	return type_range(to, r);
}

/* Does v hold integers only, and which? Arithmetic of integer types may wrap, so that there only
 * the type counts. */
static bool range_of(const struct value *v, int depth, struct range *r)
{
	const struct node *n = v->node;
	if (value_const(v))
		return const_range(v, r);
	if (depth <= 0 || v->port)
		return false;
	depth--;
	if (node_is(n, OP_ROUND) || node_is(n, OP_FLOOR) || node_is(n, OP_CEILING)) {
		*r = (struct range){-INFINITY, INFINITY};
		return true;
	}
	if (node_is(n, OP_CLAMP))
		return clamp_range(n, depth, r);
	if (node_is(n, OP_CONVERT))
		return convert_range(n, depth, r);
	bool wraps = !dtype_is_float(v->info.type);
	if (!wraps && (node_is(n, OP_ADD) || node_is(n, OP_SUBTRACT)))
		return sum_range(n, depth, r);
	if (!wraps && (node_is(n, OP_CONVOLUTION) || node_is(n, OP_GROUP_CONVOLUTION) ||
			  node_is(n, OP_MATMUL)))
		return product_range(n, depth, r);
	if (node_is(n, OP_RESHAPE) || node_is(n, OP_TRANSPOSE) || node_is(n, OP_SQUEEZE))
		return range_of(node_in(n, 0), depth, r);
	return type_range(v->info.type, r);
}

/* float -> integer -> float of what are integers already, within the type's range. */
static int skip_round_trip(struct node *n)
{
	struct range type, have;
	const struct node *p = node_is(n, OP_CONVERT) ? node_in(n, 0)->node : NULL;
	if (!p || !node_is(p, OP_CONVERT) || !type_range(p->out[0].info.type, &type))
		return 0;
	struct value *v = node_in(p, 0);
	if (v->info.type != DT_F32 || n->out[0].info.type != DT_F32 || !range_of(v, DEPTH, &have) ||
	    have.lo < type.lo || have.hi > type.hi || !can_replace(&n->out[0], v))
		return 0;
	graph_replace(&n->out[0], v);
	return 1;
}

/* The whole number that n adds to its other input (*x). */
static bool added(const struct node *n, struct value **x, double *number)
{
	int k = node_is(n, OP_ADD) ? const_input(n) : node_is(n, OP_SUBTRACT) ? 1 : -1;
	if (k < 0 || !value_const(node_in(n, k)))
		return false;
	*x = node_in(n, 1 - k);
	const struct shape *s = &node_in(n, k)->info.shape;
	if (shape_count(s) != 1 || s->rank > (*x)->info.shape.rank ||
	    !const_number(node_in(n, k), number))
		return false;
	if (node_is(n, OP_SUBTRACT))
		*number = -*number;
	return *number == floor(*number) && fabs(*number) < EXACT / 16;
}

/* clamp(x + c, lo, hi) - c is clamp(x, lo - c, hi - c) for whole x. */
static int move_limits(struct pass_ctx *c, struct node *n)
{
	struct value *clamped, *x;
	struct range r;
	double back, there;
	if (n->out[0].info.type != DT_F32 || !added(n, &clamped, &back))
		return 0;
	const struct node *clamp = clamped->node;
	if (!node_is(clamp, OP_CLAMP) || clamped->nuses != 1 || node_in(clamp, 0)->nuses != 1 ||
	    !added(node_in(clamp, 0)->node, &x, &there) || back + there != 0)
		return 0;
	double lo = attr_f(clamp, "min"), hi = attr_f(clamp, "max");
	if (!range_of(x, DEPTH, &r) || fabs(lo) > EXACT / 16 || fabs(hi) > EXACT / 16)
		return 0;
	struct value *in[] = {x};
	struct node *one = graph_insert_before(n, op_row(OP_CLAMP), n->name, in, 1, 1);
	if (!one || !attr_set_f(one, "min", lo + back) || !attr_set_f(one, "max", hi + back))
		return fail_nomem(c->err);
	if (node_infer(one, c->err))
		return c->err->status;
	take_over(&one->out[0], &n->out[0]);
	return 1;
}

static int fuse(struct pass_ctx *c, struct node *n)
{
	int r = n->nout == 1 ? skip_round_trip(n) : 0;
	return r || n->nout != 1 ? r : move_limits(c, n);
}

static int fuse_integers(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_integers = {
    .name = "fuse-integers",
    .about = "leave out conversions of whole numbers to integer types and back",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_integers,
};
