/* Products of matrices that both change, in batches. */
#include <limits.h>

#include "base/checked.h"
#include "exec/lower.h"

/* Rows, columns and number of the matrices in an operand; a vector is a row on the left, a column
 * on the right. */
struct operand {
	int64_t rows, cols, count;
	int nbatch; /* leading dims */
	bool transposed;
};

static struct operand operand_of(const struct tensor *t, const struct node *n, int k)
{
	if (t->rank == 1)
		return (struct operand){k ? t->dim[0] : 1, k ? 1 : t->dim[0], 1, 0, false};
	struct operand o = {t->dim[t->rank - 2], t->dim[t->rank - 1], 1, t->rank - 2, false};
	for (int d = 0; d < o.nbatch; d++)
		o.count *= t->dim[d];
	o.transposed = attr_bool(n, k ? "transpose_b" : "transpose_a");
	return o;
}

/* How operand t goes through the products, matrix by matrix, whose leading dims are those of y. */
static void set_steps(
    struct matmul_f32 *q, int t, const struct tensor *x, int nbatch, const struct tensor *y)
{
	int64_t step = 1;
	for (int d = q->nbatch - 1; d >= 0; d--) {
		int at = nbatch - (q->nbatch - d);
		int64_t dim = at < 0 ? 1 : x->dim[at];
		q->dim[d] = (int)y->dim[d];
		q->step[t][d] = dim == 1 ? 0 : (int)step;
		step *= dim;
	}
}

static void batches(const struct lower *l, const struct node *n, const struct operand *a,
    const struct operand *b, struct matmul_f32 *q)
{
	const struct tensor *y = lower_dims(l, &n->out[0]);
	q->na = q->nb = 1;
	if (b->count == 1 && !a->transposed) {
		q->m = (int)(a->count * a->rows);
		return;
	}
	q->nbatch = a->nbatch > b->nbatch ? a->nbatch : b->nbatch;
	q->na = (int)a->count;
	q->nb = (int)b->count;
	set_steps(q, 0, lower_dims(l, node_in(n, 0)), a->nbatch, y);
	set_steps(q, 1, lower_dims(l, node_in(n, 1)), b->nbatch, y);
}

static bool fits(int64_t a, int64_t b)
{
	int64_t n;
	return !mul_i64(a, b, &n) && n <= INT_MAX / 64;
}

/* False when the kernels don't count that far. */
static bool sizes(const struct lower *l, const struct node *n, const struct operand *a,
    const struct operand *b, struct matmul_f32 *q)
{
	int64_t m = a->transposed ? a->cols : a->rows, k = a->transposed ? a->rows : a->cols;
	int64_t cols = b->transposed ? b->rows : b->cols;
	/* y has elements, so m and cols are not 0 */
	int64_t batch = tensor_count(lower_dims(l, &n->out[0])) / m / cols;
	if (k > INT_MAX / 64 || !fits(m, batch) || !fits(cols, b->count))
		return false;
	*q = (struct matmul_f32){.row = gemm_f32_pick(),
	    .m = (int)m,
	    .n = (int)cols,
	    .k = (int)k,
	    .transpose_a = a->transposed,
	    .transpose_b = b->transposed};
	return true;
}

static int product(struct lower *l, const struct node *n, struct matmul_f32 *q)
{
	struct spot a, b, y;
	int status = spot_need(l, node_in(n, 0), ROW_MAJOR, &a);
	if (status == OK)
		status = spot_need(l, node_in(n, 1), ROW_MAJOR, &b);
	if (status == OK)
		status = spot_make(l, &n->out[0], ROW_MAJOR, true, &y);
	struct call *c = status == OK ? call_add(l, CALL_MATMUL, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->matmul.q = *q;
	c->in = a.ref;
	c->matmul.b = b.ref;
	c->out = y.ref;
	call_uses(l, c->in);
	call_uses(l, c->matmul.b);
	call_uses(l, c->out);
	return call_scratch(l, c, q->scratch * sizeof(float));
}

int lower_matmul(struct lower *l, int i, bool *done)
{
	const struct node *n = l->e->step[i].node;
	struct matmul_f32 q;
	if (!node_is(n, OP_MATMUL) || lower_dims(l, node_in(n, 0))->type != DT_F32)
		return OK;
	int status = lower_linear(l, i, done);
	if (status < 0 || *done)
		return status;
	struct operand a = operand_of(lower_dims(l, node_in(n, 0)), n, 0);
	struct operand b = operand_of(lower_dims(l, node_in(n, 1)), n, 1);
	if (a.cols == 0 || a.rows == 0 || !sizes(l, n, &a, &b, &q))
		return OK;
	*done = true;
	batches(l, n, &a, &b, &q);
	q.lo = -__builtin_inff();
	q.hi = __builtin_inff();
	matmul_f32_plan(&q, pool_size(l->e->o.pool));
	return product(l, n, &q);
}
