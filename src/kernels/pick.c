/* The tables of kernels, expanded from kernels.def, and the choice among their rows. */
#include "base/cpu.h"
#include "kernels/image_f32.h"
#include "kernels/kernel.h"
#include "kernels/linear_cw.h"
#include "kernels/nhwc_kernel.h"
#include "kernels/nhwc_kernel_u8.h"
#include "kernels/seen_f32.h"
#include "kernels/shuffle.h"
#include "kernels/span_f32.h"

const struct gemm_f32 gemm_f32_rows[] = {
#define GEMM_F32(need, fn, mr, nr) {#fn, need, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct igemm_f32 igemm_f32_rows[] = {
#define IGEMM_F32(need, fn, mr, nr) {#fn, need, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct igemm_bf16 igemm_bf16_rows[] = {
#define IGEMM_BF16(need, isa, mr, nr) \
	{"igemm_bf16__" #isa, need, igemm_bf16__##isa, to_bf16__##isa, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct dw_nhwc_f32 dw_nhwc_f32_rows[] = {
#define DW_NHWC_F32(need, fn, vec) {#fn, need, fn, vec},
#include "kernels/kernels.def"
    {0},
};

const struct group_nhwc_f32 group_nhwc_f32_rows[] = {
#define GROUP_NHWC_F32(need, fn, vec) {#fn, need, fn, vec},
#include "kernels/kernels.def"
    {0},
};

const struct wino_f32 wino_f32_rows[] = {
#define WINO_F32(need, isa, fn, mr, nr)                                    \
	{"wino_f32__" #isa, need, wino_f32_in__##isa, wino_f32_out__##isa, \
	    wino_f32_weights__##isa, {#fn, need, fn, mr, nr}, &wino_tiles_f32__##isa},
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

const struct span_f32 span_f32_rows[] = {
#define SPAN_F32(need, isa)                                                        \
	{"span_f32" #isa, need, span_f32_ops##isa, span_f32_softmax##isa,          \
	    span_f32_softmax_columns##isa, span_f32_weigh##isa, span_f32_mvn##isa, \
	    span_f32_sum##isa, span_f32_levels##isa, span_f32_bytes##isa},
#include "kernels/kernels.def"
    {0},
};

const struct image_f32 image_f32_rows[] = {
#define IMAGE_F32(need, isa) \
	{"image_f32__" #isa, need, resize_line__##isa, blend__##isa, lrn__##isa},
#include "kernels/kernels.def"
    {0},
};

const struct igemm_u8 igemm_u8_rows[] = {
#define IGEMM_U8(need, fn, mr, nr) {#fn, need, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct wino_u8 wino_u8_rows[] = {
#define WINO_U8(need, isa, mr, nr)                                          \
	{"wino_u8__" #isa, need, wino_u8_in__##isa, wino_u8_weights__##isa, \
	    wino_u8_product__##isa, wino_u8_out__##isa, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct dw_nhwc_u8 dw_nhwc_u8_rows[] = {
#define DW_NHWC_U8(need, fn, vec) {#fn, need, fn, vec},
#include "kernels/kernels.def"
    {0},
};

const struct dw_nhwc_u8f dw_nhwc_u8f_rows[] = {
#define DW_NHWC_U8F(need, fn, vec) {#fn, need, fn, vec},
#include "kernels/kernels.def"
    {0},
};

const struct pool_nhwc_u8 pool_nhwc_u8_rows[] = {
#define POOL_NHWC_U8(need, fn) {#fn, need, fn},
#include "kernels/kernels.def"
    {0},
};

const struct quant_u8_row quant_u8_rows[] = {
#define QUANT_U8(need, isa)                                                                        \
	{"quant_u8__" #isa, need, quant_u8_to__##isa, quant_u8_from__##isa, quant_u8_again__##isa, \
	    quant_u8_add__##isa},
#include "kernels/kernels.def"
    {0},
};

const struct cw_row linear_cw_rows[] = {
#define LINEAR_CW(need, isa, fn, mr, nr) \
	{"linear_cw__" #isa, need, cw_tile__##isa, cw_widen__##isa, fn, mr, nr},
#include "kernels/kernels.def"
    {0},
};

const struct seen_f32 seen_f32_rows[] = {
#define SEEN_F32(need, isa)                                                        \
	{"seen_f32__" #isa, need, seen_f32_ends__##isa, seen_f32_columns__##isa,   \
	    seen_f32_settle__##isa, seen_f32_levels__##isa, seen_f32_round__##isa, \
	    seen_f32_dots__##isa},
#include "kernels/kernels.def"
    {0},
};

const struct zip zip_rows[] = {
#define ZIP(need, isa) {"zip__" #isa, need, zip_b32__##isa, zip_b8__##isa},
#include "kernels/kernels.def"
    {0},
};

/* The first row of a table that the processor has. */
#define PICK(family)                                            \
	int family##_pick(void)                                 \
	{                                                       \
		int r = 0;                                      \
		while (family##_rows[r].need & ~cpu_features()) \
			r++;                                    \
		return r;                                       \
	}
PICK(gemm_f32)
PICK(igemm_f32)
PICK(igemm_bf16)
PICK(dw_nhwc_f32)
PICK(group_nhwc_f32)
PICK(wino_f32)
PICK(span_f32)
PICK(pool_nhwc_f32)
PICK(transpose)
PICK(image_f32)
PICK(igemm_u8)
PICK(wino_u8)
PICK(dw_nhwc_u8)
PICK(dw_nhwc_u8f)
PICK(pool_nhwc_u8)
PICK(quant_u8)
PICK(linear_cw)
PICK(seen_f32)
PICK(zip)
