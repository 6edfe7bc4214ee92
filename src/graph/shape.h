/* Dimensions known exactly, within a range, by a symbol, or not at all. */
#ifndef GRAPH_SHAPE_H
#define GRAPH_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/text.h"
#include "graph/dtype.h"

#define DIM_INF INT64_MAX /* as max: no upper bound */

/* min <= size <= max. Two dims with the same symbol other than 0 have the same size.
 * As content of an integer tensor (see struct info), min may be negative. */
struct dim {
	int64_t min, max;
	uint32_t symbol;
};

/* rank -1: not even the rank is known. */
struct shape {
	int rank;
	struct dim dim[MAX_RANK];
};

static inline struct dim dim_of(int64_t n)
{
	return (struct dim){n, n, 0};
}
static inline struct dim dim_any(void)
{
	return (struct dim){0, DIM_INF, 0};
}
static inline bool dim_static(struct dim d)
{
	return d.min == d.max;
}

struct shape shape_unknown(void);
/* rank dims, each static; scalar for rank 0. */
struct shape shape_of(int rank, const int64_t *dims);
/* rank unknown dims. */
struct shape shape_any(int rank);
bool shape_static(const struct shape *s);
/* Equal rank and every dim equal: same range (and, when not static, same symbol when both have
 * one). */
bool shape_equal(const struct shape *a, const struct shape *b);
/* Product of the dims; -1 when not static or beyond LIMIT_TENSOR_BYTES. */
int64_t shape_count(const struct shape *s);
/* Dim arithmetic for inference; ranges are kept, symbols where they survive. */
struct dim dim_add(struct dim a, struct dim b);
struct dim dim_mul(struct dim a, struct dim b);
/* What a dim is that equals both: false when the ranges don't meet. */
bool dim_merge(struct dim a, struct dim b, struct dim *out);
/* Merges dim by dim; an unknown rank merges with anything. */
bool shape_merge(const struct shape *a, const struct shape *b, struct shape *out);
/* One dim of numpy broadcasting (1 stretches); false when it cannot hold. */
bool dim_broadcast(struct dim a, struct dim b, struct dim *out);
bool shape_broadcast(const struct shape *a, const struct shape *b, struct shape *out);
/* Can a tensor of these sizes have this shape? */
bool shape_fits(const struct shape *s, int rank, const int64_t *dims);
/* Spelling of Parameter's shape attribute: "1,3,?,1..5"; "..." for unknown rank; "" for a scalar.
 */
void shape_text(struct text *t, const struct shape *s);
/* Reads that spelling; brackets and -1 for ? are allowed. False when malformed. */
bool shape_parse(const char *s, struct shape *out);

#endif
