/* Span functions in AVX-512. */
#define ISA __avx512
#include "kernels/span_f32_body.h"
