/* Resizing and local response normalisation in plain C: what the others are judged by. */
#include "kernels/image_f32_body.h"

IMAGE_F32_FUNCTIONS(ref)
