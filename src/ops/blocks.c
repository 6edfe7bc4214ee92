/* Moving blocks of a picture into channels or the batch, and back. */
#include <string.h>

#include "base/checked.h"
#include "ops/content.h"
#include "ops/rows.h"
#include "ops/view.h"

const struct attr_def attrs_depth_to_space[] = {{"block_size", ATTR_INT, false, "1", NULL},
    {"mode", ATTR_STRING, true, NULL, "blocks_first|depth_first"}, {0}};
const struct attr_def attrs_space_to_depth[] = {{"block_size", ATTR_INT, false, "1", NULL},
    {"mode", ATTR_STRING, true, NULL, "blocks_first|depth_first"}, {0}};

/* d / by, which must come out even. */
static int dim_divide(struct infer *s, struct dim *d, int64_t by, int i)
{
	if (dim_static(*d) && d->min % by)
		return infer_fail(s, "dimension %d, %lld, cannot be divided by %lld", i,
		    (long long)d->min, (long long)by);
	if (by > 1)
		*d = (struct dim){
		    (d->min - 1) / by + (d->min > 0), d->max == DIM_INF ? DIM_INF : d->max / by, 0};
	if (d->min > d->max)
		return infer_fail(s, "dimension %d cannot be divided by %lld", i, (long long)by);
	return OK;
}

/* ---- DepthToSpace, SpaceToDepth ---- */

/* The block's side, and its volume for the spatial dims of this rank. */
static int block_volume(struct infer *s, int rank, int64_t *side, int64_t *volume)
{
	*side = attr_i(s->node, "block_size");
	*volume = 1;
	if (*side < 1 || *side > INT32_MAX)
		return infer_fail(s, "block_size is %lld", (long long)*side);
	for (int i = 2; i < rank; i++)
		if (mul_i64(*volume, *side, volume) || *volume > LIMIT_TENSOR_BYTES)
			return infer_fail(s, "block_size is too large");
	return OK;
}

static int infer_blocks(struct infer *s, bool to_space)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	int64_t side, volume;
	s->out[0].type = s->in[0].type;
	int status = infer_want_rank(s, 0, 3, MAX_RANK, "the input");
	if (!status)
		status = block_volume(s, in->rank, &side, &volume);
	if (status || in->rank < 0)
		return status;
	*out = *in;
	if (!to_space)
		out->dim[1] = dim_mul(out->dim[1], dim_of(volume));
	else
		status = dim_divide(s, &out->dim[1], volume, 1);
	for (int i = 2; i < in->rank && !status; i++) {
		if (to_space)
			out->dim[i] = dim_mul(out->dim[i], dim_of(side));
		else
			status = dim_divide(s, &out->dim[i], side, i);
	}
	return status;
}

int infer_depth_to_space(struct infer *s)
{
	return infer_blocks(s, true);
}

int infer_space_to_depth(struct infer *s)
{
	return infer_blocks(s, false);
}

/* The walk from the tensor with deep channels to the wide one; turned round when back is set. */
static int copy_blocks(
    struct eval *s, const struct tensor *deep, const struct tensor *wide, bool back)
{
	int64_t ds[MAX_RANK], ws[MAX_RANK], side = attr_i(s->node, "block_size"), volume = 1;
	bool first = attr_is(s->node, "mode", "blocks_first");
	struct view v = {0};
	size_t size = eval_elem_size(s, deep);
	if (!size)
		return s->err->status;
	for (int i = 2; i < deep->rank; i++)
		volume *= side;
	tensor_strides(deep, ds);
	tensor_strides(wide, ws);
	view_dim(&v, wide->dim[0], ds[0], ws[0]);
	view_dim(&v, wide->dim[1], first ? ds[1] : volume * ds[1], ws[1]);
	int64_t block = first ? wide->dim[1] * ds[1] : ds[1];
	for (int i = deep->rank - 1; i > 1; i--) {
		view_dim(&v, deep->dim[i], ds[i], ws[i] * side);
		view_dim(&v, side, block, ws[i]);
		block *= side;
	}
	for (int i = 0; i < v.rank && back; i++) {
		int64_t t = v.from[i];
		v.from[i] = v.to[i];
		v.to[i] = t;
	}
	view_copy(&v, s->out[0].data, s->in[0].data, size);
	return OK;
}

int eval_depth_to_space(struct eval *s)
{
	return copy_blocks(s, &s->in[0], &s->out[0], false);
}

int eval_space_to_depth(struct eval *s)
{
	return copy_blocks(s, &s->out[0], &s->in[0], true);
}

/* ---- SpaceToBatch, BatchToSpace ---- */

/* The three lists, each of one value per dim; -1 in *n when they are not all known. */
struct batch_lists {
	int64_t block[MAX_RANK], begin[MAX_RANK], end[MAX_RANK];
	int64_t volume;
};

static int batch_lists(struct infer *s, struct batch_lists *l, int *n)
{
	int rank = s->in[0].shape.rank;
	int64_t *list[] = {l->block, l->begin, l->end};
	*n = rank;
	for (int k = 0; k < 3; k++) {
		int status = infer_want_int(s, k + 1, "an input");
		int64_t count = infer_count(s, k + 1);
		if (!status && count >= 0 && rank >= 0 && count != rank)
			status = infer_fail(s, "input %d has %lld values, the data rank %d", k + 1,
			    (long long)count, rank);
		if (status)
			return status;
		if (infer_ints(s, k + 1, list[k], MAX_RANK) != rank)
			*n = -1;
	}
	l->volume = 1;
	for (int i = 0; i < *n; i++) {
		if (l->block[i] < 1 || l->begin[i] < 0 || l->end[i] < 0 ||
		    l->begin[i] > LIMIT_TENSOR_BYTES || l->end[i] > LIMIT_TENSOR_BYTES ||
		    mul_i64(l->volume, l->block[i], &l->volume) || l->volume > LIMIT_TENSOR_BYTES)
			return infer_fail(
			    s, "block, begin or end of dimension %d is out of range", i);
	}
	if (*n > 0 && (l->block[0] != 1 || l->begin[0] || l->end[0]))
		return infer_fail(s, "the batch dimension itself cannot be cut into blocks");
	return OK;
}

/* Type and rank of the output, and the lists; *n is -1 when nothing more can be said. */
static int batch_start(struct infer *s, struct batch_lists *l, int *n)
{
	int status = infer_want_rank(s, 0, 2, MAX_RANK, "the input");
	s->out[0].type = s->in[0].type;
	if (!status)
		status = batch_lists(s, l, n);
	if (status)
		return status;
	if (s->in[0].shape.rank < 0)
		*n = -1;
	else
		s->out[0].shape = shape_any(s->in[0].shape.rank);
	return OK;
}

int infer_space_to_batch(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	struct batch_lists l;
	int n, status = batch_start(s, &l, &n);
	if (status || n < 0)
		return status;
	out->dim[0] = dim_mul(in->dim[0], dim_of(l.volume));
	for (int i = 1; i < n && !status; i++) {
		out->dim[i] = dim_add(in->dim[i], dim_of(l.begin[i] + l.end[i]));
		status = dim_divide(s, &out->dim[i], l.block[i], i);
	}
	return status;
}

int infer_batch_to_space(struct infer *s)
{
	const struct shape *in = &s->in[0].shape;
	struct shape *out = &s->out[0].shape;
	struct batch_lists l;
	int n, status = batch_start(s, &l, &n);
	if (status || n < 0)
		return status;
	out->dim[0] = in->dim[0];
	status = dim_divide(s, &out->dim[0], l.volume, 0);
	for (int i = 1; i < n && !status; i++) {
		int64_t cut = l.begin[i] + l.end[i];
		struct dim d = dim_mul(in->dim[i], dim_of(l.block[i]));
		if (d.max < cut)
			return infer_fail(s, "dimension %d is cut by more than there is", i);
		out->dim[i] = (struct dim){d.min > cut ? d.min - cut : 0,
		    d.max == DIM_INF ? DIM_INF : d.max - cut, cut ? 0 : d.symbol};
	}
	return status;
}

/* One block's share: elements at[i] + k * block[i] of the wide tensor, shifted by skip[i]. */
struct share {
	const struct tensor *packed, *wide;
	const int64_t *block, *skip;
	int64_t index; /* of the block, row-major */
};

static void copy_share(const struct share *p, void *dst, const void *src, bool back, size_t size)
{
	int64_t ps[MAX_RANK], ws[MAX_RANK], packed = 0, wide = 0, index = p->index;
	struct view v = {0};
	tensor_strides(p->packed, ps);
	tensor_strides(p->wide, ws);
	for (int i = p->wide->rank - 1; i > 0; i--) {
		int64_t b = p->block[i], at = index % b - p->skip[i];
		int64_t lo = at < 0 ? (-at + b - 1) / b : 0;
		int64_t hi = p->wide->dim[i] > at ? (p->wide->dim[i] - at + b - 1) / b : 0;
		if (hi > p->packed->dim[i])
			hi = p->packed->dim[i];
		if (hi <= lo)
			return;
		packed += lo * ps[i];
		wide += (lo * b + at) * ws[i];
		view_dim(&v, hi - lo, back ? ws[i] * b : ps[i], back ? ps[i] : ws[i] * b);
		index /= b;
	}
	packed += p->index * p->wide->dim[0] * ps[0];
	view_dim(&v, p->wide->dim[0], back ? ws[0] : ps[0], back ? ps[0] : ws[0]);
	view_copy(&v, (char *)dst + (back ? packed : wide) * (int64_t)size,
	    (const char *)src + (back ? wide : packed) * (int64_t)size, size);
}

static int copy_shares(struct eval *s, bool to_batch)
{
	struct share p = {
	    .packed = to_batch ? &s->out[0] : &s->in[0], .wide = to_batch ? &s->in[0] : &s->out[0]};
	int n = 0, m = 0;
	size_t size = eval_elem_size(s, p.wide);
	p.block = eval_ints(s, 1, &n);
	p.skip = p.block ? eval_ints(s, 2, &m) : NULL;
	if (!size || !p.skip)
		return s->err->status;
	if (n != p.wide->rank || m != n)
		return eval_fail(s, E_FORMAT, "the lists do not fit rank %d", p.wide->rank);
	if (!tensor_count(p.packed) || !tensor_count(p.wide))
		return OK;
	int64_t volume = p.packed->dim[0] / p.wide->dim[0];
	for (p.index = 0; p.index < volume; p.index++)
		copy_share(&p, s->out[0].data, s->in[0].data, to_batch, size);
	return OK;
}

int eval_space_to_batch(struct eval *s)
{
	size_t bytes = tensor_bytes(&s->out[0]);
	if (bytes)
		memset(s->out[0].data, 0, bytes);
	return copy_shares(s, true);
}

int eval_batch_to_space(struct eval *s)
{
	return copy_shares(s, false);
}
