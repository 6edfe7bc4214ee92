/* The rows of kernels.def for quantized images with channels last, and their contracts. As in
 * kernel.h a kernel sees pointers and strides and allocates nothing. */
#ifndef KERNELS_NHWC_KERNEL_U8_H
#define KERNELS_NHWC_KERNEL_U8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/nhwc_conv_u8.h"
#include "kernels/nhwc_kernel.h"

/* What becomes of a sum s of channel j. Each line rounds once, so that floats come out as those of
 * OpenVINO, whose order this is (intel_cpu/src/dnnl_postops_composer.cpp, and the kernels of its
 * oneDNN: scales of the weights, bias, then the post-operations); a last bit here or there decides
 * on which side of a tie a value falls, and a network makes much of that.
 *   U8_SUM_FUSED:  r = s * f[0][j] + f[1][j]
 *   U8_SUM_APART:  r = s * f[0][j]
 *                  r = r + f[1][j]
 *   U8_SUM_SCALED: the same, then
 *                  r = r * scale + shift
 * For each k from 1 to levels r is clamped to lo[k - 1]..hi[k - 1], then
 *   if bit k - 1 of rounded is set: rounded half to even and r = r * f[2 * k][j] + f[2 * k + 1][j]
 *   otherwise: r = r * f[2 * k][j], then r = r + f[2 * k + 1][j]
 * If something is added: r = r + add, bytes less add_zero, then r = r * sum_scale + sum_shift.
 * At last r is clamped to lo[levels]..hi[levels], and as a byte rounded half to even. f has stride
 * floats from row to row, and CONV_U8_MORE behind the last one. */
struct u8_epilogue {
	int out, add; /* enum u8_out, enum u8_add */
	int levels;
	unsigned rounded;
	int sums; /* enum u8_sum */
	float scale, shift, add_zero, sum_scale, sum_shift;
	float lo[CONV_U8_LEVELS + 1], hi[CONV_U8_LEVELS + 1]; /* bytes: the last ones in 0..255 */
	size_t stride;
};

/* Where m rows of n results go. */
struct u8_result {
	const float *f;  /* of the epilogue, from the first of n columns on */
	const void *add; /* m rows by n, ld_add elements apart */
	void *c;         /* m rows by n, ldc elements apart: all that is written */
	size_t ld_add, ldc;
	struct u8_epilogue e;
};

/* A strip of m rows, n columns of an implicit matrix product: row i of the left side is, for each
 * tap, k bytes somewhere in an image. It is done in tiles, see igemm_u8_tile. */
struct igemm_u8_args {
	const uint8_t *const *rows; /* for each tile [taps][rows of the tile] */
	size_t offset;              /* bytes that are added to each row's pointer */
	const uint8_t *outside;     /* rows of zeros, which may be left out; NULL: there are none */
	int taps, k;                /* of a row, k rounded up to fours are read */
	const int32_t *start;       /* what the sums start with: nr values, or nr / 2 as b */
	const int8_t *b;            /* panel [taps][k / 4 rounded up][nr][4], or [nr / 2][4] when n
				       is at most nr / 2; bytes beyond k are 0 */
	struct u8_result to;
	const int8_t *ahead, *ahead_end; /* fetched into the L2 cache meanwhile: ahead_step bytes */
	ptrdiff_t ahead_step;            /* for each four of the depth, until the end is reached */
};
/* Sums are exact modulo 2^32. 1 <= m, 1 <= n <= nr. */
typedef void igemm_u8_fn(const struct igemm_u8_args *q, int m, int n);

/* Tiles of at most mr rows that m rows are cut into, and the rows of tile t. */
static inline int igemm_u8_tiles(int m, int mr)
{
	return (m + mr - 1) / mr;
}
static inline int igemm_u8_tile(int m, int tiles, int t)
{
	return m / tiles + (t < m % tiles);
}

struct igemm_u8 {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	igemm_u8_fn *run;
	int mr, nr;
};

/* Winograd's F(4x4, 3x3) in integers, interpolation points 0, 1, -1, 2, -2, infinity: every sum is
 * exact modulo 2^32, and so are results of up to 26 bits, by the inverses of what the transforms
 * multiply them with. Pixels are taken 128 less, so that they are symmetric about 0: weights whose
 * sizes add up to at most WINO_U8_WEIGHTS have such results. A tile of 6x6 pixels becomes 36
 * elements of 16 bits. */
#define WINO_U8_WEIGHTS ((1 << 25) / 128 - 1)
#define WINO_U8_CHUNK 32 /* channels that lie together */

struct wino_u8_in {
	const uint8_t *const *pixel; /* 36 */
	int n;                       /* channels; rounded up to a chunk are written */
	int16_t *v;                  /* element i, channel c at v[i * ldv + c / CHUNK * chunk */
	size_t chunk, ldv;           /* + c % CHUNK] */
};
typedef void wino_u8_in_fn(const struct wino_u8_in *q);

/* u[i * ldu + j] of 36 elements from the taps g[t * n + j] of n filters, a multiple of 32. */
typedef void wino_u8_weights_fn(const int16_t *g, int n, int16_t *u, size_t ldu);

/* A product for one element of m tiles: c[i][j] = sum of a[i][p] * b[p][j]. */
struct wino_u8_product {
	const int16_t *a; /* for each group of rows, see igemm_u8_tile, [k / CHUNK rounded up][rows
			     of the group][CHUNK] */
	int k;            /* channels; b is 0 beyond them */
	const int16_t *b; /* [k / 2 rounded up][nr][2], or [nr / 2][2] when n is at most nr / 2 */
	int32_t *c;       /* m rows of nr or nr / 2 columns */
	const int16_t *ahead, *ahead_end; /* as in igemm_u8_args, for each two of the depth */
	ptrdiff_t ahead_step;
};
typedef void wino_u8_product_fn(const struct wino_u8_product *q, int m, int n);

/* Results of tiles next to each other in a line of tiles: at most WINO_U8_STRIP. */
#define WINO_U8_STRIP 8
struct wino_u8_out {
	const int32_t *m; /* element i of tile t at m[i * ldm + t * columns], columns as in c */
	size_t ldm;
	int tiles, ny, nx, n;    /* lines and pixels of a line that are there; columns */
	const int32_t *start;    /* added to the sums */
	struct u8_result to;     /* of the first line */
	size_t next_add, next_c; /* elements from line to line */
};
typedef void wino_u8_out_fn(const struct wino_u8_out *q);

struct wino_u8 {
	const char *name;
	unsigned need;
	wino_u8_in_fn *in;
	wino_u8_weights_fn *weights;
	wino_u8_product_fn *product;
	wino_u8_out_fn *out;
	int mr, nr;
};

/* Pixels of a line of a depthwise convolution. Either their taps lie inside of the image alike. Or
 * columns is set: the window has as many, next to each other, with taps in each: three of four, or
 * five or seven, with a stride of at most 2. */
struct dw_nhwc_u8_args {
	int m, n; /* pixels, channels */
	int taps; /* pixels of the window, with columns of one, rounded up to fours */
	/* [taps]: what the first result reads, with columns the first one */
	const uint8_t *const *pixel;
	const ptrdiff_t *inside; /* likewise: -1, or 0: all read the same */
	ptrdiff_t step; /* bytes from result to result, with columns from column to column */
	int columns;
	int first, stride, width; /* columns that results begin with, and that there are */
	const uint8_t *zero;      /* a pixel of the other columns */
	const int8_t *w;          /* [channels / vec][columns][taps / 4][vec][4], see the row */
	const int32_t *start;     /* what sums start with, likewise */
	const float *f;           /* of the epilogue, [channels / vec][rows][vec], likewise */
	const void *add;          /* m pixels by n, ld_add elements apart */
	void *out;                /* m pixels by n, ld_out elements apart: all that is written */
	size_t ld_add, ld_out;
	struct u8_epilogue e;
};
typedef void dw_nhwc_u8_fn(const struct dw_nhwc_u8_args *q);

struct dw_nhwc_u8 {
	const char *name;
	unsigned need;
	dw_nhwc_u8_fn *run;
	int vec; /* channels of a block of weights */
};

/* Pixels of a line of a depthwise convolution whose bytes are floats: as struct dw_nhwc_f32_args.
 */
struct dw_nhwc_u8f_args {
	int m, n; /* pixels, channels */
	struct dw_window window;
	const uint8_t *const *lines; /* [rows]: what the first tap reads for the first pixel */
	const int *at;               /* [rows]: row of w that the first tap takes */
	bool apart;                  /* a byte is q * scale + low with two roundings, not one */
	const float *w;  /* [channels / vec][scale, low, window][vec], padded with anything */
	size_t block;    /* floats of vec channels */
	const float *f;  /* of the epilogue, from the first channel on */
	const void *add; /* m pixels by n, ld_add elements apart */
	void *out;       /* m pixels by n, ld_out elements apart: all that is written */
	size_t ld_add, ld_out;
	struct u8_epilogue e;
};
/* The sums are chains of multiply-adds that start with 0 and take lines and taps in order: every
 * row makes the same bits. */
typedef void dw_nhwc_u8f_fn(const struct dw_nhwc_u8f_args *q);

struct dw_nhwc_u8f {
	const char *name;
	unsigned need;
	dw_nhwc_u8f_fn *run;
	int vec; /* channels of a block of weights */
};

/* One pixel of a pooling over a window of size whose pixels lie step bytes apart. The maximum, 0
 * without pixels; or (sum + more) / count, rounded half to even. */
struct pool_nhwc_u8_args {
	int n; /* channels */
	bool max;
	int size[3];
	ptrdiff_t step[3];
	const uint8_t *in;
	uint8_t *out;
	int32_t more;
	float count;
};
typedef void pool_nhwc_u8_fn(const struct pool_nhwc_u8_args *q);

struct pool_nhwc_u8 {
	const char *name;
	unsigned need;
	pool_nhwc_u8_fn *run;
};

/* n elements by the functions of quant_u8.h: a and b give (q - zero) * scale, out takes
 * r * inv + zero clamped to lo..hi within 0..255. */
struct quant_u8_args {
	int64_t n;
	const void *a, *b;
	void *out;
	float a_scale, a_zero, b_scale, b_zero; /* r = (q - zero) * scale */
	float r_lo, r_hi;                       /* clamp of r */
	float inv, zero;
};
typedef void quant_u8_fn(const struct quant_u8_args *q);

struct quant_u8_row {
	const char *name;
	unsigned need;
	quant_u8_fn *quantize, *dequantize, *requantize, *add;
};

/* Best first, ref last, ended by name NULL. */
extern const struct igemm_u8 igemm_u8_rows[];
extern const struct wino_u8 wino_u8_rows[];
extern const struct dw_nhwc_u8 dw_nhwc_u8_rows[];
extern const struct dw_nhwc_u8f dw_nhwc_u8f_rows[];
extern const struct pool_nhwc_u8 pool_nhwc_u8_rows[];
extern const struct quant_u8_row quant_u8_rows[];
/* Number of the first row that the processor, as limited, has. */
int igemm_u8_pick(void);
int wino_u8_pick(void);
int dw_nhwc_u8_pick(void);
int dw_nhwc_u8f_pick(void);
int pool_nhwc_u8_pick(void);
int quant_u8_pick(void);

#define IGEMM_U8(need, fn, mr, nr) igemm_u8_fn fn;
#define WINO_U8(need, isa, mr, nr)                 \
	wino_u8_in_fn wino_u8_in__##isa;           \
	wino_u8_weights_fn wino_u8_weights__##isa; \
	wino_u8_product_fn wino_u8_product__##isa; \
	wino_u8_out_fn wino_u8_out__##isa;
#define DW_NHWC_U8(need, fn, vec) dw_nhwc_u8_fn fn;
#define DW_NHWC_U8F(need, fn, vec) dw_nhwc_u8f_fn fn;
#define POOL_NHWC_U8(need, fn) pool_nhwc_u8_fn fn;
#define QUANT_U8(need, isa)                \
	quant_u8_fn quant_u8_to__##isa;    \
	quant_u8_fn quant_u8_from__##isa;  \
	quant_u8_fn quant_u8_again__##isa; \
	quant_u8_fn quant_u8_add__##isa;
#include "kernels/kernels.def"

#endif
