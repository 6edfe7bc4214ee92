/* Element by element and along rows: what is done to spans of floats, one table of functions for
 * each instruction set. */
#ifndef KERNELS_SPAN_F32_H
#define KERNELS_SPAN_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum span_op {
	SPAN_NONE,
	/* x = x op y */
	SPAN_ADD,
	SPAN_SUB,
	SPAN_SUB_FROM, /* y - x */
	SPAN_MUL,
	SPAN_DIV,
	SPAN_DIV_INTO, /* y / x */
	SPAN_MAX,
	SPAN_MIN,
	SPAN_SQUARED_DIFFERENCE,
	SPAN_PRELU,  /* x < 0 ? x * y : x */
	SPAN_SELECT, /* y > 0 ? x : a */
	/* x = f(x) */
	SPAN_CLAMP, /* to a..b */
	SPAN_ABS,
	SPAN_NEG,
	SPAN_SQRT,
	SPAN_CUBE,
	SPAN_FLOOR,
	SPAN_CEIL,
	SPAN_TRUNC, /* to an int32 and back; one that does not fit, and NaN, is -2^31 */
	SPAN_ROUND, /* half to even */
	SPAN_EXP,
	SPAN_LOG,
	SPAN_SIGMOID,
	SPAN_TANH,
	SPAN_ERF,
	SPAN_GELU_ERF, /* both within 3e-7 below 0, 3e-7 of themselves above */
	SPAN_GELU_TANH,
	SPAN_SWISH, /* x * sigmoid(a * x); a from 1 on: within 8e-7 below 0, 4e-7 of itself above */
	SPAN_HSWISH,
	SPAN_HSIGMOID,
	SPAN_HARD_SIGMOID, /* clamp(a * x + b, 0, 1) */
	SPAN_ELU,          /* x < 0 ? a * (exp(x) - 1) : x */
	SPAN_SOFT_PLUS,
	SPAN_MISH,
	SPAN_OPS,
};

/* Changes n floats in place. y advances by ystep, 0 or 1; unary functions do not look at it. */
typedef void span_f32_fn(float *x, const float *y, int ystep, int n, float a, float b);

struct span_f32 {
	const char *name;
	unsigned need;          /* enum cpu_feature bits */
	span_f32_fn *const *op; /* by enum span_op */
	/* Of a row of n floats; sums are taken lane by lane in a fixed order. out may be in. */
	void (*softmax)(float *out, const float *in, int n);
	/* The same of each of cols columns of n floats, ld floats apart. */
	void (*softmax_columns)(float *out, const float *in, int n, int64_t ld, int cols);
	/* x = exp(x * scale + y - the largest of these), y NULL: 0; their sum. */
	float (*weigh)(float *x, const float *y, int n, float scale);
	/* (x - mean) / deviation, variance (biased) or mean only, then * gamma + beta (NULL: 1, 0).
	 */
	void (*mvn)(float *out, const float *in, int n, const float *gamma, const float *beta,
	    bool variance, float eps, bool inside_sqrt);
	float (*sum)(const float *in, int n);
	/* To levels: x * f[0] + f[1] with one rounding, clamped to 0..top and rounded half to even;
	 * a NaN becomes 0. x is rows of n floats without a gap, factors advance by step, 0 or 1,
	 * and begin anew in each row. levels goes back to floats by * f[2] + f[3], with one
	 * rounding; bytes, with top up to 255, stores rows that lie ld bytes apart. */
	void (*levels)(float *x, int rows, int n, const float *const f[4], int step, float top);
	void (*bytes)(uint8_t *out, size_t ld, const float *x, int rows, int n,
	    const float *const f[2], int step, float top);
};

extern const struct span_f32 span_f32_rows[];
/* The first row that the processor, as limited, has. */
int span_f32_pick(void);

#define SPAN_F32(need, isa)                                                                \
	extern span_f32_fn *const span_f32_ops##isa[];                                     \
	void span_f32_softmax##isa(float *out, const float *in, int n);                    \
	float span_f32_weigh##isa(float *x, const float *y, int n, float scale);           \
	void span_f32_softmax_columns##isa(                                                \
	    float *out, const float *in, int n, int64_t ld, int cols);                     \
	void span_f32_mvn##isa(float *out, const float *in, int n, const float *gamma,     \
	    const float *beta, bool variance, float eps, bool inside_sqrt);                \
	float span_f32_sum##isa(const float *in, int n);                                   \
	void span_f32_levels##isa(                                                         \
	    float *x, int rows, int n, const float *const f[4], int step, float top);      \
	void span_f32_bytes##isa(uint8_t *out, size_t ld, const float *x, int rows, int n, \
	    const float *const f[2], int step, float top);
#include "kernels/kernels.def"

#endif
