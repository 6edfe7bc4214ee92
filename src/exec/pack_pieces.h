/* Packing large weights piece by piece, so that they are not in memory twice. */
#ifndef EXEC_PACK_PIECES_H
#define EXEC_PACK_PIECES_H

#include "base/threads.h"
#include "graph/blob.h"
#include "kernels/nhwc_conv_f32.h"

/* Packs w as nhwc_conv_f32_pack does. source, or NULL: the blob whose bytes these are and whose
 * mapped pages may go as soon as they are packed. */
void pack_pieces(const struct nhwc_conv_f32 *k, struct pool *pool, const float *w,
    const struct blob *source, float *packed);
/* The same of a matrix [cin][cout]. False without memory. */
bool pack_pieces_turned(
    const struct nhwc_conv_f32 *k, struct pool *pool, const float *w, float *packed);

#endif
