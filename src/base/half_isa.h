/* Array conversions for particular processors; half.c chooses. */
#ifndef BASE_HALF_ISA_H
#define BASE_HALF_ISA_H

#include <stddef.h>

/* Convert as many elements as go in whole vectors and return how many. Nothing need be aligned. */
size_t f32_to_f16_n__avx2(void *dst, const void *src, size_t n);
size_t f16_to_f32_n__avx2(void *dst, const void *src, size_t n);

#endif
