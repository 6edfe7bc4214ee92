/* The narrow formats: every code there and back, and every midpoint between neighbours. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "base/cpu.h"
#include "base/half.h"
#include "base/rng.h"

static uint32_t bits(float f)
{
	uint32_t x;
	memcpy(&x, &f, sizeof x);
	return x;
}

static void f16_there_and_back(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = f16_to_f32((uint16_t)h);
		if ((h & 0x7fff) > 0x7c00) {
			assert_true(isnan(f) && isnan(f16_to_f32(f32_to_f16(f))));
			continue;
		}
		assert_int_equal(f32_to_f16(f), h);
		assert_int_equal(f64_to_f16((double)f), h);
	}
	assert_true(f16_to_f32(1) == 0x1p-24f);
	assert_true(f16_to_f32(0x7bff) == 65504.0f);
	assert_true(f16_to_f32(0x3555) == 0.333251953125f);
}

/* Between neighbours h and h+1, the midpoint goes to the even one and its sides to theirs. */
static void f16_midpoints(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x7c00; h++) {
		double a = (double)f16_to_f32((uint16_t)h);
		double b = h == 0x7bff ? 65536 : (double)f16_to_f32((uint16_t)(h + 1));
		double mid = (a + b) / 2;
		uint32_t even = h + (h & 1);
		assert_int_equal(f64_to_f16(mid), even);
		assert_int_equal(f64_to_f16(nextafter(mid, 0)), h);
		assert_int_equal(f64_to_f16(nextafter(mid, 1e9)), h + 1);
		assert_int_equal(f32_to_f16((float)mid), even);
		assert_int_equal(f32_to_f16(nextafterf((float)mid, 0)), h);
		assert_int_equal(f32_to_f16(nextafterf((float)mid, 1e9f)), h + 1);
		assert_int_equal(f32_to_f16(-(float)mid), even | 0x8000);
	}
	assert_int_equal(f32_to_f16(INFINITY), 0x7c00);
	assert_int_equal(f32_to_f16(1e30f), 0x7c00);
	assert_int_equal(f64_to_f16(-1e300), 0xfc00);
	assert_int_equal(f64_to_f16(5e-324), 0);
	assert_int_equal(f32_to_f16(1e-40f), 0);
	/* two roundings would give the even neighbour here */
	assert_int_equal(f64_to_f16(1 + 0x1p-11 + 0x1p-40), 0x3c01);
}

static void f16_arrays_match_scalars(void **state)
{
	(void)state;
	enum { N = 1000 };
	static float f[N], back[N];
	static uint16_t h[N];
	uint64_t seed = 7;
	for (int i = 0; i < N; i++) {
		uint32_t x = (uint32_t)rng_next(&seed);
		if (i & 1) /* half of them near the format's range */
			x = (x & 0x87ffffff) | 0x38000000;
		memcpy(&f[i], &x, sizeof x);
	}
	f32_to_f16_n(h, f, N);
	f16_to_f32_n(back, h, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(h[i], f32_to_f16(f[i]));
		assert_int_equal(bits(back[i]), bits(f16_to_f32(h[i])));
	}
}

/* The processor's conversions and ours: the same bits for every f16, and for floats of every
 * exponent with the fractions where rounding turns. */
static void arrays_agree_on_every_machine(void **state)
{
	(void)state;
	enum { N = 1 << 16 };
	static uint16_t h[N], fast_h[N];
	static float f[N], fast[N];
	for (uint32_t i = 0; i < N; i++)
		h[i] = (uint16_t)i;
	f16_to_f32_n(fast, h, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(bits(fast[i]), bits(f16_to_f32(h[i])));
	for (uint32_t top = 0; top < 1 << 15;
	     top += 8) { /* sign, exponent, 6 bits; low bits below */
		for (uint32_t i = 0; i < 64; i++) {
			uint32_t low[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2fff, 0x3000};
			uint32_t x = (top + i / 8) << 17 | (i & 1) << 16 | low[i % 8];
			memcpy(&f[i], &x, sizeof x);
		}
		f32_to_f16_n(fast_h, f, 64);
		for (uint32_t i = 0; i < 64; i++)
			assert_int_equal(fast_h[i], f32_to_f16(f[i]));
	}
}

static void bf16(void **state)
{
	(void)state;
	for (uint32_t b = 0; b < 0x7f80; b++) {
		float f = bf16_to_f32((uint16_t)b);
		assert_int_equal(f32_to_bf16(f), b);
		assert_int_equal(f64_to_bf16((double)f), b);
		uint32_t mid = b << 16 | 0x8000, up = mid + 1, down = mid - 1;
		memcpy(&f, &mid, 4);
		assert_int_equal(f32_to_bf16(f), b + (b & 1));
		assert_int_equal(f64_to_bf16((double)f), b + (b & 1));
		memcpy(&f, &up, 4);
		assert_int_equal(f32_to_bf16(f), b + 1);
		memcpy(&f, &down, 4);
		assert_int_equal(f32_to_bf16(f), b);
	}
	assert_int_equal(f32_to_bf16(-INFINITY), 0xff80);
	assert_int_equal(f64_to_bf16(1e300), 0x7f80);
	assert_true(isnan(bf16_to_f32(f32_to_bf16(NAN))));
}

typedef float widen(uint8_t);
typedef uint8_t narrow(float);

static uint8_t narrow_e4m3(float f)
{
	return f64_to_f8e4m3((double)f);
}

static uint8_t narrow_e5m2(float f)
{
	return f64_to_f8e5m2((double)f);
}

static void check_f8(widen *to, narrow *from, narrow *sat, int top)
{
	for (int v = 0; v <= top; v++) {
		float f = to((uint8_t)v);
		assert_int_equal(from(f), v);
		assert_int_equal(sat(f), v);
		assert_int_equal(from(-f), v | 0x80);
		if (v == top)
			continue;
		float mid = (f + to((uint8_t)(v + 1))) / 2;
		assert_int_equal(from(mid), v + (v & 1));
		assert_int_equal(from(nextafterf(mid, 0)), v);
		assert_int_equal(sat(nextafterf(mid, 1e9f)), v + 1);
	}
	assert_int_equal(sat(INFINITY), top);
	assert_int_equal(sat(-1e9f), top | 0x80);
	assert_int_equal(from(1e9f), top + 1);
	assert_true(isnan(to(from(NAN))) && isnan(to(sat(NAN))));
}

static void f8(void **state)
{
	(void)state;
	assert_true(f8e4m3_to_f32(0x7e) == 448 && f8e4m3_to_f32(1) == 0x1p-9f);
	assert_true(f8e5m2_to_f32(0x7b) == 57344 && f8e5m2_to_f32(1) == 0x1p-16f);
	check_f8(f8e4m3_to_f32, narrow_e4m3, f32_to_f8e4m3_sat, 0x7e);
	check_f8(f8e5m2_to_f32, narrow_e5m2, f32_to_f8e5m2_sat, 0x7b);
	assert_true(isinf(f8e5m2_to_f32(0x7c)));
}

/* Errors of a row cancel, exact values stay, no element moves by more than one step from nearest.
 */
static void f16_diffusion(void **state)
{
	enum { N = 1000 };
	float x[N];
	uint16_t near[N], half[N];
	uint64_t seed = 11;
	double sum = 0, carry = 0;
	(void)state;
	for (int i = 0; i < N; i++)
		x[i] = i % 7 ? rng_f32(&seed) * 2 - 1 : i % 2 ? 0.25f : 0;
	x[500] = 1e6f;
	x[501] = NAN;
	f32_to_f16_n(near, x, N);
	for (int i = 0; i < N; i += 300)
		carry = f32_to_f16_diffuse(half + i, x + i, N - i < 300 ? N - i : 300, carry);
	for (int i = 0; i < N; i++) {
		assert_true(abs(half[i] - near[i]) <= 1);
		if (i == 500 || i == 501 || f16_to_f32(near[i]) == x[i])
			assert_int_equal(half[i], near[i]);
		else
			sum += (double)x[i] - f16_to_f32(half[i]);
	}
	assert_true(fabs(sum) < 0x1p-11);
	assert_true(fabs(sum - carry) < 1e-12);
}

static int without_isa(void **state)
{
	(void)state;
	return cpu_limit("ref") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(f16_there_and_back),
	    cmocka_unit_test(f16_midpoints), cmocka_unit_test(f16_arrays_match_scalars),
	    cmocka_unit_test(arrays_agree_on_every_machine), cmocka_unit_test(bf16),
	    cmocka_unit_test(f8), cmocka_unit_test(f16_diffusion)};
	const struct CMUnitTest plain[] = {cmocka_unit_test(f16_arrays_match_scalars),
	    cmocka_unit_test(f16_diffusion), cmocka_unit_test(arrays_agree_on_every_machine)};
	int failed = cmocka_run_group_tests(plain, without_isa, NULL);
	cpu_limit("bf16");
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
