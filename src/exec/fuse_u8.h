/* What is known while a quantized kernel takes along the nodes behind it. */
#ifndef EXEC_FUSE_U8_H
#define EXEC_FUSE_U8_H

#include <math.h>

#include "exec/lower.h"

/* A FakeQuantize. */
struct fq_ranges {
	struct per_channel r[4]; /* input low and high, output low and high */
	int top;                 /* the last level, from 0 on */
	int first;   /* OpenVINO's number of level 0: less than 0 where levels are signed */
	bool stored; /* as bytes, with no operation behind */
};

struct walk {
	struct lower *l;
	struct fused_u8 *f;
	int i;        /* the kernel's step */
	float *mul;   /* factors since the last level, and what is added behind them */
	float lo, hi; /* a clamp since then */
	bool clamped;
	/* The same as operations of floats, a channel's x * gain + bias at most; or odd. */
	float *gain, *bias;
	bool gained, biased, odd;
	struct fq_ranges last; /* that the last level is of */
	bool beside;           /* they are levels of what is added next */
	float unit;            /* of the sum: what a level of the added value means */
};

static inline float *walk_plus(const struct walk *w)
{
	return w->mul + w->f->channels;
}

/* The floats of what leads to the levels of q in OpenVINO's order (fuse_u8_order.c). False: that
 * is not known for these nodes, and nothing is changed. */

/* What OpenVINO counts levels of q from that no convolution reads. */
int order_first(const struct fq_ranges *q, int64_t channels);
/* q is the first behind the sums. added: the sum with that value follows instead of rounding. */
bool order_sums(struct walk *w, const struct fq_ranges *q, const struct quant *added);
/* q is behind the levels of w->last, and level 0 of bytes is its level number from[c]. */
bool order_levels(struct walk *w, const struct fq_ranges *q, const int *from);
/* The sum of w->last, which is rounded to, with added. */
bool order_added(struct walk *w, const struct quant *added);
/* q is behind that sum. */
void order_sum(struct walk *w, const struct fq_ranges *q);

/* ---- one multiply-add in place of several operations (fuse_u8_fit.c) ---- */

/* From floats to levels: x * scale + shift. */
struct line {
	float scale, shift;
};

/* What OpenVINO computes of a level: x * own.scale + own.shift unless direct, then * next.scale +
 * next.shift, each with one rounding or with two. */
struct course {
	struct line own, next;
	bool direct, own_fused, next_fused;
};

static inline float line_at(struct line m, bool fused, float x)
{
	return fused ? fmaf(x, m.scale, m.shift) : x * m.scale + m.shift;
}

static inline float course_end(const struct course *k, float x)
{
	return line_at(k->next, k->next_fused, k->direct ? x : line_at(k->own, k->own_fused, x));
}

#define TIES 256
/* Values that come out near the middle between two levels of lo..hi, and the levels they get. */
struct ties {
	int n;
	float lo, hi;
	struct {
		float x, want;
	} tie[TIES];
};

/* Those of levels first..first + top, and no others; mul and plus: about what the course does.
 * Results count from level from on. */
void find_level_ties(
    struct ties *t, const struct course *k, int first, int top, int from, float mul, float plus);
/* Moves the factors by a few of their last places until the ties are right, or most of them. */
void fit_factors(const struct ties *t, float *mul, float *plus);

#endif
