/* What the kernels of a plan need to know: sizes, strides and pads of each call. */
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "exec/plan.h"
#include "ops/window.h"

static const struct tensor *input(const struct plan *p, const struct call *c, int k)
{
	return &p->value[node_in(c->step->node, k)->id];
}

static const struct tensor *output(const struct plan *p, const struct call *c)
{
	return &p->value[c->step->node->out[0].id];
}

static int too_large(struct err *err)
{
	return fail(err, E_LIMIT, "too large for the kernels");
}

/* Kernels count in int, and tasks too. */
static bool counts_fit(int64_t a, int64_t b, int64_t c)
{
	int64_t n;
	return !mul_i64(a, b, &n) && !mul_i64(n, c, &n) && n <= INT_MAX / 64;
}

static int conv_shape_of(
    const struct plan *p, const struct call *c, struct conv_shape *s, struct err *err)
{
	const struct tensor *x = input(p, c, 0), *y = output(p, c), *w = &c->step->weights;
	int spatial = x->rank - 2, lead = w->rank - spatial;
	struct window win;
	int status = window_read(&win, c->step->node, spatial, err);
	if (status < 0)
		return status;
	*s = (struct conv_shape){.batch = (int)x->dim[0],
	    .groups = lead == 3 ? (int)w->dim[0] : 1,
	    .cout = (int)w->dim[lead - 2],
	    .cin = (int)w->dim[lead - 1]};
	for (int d = 0; d < 3; d++)
		s->in[d] = s->out[d] = s->kernel[d] = s->stride[d] = s->dilation[d] = 1;
	for (int i = 0; i < spatial; i++) {
		int d = 3 - spatial + i;
		win.dim[i].kernel = dim_of(w->dim[lead + i]);
		window_pad(&win, i, x->dim[2 + i], y->dim[2 + i]);
		if (x->dim[2 + i] > INT_MAX / 4 || win.dim[i].stride > INT_MAX / 4 ||
		    win.dim[i].dilation > INT_MAX / 4)
			return too_large(err);
		s->in[d] = (int)x->dim[2 + i];
		s->out[d] = (int)y->dim[2 + i];
		s->kernel[d] = (int)w->dim[lead + i];
		s->stride[d] = (int)win.dim[i].stride;
		s->dilation[d] = (int)win.dim[i].dilation;
		s->pad[d] = (int)win.dim[i].begin;
	}
	if (!counts_fit(s->in[0], s->in[1], s->in[2]) ||
	    !counts_fit(s->out[0], s->out[1], s->out[2]) ||
	    !counts_fit(x->dim[0], s->groups, (int64_t)s->out[0] * s->out[1] * s->out[2] / 16 + 1))
		return too_large(err);
	return OK;
}

static int plan_conv(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct step *s = c->step;
	struct conv_f32 *k = c->conv = arena_alloc(p->arena, sizeof *k);
	if (!k)
		return fail_nomem(err);
	*k = (struct conv_f32){
	    .row = gemm_f32_pick(), .packed = s->packed, .bias = s->bias, .lo = s->lo, .hi = s->hi};
	int status = conv_shape_of(p, c, &k->s, err);
	if (status < 0)
		return status;
	conv_f32_plan(k, pool_size(e->o.pool));
	c->scratch_bytes = k->scratch * sizeof(float) * (size_t)pool_size(e->o.pool);
	c->run = run_conv;
	return OK;
}

static int plan_depthwise(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct step *s = c->step;
	struct dw_conv_f32 *k = c->dw = arena_alloc(p->arena, sizeof *k);
	if (!k)
		return fail_nomem(err);
	*k = (struct dw_conv_f32){
	    .row = dw_f32_pick(), .w = s->weights.data, .bias = s->bias, .lo = s->lo, .hi = s->hi};
	int status = conv_shape_of(p, c, &k->s, err);
	if (status < 0)
		return status;
	if (!dw_conv_f32_plan(k))
		return too_large(err);
	c->scratch_bytes = k->scratch * sizeof(float) * (size_t)pool_size(e->o.pool);
	c->run = run_depthwise;
	return OK;
}

/* ---- MaxPool ---- */

/* Stays with eval when the kernel does not take it. */
static int plan_max_pool(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct node *n = c->step->node;
	const struct tensor *x = input(p, c, 0), *y = output(p, c);
	struct max_pool_f32 *k = c->max_pool = arena_alloc(p->arena, sizeof *k);
	struct window w;
	const int64_t *kernel;
	if (!k)
		return fail_nomem(err);
	struct rows_f32 *r = &k->rows;
	int spatial = x->rank - 2, status = window_read(&w, n, spatial, err);
	c->run = run_eval;
	if (status < 0)
		return status;
	if (attr_ints(n, "kernel", &kernel) != spatial || !counts_fit(x->dim[0], x->dim[1], 1))
		return OK;
	k->row = max_f32_pick();
	k->planes = (int)(x->dim[0] * x->dim[1]);
	for (int d = 0; d < 2; d++)
		r->in[d] = r->out[d] = r->kernel[d] = r->stride[d] = r->dilation[d] = 1;
	for (int i = 0; i < spatial; i++) {
		int d = 2 - spatial + i;
		w.dim[i].kernel = dim_of(kernel[i]);
		window_pad(&w, i, x->dim[2 + i], y->dim[2 + i]);
		if (x->dim[2 + i] > INT_MAX / 64 || kernel[i] > ROWS_MAX_KERNEL ||
		    w.dim[i].stride > INT_MAX / 64 || w.dim[i].dilation > INT_MAX / 64 ||
		    w.dim[i].begin > INT_MAX / 64)
			return OK;
		r->in[d] = (int)x->dim[2 + i];
		r->out[d] = (int)y->dim[2 + i];
		r->kernel[d] = (int)kernel[i];
		r->stride[d] = (int)w.dim[i].stride;
		r->dilation[d] = (int)w.dim[i].dilation;
		r->pad[d] = (int)w.dim[i].begin;
	}
	if (!max_pool_f32_plan(k))
		return OK;
	c->scratch_bytes = k->scratch * sizeof(float) * (size_t)pool_size(e->o.pool);
	c->run = run_max_pool;
	return OK;
}

/* ---- MatMul ---- */

/* Rows, columns and number of the matrices in an operand; a vector is a row on the left, a column
 * on the right. */
struct operand {
	int64_t rows, cols, count;
	int nbatch; /* leading dims */
	bool transposed;
};

static struct operand operand_of(const struct plan *p, const struct call *c, int k)
{
	const struct tensor *t = input(p, c, k);
	if (t->rank == 1)
		return (struct operand){k ? t->dim[0] : 1, k ? 1 : t->dim[0], 1, 0, false};
	struct operand o = {t->dim[t->rank - 2], t->dim[t->rank - 1], 1, t->rank - 2, false};
	for (int d = 0; d < o.nbatch; d++)
		o.count *= t->dim[d];
	o.transposed = attr_bool(c->step->node, k ? "transpose_b" : "transpose_a");
	return o;
}

/* Which matrix of t goes into each of the batch products whose leading dims are those of y. */
static const int *matrix_of(struct plan *p, const struct tensor *t, int nbatch,
    const struct tensor *y, int ybatch, int batch)
{
	int *of = arena_array(p->arena, (size_t)batch, sizeof *of);
	for (int i = 0; of && i < batch; i++) {
		int64_t rest = i, index = 0, step = 1;
		for (int d = 0; d < ybatch; d++) {
			int at = nbatch - 1 - d;
			int64_t coord = rest % y->dim[ybatch - 1 - d];
			rest /= y->dim[ybatch - 1 - d];
			if (at < 0)
				continue;
			index += t->dim[at] == 1 ? 0 : coord * step;
			step *= t->dim[at];
		}
		of[i] = (int)index;
	}
	return of;
}

static int batches(struct plan *p, struct call *c, const struct operand *a, const struct operand *b,
    struct err *err)
{
	struct matmul_f32 *q = c->matmul;
	const struct tensor *y = output(p, c);
	if (b->count == 1 && !a->transposed) {
		q->batch = q->na = q->nb = 1;
		q->m = (int)(a->count * a->rows);
		return OK;
	}
	int nbatch = a->nbatch > b->nbatch ? a->nbatch : b->nbatch;
	q->na = (int)a->count;
	q->nb = (int)b->count;
	q->batch = (int)(tensor_count(y) / q->m / q->n);
	q->a_of = matrix_of(p, input(p, c, 0), a->nbatch, y, nbatch, q->batch);
	q->b_of = matrix_of(p, input(p, c, 1), b->nbatch, y, nbatch, q->batch);
	return q->a_of && q->b_of ? OK : fail_nomem(err);
}

static int plan_matmul(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	const struct step *s = c->step;
	struct operand a = operand_of(p, c, 0), b = operand_of(p, c, 1);
	struct matmul_f32 *q = c->matmul = arena_alloc(p->arena, sizeof *q);
	int64_t m = a.transposed ? a.cols : a.rows, k = a.transposed ? a.rows : a.cols;
	int64_t n = b.transposed ? b.rows : b.cols;
	if (!q)
		return fail_nomem(err);
	/* y has elements, so m and n are not 0 */
	int64_t batch = tensor_count(output(p, c)) / m / n;
	if (k > INT_MAX / 64 || !counts_fit(m, batch, 1) || !counts_fit(n, b.count, 1))
		return too_large(err);
	*q = (struct matmul_f32){.row = gemm_f32_pick(),
	    .m = (int)m,
	    .n = (int)n,
	    .k = (int)k,
	    .transpose_a = a.transposed,
	    .transpose_b = b.transposed,
	    .packed_b = s->packed,
	    .col_bias = s->bias,
	    .lo = s->lo,
	    .hi = s->hi};
	int status = batches(p, c, &a, &b, err);
	if (status < 0)
		return status;
	matmul_f32_plan(q, pool_size(e->o.pool));
	c->scratch_bytes = q->scratch * sizeof(float);
	c->run = run_matmul;
	return OK;
}

static bool writes_nothing(const struct plan *p, const struct call *c)
{
	const struct node *n = c->step->end;
	for (int k = 0; k < n->nout; k++)
		if (tensor_count(&p->value[n->out[k].id]))
			return false;
	return true;
}

int plan_kernel(struct exec *e, struct plan *p, struct call *c, struct err *err)
{
	c->run = run_nothing;
	if (writes_nothing(p, c))
		return OK;
	switch (c->step->kind) {
	case STEP_CONV:
		return plan_conv(e, p, c, err);
	case STEP_DEPTHWISE:
		return plan_depthwise(e, p, c, err);
	case STEP_MATMUL:
		return plan_matmul(e, p, c, err);
	case STEP_MAX_POOL:
		return plan_max_pool(e, p, c, err);
	case STEP_ATTENTION:
		return plan_attention(e, p, c, err);
	case STEP_ALIAS:
		c->run = run_alias;
		return OK;
	default:
		c->run = run_eval;
		return OK;
	}
}
