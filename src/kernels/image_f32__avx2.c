/* Resizing and local response normalisation with AVX2. */
#include "kernels/image_f32_body.h"

IMAGE_F32_FUNCTIONS(avx2)
