/* Elementwise operators of one and two inputs. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "formats/onnx_translate.h"

#define UNARY(name, id)                                  \
	void tr_##name(struct tr *t)                     \
	{                                                \
		tr_out(t, 0, tr_op(t, id, tr_in(t, 0))); \
	}
UNARY(abs, OP_ABS)
UNARY(acos, OP_ACOS)
UNARY(acosh, OP_ACOSH)
UNARY(asin, OP_ASIN)
UNARY(asinh, OP_ASINH)
UNARY(atan, OP_ATAN)
UNARY(atanh, OP_ATANH)
UNARY(ceil, OP_CEILING)
UNARY(cos, OP_COS)
UNARY(cosh, OP_COSH)
UNARY(erf, OP_ERF)
UNARY(exp, OP_EXP)
UNARY(floor, OP_FLOOR)
UNARY(log, OP_LOG)
UNARY(sigmoid, OP_SIGMOID)
UNARY(sign, OP_SIGN)
UNARY(sin, OP_SIN)
UNARY(sinh, OP_SINH)
UNARY(sqrt, OP_SQRT)
UNARY(tan, OP_TAN)
UNARY(tanh, OP_TANH)
UNARY(relu, OP_RELU)
UNARY(softplus, OP_SOFT_PLUS)
UNARY(softsign, OP_SOFT_SIGN)
UNARY(mish, OP_MISH)
UNARY(hard_swish, OP_HSWISH)
UNARY(not, OP_LOGICAL_NOT)
UNARY(bitwise_not, OP_BITWISE_NOT)
UNARY(is_nan, OP_IS_NAN)

void tr_identity(struct tr *t)
{
	if (t->nin == 1 && t->nout == 1 && t->in_list[0])
		t->out_list[0] = t->in_list[0];
	else
		tr_out(t, 0, tr_in(t, 0));
}

void tr_neg(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	tr_out(t, 0, tr_op(t, OP_MULTIPLY, x, tr_number_of(t, x, -1)));
}

void tr_reciprocal(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	tr_out(t, 0, tr_op(t, OP_DIVIDE, tr_number_of(t, x, 1), x));
}

void tr_round(struct tr *t)
{
	struct node *n = tr_new(t, OP_ROUND, tr_in(t, 0));
	tr_set_s(t, n, "mode", "half_to_even");
	tr_out(t, 0, tr_end(t, n));
}

void tr_is_inf(struct tr *t)
{
	struct node *n = tr_new(t, OP_IS_INF, tr_in(t, 0));
	tr_set_i(t, n, "detect_negative", tr_bool(t, "detect_negative", true));
	tr_set_i(t, n, "detect_positive", tr_bool(t, "detect_positive", true));
	tr_out(t, 0, tr_end(t, n));
}

void tr_elu(struct tr *t)
{
	struct node *n = tr_new(t, OP_ELU, tr_in(t, 0));
	tr_set_f(t, n, "alpha", tr_float(t, "alpha", 1));
	tr_out(t, 0, tr_end(t, n));
}

void tr_selu(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	/* version 1 had less precise defaults */
	double alpha = tr_float(
	    t, "alpha", t->opset < 6 ? 1.6732 : (double)1.67326319217681884765625f);
	double gamma = tr_float(
	    t, "gamma", t->opset < 6 ? 1.0507 : (double)1.05070102214813232421875f);
	tr_out(t, 0, tr_op(t, OP_SELU, x, tr_number_of(t, x, alpha), tr_number_of(t, x, gamma)));
}

void tr_hard_sigmoid(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct value *alpha = tr_number_of(t, x, tr_float(t, "alpha", (double)0.2f));
	struct value *beta = tr_number_of(t, x, tr_float(t, "beta", 0.5));
	tr_out(t, 0, tr_op(t, OP_HARD_SIGMOID, x, alpha, beta));
}

void tr_leaky_relu(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct value *slope = tr_number_of(t, x, tr_float(t, "alpha", (double)0.01f));
	tr_out(t, 0, tr_op(t, OP_PRELU, x, tr_reshape(t, slope, 1, (int64_t[]){1})));
}

/* The IR takes a vector for one slope per channel; ONNX stretches it like numpy from opset 7 on. */
void tr_prelu(struct tr *t)
{
	struct value *x = tr_in(t, 0), *slope = tr_in(t, 1);
	int rx = tr_rank(t, x), rs = tr_rank(t, slope);
	if (t->status == OK && rs == 1 && rx > 1 && tr_dim(slope, 0) != 1)
		slope = tr_along(t, slope, rx, t->opset < 7 ? 1 : rx - 1);
	tr_out(t, 0, tr_op(t, OP_PRELU, x, slope));
}

void tr_thresholded_relu(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	struct value *alpha = tr_number_of(t, x, tr_float(t, "alpha", 1));
	struct value *above = tr_op(t, OP_GREATER, x, alpha);
	tr_out(t, 0, tr_op(t, OP_SELECT, above, x, tr_number_of(t, x, 0)));
}

void tr_celu(struct tr *t)
{
	struct value *x = tr_in(t, 0), *zero = tr_number_of(t, x, 0), *one = tr_number_of(t, x, 1);
	struct value *alpha = tr_number_of(t, x, tr_float(t, "alpha", 1));
	struct value *e = tr_op(t, OP_EXP, tr_op(t, OP_DIVIDE, x, alpha));
	e = tr_op(t, OP_MULTIPLY, alpha, tr_op(t, OP_SUBTRACT, e, one));
	tr_out(
	    t, 0, tr_op(t, OP_ADD, tr_op(t, OP_MAXIMUM, x, zero), tr_op(t, OP_MINIMUM, e, zero)));
}

void tr_shrink(struct tr *t)
{
	struct value *x = tr_in(t, 0), *zero = tr_number_of(t, x, 0);
	double lambd = tr_float(t, "lambd", 0.5);
	struct value *bias = tr_number_of(t, x, tr_float(t, "bias", 0));
	struct value *f = tr_convert(t, x, x && dtype_is_int(x->info.type) ? DT_F32 : tr_dtype(x));
	struct value *low = tr_op(t, OP_LESS, f, tr_number_of(t, f, -lambd));
	struct value *high = tr_op(t, OP_GREATER, f, tr_number_of(t, f, lambd));
	struct value *v = tr_op(t, OP_SELECT, high, tr_op(t, OP_SUBTRACT, x, bias), zero);
	tr_out(t, 0, tr_op(t, OP_SELECT, low, tr_op(t, OP_ADD, x, bias), v));
}

void tr_gelu(struct tr *t)
{
	const char *how = tr_str(t, "approximate", "none");
	bool tanh_form = !strcmp(how, "tanh");
	if (!tanh_form && strcmp(how, "none"))
		tr_fail(t, E_FORMAT, "attribute 'approximate' is '%s'", how);
	struct node *n = tr_new(t, OP_GELU, tr_in(t, 0));
	tr_set_s(t, n, "approximation_mode", tanh_form ? "TANH" : "ERF");
	tr_out(t, 0, tr_end(t, n));
}

void tr_swish(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	double alpha = tr_float(t, "alpha", 1);
	tr_out(t, 0,
	    alpha == 1 ? tr_op(t, OP_SWISH, x) : tr_op(t, OP_SWISH, x, tr_number_of(t, x, alpha)));
}

#define BINARY(name, id)                                                               \
	void tr_##name(struct tr *t)                                                   \
	{                                                                              \
		struct value *b = t->opset < 7 ? tr_legacy_broadcast(t) : tr_in(t, 1); \
		tr_out(t, 0, tr_op(t, id, tr_in(t, 0), b));                            \
	}
BINARY(add, OP_ADD)
BINARY(sub, OP_SUBTRACT)
BINARY(mul, OP_MULTIPLY)
BINARY(and, OP_LOGICAL_AND)
BINARY(or, OP_LOGICAL_OR)
BINARY(xor, OP_LOGICAL_XOR)
BINARY(equal, OP_EQUAL)
BINARY(greater, OP_GREATER)
BINARY(less, OP_LESS)
BINARY(greater_or_equal, OP_GREATER_EQUAL)
BINARY(less_or_equal, OP_LESS_EQUAL)
BINARY(bitwise_and, OP_BITWISE_AND)
BINARY(bitwise_or, OP_BITWISE_OR)
BINARY(bitwise_xor, OP_BITWISE_XOR)

/* ONNX divides integers towards zero. */
void tr_div(struct tr *t)
{
	struct value *b = t->opset < 7 ? tr_legacy_broadcast(t) : tr_in(t, 1), *a = tr_in(t, 0);
	struct node *n = tr_new(t, OP_DIVIDE, a, b);
	if (a && dtype_is_int(a->info.type) && dtype_is_signed(a->info.type))
		tr_set_i(t, n, "m_pythondiv", false);
	tr_out(t, 0, tr_end(t, n));
}

/* The result has the base's type; an exponent of a wider float type, or of any with an integer
 * base, computes in its own. */
void tr_pow(struct tr *t)
{
	struct value *b = t->opset < 7 ? tr_legacy_broadcast(t) : tr_in(t, 1), *a = tr_in(t, 0);
	enum dtype type = tr_dtype(a);
	bool wider = dtype_is_int(type) || dtype_bits(tr_dtype(b)) > dtype_bits(type);
	if (wider && dtype_is_float(tr_dtype(b)))
		a = tr_convert(t, a, tr_dtype(b));
	else
		b = tr_convert(t, b, type);
	tr_out(t, 0, tr_convert(t, tr_op(t, OP_POWER, a, b), type));
}

void tr_mod(struct tr *t)
{
	struct value *a = tr_in(t, 0), *b = tr_in(t, 1);
	bool fmod = tr_bool(t, "fmod", false);
	tr_out(t, 0, fmod ? tr_op(t, OP_MOD, a, b) : tr_op(t, OP_FLOOR_MOD, a, b));
}

void tr_bit_shift(struct tr *t)
{
	struct value *a = tr_in(t, 0), *b = tr_in(t, 1);
	const char *way = tr_str(t, "direction", "");
	bool left = !strcmp(way, "LEFT");
	if (!left && strcmp(way, "RIGHT"))
		tr_fail(t, E_FORMAT, "attribute 'direction' is '%s'", way);
	tr_out(t, 0,
	    left ? tr_op(t, OP_BITWISE_LEFT_SHIFT, a, b) : tr_op(t, OP_BITWISE_RIGHT_SHIFT, a, b));
}

static struct value *chain(struct tr *t, enum op_id id)
{
	struct value *v = tr_in(t, 0);
	for (int i = 1; i < t->nin && t->status == OK; i++)
		v = tr_op(t, id, v, tr_in(t, i));
	return v;
}

void tr_max(struct tr *t)
{
	tr_out(t, 0, chain(t, OP_MAXIMUM));
}

void tr_min(struct tr *t)
{
	tr_out(t, 0, chain(t, OP_MINIMUM));
}

void tr_sum(struct tr *t)
{
	tr_out(t, 0, chain(t, OP_ADD));
}

void tr_mean(struct tr *t)
{
	struct value *sum = chain(t, OP_ADD);
	tr_out(t, 0, t->nin == 1 ? sum : tr_op(t, OP_DIVIDE, sum, tr_number_of(t, sum, t->nin)));
}

void tr_where(struct tr *t)
{
	tr_out(t, 0, tr_op(t, OP_SELECT, tr_in(t, 0), tr_in(t, 1), tr_in(t, 2)));
}

static double lowest(enum dtype type)
{
	return type == DT_F16    ? -65504
	       : type == DT_F64  ? -DBL_MAX
	       : type == DT_BF16 ? -0x1.fep127
				 : -(double)FLT_MAX;
}

static struct value *clamp(struct tr *t, struct value *x, double min, double max)
{
	struct node *n = tr_new(t, OP_CLAMP, x);
	tr_set_f(t, n, "min", min);
	tr_set_f(t, n, "max", max);
	return tr_end(t, n);
}

static void clip_by_attributes(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	double low = lowest(tr_dtype(x)), min = tr_float(t, "min", low),
	       max = tr_float(t, "max", -low);
	if (min > max)
		tr_out(t, 0,
		    tr_op(t, OP_MINIMUM, tr_op(t, OP_MAXIMUM, x, tr_number_of(t, x, min)),
			tr_number_of(t, x, max)));
	else
		tr_out(t, 0, clamp(t, x, min, max));
}

void tr_clip(struct tr *t)
{
	if (t->opset < 11) {
		clip_by_attributes(t);
		return;
	}
	struct value *x = tr_in(t, 0);
	enum dtype type = tr_dtype(x);
	double min = lowest(type), max = -min;
	bool fixed = dtype_is_float(type) && (tr_given(t, 1) || tr_given(t, 2));
	fixed = fixed && (!tr_given(t, 1) || tr_known_number(t->in[1], &min));
	fixed = fixed && (!tr_given(t, 2) || tr_known_number(t->in[2], &max));
	if (fixed && min <= max) {
		tr_out(t, 0, clamp(t, x, min, max));
		return;
	}
	if (tr_given(t, 1))
		x = tr_op(t, OP_MAXIMUM, x, tr_scalar(t, t->in[1]));
	if (tr_given(t, 2))
		x = tr_op(t, OP_MINIMUM, x, tr_scalar(t, t->in[2]));
	tr_out(t, 0, x);
}

void tr_cast(struct tr *t)
{
	struct value *x = tr_in(t, 0);
	tr_require(t, "to");
	tr_ignore(t, "round_mode"); /* of float8e8m0 only */
	if (t->opset < 6) {         /* version 1 spells the type */
		static const char *const names[] = {"FLOAT", "UINT8", "INT8", "UINT16", "INT16",
		    "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
		const char *to = tr_str(t, "to", "");
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (!strcmp(to, names[i]) && onnx_dtype((int)i + 1) != DT_NONE)
				tr_out(t, 0, tr_convert(t, x, onnx_dtype((int)i + 1)));
		return;
	}
	enum dtype type = tr_type(t, "to", DT_NONE);
	bool saturate = tr_bool(t, "saturate", true);
	if (type == DT_F8E4M3 || type == DT_F8E5M2) {
		if (!saturate)
			tr_fail(t, E_UNSUPPORTED, "casts to float8 without saturation");
		x = clamp(t, x, type == DT_F8E4M3 ? -448 : -57344, type == DT_F8E4M3 ? 448 : 57344);
	}
	tr_out(t, 0, tr_convert(t, x, type));
}

void tr_cast_like(struct tr *t)
{
	struct value *x = tr_in(t, 0), *like = tr_in(t, 1);
	tr_ignore(t, "saturate");
	tr_ignore(t, "round_mode");
	tr_out(t, 0, tr_convert(t, x, tr_dtype(like)));
}
