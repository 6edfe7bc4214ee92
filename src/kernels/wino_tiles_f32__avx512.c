/* Winograd with lanes over tiles with AVX-512, 16 tiles at a time. */
#include "kernels/wino_tiles_f32_body.h"

const struct wino_tiles_f32 wino_tiles_f32__avx512 = {
    VEC, wino_tiles_in, wino_tiles_product, wino_tiles_out};
