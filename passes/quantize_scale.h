/* The scale with which weights in few bits are nearest to what they were. */
#ifndef PASSES_QUANTIZE_SCALE_H
#define PASSES_QUANTIZE_SCALE_H

#include <stdint.h>

#define QUANTIZE_EVEN 0x1.8p23f /* adding and taking it away rounds to nearest even */

/* Of n weights, of which the largest is top, in steps from -most to most. */
float quantize_scale(const float *w, int64_t n, float top, float most);

/* ---- for particular processors; quantize_scale.c chooses ---- */

#define SCALE_LANES 8
/* Adds to sum[k] the squared errors of weights k, k + SCALE_LANES ... in steps of scale, as many as
 * go in whole vectors, which it returns. */
int64_t quantize_errors__avx2(
    const float *w, int64_t n, float scale, float most, float sum[SCALE_LANES]);

#endif
