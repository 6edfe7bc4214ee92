/* FP32 products of rows with a constant matrix that stays compressed in memory: FP16, or integers
 * of 8 or 4 bits with a scale for each column, or for each group of depths of a column.
 *
 * Few rows read the matrix once, so memory sets the pace, and a half, a fourth or an eighth of the
 * bytes is that much faster; it is widened in registers. For more rows than a tile has, a panel is
 * widened once for all of a block. From FP16, and for many rows, results are those of the widened
 * matrix bit for bit; few rows of integers multiply the sum of a group by its scale.
 *
 * Use: set m, k, n, type, group, zero, ld_in, ld_out, ld_add, lo, hi; plan; pack; run as often as
 * wanted. Results have the same bits for any number of threads. */
#ifndef KERNELS_LINEAR_CW_H
#define KERNELS_LINEAR_CW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "kernels/nhwc_kernel.h"

enum cw_type { CW_F16, CW_I8, CW_I4, CW_TYPES };

/* Plain data, no pointers. */
struct linear_cw {
	int m, k, n;                   /* rows, depth, columns */
	int64_t ld_in, ld_out, ld_add; /* floats from row to row */
	float lo, hi;                  /* clamp after bias and add; a NaN passes */
	int act;                       /* enum span_op of a function behind it, or SPAN_NONE */
	float act_a, act_b;            /* its parameters */
	int type;                      /* enum cw_type */
	int group; /* depths of a scale, a divisor of k; of CW_I4 below k a multiple of 8 */
	bool zero; /* is there a zero point for each scale? Of unsigned integers always. */
	/* Set by the plan. */
	int row; /* of the table */
	int row_blocks, col_blocks, block_rows;
	size_t shared, worker; /* bytes of scratch: for all, and for each worker after it */
	size_t scratch;
};

/* A matrix as it is in a file: element (depth p, column j) at [j * k + p] when turned, else at
 * [p * n + j]. Integers are what they are less the zero point, times the scale. */
struct cw_source {
	const void *data; /* halves, bytes, or nibbles, the low one first */
	bool turned, is_signed;
	const float *scale;  /* [k / group][n]; integers */
	const int16_t *zero; /* likewise, or NULL: 0; within the range of the elements */
};

/* Is it faster to leave the matrix compressed? Up to the rows of a tile, where it is read once; for
 * more rows when it is larger than the caches, else widening costs up to 1.3 times the product. */
bool linear_cw_pays(int m, int k, int n);
/* Sets row, the cut of the work, and scratch. */
void linear_cw_plan(struct linear_cw *c, int threads);
/* Bytes of the packed matrix: they depend on k, n, type, group, zero and row. */
size_t linear_cw_packed(const struct linear_cw *c);
void linear_cw_pack(const struct linear_cw *c, const struct cw_source *s, void *packed);
/* The matrix as floats [n][k]. */
void linear_cw_widen(const struct linear_cw *c, const struct cw_source *s, float *w);

/* packed and scratch are aligned to 64 bytes. out may be add but must not overlap the rest. */
struct linear_cw_args {
	const float *in;
	const void *packed;
	const float *bias, *add; /* n values; rows in the shape of out; each or NULL */
	float *out;
	void *scratch;
};
void linear_cw_run(const struct linear_cw *c, struct pool *pool, const struct linear_cw_args *a);

/* ---- the rows of the table ---- */

/* A panel of nr columns: scales and zero points [groups][nr], elements [k][nr]; of CW_I4 words
 * [k / 8][nr] of 8 depths each, the first in the low bits, every group in words of its own. */
struct cw_tile_args {
	int type, group;
	const float *scale; /* NULL: FP16 */
	const int8_t *zero; /* NULL: none */
	const float *sums;  /* with zero: of each row's inputs by group, ld_sums apart */
	size_t ld_sums;
	const void *data;
	struct igemm_f32_args out; /* the rest; taps is 1, offset 0, b and start not looked at */
};
/* 1 <= m <= the row's mr, 1 <= n <= nr; for groups below k at most half of mr. */
typedef void cw_tile_fn(const struct cw_tile_args *q, int m, int n);
/* The panel's first columns as floats [k][columns], nr or nr / 2 of them. */
typedef void cw_widen_fn(const struct cw_tile_args *q, int columns, float *to);

struct cw_row {
	const char *name;
	unsigned need; /* enum cpu_feature bits */
	cw_tile_fn *run;
	cw_widen_fn *widen;
	igemm_f32_fn *tile; /* of the widened panel */
	int mr, nr;
};

extern const struct cw_row linear_cw_rows[]; /* best first, ref last, ended by name NULL */
int linear_cw_pick(void);

#define LINEAR_CW(need, isa, fn, mr, nr) \
	cw_tile_fn cw_tile__##isa;       \
	cw_widen_fn cw_widen__##isa;
#include "kernels/kernels.def"

#endif
