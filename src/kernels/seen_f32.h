/* What calibration does to many floats: extremes of spans and of columns, levels of quantizers,
 * and weights rounded with their errors carried on. Every instruction set gives the same bits. */
#ifndef KERNELS_SEEN_F32_H
#define KERNELS_SEEN_F32_H

#include <stdbool.h>
#include <stdint.h>

#define SEEN_ROWS 64        /* of weights, rounded side by side */
#define SEEN_DOTS 4         /* rows whose products share loads */
#define SEEN_EVEN 0x1.8p23f /* adding and taking it away rounds to nearest what is below 2^22 */

/* What was seen of floats so far, lane by lane; bad is 0 as long as all were finite. */
#define SEEN_LANES 16
struct seen_lanes {
	float low[SEEN_LANES], high[SEEN_LANES], bad[SEEN_LANES];
};

/* Sums that a kernel leaves to be finished in place: rows of n floats, ld apart. */
struct seen_settle {
	float *x;
	int rows, n;
	int64_t ld;
	const float *add; /* what is added before the clamp, ld_add apart, or NULL */
	int64_t ld_add;
	float lo, hi; /* the clamp, which a NaN passes */
	/* Widened to the floats as they were before all that, and as they are behind it; each or
	 * NULL. */
	struct seen_lanes *before, *after;
};

/* Of a quantizer. */
struct seen_levels {
	float low, high, step;
};

/* Weights of SEEN_ROWS rows in steps, column by column. What column j leaves of an error is e[j]
 * and the sum over i < j of rt[j * n + i] * e[i]; its cost the square of diag[j] times that. */
struct seen_round {
	int n;
	const float *rt, *diag;
	const float *w; /* [n][SEEN_ROWS], as q and e */
	float *q;       /* given, or what w plus the errors of those before is nearest to */
	float *e;       /* set: w - q */
	bool given;
	float most;            /* |q| at most */
	float cost[SEEN_ROWS]; /* set: of all columns */
};

struct seen_f32 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	/* Widens [*low, *high] to all of x[0..n-1]; false when one is not finite. */
	bool (*ends)(const float *x, int64_t n, float *low, float *high);
	/* The same for each of n columns of rows that are ld apart. */
	bool (*columns)(
	    const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high);
	void (*settle)(const struct seen_settle *q);
	/* Adds x[0..n-1] to sum, puts it on levels, and adds that to sum_q. */
	void (*levels)(float *x, int64_t n, const struct seen_levels *l, float *sum, float *sum_q);
	/* Sums go by the order of columns, each product and each sum rounded. */
	void (*round)(struct seen_round *r);
	/* sum[r] of n products of row r of a, of at most SEEN_DOTS that are ld apart, with b: the
	 * same for any number of rows. */
	void (*dots)(const double *a, int64_t ld, int rows, const double *b, int n, double *sum);
};

extern const struct seen_f32 seen_f32_rows[];
/* The first row that the processor, as limited, has. */
int seen_f32_pick(void);

#define SEEN_F32(need, isa)                                                                \
	bool seen_f32_ends__##isa(const float *x, int64_t n, float *low, float *high);     \
	bool seen_f32_columns__##isa(                                                      \
	    const float *x, int64_t rows, int64_t ld, int64_t n, float *low, float *high); \
	void seen_f32_settle__##isa(const struct seen_settle *q);                          \
	void seen_f32_levels__##isa(                                                       \
	    float *x, int64_t n, const struct seen_levels *l, float *sum, float *sum_q);   \
	void seen_f32_round__##isa(struct seen_round *r);                                  \
	void seen_f32_dots__##isa(                                                         \
	    const double *a, int64_t ld, int rows, const double *b, int n, double *sum);
#include "kernels/kernels.def"

#endif
