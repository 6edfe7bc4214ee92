/* Span functions in AVX2. */
#define ISA __avx2
#include "kernels/span_f32_body.h"
