/* The rows of kernels.def for images with channels last, and their contracts. As in kernel.h a
 * kernel sees pointers and strides and allocates nothing. */
#ifndef KERNELS_NHWC_KERNEL_H
#define KERNELS_NHWC_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/seen_f32.h"

/* A tile of m rows, n columns of an implicit matrix product: row i of the left side is, for each
 * tap, k floats somewhere in an image. */
struct igemm_f32_args {
	const float *const *rows; /* [taps][m]; NULL first: the tap adds nothing to any row */
	const ptrdiff_t
	    *shift;    /* [taps]: rows is [m], to which a tap adds so many floats; or NULL */
	size_t offset; /* floats that are added to each row's pointer */
	int taps, k;
	const float *b;    /* panel [taps * k][nr], or [nr / 2] when n is at most nr / 2; all of it
			      is read, and lines behind it may be prefetched */
	const float *bias; /* n values, or NULL */
	const float *add;  /* m rows by n, ld_add apart, or NULL */
	float *c;          /* m rows by n, ldc apart: the only floats written */
	size_t ld_add, ldc;
	float lo, hi;
	const float *start; /* m rows by the panel's columns, ld_start apart, that chains start
			       with instead of the bias, or NULL */
	size_t ld_start;
	const float *next; /* a panel of the same size that is fetched into the L2 cache meanwhile,
			      one line of four; NULL: none */
	/* Widened to the sums before add and the clamp, and to the results; each or NULL. */
	struct seen_lanes *before, *after;
};
/* Each result is clamp(chain + add), the chain one of multiply-adds that starts with the bias, or
 * start, and takes taps and k in order whatever m and n, so it does not depend on the cut into
 * tiles. A NaN passes the clamp. 1 <= m <= mr, 1 <= n <= nr. */
typedef void igemm_f32_fn(const struct igemm_f32_args *q, int m, int n);

struct igemm_f32 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	igemm_f32_fn *run;
	int mr, nr;
};

/* The same tile of factors that were rounded to BF16, to nearest even, two to each 32 bits; sums
 * stay in FP32. Row i is k pairs at rows[t * m + i] + offset for each tap. out has the rest; its
 * rows, offset, taps, k and b are not looked at. */
struct igemm_bf16_args {
	const uint32_t *const *rows; /* [taps][m] */
	size_t offset;               /* pairs */
	int taps, k;
	const uint32_t *b; /* panel [taps * k][nr or nr / 2] of pairs, as in igemm_f32_args */
	struct igemm_f32_args out;
};
/* Sums are taken in the order of taps and pairs whatever m and n, so that results do not depend on
 * the cut into tiles. The processor's instruction takes denormals, factors and sums, as zero and
 * has its own order and rounding within a pair; ref keeps denormals. So rows agree within the
 * rounding of FP32 sums, not bit for bit. */
typedef void igemm_bf16_fn(const struct igemm_bf16_args *q, int m, int n);
/* Rounds n floats; an odd last one gets a zero beside it. */
typedef void to_bf16_fn(const float *x, int n, uint32_t *pairs);

struct igemm_bf16 {
	const char *name;
	unsigned need;
	igemm_bf16_fn *run;
	to_bf16_fn *round;
	int mr, nr;
};

/* The part of a depthwise window that pixels of a line see, in elements of the image. */
struct dw_window {
	int rows, taps;     /* lines, pixels of each */
	size_t tap, step;   /* from tap to tap, from pixel to pixel */
	ptrdiff_t from, to; /* from where the lines begin that lie in the image: what the first and
			       the last pixels see beyond counts as zeros */
};

/* Pixels of a line of a depthwise convolution, which see the same lines. */
struct dw_nhwc_f32_args {
	int m, n; /* pixels, channels */
	struct dw_window window;
	const float *const *lines; /* [rows]: what the first tap reads for the first pixel */
	const int *at;             /* [rows]: number of the weight of the first tap */
	const float *w;            /* [channels / vec][window][vec], padded with anything */
	size_t block;              /* floats of the weights of vec channels */
	const float *bias;         /* n values, or NULL */
	const float *add;          /* m pixels by n, ld_add apart, or NULL */
	float *out;                /* m pixels by n, ld_out apart: the only floats written */
	size_t ld_add, ld_out;
	float lo, hi;
};
/* Each result is clamp(chain + add), the chain one of multiply-adds that starts with the bias and
 * takes lines and taps in order, which may leave out taps beyond. A NaN passes the clamp. */
typedef void dw_nhwc_f32_fn(const struct dw_nhwc_f32_args *q);

struct dw_nhwc_f32 {
	const char *name;
	unsigned need;
	dw_nhwc_f32_fn *run;
	int vec; /* channels of a block of weights */
};

/* Pixels of a line of a convolution in narrow groups, of which a vector covers one or several. */
struct group_nhwc_f32_args {
	int m, n;                   /* pixels, channels: 1 <= n <= vec */
	int rows, taps;             /* lines of the window, pixels of each */
	int stride, dilation;       /* of a line: pixels from result to result, from tap to tap */
	const float *const *pixels; /* [rows][line]: what lies under the results; NULL first: the
				       line adds nothing */
	size_t line;                /* pointers from line to line */
	size_t offset;              /* floats that are added to each pointer */
	int cin;                    /* channels of a group of the image */
	const int32_t *lanes;       /* [vec]: each lane's group begins at number lanes + shift */
	int shift;                  /* of the vec channels from there on, which are all read */
	const float *w;             /* [rows][cin][taps][vec] */
	const float *bias;          /* n values, or NULL */
	const float *add;           /* m pixels by n, ld_add apart, or NULL */
	float *out;                 /* m pixels by n, ld_out apart: the only floats written */
	size_t ld_add, ld_out;
	float lo, hi;
};
/* Each result is clamp(chain + add), the chain one of multiply-adds that starts with the bias and
 * takes lines, channels and taps in order. A NaN passes the clamp. */
typedef void group_nhwc_f32_fn(const struct group_nhwc_f32_args *q);

struct group_nhwc_f32 {
	const char *name;
	unsigned need;
	group_nhwc_f32_fn *run;
	int vec; /* channels of a block of results */
};

/* Winograd's F(o x o, 3x3), o = 2 or 4, with e = o + 2: a tile of e x e pixels to e * e rows of
 * channels. And F(4, 7) of lines, o = WINO_LINE: 10 pixels to 10 rows. */
enum { WINO_LINE = 7, WINO_LINE_OUT = 4, WINO_LINE_IN = 10 };
struct wino_f32_in {
	int o;
	const float *const *pixel; /* n channels each */
	int n;
	float *v; /* rows ldv apart; n rounded up to 16 are written */
	size_t ldv;
};
typedef void wino_f32_in_fn(const struct wino_f32_in *q);
/* The rows of products to a tile of o x o results, of which ny x nx exist; a line is across when nx
 * is 1. */
struct wino_f32_out {
	int o;
	const float *m; /* rows ldm apart; n rounded up to 16 are read */
	size_t ldm;
	int n, ny, nx;
	const float *bias, *add; /* each or NULL */
	float *out;              /* result y, x at (y * line + x) * ld_out; add likewise */
	size_t line, ld_add, ld_out;
	float lo, hi;
};
typedef void wino_f32_out_fn(const struct wino_f32_out *q);
/* Weights [3][3][n], or [7][n] of a line, to as many rows of n, ldu apart; n is a multiple of 8 (of
 * 16 with AVX-512). */
typedef void wino_f32_weights_fn(const float *g, int o, int n, float *u, size_t ldu);

struct wino_f32 {
	const char *name;
	unsigned need;
	wino_f32_in_fn *in;
	wino_f32_out_fn *out;
	wino_f32_weights_fn *weights;
	struct igemm_f32 tile; /* the products between */
	const struct wino_tiles_f32 *tiles;
};

/* Pixels of a line of a pooling: the maximum (a NaN wins) or the sum divided by count, over a
 * window of size whose pixels lie step floats apart, then the clamp, which a NaN passes. Without
 * pixels (size 0, 0, 0) the maximum is -FLT_MAX, the sum 0. */
struct pool_nhwc_f32_args {
	int m, n;               /* pixels, channels */
	ptrdiff_t next, ld_out; /* floats from window to window, from result to result */
	bool max;
	int size[3];
	ptrdiff_t step[3];
	const float *in;
	float *out;
	float count, lo, hi;
};
typedef void pool_nhwc_f32_fn(const struct pool_nhwc_f32_args *q);

struct pool_nhwc_f32 {
	const char *name;
	unsigned need;
	pool_nhwc_f32_fn *run;
};

/* dst[c * ldd + r] = src[r * lds + c] for r < rows, c < cols; strides count elements, whose size is
 * that of the row's member. */
typedef void transpose_fn(
    int64_t rows, int64_t cols, const void *src, size_t lds, void *dst, size_t ldd);

struct transpose {
	const char *name;
	unsigned need;
	transpose_fn *b32, *b16, *b8; /* elements of 32, 16, 8 bits */
};

/* Best first, ref last, ended by name NULL. */
extern const struct igemm_f32 igemm_f32_rows[];
extern const struct igemm_bf16 igemm_bf16_rows[];
extern const struct dw_nhwc_f32 dw_nhwc_f32_rows[];
extern const struct group_nhwc_f32 group_nhwc_f32_rows[];
extern const struct wino_f32 wino_f32_rows[];
extern const struct pool_nhwc_f32 pool_nhwc_f32_rows[];
extern const struct transpose transpose_rows[];
/* Number of the first row that the processor, as limited, has. */
int igemm_f32_pick(void);
int igemm_bf16_pick(void);
int dw_nhwc_f32_pick(void);
int group_nhwc_f32_pick(void);
int wino_f32_pick(void);
int pool_nhwc_f32_pick(void);
int transpose_pick(void);

#define IGEMM_F32(need, fn, mr, nr) igemm_f32_fn fn;
#define IGEMM_BF16(need, isa, mr, nr)    \
	igemm_bf16_fn igemm_bf16__##isa; \
	to_bf16_fn to_bf16__##isa;
#define DW_NHWC_F32(need, fn, vec) dw_nhwc_f32_fn fn;
#define GROUP_NHWC_F32(need, fn, vec) group_nhwc_f32_fn fn;
#define POOL_NHWC_F32(need, fn) pool_nhwc_f32_fn fn;
#define TRANSPOSE(need, b32, b16, b8) transpose_fn b32, b16, b8;
#define WINO_F32(need, isa, fn, mr, nr)              \
	wino_f32_in_fn wino_f32_in__##isa;           \
	wino_f32_out_fn wino_f32_out__##isa;         \
	wino_f32_weights_fn wino_f32_weights__##isa; \
	extern const struct wino_tiles_f32 wino_tiles_f32__##isa;
#include "kernels/kernels.def"

#endif
