/* Constants in the form that kernels read, made once and shared by all plans. */
#ifndef EXEC_PACK_H
#define EXEC_PACK_H

#include "exec/compressed.h"
#include "exec/plan.h"

/* The way of a convolution that is best done by way: another one for which its weights are packed
 * already, if that takes at most most times as long. */
int pack_way(const struct network *net, const struct node *n, const struct conv_shape *s, int way,
    double most);
/* The weights of a convolution for way and row of k; *out lives as long as the network. */
int pack_conv(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k, const void **out,
    struct err *err);
/* The right operand of a product as that of a convolution; transposed: [cout][cin]. */
int pack_linear(struct exec *e, const struct node *n, const struct nhwc_conv_f32 *k,
    bool transposed, const void **out, struct err *err);
/* The weights of a transposed convolution. */
int pack_deconv(struct exec *e, const struct node *n, const struct nhwc_deconv_f32 *k,
    const void **out, struct err *err);
/* Integer weights of a layer for way and row of k, and their scale for each output channel. k is
 * planned again for CONV_IGEMM when its way is not exact with them. E_UNSUPPORTED, without a
 * message, when they don't fit 8 bits. */
int pack_conv_u8(struct exec *e, const struct node *n, const struct quant_weights *w,
    struct nhwc_conv_u8 *k, const uint8_t *zeros, const struct pack **out, struct err *err);
/* The same with k->floats, for bytes that mean q * scale + low. */
int pack_conv_u8_floats(struct exec *e, const struct node *n, const struct quant_weights *w,
    const struct nhwc_conv_u8 *k, const float *scale, const float *low, const struct pack **out,
    struct err *err);
/* A matrix that stays compressed, for the row of w->k. */
int pack_compressed(struct exec *e, const struct node *n, const struct compressed *w,
    const void **out, struct err *err);
/* The weights of a recurrent layer, its inputs w and r. */
int pack_recurrent(struct exec *e, const struct node *n, const struct recurrent_f32 *k, int w,
    const void **inputs, const void **states, struct err *err);
/* Bytes that n's weights are packed to already; they stay where they are, as long as the network.
 * False without memory. */
bool pack_lend(
    struct network *net, const struct node *n, int way, int row, const void *data, size_t bytes);
void packs_free(struct network *net);

#endif
