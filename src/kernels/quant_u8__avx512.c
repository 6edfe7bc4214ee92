/* Between floats and bytes with AVX-512. */
#define NAME(what) quant_u8_##what##__avx512
#include "kernels/quant_u8_body.h"
