/* Spans of elements as doubles or 64-bit integers, and the shared checks of the families. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/half.h"
#include "ops/elem.h"

/* Loads of the types that C has. */
#define LOAD(name, to, from)                                                               \
	static VECTOR void name(to *restrict dst, const void *data, int64_t at, int64_t n) \
	{                                                                                  \
		const from *p = (const from *)data + at;                                   \
		for (int64_t i = 0; i < n; i++)                                            \
			dst[i] = (to)p[i];                                                 \
	}
LOAD(f64_f32, double, float)
LOAD(f64_i8, double, int8_t)
LOAD(f64_i16, double, int16_t)
LOAD(f64_i32, double, int32_t)
LOAD(f64_i64, double, int64_t)
LOAD(f64_u8, double, uint8_t)
LOAD(f64_u16, double, uint16_t)
LOAD(f64_u32, double, uint32_t)
LOAD(f64_u64, double, uint64_t)
LOAD(i64_i8, int64_t, int8_t)
LOAD(i64_i16, int64_t, int16_t)
LOAD(i64_i32, int64_t, int32_t)
LOAD(i64_u8, int64_t, uint8_t)
LOAD(i64_u16, int64_t, uint16_t)
LOAD(i64_u32, int64_t, uint32_t)

static void f64_half(double *dst, const struct tensor *t, int64_t at, int64_t n)
{
	const uint16_t *p = (const uint16_t *)t->data + at;
	float line[64];
	if (t->type == DT_F16)
		for (int64_t i = 0; i < n; i += 64) {
			int64_t m = n - i < 64 ? n - i : 64;
			f16_to_f32_n(line, p + i, (size_t)m);
			for (int64_t j = 0; j < m; j++)
				dst[i + j] = line[j];
		}
	else
		for (int64_t i = 0; i < n; i++)
			dst[i] = bf16_to_f32(p[i]);
}

void span_f64(double *dst, const struct tensor *t, int64_t at, int64_t n)
{
	switch (t->type) {
	case DT_F32:
		f64_f32(dst, t->data, at, n);
		break;
	case DT_F64:
		memcpy(dst, (const double *)t->data + at, (size_t)n * sizeof *dst);
		break;
	case DT_F16:
	case DT_BF16:
		f64_half(dst, t, at, n);
		break;
	case DT_I8:
		f64_i8(dst, t->data, at, n);
		break;
	case DT_I16:
		f64_i16(dst, t->data, at, n);
		break;
	case DT_I32:
		f64_i32(dst, t->data, at, n);
		break;
	case DT_I64:
		f64_i64(dst, t->data, at, n);
		break;
	case DT_BOOL:
	case DT_U8:
		f64_u8(dst, t->data, at, n);
		break;
	case DT_U16:
		f64_u16(dst, t->data, at, n);
		break;
	case DT_U32:
		f64_u32(dst, t->data, at, n);
		break;
	case DT_U64:
		f64_u64(dst, t->data, at, n);
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			dst[i] = tensor_f64(t, at + i);
	}
}

void span_i64(int64_t *dst, const struct tensor *t, int64_t at, int64_t n)
{
	switch (t->type) {
	case DT_I64:
	case DT_U64:
		memcpy(dst, (const int64_t *)t->data + at, (size_t)n * sizeof *dst);
		break;
	case DT_I8:
		i64_i8(dst, t->data, at, n);
		break;
	case DT_I16:
		i64_i16(dst, t->data, at, n);
		break;
	case DT_I32:
		i64_i32(dst, t->data, at, n);
		break;
	case DT_BOOL:
	case DT_U8:
		i64_u8(dst, t->data, at, n);
		break;
	case DT_U16:
		i64_u16(dst, t->data, at, n);
		break;
	case DT_U32:
		i64_u32(dst, t->data, at, n);
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			dst[i] = tensor_i64(t, at + i);
	}
}

void span_fill_f64(double *dst, const struct tensor *t, int64_t at, int64_t n)
{
	double v = 0;
	if (n > 0)
		span_f64(&v, t, at, 1);
	for (int64_t i = 0; i < n; i++)
		dst[i] = v;
}

void span_fill_i64(int64_t *dst, const struct tensor *t, int64_t at, int64_t n)
{
	int64_t v = 0;
	if (n > 0)
		span_i64(&v, t, at, 1);
	for (int64_t i = 0; i < n; i++)
		dst[i] = v;
}

static VECTOR void put_f32(float *restrict p, const double *restrict src, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)src[i];
}

/* To float, rounded to odd: a second rounding to 16 bits then gives what one rounding would. */
static VECTOR void put_odd(float *restrict p, const double *restrict src, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double d = src[i];
		float f = (float)d;
		uint32_t bits;
		memcpy(&bits, &f, sizeof bits);
		uint32_t past = fabs((double)f) > fabs(d), inexact = (double)f != d;
		bits = (bits - past) | inexact;
		memcpy(&f, &bits, sizeof bits);
		p[i] = f;
	}
}

static VECTOR void put_bf16(uint16_t *restrict p, const float *restrict src, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		uint32_t bits, nan = src[i] != src[i];
		memcpy(&bits, &src[i], sizeof bits);
		uint32_t near = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
		p[i] = (uint16_t)(nan ? bits >> 16 | 0x40 : near);
	}
}

static void put_half(struct tensor *t, int64_t at, int64_t n, const double *src)
{
	float line[64];
	uint16_t *p = (uint16_t *)t->data + at;
	for (int64_t i = 0; i < n; i += 64) {
		int64_t m = n - i < 64 ? n - i : 64;
		put_odd(line, src + i, m);
		if (t->type == DT_F16)
			f32_to_f16_n(p + i, line, (size_t)m);
		else
			put_bf16(p + i, line, m);
	}
}

/* Whole numbers of the ranges that integer types have. */
static void put_round(struct tensor *t, int64_t at, int64_t n, const double *src)
{
	int bits = dtype_bits(t->type);
	bool sign = dtype_is_signed(t->type);
	double lo = sign ? -ldexp(1, bits - 1) : 0, hi = ldexp(1, sign ? bits - 1 : bits);
	for (int64_t i = 0; i < n; i++) {
		double v = round(src[i]);
		int64_t k;
		if (!(v > lo))
			k = v == v ? (int64_t)lo : 0;
		else if (v >= hi)
			k = (int64_t)(UINT64_MAX >> (64 - bits + sign));
		else
			k = v >= 0x1p63 ? (int64_t)(uint64_t)v : (int64_t)v;
		tensor_set_i64(t, at + i, k);
	}
}

void span_put_f64(struct tensor *t, int64_t at, int64_t n, const double *src)
{
	switch (t->type) {
	case DT_F32:
		put_f32((float *)t->data + at, src, n);
		break;
	case DT_F64:
		memcpy((double *)t->data + at, src, (size_t)n * sizeof *src);
		break;
	case DT_F16:
	case DT_BF16:
		put_half(t, at, n, src);
		break;
	case DT_BOOL:
		for (int64_t i = 0; i < n; i++)
			((uint8_t *)t->data)[at + i] = src[i] != 0;
		break;
	default:
		if (dtype_is_int(t->type))
			put_round(t, at, n, src);
		else
			for (int64_t i = 0; i < n; i++)
				tensor_set_f64(t, at + i, src[i]);
	}
}

#define STORE(type)                                       \
	for (int64_t i = 0; i < n; i++)                   \
		((type *)t->data)[at + i] = (type)src[i]; \
	break

VECTOR void span_put_i64(struct tensor *t, int64_t at, int64_t n, const int64_t *src)
{
	switch (t->type) {
	case DT_I64:
	case DT_U64:
		memcpy((int64_t *)t->data + at, src, (size_t)n * sizeof *src);
		break;
	case DT_I8:
	case DT_U8:
		STORE(uint8_t);
	case DT_I16:
	case DT_U16:
		STORE(uint16_t);
	case DT_I32:
	case DT_U32:
		STORE(uint32_t);
	case DT_BOOL:
		for (int64_t i = 0; i < n; i++)
			((uint8_t *)t->data)[at + i] = src[i] != 0;
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			tensor_set_i64(t, at + i, src[i]);
	}
}

void *eval_scratch(struct eval *s, int64_t n, size_t size)
{
	void *p = n < 0 ? NULL : arena_array(s->scratch, (size_t)n, size);
	if (!p)
		fail_nomem(s->err);
	return p;
}

int elem_axis(struct eval *s, int64_t axis, int rank, int *out)
{
	int64_t a = axis < 0 ? axis + rank : axis;
	if (a < 0 || a >= rank)
		return eval_fail(
		    s, E_FORMAT, "axis %lld is out of range for rank %d", (long long)axis, rank);
	*out = (int)a;
	return OK;
}

int elem_axes(struct eval *s, const struct tensor *t, int rank, uint32_t *mask)
{
	int64_t n = tensor_count(t);
	*mask = 0;
	for (int64_t i = 0; i < n; i++) {
		int a = 0, r = elem_axis(s, tensor_i64(t, i), rank, &a);
		if (r)
			return r;
		*mask |= 1u << a;
	}
	return OK;
}

int infer_same_types(struct infer *s, int a, int b)
{
	if (infer_has(s, a) && infer_has(s, b) && s->in[a].type != s->in[b].type)
		return infer_fail(s,
		    "inputs %d and %d are of types '%s' and '%s', expected the same", a, b,
		    dtype_name(s->in[a].type), dtype_name(s->in[b].type));
	return OK;
}

int infer_float(struct infer *s, int k)
{
	if (infer_has(s, k) && !dtype_is_float(s->in[k].type))
		return infer_fail(s, "input %d is of type '%s', expected a floating-point type", k,
		    dtype_name(s->in[k].type));
	return OK;
}

int infer_type(struct infer *s, int k, enum dtype t)
{
	if (infer_has(s, k) && s->in[k].type != t)
		return infer_fail(s, "input %d is of type '%s', expected '%s'", k,
		    dtype_name(s->in[k].type), dtype_name(t));
	return OK;
}

int infer_integer(struct infer *s, int k)
{
	if (infer_has(s, k) && !dtype_is_int(s->in[k].type))
		return infer_fail(s, "input %d is of type '%s', expected an integer type", k,
		    dtype_name(s->in[k].type));
	return OK;
}

int infer_one(struct infer *s, int k)
{
	if (!infer_has(s, k))
		return OK;
	const struct shape *sh = &s->in[k].shape;
	for (int i = 0; i < sh->rank; i++)
		if (sh->dim[i].min > 1 || sh->dim[i].max < 1)
			return infer_fail(s, "input %d has more than one element", k);
	return OK;
}
