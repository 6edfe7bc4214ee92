/* Extremes and carried errors in AVX-512. */
#define NAME(what) seen_f32_##what##__avx512
#include "kernels/seen_f32_body.h"
