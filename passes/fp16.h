/* Parts of to-fp16: which constants stay FP32 whatever they hold, and what compressing one loses.
 */
#ifndef PASSES_FP16_H
#define PASSES_FP16_H

#include "passes/pick.h"
#include "passes/rewrite.h"

/* Marks (node.mark) the nodes from whose content shapes, indices and ranges are computed, through
 * layers that only move elements or work on them one by one. */
#define FP16_SENSITIVE 1
void fp16_mark_sensitive(struct graph *g);
/* A bias, a scale per channel, a depthwise weight: few numbers meet in one result. */
bool fp16_few_terms(const struct node *n);

/* What the user wants kept, compiled. */
struct fp16_keep {
	struct pass_ctx *c;
	int n;
	int few; /* constants kept by few_terms, and their bytes */
	int64_t few_bytes;
	struct pattern *pattern;
	bool *matched;
};
int fp16_keep_open(struct fp16_keep *k, struct pass_ctx *c);
void fp16_keep_close(struct fp16_keep *k);
/* The first pattern that asks for this constant, by its names, or those or the type of a layer that
 * reads it; NULL when none does. All that match count as matched. */
const char *fp16_kept_by(struct fp16_keep *k, const struct node *n);

#define FP16_LANES 16
struct fp16_loss {
	double error;   /* relative: |x - f16(x)| / |x|, Euclidean norms */
	int64_t zeros;  /* elements that would become 0 */
	int64_t beyond; /* finite elements that would become infinite */
	double largest; /* of those */
	double diff[FP16_LANES], norm[FP16_LANES];
};
/* Of FP32 numbers, read in pieces; nothing is kept. */
int fp16_measure(struct pass_ctx *c, const struct blob *b, struct fp16_loss *l);

#endif
