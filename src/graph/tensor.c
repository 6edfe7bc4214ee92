/* Dense arrays: sizes, memory, and access to an element of any type. */
#include "graph/tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/half.h"
#include "base/pages.h"

int64_t tensor_count(const struct tensor *t)
{
	int64_t n = 1;
	for (int i = 0; i < t->rank; i++)
		n *= t->dim[i];
	return n;
}

int64_t dtype_bytes(enum dtype t, int64_t count)
{
	int64_t bits;
	if (count < 0 || mul_i64(count, dtype_bits(t), &bits) || add_i64(bits, 7, &bits))
		return -1;
	return bits / 8 > LIMIT_TENSOR_BYTES ? -1 : bits / 8;
}

size_t tensor_bytes(const struct tensor *t)
{
	return (size_t)dtype_bytes(t->type, tensor_count(t));
}

struct shape tensor_shape(const struct tensor *t)
{
	return shape_of(t->rank, t->dim);
}

static int too_large(struct err *err, enum dtype type, int rank, const int64_t *dims)
{
	struct text t = {0};
	for (int i = 0; i < rank; i++)
		text_printf(&t, "%s%lld", i ? "," : "", (long long)dims[i]);
	fail(err, E_LIMIT, "a tensor %s[%s] is larger than the limit", dtype_name(type),
	    t.data ? t.data : "");
	text_free(&t);
	return E_LIMIT;
}

int tensor_reserve(
    struct tensor *t, enum dtype type, int rank, const int64_t *dims, struct err *err)
{
	*t = (struct tensor){0};
	if (rank < 0 || rank > MAX_RANK)
		return fail(err, E_LIMIT, "a tensor of rank %d", rank);
	struct shape s = shape_of(rank, dims);
	int64_t count = shape_count(&s);
	int64_t bytes = count < 0 ? -1 : dtype_bytes(type, count);
	if (bytes < 0)
		return too_large(err, type, rank, dims);
	size_t room = ((size_t)bytes + 64) & ~(size_t)63; /* never 0 */
	void *data = pages_alloc(room);
	if (!data)
		return fail_nomem(err);
	*t = (struct tensor){.type = type, .rank = rank, .data = data};
	if (rank)
		memcpy(t->dim, dims, (size_t)rank * sizeof *dims);
	return OK;
}

int tensor_alloc(struct tensor *t, enum dtype type, int rank, const int64_t *dims, struct err *err)
{
	int status = tensor_reserve(t, type, rank, dims, err);
	if (!status)
		memset(t->data, 0, tensor_bytes(t));
	return status;
}

void tensor_free(struct tensor *t)
{
	free(t->data);
	*t = (struct tensor){0};
}

int tensor_clone(struct tensor *dst, const struct tensor *src, struct err *err)
{
	if (src->type == DT_NONE) {
		*dst = (struct tensor){0};
		return OK;
	}
	int rc = tensor_reserve(dst, src->type, src->rank, src->dim, err);
	if (!rc && tensor_bytes(src))
		memcpy(dst->data, src->data, tensor_bytes(src));
	return rc;
}

/* NormalFloat4 (QLoRA, Dettmers et al. 2023). */
static const float nf4[16] = {-1.0f, -0.6961928009986877f, -0.5250730514526367f,
    -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0,
    0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

static int nf4_nearest(double v)
{
	int best = 0;
	for (int i = 1; i < 16; i++)
		if (fabs((double)nf4[i] - v) < fabs((double)nf4[best] - v))
			best = i;
	return best;
}

/* Data may be mapped from a file at any address, so elements are copied, not dereferenced. */
#define GET(type, p, i)                                                               \
	({                                                                            \
		type v_;                                                              \
		memcpy(&v_, (const char *)(p) + (i) * (int64_t)sizeof v_, sizeof v_); \
		v_;                                                                   \
	})
#define PUT(type, p, i, v)                                                      \
	({                                                                      \
		type v_ = (type)(v);                                            \
		memcpy((char *)(p) + (i) * (int64_t)sizeof v_, &v_, sizeof v_); \
	})

static int get_nibble(const void *p, int64_t i)
{
	return ((const uint8_t *)p)[i / 2] >> (i % 2 * 4) & 15;
}

static void put_nibble(void *p, int64_t i, int v)
{
	uint8_t *b = (uint8_t *)p + i / 2;
	int at = (int)(i % 2) * 4;
	*b = (uint8_t)((*b & ~(15 << at)) | (v & 15) << at);
}

static void put_bit(void *p, int64_t i, int v)
{
	uint8_t *b = (uint8_t *)p + i / 8, mask = (uint8_t)(0x80 >> (i % 8));
	*b = (uint8_t)(v ? *b | mask : *b & ~mask);
}

double tensor_f64(const struct tensor *t, int64_t i)
{
	const void *p = t->data;
	switch (t->type) {
	case DT_F32:
		return (double)GET(float, p, i);
	case DT_F16:
		return (double)f16_to_f32(GET(uint16_t, p, i));
	case DT_BF16:
		return (double)bf16_to_f32(GET(uint16_t, p, i));
	case DT_F64:
		return GET(double, p, i);
	case DT_F8E4M3:
		return (double)f8e4m3_to_f32(GET(uint8_t, p, i));
	case DT_F8E5M2:
		return (double)f8e5m2_to_f32(GET(uint8_t, p, i));
	case DT_NF4:
		return (double)nf4[get_nibble(p, i)];
	case DT_U64:
		return (double)GET(uint64_t, p, i);
	default:
		return (double)tensor_i64(t, i);
	}
}

/* Towards zero; what does not fit gives the least value, as x86 does. */
static int64_t truncate64(double v)
{
	return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

static int64_t truncate32(double v)
{
	return v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : INT32_MIN;
}

static uint64_t truncate_u64(double v)
{
	return v >= 0x1p63 && v < 0x1p64 ? (uint64_t)v : (uint64_t)truncate64(v);
}

int64_t tensor_i64(const struct tensor *t, int64_t i)
{
	const void *p = t->data;
	switch (t->type) {
	case DT_BOOL:
	case DT_U8:
		return GET(uint8_t, p, i);
	case DT_I8:
		return GET(int8_t, p, i);
	case DT_I16:
		return GET(int16_t, p, i);
	case DT_U16:
		return GET(uint16_t, p, i);
	case DT_I32:
		return GET(int32_t, p, i);
	case DT_U32:
		return GET(uint32_t, p, i);
	case DT_I64:
	case DT_U64:
		return GET(int64_t, p, i);
	case DT_I4:
		return (get_nibble(p, i) ^ 8) - 8;
	case DT_U4:
		return get_nibble(p, i);
	case DT_U1:
		return ((const uint8_t *)p)[i / 8] >> (7 - i % 8) & 1;
	case DT_NONE:
		return 0;
	default:
		return truncate64(tensor_f64(t, i));
	}
}

void tensor_set_f64(struct tensor *t, int64_t i, double v)
{
	void *p = t->data;
	switch (t->type) {
	case DT_F32:
		PUT(float, p, i, v);
		break;
	case DT_F16:
		PUT(uint16_t, p, i, f64_to_f16(v));
		break;
	case DT_BF16:
		PUT(uint16_t, p, i, f64_to_bf16(v));
		break;
	case DT_F64:
		PUT(double, p, i, v);
		break;
	case DT_F8E4M3:
		PUT(uint8_t, p, i, f64_to_f8e4m3(v));
		break;
	case DT_F8E5M2:
		PUT(uint8_t, p, i, f64_to_f8e5m2(v));
		break;
	case DT_NF4:
		put_nibble(p, i, nf4_nearest(v));
		break;
	case DT_BOOL:
		PUT(uint8_t, p, i, v != 0);
		break;
	case DT_I64:
	case DT_U32:
		tensor_set_i64(t, i, truncate64(v));
		break;
	case DT_U64:
		PUT(uint64_t, p, i, truncate_u64(v));
		break;
	default:
		tensor_set_i64(t, i, truncate32(v));
		break;
	}
}

void tensor_set_i64(struct tensor *t, int64_t i, int64_t v)
{
	void *p = t->data;
	switch (t->type) {
	case DT_F32:
		PUT(float, p, i, v);
		break;
	case DT_BOOL:
		PUT(uint8_t, p, i, v != 0);
		break;
	case DT_I8:
	case DT_U8:
		PUT(uint8_t, p, i, v);
		break;
	case DT_I16:
	case DT_U16:
		PUT(uint16_t, p, i, v);
		break;
	case DT_I32:
	case DT_U32:
		PUT(uint32_t, p, i, v);
		break;
	case DT_I64:
	case DT_U64:
		PUT(int64_t, p, i, v);
		break;
	case DT_I4:
	case DT_U4:
		put_nibble(p, i, (int)(v & 15));
		break;
	case DT_U1:
		put_bit(p, i, v & 1);
		break;
	case DT_NONE:
		break;
	default:
		tensor_set_f64(t, i, (double)v);
		break;
	}
}
