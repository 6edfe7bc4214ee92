/* The tables of kernels, expanded from kernels.def, and the choice among their rows. */
#include "base/cpu.h"
#include "kernels/kernel.h"

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
