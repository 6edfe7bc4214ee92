/* Exponentials of whole spans in double: range reduction and polynomials of our own fitting. */
#include <math.h>
#include <string.h>

#include "ops/elem.h"
#include "ops/vmath.h"

/* Taylor's polynomial of degree 11 on |r| <= ln 2 / 2, times a power of two put together from the
 * bits of x log2 e. Beyond +-700 the result is that of 700: no float holds it. */
static inline __attribute__((always_inline)) double exp_of(double x)
{
	const double magic = 0x1.8p52, ln2_high = 0x1.62e42fefa3800p-1,
		     ln2_low = 0x1.ef35793c76730p-45;
	x = fabs(x) > 700 ? copysign(700, x) : x;
	double shifted = x * M_LOG2E + magic, k = shifted - magic;
	double r = (x - k * ln2_high) - k * ln2_low;
	double p = 1.0 / 39916800;
	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * r + 1;
	p = p * r + 1;
	uint64_t bits;
	double scale;
	memcpy(&bits, &shifted, sizeof bits);
	bits = (bits << 52) + UINT64_C(0x3ff0000000000000);
	memcpy(&scale, &bits, sizeof scale);
	return p * scale;
}

VECTOR void vexp(double *v, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = exp_of(v[i]);
}

VECTOR double vexp_sum(double *v, int64_t n, double max)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		v[i] -= max;
	vexp(v, n);
	for (int64_t i = 0; i < n; i++)
		sum += v[i];
	return sum;
}

VECTOR void vsigmoid(double *v, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double x = v[i], e = exp_of(-fabs(x)), y = 1 / (1 + e);
		v[i] = x < 0 ? e * y : y;
	}
}

/* Taylor's polynomial up to 0.3, (1 - e) / (1 + e) with e = exp(-2x) beyond. */
VECTOR void vtanh(double *v, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double x = v[i], a = fabs(x), e = exp_of(-2 * a), q = a * a;
		double p = 0.000590027440945586;
		p = p * q - 0.0014558343870513183;
		p = p * q + 0.003592128036572481;
		p = p * q - 0.008863235529902197;
		p = p * q + 0.021869488536155203;
		p = p * q - 0.05396825396825397;
		p = p * q + 0.13333333333333333;
		p = p * q - 0.3333333333333333;
		p = p * q * a + a;
		v[i] = copysign(a > 0.3 ? (1 - e) / (1 + e) : p, x);
	}
}

/* Up to 0.75 Taylor's polynomial; beyond, 1 - exp(-x^2) erfcx(x), with a polynomial fitted to erfcx
 * at Chebyshev points in t = 1 / (1 + x / 2), x <= 6. */
static inline __attribute__((always_inline)) double erf_near(double a)
{
	static const double c[] = {1.1283791670955126, -0.37612638903183754, 0.11283791670955126,
	    -0.026866170645131252, 0.005223977625442188, -0.0008548327023450852,
	    0.00012055332981789664, -1.492565035840625e-05, 1.6462114365889246e-06,
	    -1.6365844691234924e-07, 1.4807192815879218e-08, -1.2290555301717926e-09};
	double q = a * a, p = 9.422759064650411e-11;
	for (int k = 11; k >= 0; k--)
		p = p * q + c[k];
	return p * a;
}

static inline __attribute__((always_inline)) double erf_far(double a)
{
	static const double c[] = {0.24581080438402764, 0.19869989218061224, 0.05382333879834097,
	    0.008545561127448672, 0.00023459020422464426, -0.00017016616153926652,
	    -1.1849899703509954e-05, 5.475778706770721e-06, 2.1515101723724887e-07,
	    -2.3019049503752795e-07, 1.1879567998351092e-08, 8.511623793209485e-09};
	double u = (1 / (1 + a / 2) - 0.48863636363636365) * 4.190476190476191;
	double p = -1.470661006364825e-09;
	for (int k = 11; k >= 0; k--)
		p = p * u + c[k];
	return 1 - exp_of(-a * a) * p;
}

VECTOR void verf(double *v, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		double x = v[i], a = fabs(x), near = erf_near(a), far = a > 6 ? 1 : erf_far(a);
		v[i] = copysign(a < 0.75 ? near : a != a ? a : far, x);
	}
}
