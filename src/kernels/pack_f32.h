/* Panels of weights for the implicit GEMM, see struct igemm_f32_args, and back. */
#ifndef KERNELS_PACK_F32_H
#define KERNELS_PACK_F32_H

#include <stdbool.h>
#include <stddef.h>

/* Columns [cin][taps] of weights. */
struct panel_f32 {
	int wide, columns; /* of the panel, and those that there are */
	int cin, taps;
};
/* [tap][cin][wide]; columns that there are not are zeros. */
void panel_f32_pack(const struct panel_f32 *p, const float *w, float *panel);

/* n columns [cin][taps] in panels of nr, the last perhaps of half as many. */
struct panels_f32 {
	int nr, cin, taps, n;
};
/* Floats that the panels take. */
size_t panels_f32_size(const struct panels_f32 *p);
/* What was packed: [n][cin][taps]; lines: of one tap [cin][n]. */
void panels_f32_unpack(const struct panels_f32 *p, bool lines, const float *packed, float *w);

#endif
