/* Convert and ConvertLike: from any element type to any other. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_convert[] = {{"destination_type", ATTR_TYPE, true, NULL, NULL}, {0}};

#define EXACT_F32 (INT64_C(1) << 24)

static bool fits_whole(enum dtype t, struct dim e)
{
	int bits = dtype_bits(t);
	if (t == DT_F32 || t == DT_F64)
		return e.min >= -EXACT_F32 && e.max <= EXACT_F32;
	if (!dtype_is_int(t))
		return false;
	if (dtype_is_signed(t))
		return bits == 64 ||
		       (e.min >= -(INT64_C(1) << (bits - 1)) && e.max < INT64_C(1) << (bits - 1));
	return e.min >= 0 && (bits >= 63 || e.max < INT64_C(1) << bits);
}

/* The content survives as far as it fits the new type; an upper bound is not known of sizes, which
 * in practice fit in 31 bits, and in the whole numbers of f32: Range counts in floats. */
static void convert_elems(struct infer *s)
{
	enum dtype to_type = s->out[0].type;
	bool sizes = dtype_is_int(to_type) || to_type == DT_F32 || to_type == DT_F64;
	int n;
	struct dim to[LIMIT_ELEMS];
	const struct dim *e = infer_elems(s, 0, &n);
	if (!e || n > LIMIT_ELEMS)
		return;
	for (int i = 0; i < n; i++) {
		to[i] = e[i];
		if (to[i].max == DIM_INF && to[i].min >= 0 && !dim_static(to[i]) &&
		    dtype_bits(to_type) >= 32 && sizes)
			continue;
		if (!fits_whole(to_type, e[i]))
			return;
	}
	infer_set_elems(s, 0, n, to);
}

int infer_convert(struct infer *s)
{
	infer_same(s);
	s->out[0].type = attr_type(s->node, "destination_type");
	convert_elems(s);
	return OK;
}

int infer_convert_like(struct infer *s)
{
	infer_same(s);
	s->out[0].type = s->in[1].type;
	convert_elems(s);
	return OK;
}

/* A float as x86 and ONNX Runtime convert it: truncated; beyond the range of int32 (int64 for u32
 * and 64 bits), and from NaN, the smallest integer; then the low bits are kept. */
static int64_t truncated(double v, bool wide, bool u64)
{
	if (u64 && v >= 0x1p63 && v < 0x1p64)
		return (int64_t)(uint64_t)v;
	if (wide)
		return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : u64 && v > 0 ? 0 : INT64_MIN;
	return v > -0x1p31 - 1 && v < 0x1p31 ? (int64_t)v : INT32_MIN;
}

static void float_to_whole(struct tensor *out, const struct tensor *in, int64_t at, int64_t n)
{
	double v[SPAN];
	int64_t k[SPAN];
	bool u64 = out->type == DT_U64, wide = u64 || out->type == DT_I64 || out->type == DT_U32;
	span_f64(v, in, at, n);
	for (int64_t i = 0; i < n; i++)
		k[i] = truncated(v[i], wide, u64);
	span_put_i64(out, at, n, k);
}

/* Integers of 64 bits do not pass through double on their way to a float of 32 bits or less: the
 * sum would round twice. */
static double whole_f64(int64_t v, bool u64, bool narrow)
{
	uint64_t m = u64 || v >= 0 ? (uint64_t)v : 0 - (uint64_t)v;
	if (narrow && m >> 53)
		m = (m >> 11 << 11) | (m & 0x7ff ? 0x800 : 0);
	return !u64 && v < 0 ? -(double)m : (double)m;
}

static void whole_to_float(struct tensor *out, const struct tensor *in, int64_t at, int64_t n)
{
	double v[SPAN];
	int64_t k[SPAN];
	span_i64(k, in, at, n);
	for (int64_t i = 0; i < n; i++)
		v[i] = whole_f64(k[i], in->type == DT_U64, out->type != DT_F64);
	span_put_f64(out, at, n, v);
}

/* The pairs that FP16 networks are full of. */
static bool convert_half(struct tensor *out, const struct tensor *in, int64_t count)
{
	if (in->type == DT_F16 && out->type == DT_F32)
		f16_to_f32_n(out->data, in->data, (size_t)count);
	else if (in->type == DT_F32 && out->type == DT_F16)
		f32_to_f16_n(out->data, in->data, (size_t)count);
	else
		return false;
	return true;
}

static void convert_span(struct tensor *out, const struct tensor *in, int64_t at, int64_t n)
{
	double v[SPAN];
	int64_t k[SPAN];
	bool from = type_whole(in->type), to = type_whole(out->type);
	if (from && to) {
		span_i64(k, in, at, n);
		span_put_i64(out, at, n, k);
	} else if (from) {
		whole_to_float(out, in, at, n);
	} else if (to && out->type != DT_BOOL) {
		float_to_whole(out, in, at, n);
	} else {
		span_f64(v, in, at, n);
		span_put_f64(out, at, n, v);
	}
}

int eval_convert(struct eval *s)
{
	int64_t count = tensor_count(&s->out[0]);
	if (s->in[0].type == s->out[0].type)
		return eval_identity(s);
	if (convert_half(&s->out[0], &s->in[0], count))
		return OK;
	for (int64_t i = 0; i < count; i += SPAN)
		convert_span(&s->out[0], &s->in[0], i, count - i < SPAN ? count - i : SPAN);
	return OK;
}
