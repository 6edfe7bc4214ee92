/* Arithmetic on two broadcast inputs. */
#include <math.h>

#include "ops/binary.h"
#include "ops/elem.h"
#include "ops/rows.h"

static void row_f32(struct eval *s, const struct binary *op, const struct walk *w)
{
	const float *a = s->in[0].data, *b = s->in[1].data;
	float *o = s->out[0].data;
	op->f32(o + w->out, a + w->at[0], w->step[0], b + w->at[1], w->step[1], w->n);
}

static void row_f64(struct eval *s, const struct binary *op, const struct walk *w)
{
	double v[2][SPAN];
	for (int64_t i = 0; i < w->n; i += SPAN) {
		int64_t n = w->n - i < SPAN ? w->n - i : SPAN;
		for (int k = 0; k < 2; k++)
			if (w->step[k])
				span_f64(v[k], &s->in[k], w->at[k] + i, n);
			else
				span_fill_f64(v[k], &s->in[k], w->at[k], n);
		op->f64(v[0], v[1], n);
		span_put_f64(&s->out[0], w->out + i, n, v[0]);
	}
}

static void row_i64(struct eval *s, const struct binary *op, const struct walk *w)
{
	int64_t v[2][SPAN];
	bool u64 = s->in[0].type == DT_U64 && op->u64;
	for (int64_t i = 0; i < w->n; i += SPAN) {
		int64_t n = w->n - i < SPAN ? w->n - i : SPAN;
		for (int k = 0; k < 2; k++)
			if (w->step[k])
				span_i64(v[k], &s->in[k], w->at[k] + i, n);
			else
				span_fill_i64(v[k], &s->in[k], w->at[k], n);
		(u64 ? op->u64 : op->i64)(v[0], v[1], n);
		span_put_i64(&s->out[0], w->out + i, n, v[0]);
	}
}

int binary_eval(struct eval *s, const struct binary *op)
{
	struct walk w;
	bool whole = type_whole(s->in[0].type);
	void (*row)(struct eval *, const struct binary *,
	    const struct walk *) = whole                                ? row_i64
				   : s->in[0].type == DT_F32 && op->f32 ? row_f32
									: row_f64;
	if (whole ? !op->i64 : !op->f64)
		return eval_fail(
		    s, E_UNSUPPORTED, "type '%s' is not supported", dtype_name(s->in[0].type));
	for (walk_tensors(&w, &s->out[0], 2, s->in); !w.done; walk_next(&w))
		row(s, op, &w);
	return OK;
}

/* The float loops for both inputs advancing, or one of them staying. */
#define LOOP_F32(name, expr)                                                        \
	static VECTOR void name(float *restrict o, const float *restrict x, int sx, \
	    const float *restrict y, int sy, int64_t n)                             \
	{                                                                           \
		float a = x[0], b = y[0];                                           \
		if (sx && sy)                                                       \
			for (int64_t i = 0; i < n; i++) {                           \
				a = x[i], b = y[i];                                 \
				o[i] = (expr);                                      \
			}                                                           \
		else if (sx)                                                        \
			for (int64_t i = 0; i < n; i++) {                           \
				a = x[i];                                           \
				o[i] = (expr);                                      \
			}                                                           \
		else                                                                \
			for (int64_t i = 0; i < n; i++) {                           \
				b = y[i * sy];                                      \
				o[i] = (expr);                                      \
			}                                                           \
	}

/* An operator of one expression in floats (rounded once, double and float give the same bits), and
 * others for integers. */
#define BINARY(name, fexpr, iexpr, uexpr)                                                         \
	PAIR_LOOP(name##_f64, double, fexpr)                                                      \
	PAIR_LOOP(name##_i64, int64_t, iexpr)                                                     \
	PAIR_LOOP(name##_u64, int64_t, uexpr)                                                     \
	LOOP_F32(name##_f32, fexpr)                                                               \
	int eval_##name(struct eval *s)                                                           \
	{                                                                                         \
		static const struct binary op = {name##_f64, name##_i64, name##_u64, name##_f32}; \
		return binary_eval(s, &op);                                                       \
	}

#define WRAP(a, op, b) ((int64_t)((uint64_t)(a)op(uint64_t)(b)))

BINARY(add, a + b, WRAP(a, +, b), WRAP(a, +, b))
BINARY(subtract, a - b, WRAP(a, -, b), WRAP(a, -, b))
BINARY(multiply, a *b, WRAP(a, *, b), WRAP(a, *, b))
/* A NaN on either side is kept, as ONNX Runtime and NumPy do. */
BINARY(maximum, a > b || a != a ? a : b, a > b ? a : b, (uint64_t)a > (uint64_t)b ? a : b)
BINARY(minimum, a < b || a != a ? a : b, a < b ? a : b, (uint64_t)a < (uint64_t)b ? a : b)

PAIR_LOOP(sqdiff_f64, double, (a - b) * (a - b))
PAIR_LOOP(sqdiff_i64, int64_t, WRAP(WRAP(a, -, b), *, WRAP(a, -, b)))
int eval_squared_difference(struct eval *s)
{
	static const struct binary op = {sqdiff_f64, sqdiff_i64, NULL, NULL};
	return binary_eval(s, &op);
}

/* Whole divisions never trap: by zero gives 0, the smallest by -1 wraps to itself. */
static inline int64_t div_trunc(int64_t a, int64_t b)
{
	return b == 0 ? 0 : b == -1 ? WRAP(0, -, a) : a / b;
}
static inline int64_t mod_trunc(int64_t a, int64_t b)
{
	return b == 0 || b == -1 ? 0 : a % b;
}
static inline int64_t div_floor(int64_t a, int64_t b)
{
	int64_t q = div_trunc(a, b), r = mod_trunc(a, b);
	return r && (r < 0) != (b < 0) ? q - 1 : q;
}
static inline int64_t mod_floor(int64_t a, int64_t b)
{
	int64_t r = mod_trunc(a, b);
	return r && (r < 0) != (b < 0) ? r + b : r;
}
static inline int64_t div_u64(int64_t a, int64_t b)
{
	return b ? (int64_t)((uint64_t)a / (uint64_t)b) : 0;
}
static inline int64_t mod_u64(int64_t a, int64_t b)
{
	return b ? (int64_t)((uint64_t)a % (uint64_t)b) : 0;
}

PAIR_LOOP(divide_f64, double, a / b)
LOOP_F32(divide_f32, a / b)
PAIR_LOOP(divide_floor, int64_t, div_floor(a, b))
PAIR_LOOP(divide_trunc, int64_t, div_trunc(a, b))
PAIR_LOOP(divide_u64, int64_t, div_u64(a, b))
int eval_divide(struct eval *s)
{
	static const struct binary python = {divide_f64, divide_floor, divide_u64, divide_f32};
	static const struct binary c = {divide_f64, divide_trunc, divide_u64, divide_f32};
	return binary_eval(s, attr_bool(s->node, "m_pythondiv") ? &python : &c);
}

PAIR_LOOP(mod_f64, double, fmod(a, b))
PAIR_LOOP(mod_i64, int64_t, mod_trunc(a, b))
PAIR_LOOP(mod_u64_loop, int64_t, mod_u64(a, b))
int eval_mod(struct eval *s)
{
	static const struct binary op = {mod_f64, mod_i64, mod_u64_loop, NULL};
	return binary_eval(s, &op);
}

static inline double fmod_floor(double a, double b)
{
	double r = fmod(a, b);
	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
PAIR_LOOP(floor_mod_f64, double, fmod_floor(a, b))
PAIR_LOOP(floor_mod_i64, int64_t, mod_floor(a, b))
int eval_floor_mod(struct eval *s)
{
	static const struct binary op = {floor_mod_f64, floor_mod_i64, mod_u64_loop, NULL};
	return binary_eval(s, &op);
}

/* Wraps; a negative exponent gives what of the fraction is whole. */
static int64_t power_whole(int64_t a, int64_t e, bool u64)
{
	uint64_t r = 1, b = (uint64_t)a, n = (uint64_t)e;
	if (e < 0 && !u64)
		return a == 1 ? 1 : a == -1 ? (e & 1 ? -1 : 1) : 0;
	for (; n; n >>= 1, b *= b)
		if (n & 1)
			r *= b;
	return (int64_t)r;
}
PAIR_LOOP(power_each, double, pow(a, b))
/* Squares and cubes, which normalisations and GELU are written with, need no logarithm. */
static VECTOR void power_f64(double *v, const double *c, int64_t n)
{
	int64_t same = 1;
	while (same < n && c[same] == c[0])
		same++;
	if (same < n || (c[0] != 2 && c[0] != 3)) {
		power_each(v, c, n);
		return;
	}
	bool cube = c[0] == 3;
	for (int64_t i = 0; i < n; i++)
		v[i] = v[i] * v[i] * (cube ? v[i] : 1);
}
PAIR_LOOP(power_i64, int64_t, power_whole(a, b, false))
PAIR_LOOP(power_u64, int64_t, power_whole(a, b, true))
int eval_power(struct eval *s)
{
	static const struct binary op = {power_f64, power_i64, power_u64, NULL};
	return binary_eval(s, &op);
}
