/* Quantization and its reverse, with the exact integer meaning. */
#include <string.h>

#include "formats/onnx_translate.h"

static void type_range(enum dtype type, double *low, double *high)
{
	int bits = dtype_bits(type);
	double span = (double)(UINT64_C(1) << (bits < 32 ? bits : 32));
	if (type == DT_F8E4M3 || type == DT_F8E5M2) {
		*high = type == DT_F8E4M3 ? 448 : 57344;
		*low = -*high;
		return;
	}
	*low = dtype_is_signed(type) ? -span / 2 : 0;
	*high = *low + span - 1;
}

/* x / (its scale) already done: round to even, add the zero point (may be NULL: type), saturate,
 * convert. */
static struct value *requantize(struct tr *t, struct value *x, struct value *zero, enum dtype type)
{
	double low, high;
	if (zero)
		type = tr_dtype(zero);
	if (dtype_is_int(type)) {
		struct node *round = tr_new(t, OP_ROUND, x);
		tr_set_s(t, round, "mode", "half_to_even");
		x = tr_end(t, round);
	}
	if (zero)
		x = tr_op(t, OP_ADD, x, tr_convert(t, zero, tr_dtype(x)));
	type_range(type, &low, &high);
	struct node *clamp = tr_new(t, OP_CLAMP, x);
	tr_set_f(t, clamp, "min", low);
	tr_set_f(t, clamp, "max", high);
	return tr_convert(t, tr_end(t, clamp), type);
}

/* A scale or zero point beside x: one number, or a vector along axis. */
static struct value *beside(struct tr *t, struct value *v, const struct value *x, int axis)
{
	if (!v || !x || t->status != OK)
		return v;
	int rank = x->info.shape.rank;
	if (v->info.shape.rank == 1 && tr_dim(v, 0) != 1)
		return tr_along(t, v, tr_rank(t, x), axis);
	return rank >= 0 && v->info.shape.rank == 1 ? tr_scalar(t, v) : v;
}

/* x with the axis split into blocks: [.., n, ..] to [.., n / block, block, ..]. */
static struct value *in_blocks(struct tr *t, struct value *x, int axis, int64_t block)
{
	int64_t dims[MAX_RANK + 1];
	int rank = tr_rank(t, x), n = 0;
	for (int i = 0; i < rank && t->status == OK; i++) {
		int64_t d = tr_dim(x, i);
		if (d < 0 || rank >= MAX_RANK || (i == axis && d % block)) {
			tr_fail(t, E_UNSUPPORTED, "blocks of %lld that do not divide the data",
			    (long long)block);
			return NULL;
		}
		dims[n++] = i == axis ? d / block : d;
		if (i == axis)
			dims[n++] = block;
	}
	return tr_reshape(t, x, n, dims);
}

static int quant_axis(struct tr *t, const struct value *x, const struct value *scale, int64_t block)
{
	int64_t axis = tr_int(t, "axis", 1);
	if (scale && scale->info.shape.rank == 0)
		return 0; /* one number has no axis */
	if (scale && scale->info.shape.rank == 1 && tr_dim(scale, 0) == 1 && !block)
		return 0;
	return tr_axis(t, axis, tr_rank(t, x));
}

struct value *tr_quantize(struct tr *t, struct value *x, struct value *scale, struct value *zero,
    int axis, enum dtype type)
{
	x = tr_convert(t, x, DT_F32);
	scale = tr_convert(t, beside(t, scale, x, axis), DT_F32);
	zero = beside(t, zero, x, axis);
	return requantize(t, tr_op(t, OP_DIVIDE, x, scale), zero, type);
}

struct value *tr_dequantize(
    struct tr *t, struct value *x, struct value *scale, struct value *zero, int axis)
{
	scale = beside(t, scale, x, axis);
	zero = beside(t, zero, x, axis);
	x = tr_convert(t, x, tr_dtype(scale));
	if (zero)
		x = tr_op(t, OP_SUBTRACT, x, tr_convert(t, zero, tr_dtype(scale)));
	return tr_op(t, OP_MULTIPLY, x, scale);
}

/* A scale or zero point per block: [.., n, ..] to [.., n, 1, ..]. */
static struct value *per_block(struct tr *t, struct value *v, int axis, int64_t block)
{
	return v && block ? tr_unsqueeze(t, v, 1, (int64_t[]){axis + 1}) : v;
}

void tr_quantize_linear(struct tr *t)
{
	struct value *x = tr_in(t, 0), *scale = tr_in(t, 1),
		     *zero = tr_given(t, 2) ? t->in[2] : NULL;
	int64_t block = tr_int(t, "block_size", 0);
	int axis = quant_axis(t, x, scale, block);
	enum dtype type = tr_type(t, "output_dtype", DT_U8);
	tr_ignore(t, "precision");
	if (!tr_bool(t, "saturate", true) && zero && dtype_is_float(tr_dtype(zero)))
		tr_fail(t, E_UNSUPPORTED, "quantization to float8 without saturation");
	struct value *dims = block ? tr_shape_of(t, x) : NULL;
	if (block)
		x = in_blocks(t, x, axis, block);
	struct value *y = tr_quantize(
	    t, x, per_block(t, scale, axis, block), per_block(t, zero, axis, block), axis, type);
	tr_out(t, 0, block ? tr_reshape_to(t, y, dims) : y);
}

void tr_dequantize_linear(struct tr *t)
{
	struct value *x = tr_in(t, 0), *scale = tr_in(t, 1),
		     *zero = tr_given(t, 2) ? t->in[2] : NULL;
	int64_t block = tr_int(t, "block_size", 0);
	int axis = quant_axis(t, x, scale, block);
	enum dtype type = tr_type(t, "output_dtype", tr_dtype(scale));
	struct value *dims = block ? tr_shape_of(t, x) : NULL;
	if (block)
		x = in_blocks(t, x, axis, block);
	x = tr_dequantize(
	    t, x, per_block(t, scale, axis, block), per_block(t, zero, axis, block), axis);
	x = tr_convert(t, x, type);
	tr_out(t, 0, block ? tr_reshape_to(t, x, dims) : x);
}

/* The range is stretched to hold 0, then u8 covers it. */
void tr_dynamic_quantize_linear(struct tr *t)
{
	struct value *x = tr_in(t, 0), *zero = tr_number_of(t, x, 0);
	int rank = tr_rank(t, x);
	struct value *axes = tr_range(t, 0, rank);
	struct value *low = tr_op(t, OP_MINIMUM, tr_reduce(t, OP_REDUCE_MIN, x, axes, false), zero);
	struct value *high = tr_op(
	    t, OP_MAXIMUM, tr_reduce(t, OP_REDUCE_MAX, x, axes, false), zero);
	struct value *scale = tr_op(
	    t, OP_DIVIDE, tr_op(t, OP_SUBTRACT, high, low), tr_number_of(t, x, 255));
	struct value *none = tr_op(t, OP_EQUAL, scale, zero);
	struct value *safe = tr_op(t, OP_SELECT, none, tr_number_of(t, x, 1), scale);
	struct value *at = tr_op(t, OP_DIVIDE, tr_op(t, OP_SUBTRACT, zero, low), safe);
	struct value *point = requantize(t, at, NULL, DT_U8);
	tr_out(t, 0, requantize(t, tr_op(t, OP_DIVIDE, x, safe), point, DT_U8));
	tr_out(t, 1, scale);
	tr_out(t, 2, point);
}
