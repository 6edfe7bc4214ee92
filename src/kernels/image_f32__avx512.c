/* Resizing and local response normalisation with AVX-512. */
#include "kernels/image_f32_body.h"

IMAGE_F32_FUNCTIONS(avx512)
