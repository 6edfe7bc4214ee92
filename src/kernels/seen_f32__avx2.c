/* What calibration does to many floats, in AVX2. */
#define NAME(what) seen_f32_##what##__avx2
#include "kernels/seen_f32_body.h"
#include "kernels/seen_round_body.h"
