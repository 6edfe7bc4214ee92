/* Panels of weights for the implicit GEMM, see struct igemm_f32_args. */
#ifndef KERNELS_PACK_F32_H
#define KERNELS_PACK_F32_H

/* Columns [cin][taps] of weights. */
struct panel_f32 {
	int wide, columns; /* of the panel, and those that there are */
	int cin, taps;
};
/* [tap][cin][wide]; columns that there are not are zeros. */
void panel_f32_pack(const struct panel_f32 *p, const float *w, float *panel);

#endif
