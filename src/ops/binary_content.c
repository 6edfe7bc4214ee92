/* What is known of the integers that two-input arithmetic makes: how shapes are computed. */
#include "base/checked.h"
#include "ops/binary.h"
#include "ops/elem.h"

/* INT64_MIN and DIM_INF stand for no bound. */
static const struct dim anything = {INT64_MIN, DIM_INF, 0};

static bool open_dim(struct dim d)
{
	return d.min == INT64_MIN || d.max == DIM_INF;
}

static struct dim exact(int64_t v)
{
	return (struct dim){v, v, 0};
}

static bool is_exact(struct dim d, int64_t v)
{
	return d.min == v && d.max == v;
}

static struct dim add(struct dim a, struct dim b)
{
	struct dim r = anything;
	if (is_exact(b, 0))
		return a;
	if (is_exact(a, 0))
		return b;
	if (a.min == INT64_MIN || b.min == INT64_MIN || add_i64(a.min, b.min, &r.min))
		r.min = INT64_MIN;
	if (a.max == DIM_INF || b.max == DIM_INF || add_i64(a.max, b.max, &r.max))
		r.max = DIM_INF;
	return r;
}

/* DIM_INF as the largest is no bound, as the smallest it is a number; INT64_MIN wraps. */
static struct dim negated(struct dim a)
{
	struct dim r = anything;
	if (a.max == INT64_MIN)
		return r;
	if (a.max != DIM_INF)
		r.min = -a.max;
	if (a.min != INT64_MIN)
		r.max = -a.min;
	return r;
}

static struct dim subtract(struct dim a, struct dim b)
{
	if (is_exact(b, 0))
		return a;
	if (a.symbol && a.symbol == b.symbol)
		return exact(0);
	return add(a, negated(b));
}

/* The hull of the four products of the bounds; one open side makes it open unless both are not
 * negative. */
static struct dim multiply(struct dim a, struct dim b)
{
	struct dim r = anything;
	if (is_exact(b, 1))
		return a;
	if (is_exact(a, 1))
		return b;
	if (is_exact(a, 0) || is_exact(b, 0))
		return exact(0);
	if (a.min >= 0 && b.min >= 0) {
		if (mul_i64(a.min, b.min, &r.min))
			return anything;
		if (a.max == DIM_INF || b.max == DIM_INF || mul_i64(a.max, b.max, &r.max))
			r.max = DIM_INF;
		return r;
	}
	if (open_dim(a) || open_dim(b))
		return anything;
	for (int i = 0; i < 4; i++) {
		int64_t p;
		if (mul_i64(i & 1 ? a.max : a.min, i & 2 ? b.max : b.min, &p))
			return anything;
		if (i == 0 || p < r.min)
			r.min = p;
		if (i == 0 || p > r.max)
			r.max = p;
	}
	return r;
}

static int64_t quotient(int64_t a, int64_t b, bool floor)
{
	int64_t q = a / b;
	return floor && a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

/* Only by a positive range: what sizes are divided by. */
static struct dim divide(struct dim a, struct dim b, bool floor)
{
	if (is_exact(b, 1))
		return a;
	if (a.symbol && a.symbol == b.symbol && a.min > 0)
		return exact(1);
	if (is_exact(b, -1) && !open_dim(a))
		return negated(a);
	if (dim_static(a) && dim_static(b) && b.min < -1)
		return exact(quotient(a.min, b.min, floor));
	if (b.min <= 0)
		return anything;
	struct dim r = anything;
	if (a.min != INT64_MIN)
		r.min = a.min >= 0 ? (b.max == DIM_INF ? 0 : quotient(a.min, b.max, floor))
				   : quotient(a.min, b.min, floor);
	if (a.max != DIM_INF)
		r.max = a.max >= 0         ? quotient(a.max, b.min, floor)
			: b.max == DIM_INF ? 0
					   : quotient(a.max, b.max, floor);
	return r;
}

/* Of a not negative range by a positive one. */
static struct dim modulo(struct dim a, struct dim b)
{
	if (a.min < 0 || b.min <= 0)
		return anything;
	if (dim_static(a) && dim_static(b))
		return exact(a.min % b.min);
	if (is_exact(b, 1))
		return exact(0);
	if (a.max < b.min)
		return a;
	struct dim r = {0, a.max, 0};
	if (b.max != DIM_INF && b.max - 1 < r.max)
		r.max = b.max - 1;
	return r;
}

static struct dim extreme(struct dim a, struct dim b, bool max)
{
	if (a.symbol && a.symbol == b.symbol)
		return a;
	if (max ? a.min >= b.max : a.max <= b.min)
		return a;
	if (max ? b.min >= a.max : b.max <= a.min)
		return b;
	if (max)
		return (struct dim){
		    a.min > b.min ? a.min : b.min, a.max > b.max ? a.max : b.max, 0};
	return (struct dim){a.min < b.min ? a.min : b.min, a.max < b.max ? a.max : b.max, 0};
}

/* 1, 0, or -1 for not known: is a < b? */
static int less(struct dim a, struct dim b)
{
	if (a.symbol && a.symbol == b.symbol)
		return 0;
	if (a.max < b.min && a.max != DIM_INF)
		return 1;
	return a.min >= b.max && b.max != DIM_INF ? 0 : -1;
}

static int equal(struct dim a, struct dim b)
{
	if (dim_static(a) && dim_static(b))
		return a.min == b.min;
	if (a.symbol && a.symbol == b.symbol)
		return 1;
	return less(a, b) == 1 || less(b, a) == 1 ? 0 : -1;
}

static struct dim verdict(int v)
{
	return v < 0 ? (struct dim){0, 1, 0} : exact(v);
}

static int inverse(int v)
{
	return v < 0 ? -1 : !v;
}

/* Of two verdicts, 0 or 1: 0 decides an And, 1 an Or. */
static struct dim logic(struct dim a, struct dim b, int64_t decides)
{
	if (is_exact(a, decides) || is_exact(b, decides))
		return exact(decides);
	return dim_static(a) && dim_static(b) ? exact(!decides) : (struct dim){0, 1, 0};
}

static struct dim combine(enum op_id op, bool floor, struct dim a, struct dim b)
{
	switch (op) {
	case OP_ADD:
		return add(a, b);
	case OP_SUBTRACT:
		return subtract(a, b);
	case OP_MULTIPLY:
		return multiply(a, b);
	case OP_DIVIDE:
		return divide(a, b, floor);
	case OP_MOD:
	case OP_FLOOR_MOD:
		return modulo(a, b);
	case OP_MAXIMUM:
	case OP_MINIMUM:
		return extreme(a, b, op == OP_MAXIMUM);
	case OP_EQUAL:
		return verdict(equal(a, b));
	case OP_NOT_EQUAL:
		return verdict(inverse(equal(a, b)));
	case OP_LESS:
		return verdict(less(a, b));
	case OP_GREATER:
		return verdict(less(b, a));
	case OP_LESS_EQUAL:
		return verdict(inverse(less(b, a)));
	case OP_GREATER_EQUAL:
		return verdict(inverse(less(a, b)));
	case OP_LOGICAL_AND:
		return logic(a, b, 0);
	case OP_LOGICAL_OR:
		return logic(a, b, 1);
	default:
		return anything;
	}
}

/* Content is followed in the types that shapes are computed in. A result that may not fit in 32
 * bits wraps there: nothing is known of it then. */
static bool followed(enum dtype t)
{
	return t == DT_I64 || t == DT_I32;
}

static struct dim in_type(struct dim d, enum dtype t)
{
	bool fits = d.min >= INT32_MIN && (d.max <= INT32_MAX || d.max == DIM_INF);
	return t == DT_I64 || t == DT_BOOL || fits ? d : anything;
}

struct dim content_apply(enum op_id op, struct dim a, struct dim b, enum dtype type)
{
	return followed(type) ? in_type(combine(op, true, a, b), type) : anything;
}

void binary_elems(struct infer *s)
{
	int na, nb;
	struct dim r[LIMIT_ELEMS];
	const struct dim *a = infer_elems(s, 0, &na), *b = infer_elems(s, 1, &nb);
	bool fits = followed(s->in[0].type) || s->in[0].type == DT_BOOL;
	if (!a || !b || !fits || s->out[0].shape.rank > 1)
		return;
	int n = na == 1 ? nb : na, op = s->node->op->id;
	bool floor = op == OP_DIVIDE && attr_bool(s->node, "m_pythondiv");
	if ((na != n && na != 1) || (nb != n && nb != 1) || n > LIMIT_ELEMS)
		return;
	for (int i = 0; i < n; i++)
		r[i] = in_type(
		    combine(op, floor, a[na == 1 ? 0 : i], b[nb == 1 ? 0 : i]), s->out[0].type);
	infer_set_elems(s, 0, n, r);
}

void unary_elems(struct infer *s)
{
	int n, id = s->node->op->id;
	struct dim r[LIMIT_ELEMS];
	const struct dim *e = infer_elems(s, 0, &n), zero = exact(0);
	if (!e || n > LIMIT_ELEMS || !(followed(s->in[0].type) || id == OP_LOGICAL_NOT))
		return;
	for (int i = 0; i < n; i++)
		if (id == OP_NEGATIVE)
			r[i] = in_type(negated(e[i]), s->in[0].type);
		else if (id == OP_RELU)
			r[i] = extreme(e[i], zero, true);
		else if (id == OP_LOGICAL_NOT)
			r[i] = verdict(dim_static(e[i]) ? !e[i].min : -1);
		else if (id == OP_FLOOR || id == OP_CEILING || id == OP_ROUND ||
			 (id == OP_ABS && e[i].min >= 0))
			r[i] = e[i];
		else
			return;
	infer_set_elems(s, 0, n, r);
}

static struct dim hull(struct dim a, struct dim b)
{
	if (a.min == b.min && a.max == b.max && a.symbol == b.symbol)
		return a;
	return (struct dim){a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max, 0};
}

void select_elems(struct infer *s)
{
	int n[3], total = 1;
	const struct dim *e[3];
	struct dim r[LIMIT_ELEMS];
	for (int k = 0; k < 3; k++) {
		e[k] = infer_elems(s, k, &n[k]);
		if (!e[k] || s->in[k].shape.rank > 1 || n[k] > LIMIT_ELEMS)
			return;
		if (n[k] != 1)
			total = n[k];
	}
	for (int i = 0; i < total; i++) {
		struct dim c = e[0][n[0] == 1 ? 0 : i];
		struct dim a = e[1][n[1] == 1 ? 0 : i], b = e[2][n[2] == 1 ? 0 : i];
		r[i] = is_exact(c, 0) ? b : is_exact(c, 1) ? a : hull(a, b);
	}
	infer_set_elems(s, 0, total, r);
}
