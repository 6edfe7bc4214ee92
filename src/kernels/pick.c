/* The tables of kernels, expanded from kernels.def, and the choice among their rows. */
#include "base/cpu.h"
#include "kernels/kernel.h"
#include "kernels/nhwc_kernel.h"

const struct gemm_f32 gemm_f32_rows[] = {
#define GEMM_F32(need, fn, mr, nr) {#fn, need, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct dw_f32 dw_f32_rows[] = {
#define DW_F32(need, fn) {#fn, need, fn},
#include "kernels/kernels.def"
    {0},
};

const struct max_f32 max_f32_rows[] = {
#define MAX_F32(need, fn) {#fn, need, fn},
#include "kernels/kernels.def"
    {0},
};

const struct igemm_f32 igemm_f32_rows[] = {
#define IGEMM_F32(need, fn, mr, nr) {#fn, need, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct dw_nhwc_f32 dw_nhwc_f32_rows[] = {
#define DW_NHWC_F32(need, fn, vec) {#fn, need, fn, vec},
#include "kernels/kernels.def"
    {0},
};

const struct wino_f32 wino_f32_rows[] = {
#define WINO_F32(need, isa, fn, mr, nr)                                    \
	{"wino_f32__" #isa, need, wino_f32_in__##isa, wino_f32_out__##isa, \
	    wino_f32_weights__##isa, {#fn, need, fn, mr, nr}},
#include "kernels/kernels.def"
    {0},
};

const struct pool_nhwc_f32 pool_nhwc_f32_rows[] = {
#define POOL_NHWC_F32(need, fn) {#fn, need, fn},
#include "kernels/kernels.def"
    {0},
};

const struct transpose transpose_rows[] = {
#define TRANSPOSE(need, b32, b16, b8) {#b32, need, b32, b16, b8},
#include "kernels/kernels.def"
    {0},
};

const struct gemm_f32 *gemm_f32_pick(void)
{
	const struct gemm_f32 *r = gemm_f32_rows;
	while (r->need & ~cpu_features())
		r++;
	return r;
}

const struct dw_f32 *dw_f32_pick(void)
{
	const struct dw_f32 *r = dw_f32_rows;
	while (r->need & ~cpu_features())
		r++;
	return r;
}

const struct max_f32 *max_f32_pick(void)
{
	const struct max_f32 *r = max_f32_rows;
	while (r->need & ~cpu_features())
		r++;
	return r;
}

int igemm_f32_pick(void)
{
	int r = 0;
	while (igemm_f32_rows[r].need & ~cpu_features())
		r++;
	return r;
}

int dw_nhwc_f32_pick(void)
{
	int r = 0;
	while (dw_nhwc_f32_rows[r].need & ~cpu_features())
		r++;
	return r;
}

int wino_f32_pick(void)
{
	int r = 0;
	while (wino_f32_rows[r].need & ~cpu_features())
		r++;
	return r;
}

int pool_nhwc_f32_pick(void)
{
	int r = 0;
	while (pool_nhwc_f32_rows[r].need & ~cpu_features())
		r++;
	return r;
}

int transpose_pick(void)
{
	int r = 0;
	while (transpose_rows[r].need & ~cpu_features())
		r++;
	return r;
}
