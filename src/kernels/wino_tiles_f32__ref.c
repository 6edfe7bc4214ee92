/* Winograd with lanes over tiles in plain C, a tile at a time: what the others are judged by. */
#include "kernels/wino_tiles_f32_body.h"

const struct wino_tiles_f32 wino_tiles_f32__ref = {
    VEC, wino_tiles_in, wino_tiles_product, wino_tiles_out};
