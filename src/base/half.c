/* The narrow floating-point formats in integer arithmetic, so that every machine agrees. */
#include "base/half.h"

#include <stdbool.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/half_isa.h"

#define QUIET 0x7fc00000

static inline uint32_t bits_of(float f)
{
	uint32_t x;
	memcpy(&x, &f, sizeof x);
	return x;
}

static inline float float_of(uint32_t x)
{
	float f;
	memcpy(&f, &x, sizeof f);
	return f;
}

static inline int32_t choose(int condition, int32_t yes, int32_t no)
{
	int32_t mask = -condition;
	return (yes & mask) | (no & ~mask);
}

/* Without branches, so that compilers make vectors of it. Subnormals are rounded by adding 0.5,
 * whose last place is binary16's (F. Giesen's method). */
static inline uint16_t narrow16(float f)
{
	uint32_t x = bits_of(f), sign = x >> 31 << 15;
	int32_t a = (int32_t)(x & 0x7fffffff);
	int32_t normal = (a - (112 << 23) + 0xfff + (a >> 13 & 1)) >> 13;
	int32_t tiny = (int32_t)bits_of(float_of((uint32_t)a) + 0.5f) - (126 << 23);
	int32_t special = 0x7c00 | (-(a > 0x7f800000) & (0x200 | (a >> 13 & 0x3ff)));
	int32_t r = choose(a < 113 << 23, tiny, normal);
	r = choose(a >= 143 << 23, special, r);
	return (uint16_t)((uint32_t)r | sign);
}

static inline float widen16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	int32_t a = (h & 0x7fff) << 13;
	int32_t normal = a + (112 << 23);
	int32_t special = (a + (224 << 23)) | (-(a > 31 << 23) & 0x400000); /* quiet */
	int32_t tiny = (int32_t)bits_of(float_of((uint32_t)a + (113 << 23)) - 0x1p-14f);
	int32_t r = choose(a < 1 << 23, tiny, normal);
	r = choose(a >= 31 << 23, special, r);
	return float_of((uint32_t)r | sign);
}

float f16_to_f32(uint16_t h)
{
	return widen16(h);
}

uint16_t f32_to_f16(float f)
{
	return narrow16(f);
}

/* Elements at any address. */
struct loose16 {
	uint16_t v;
} __attribute__((packed, may_alias));
struct loose32 {
	float v;
} __attribute__((packed, may_alias));

/* Blocks of a fixed size: gcc's -O2 makes vectors only of loops whose count it knows. */
#define BLOCK 64

static inline void narrow_block(struct loose16 *restrict dst, const struct loose32 *restrict src)
{
	for (int i = 0; i < BLOCK; i++)
		dst[i].v = narrow16(src[i].v);
}

static inline void widen_block(struct loose32 *restrict dst, const struct loose16 *restrict src)
{
	for (int i = 0; i < BLOCK; i++)
		dst[i].v = widen16(src[i].v);
}

void f32_to_f16_n(void *dst, const void *src, size_t n)
{
	struct loose16 *d = dst;
	const struct loose32 *s = src;
	size_t i = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX2)
		i = f32_to_f16_n__avx2(dst, src, n);
#endif
	for (; i + BLOCK <= n; i += BLOCK)
		narrow_block(d + i, s + i);
	for (; i < n; i++)
		d[i].v = narrow16(s[i].v);
}

void f16_to_f32_n(void *dst, const void *src, size_t n)
{
	struct loose32 *d = dst;
	const struct loose16 *s = src;
	size_t i = 0;
#if defined(__x86_64__)
	if (cpu_features() & CPU_AVX2)
		i = f16_to_f32_n__avx2(dst, src, n);
#endif
	for (; i + BLOCK <= n; i += BLOCK)
		widen_block(d + i, s + i);
	for (; i < n; i++)
		d[i].v = widen16(s[i].v);
}

struct parts {
	bool sign, nan, inf;
	uint32_t code; /* exponent and fraction of |d| in the narrow format; may run past its top */
};

/* Rounds |d| once, to nearest even, to a format with the given fraction bits and exponent bias. */
static struct parts narrow(double d, int fraction, int bias)
{
	uint64_t x;
	memcpy(&x, &d, sizeof x);
	struct parts p = {.sign = x >> 63};
	int e = (int)(x >> 52 & 0x7ff);
	uint64_t m = x & ((UINT64_C(1) << 52) - 1);
	if (e == 0x7ff) {
		p.nan = m != 0;
		p.inf = !p.nan;
		return p;
	}
	int lack = 1 - bias - (e - 1023); /* places below the least normal exponent */
	int shift = 52 - fraction + (lack > 0 ? lack : 0);
	if (!e || shift > 53)
		return p;
	m |= UINT64_C(1) << 52;
	uint64_t half = UINT64_C(1) << (shift - 1), rest = m & (2 * half - 1), q = m >> shift;
	q += rest > half || (rest == half && (q & 1));
	p.code = (uint32_t)q;
	if (lack <= 0)
		p.code += (uint32_t)(e - 1023 + bias - 1) << fraction;
	return p;
}

uint16_t f64_to_f16(double d)
{
	struct parts p = narrow(d, 10, 15);
	uint32_t r = p.nan ? 0x7e00 : p.inf || p.code > 0x7c00 ? 0x7c00 : p.code;
	return (uint16_t)(r | (uint32_t)p.sign << 15);
}

uint16_t f64_to_bf16(double d)
{
	struct parts p = narrow(d, 7, 127);
	uint32_t r = p.nan ? 0x7fc0 : p.inf || p.code > 0x7f80 ? 0x7f80 : p.code;
	return (uint16_t)(r | (uint32_t)p.sign << 15);
}

float bf16_to_f32(uint16_t b)
{
	return float_of((uint32_t)b << 16);
}

uint16_t f32_to_bf16(float f)
{
	uint32_t x = bits_of(f);
	if ((x & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(x >> 16 | 0x40);
	return (uint16_t)((x + 0x7fff + (x >> 16 & 1)) >> 16);
}

/* fraction bits and bias of a format without its infinities and NaNs */
static float widen8(uint8_t v, int fraction, int bias)
{
	int e = (v & 0x7f) >> fraction, m = v & ((1 << fraction) - 1);
	float unit = float_of((uint32_t)((e ? e : 1) - bias - fraction + 127) << 23);
	float r = (float)(e ? m + (1 << fraction) : m) * unit;
	return v & 0x80 ? -r : r;
}

float f8e4m3_to_f32(uint8_t v)
{
	if ((v & 0x7f) == 0x7f)
		return float_of(QUIET | (uint32_t)(v & 0x80) << 24);
	return widen8(v, 3, 7);
}

float f8e5m2_to_f32(uint8_t v)
{
	if ((v & 0x7f) > 0x7c)
		return float_of(QUIET | (uint32_t)(v & 0x80) << 24);
	if ((v & 0x7f) == 0x7c)
		return float_of(0x7f800000 | (uint32_t)(v & 0x80) << 24);
	return widen8(v, 2, 15);
}

/* top: the largest finite code; over: what is beyond it, infinity included. */
static uint8_t narrow8(double d, int fraction, int bias, uint32_t top, uint32_t over)
{
	struct parts p = narrow(d, fraction, bias);
	uint32_t r = p.nan ? 0x7f : p.inf || p.code > top ? over : p.code;
	return (uint8_t)(r | (uint32_t)p.sign << 7);
}

uint8_t f32_to_f8e4m3_sat(float f)
{
	return narrow8((double)f, 3, 7, 0x7e, 0x7e);
}

uint8_t f32_to_f8e5m2_sat(float f)
{
	return narrow8((double)f, 2, 15, 0x7b, 0x7b);
}

uint8_t f64_to_f8e4m3(double d)
{
	return narrow8(d, 3, 7, 0x7e, 0x7f);
}

uint8_t f64_to_f8e5m2(double d)
{
	return narrow8(d, 2, 15, 0x7b, 0x7c);
}

/* The choices of a block of elements, as magnitudes: near, or one of its neighbours beyond the
 * middles. An element that is exact, infinite or no number has no choice. Vectors find them; what
 * is chosen depends on the element before. */
struct choices {
	float x[BLOCK], near[BLOCK], below[BLOCK], above[BLOCK];
	uint16_t half[BLOCK], down[BLOCK], up[BLOCK]; /* steps of the bits, 0 or 1 */
};

static inline void find_choices(struct choices *restrict c, const struct loose32 *restrict src)
{
	uint16_t low[BLOCK], high[BLOCK], bits[BLOCK];
	f32_to_f16_n(c->half, src, BLOCK);
	for (int i = 0; i < BLOCK; i++)
		bits[i] = c->half[i] & 0x7fff;
	f16_to_f32_n(c->near, bits, BLOCK);
	for (int i = 0; i < BLOCK; i++) {
		float x = fabsf(src[i].v), y = c->near[i];
		bool choice = x != y && y <= 65504;
		c->x[i] = y <= 65504 ? x : 0;
		c->near[i] = y <= 65504 ? y : 0;
		c->up[i] = choice && bits[i] < 0x7bff;
		c->down[i] = choice && bits[i] > 0;
		high[i] = bits[i] + c->up[i];
		low[i] = bits[i] - c->down[i];
	}
	f16_to_f32_n(c->above, high, BLOCK);
	f16_to_f32_n(c->below, low, BLOCK);
}

static double diffuse_block(struct loose16 *dst, const struct loose32 *src, size_t n, double carry)
{
	struct loose32 padded[BLOCK] = {{0}};
	struct choices c;
	if (n < BLOCK)
		src = memcpy(padded, src, n * sizeof *src);
	find_choices(&c, src);
	for (size_t i = 0; i < n; i++) {
		double sign = 1 - (c.half[i] >> 15) * 2, want = c.x[i] + sign * carry;
		bool up = c.up[i] & (want > ((double)c.near[i] + c.above[i]) / 2);
		bool down = c.down[i] & (want < ((double)c.near[i] + c.below[i]) / 2);
		double y = up ? c.above[i] : c.near[i];
		y = down ? c.below[i] : y;
		dst[i].v = c.half[i] + up - down;
		carry = sign * (want - y);
	}
	return carry;
}

double f32_to_f16_diffuse(void *dst, const void *src, size_t n, double carry)
{
	for (size_t i = 0; i < n; i += BLOCK)
		carry = diffuse_block((struct loose16 *)dst + i, (const struct loose32 *)src + i,
		    n - i < BLOCK ? n - i : BLOCK, carry);
	return carry;
}
