/* MatMul: numpy's rules for vectors and batches, with either side transposed. */
#include <string.h>

#include "ops/elem.h"
#include "ops/matmul.h"
#include "ops/rows.h"

const struct attr_def attrs_matmul[] = {{"transpose_a", ATTR_BOOL, false, "false", NULL},
    {"transpose_b", ATTR_BOOL, false, "false", NULL}, {0}};

/* Both shapes as matrices: a vector becomes a row on the left, a column on the right. */
static void as_matrix(const struct shape *in, bool left, bool transpose, struct shape *out)
{
	*out = *in;
	if (in->rank == 1) {
		out->rank = 2;
		out->dim[left ? 1 : 0] = in->dim[0];
		out->dim[left ? 0 : 1] = dim_of(1);
	} else if (transpose) {
		struct dim d = out->dim[in->rank - 1];
		out->dim[in->rank - 1] = out->dim[in->rank - 2];
		out->dim[in->rank - 2] = d;
	}
}

static int batch_dims(
    struct infer *s, const struct shape *a, const struct shape *b, struct shape *y)
{
	struct shape left = *a, right = *b;
	left.rank -= 2;
	right.rank -= 2;
	if (!shape_broadcast(&left, &right, y))
		return infer_fail(s, "the batch dims do not broadcast");
	return OK;
}

int infer_matmul(struct infer *s)
{
	const struct shape *x = &s->in[0].shape, *z = &s->in[1].shape;
	struct shape a, b, *y = &s->out[0].shape;
	struct dim k;
	int r = infer_same_types(s, 0, 1);
	s->out[0].type = s->in[0].type;
	if (r || x->rank < 0 || z->rank < 0)
		return r;
	if (x->rank == 0 || z->rank == 0)
		return infer_fail(s, "a scalar cannot be multiplied as a matrix");
	as_matrix(x, true, attr_bool(s->node, "transpose_a"), &a);
	as_matrix(z, false, attr_bool(s->node, "transpose_b"), &b);
	if (!dim_merge(a.dim[a.rank - 1], b.dim[b.rank - 2], &k))
		return infer_fail(s, "rows of %lld elements meet columns of %lld",
		    (long long)a.dim[a.rank - 1].min, (long long)b.dim[b.rank - 2].min);
	r = batch_dims(s, &a, &b, y);
	if (r)
		return r;
	if (x->rank > 1)
		y->dim[y->rank++] = a.dim[a.rank - 2];
	if (z->rank > 1)
		y->dim[y->rank++] = b.dim[b.rank - 1];
	return OK;
}

/* Rows, columns and their strides of one matrix of t. */
static void matrix(
    const struct tensor *t, bool left, bool transpose, int64_t size[2], int64_t stride[2])
{
	if (t->rank == 1) {
		size[left ? 1 : 0] = t->dim[0];
		size[left ? 0 : 1] = 1;
		stride[left ? 1 : 0] = 1;
		stride[left ? 0 : 1] = t->dim[0];
		return;
	}
	int64_t rows = t->dim[t->rank - 2], cols = t->dim[t->rank - 1];
	size[0] = transpose ? cols : rows;
	size[1] = transpose ? rows : cols;
	stride[0] = transpose ? 1 : cols;
	stride[1] = transpose ? cols : 1;
}

static void batches(struct product *p, const struct tensor *in, struct tensor *y)
{
	struct walk w;
	int rank[2], out_rank = 0;
	int64_t dims[MAX_RANK];
	const int64_t *dim[2] = {in[0].dim, in[1].dim};
	for (int k = 0; k < 2; k++) {
		rank[k] = in[k].rank > 2 ? in[k].rank - 2 : 0;
		if (rank[k] > out_rank)
			out_rank = rank[k];
	}
	memcpy(dims, y->dim, sizeof dims);
	int64_t i = 0;
	for (walk_start(&w, out_rank, dims, 2, rank, dim); !w.done; walk_next(&w))
		for (int64_t j = 0; j < w.n; j++, i++) {
			p->a_at = (w.at[0] + j * w.step[0]) * p->m * p->k;
			p->b_at = (w.at[1] + j * w.step[1]) * p->k * p->n;
			p->y_at = i * p->m * p->n;
			product_run(p);
		}
}

int eval_matmul(struct eval *s)
{
	struct product p = {.a = &s->in[0], .b = &s->in[1], .y = &s->out[0]};
	int64_t size[2][2], stride[2][2];
	matrix(p.a, true, attr_bool(s->node, "transpose_a"), size[0], stride[0]);
	matrix(p.b, false, attr_bool(s->node, "transpose_b"), size[1], stride[1]);
	p.m = size[0][0], p.k = size[0][1], p.n = size[1][1];
	p.a_m = stride[0][0], p.a_k = stride[0][1];
	p.b_k = stride[1][0], p.b_n = stride[1][1];
	if (!tensor_count(p.y))
		return OK;
	p.panel = eval_scratch(s, PRODUCT_PANEL(p.k), sizeof(double));
	if (!p.panel)
		return E_NOMEM;
	batches(&p, s->in, &s->out[0]);
	return OK;
}
