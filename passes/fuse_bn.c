/* Batch normalization after a convolution or matrix product goes into its weight and bias: the
 * weight becomes a deferred product, so that it stays mapped. */
#include "passes/batch_norm.h"
#include "passes/linear.h"

static int fuse(struct pass_ctx *c, struct node *n)
{
	struct batch_norm b;
	struct linear l;
	struct node *bias;
	int status;
	if (!batch_norm_of(c, n, &b, &status))
		return status;
	if (!linear_behind(b.data, &l, &bias) || l.axis_out != 1 ||
	    linear_outputs(&l) != b.channels)
		return 0;
	return linear_affine(c, &l, bias, b.scale, b.shift, n);
}

static int fuse_bn(struct pass_ctx *c)
{
	return each_node(c, fuse);
}

const struct pass pass_fuse_bn = {
    .name = "fuse-bn",
    .about = "fold batch normalization into the convolution or matrix product before it",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER | FACT_SHAPES,
    .run = fuse_bn,
};
