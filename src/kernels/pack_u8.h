/* Panels of signed weights for the quantized implicit GEMM, see struct igemm_u8_args. */
#ifndef KERNELS_PACK_U8_H
#define KERNELS_PACK_U8_H

#include <stdint.h>

/* Columns [cin][taps] of weights; zero is that of the other factor. */
struct panel_u8 {
	int wide, columns; /* of the panel, and those that there are */
	int cin, taps;
	int zero;
};
/* What the sums start with, then [tap][fours of channels][wide][4]; panel is a multiple of 4. */
void panel_u8_pack(const struct panel_u8 *p, const int8_t *w, void *panel);

#endif
