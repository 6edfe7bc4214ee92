/* RandomUniform: numbers of the counter-based generator Philox 4x32-10 (Salmon et al., Parallel
 * Random Numbers: As Easy as 1, 2, 3, 2011), as OpenVINO draws them in a network's first run. */
#include <math.h>
#include <string.h>

#include "ops/content.h"
#include "ops/elem.h"
#include "ops/rows.h"

const struct attr_def attrs_random_uniform[] = {{"output_type", ATTR_TYPE, true, NULL, NULL},
    {"global_seed", ATTR_INT, false, "0", NULL}, {"op_seed", ATTR_INT, false, "0", NULL},
    {"alignment", ATTR_STRING, false, "tensorflow", "tensorflow|pytorch|TENSORFLOW|PYTORCH"}, {0}};

static bool drawn(enum dtype t)
{
	return t == DT_F32 || t == DT_F16 || t == DT_BF16 || t == DT_F64 || t == DT_I32 ||
	       t == DT_I64;
}

int infer_random_uniform(struct infer *s)
{
	s->out[0].type = attr_type(s->node, "output_type");
	if (!drawn(s->out[0].type))
		return infer_fail(s, "output_type is %s", dtype_name(s->out[0].type));
	for (int k = 1; k < 3; k++) {
		int64_t n = infer_count(s, k);
		if (n >= 0 && n != 1)
			return infer_fail(s, "a bound of %lld numbers", (long long)n);
		if (s->in[k].type != s->out[0].type)
			return infer_fail(s, "a bound of type %s for numbers of %s",
			    dtype_name(s->in[k].type), dtype_name(s->out[0].type));
	}
	return infer_target(s, 0, &s->out[0].shape);
}

#define ROUNDS 10

/* Four numbers of 32 bits: those after 4 * n others. */
static void philox(uint64_t key, uint64_t stream, uint64_t n, uint32_t out[4])
{
	uint32_t c[4] = {
	    (uint32_t)n, (uint32_t)(n >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
	uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a = (uint64_t)c[0] * 0xd2511f53, b = (uint64_t)c[2] * 0xcd9e8d57;
		uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
		    (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
		memcpy(c, next, sizeof c);
		k[0] += 0x9e3779b9;
		k[1] += 0xbb67ae85;
	}
	memcpy(out, c, sizeof c);
}

/* Bits as the fraction of a float in [0, 1) with so many of them. */
static double fraction(uint64_t bits, int width)
{
	return ldexp((double)(bits & ((UINT64_C(1) << width) - 1)), -width);
}

static void put_float(struct tensor *y, int64_t i, const uint32_t *v, double low, double span)
{
	int width = y->type == DT_F64 ? 52 : y->type == DT_F16 ? 10 : y->type == DT_BF16 ? 7 : 23;
	uint64_t bits = width == 52 ? (uint64_t)v[0] << 32 | v[1] : v[0];
	double x = fraction(bits, width);
	if (y->type == DT_F64)
		tensor_set_f64(y, i, x * span + low);
	else
		tensor_set_f64(y, i, (double)((float)x * (float)span + (float)low));
}

static void put_int(struct tensor *y, int64_t i, const uint32_t *v, int64_t low, uint64_t span)
{
	uint64_t bits = y->type == DT_I64 ? (uint64_t)v[1] << 32 | v[0] : v[0];
	tensor_set_i64(y, i, (int64_t)((uint64_t)low + bits % span));
}

int eval_random_uniform(struct eval *s)
{
	struct tensor *y = &s->out[0];
	uint64_t key = (uint64_t)attr_i(s->node, "global_seed");
	uint64_t stream = (uint64_t)attr_i(s->node, "op_seed"), span = 0;
	bool whole = !dtype_is_float(y->type), wide = dtype_bits(y->type) == 64;
	double low = tensor_f64(&s->in[1], 0), high = tensor_f64(&s->in[2], 0);
	int64_t count = tensor_count(y), from = 0;
	uint32_t v[4];
	if (whole) {
		from = tensor_i64(&s->in[1], 0);
		span = (uint64_t)tensor_i64(&s->in[2], 0) - (uint64_t)from;
	}
	if (whole ? tensor_i64(&s->in[2], 0) <= from : !(low < high))
		return eval_fail(s, E_FORMAT, "the numbers' range is empty");
	if (attr_is(s->node, "alignment", "pytorch") || attr_is(s->node, "alignment", "PYTORCH"))
		return eval_fail(s, E_UNSUPPORTED, "numbers as PyTorch draws them");
	for (int64_t i = 0, of = wide ? 2 : 4; i < count; i++) {
		const uint32_t *at = v + (i % of) * (4 / of);
		if (i % of == 0)
			philox(key, stream, (uint64_t)(i / of), v);
		if (whole)
			put_int(y, i, at, from, span);
		else
			put_float(y, i, at, low, high - low);
	}
	return OK;
}
