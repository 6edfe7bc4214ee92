/* Walks over an output shape in rows along which every broadcast input advances evenly. */
#include <string.h>

#include "ops/elem.h"

static bool mergeable(const struct walk *w, int inner, const int64_t *stride_next, int64_t dim_next)
{
	(void)dim_next;
	for (int k = 0; k < w->nin; k++)
		if (stride_next[k] != w->stride[k][inner] * w->dim[inner])
			return false;
	return true;
}

/* Dims are entered from the innermost outwards: merged into the last one, or as a new one. */
static void enter_dim(struct walk *w, int64_t dim, const int64_t *stride)
{
	if (dim == 1)
		return;
	if (w->rank && mergeable(w, w->rank - 1, stride, dim)) {
		w->dim[w->rank - 1] *= dim;
		return;
	}
	for (int k = 0; k < w->nin; k++)
		w->stride[k][w->rank] = stride[k];
	w->dim[w->rank++] = dim;
}

static void set_row(struct walk *w)
{
	for (int k = 0; k < w->nin; k++) {
		w->at[k] = 0;
		for (int d = 1; d < w->rank; d++)
			w->at[k] += w->pos[d] * w->stride[k][d];
	}
}

/* dim[0] is the innermost: the order is turned around. */
void walk_start(struct walk *w, int rank, const int64_t *dims, int nin, const int *in_rank,
    const int64_t *const *in_dim)
{
	memset(w, 0, sizeof *w);
	w->nin = nin;
	int64_t size[WALK_MAX], stride[WALK_MAX];
	for (int k = 0; k < nin; k++)
		size[k] = 1;
	for (int i = 0; i < rank; i++) {
		int64_t dim = dims[rank - 1 - i];
		if (dim == 0)
			w->done = true;
		for (int k = 0; k < nin; k++) {
			int64_t d = i < in_rank[k] ? in_dim[k][in_rank[k] - 1 - i] : 1;
			stride[k] = d == 1 ? 0 : size[k];
			size[k] *= d;
		}
		enter_dim(w, dim, stride);
	}
	if (!w->rank) {
		w->rank = 1;
		w->dim[0] = 1;
	}
	w->n = w->dim[0];
	for (int k = 0; k < nin; k++)
		w->step[k] = w->stride[k][0] != 0;
	set_row(w);
}

void walk_tensors(struct walk *w, const struct tensor *out, int nin, const struct tensor *in)
{
	int rank[WALK_MAX];
	const int64_t *dim[WALK_MAX];
	for (int k = 0; k < nin; k++) {
		rank[k] = in[k].rank;
		dim[k] = in[k].dim;
	}
	walk_start(w, out->rank, out->dim, nin, rank, dim);
}

void walk_next(struct walk *w)
{
	int d = 1;
	while (d < w->rank && ++w->pos[d] == w->dim[d])
		w->pos[d++] = 0;
	if (d >= w->rank) {
		w->done = true;
		return;
	}
	w->out += w->n;
	set_row(w);
}
