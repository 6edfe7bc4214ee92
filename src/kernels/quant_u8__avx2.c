/* Between floats and bytes with AVX2. */
#define NAME(what) quant_u8_##what##__avx2
#include "kernels/quant_u8_body.h"
