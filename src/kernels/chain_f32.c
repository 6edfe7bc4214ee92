/* Element by element: pieces that stay in the L1 cache go through all operations of a chain. */
#include <string.h>

#include "kernels/chain_f32.h"
#include "kernels/copy.h"

#define PIECE 1024     /* floats of a row at once */
#define NARROW 128     /* floats of a row that is taken together with others */
#define TASK (1 << 14) /* elements worth a task of their own */

struct chain_run {
	const struct chain_f32 *c;
	const struct span_f32 *span;
	const float *in, *const *operand;
	void *out;
	int64_t per; /* rows of a task */
};

static const float *walk(
    const float *p, const struct chain_walk *w, int64_t o, int64_t r, int64_t j)
{
	return p + o * w->outer + r * w->row + j * w->col;
}

void chain_f32_op(const struct span_f32 *span, const struct chain_op *p, const float *const f[4],
    int step, struct chain_piece *e)
{
	float *x = e->x;
	int all = e->rows * e->n;
	switch (p->op) {
	case CHAIN_LEVELS:
		span->levels(x, e->rows, e->n, f, step, p->top);
		break;
	case CHAIN_KEEP:
		memcpy(e->k, x, (size_t)all * sizeof *x);
		break;
	case CHAIN_SWAP:
		e->x = e->k;
		e->k = x;
		break;
	case CHAIN_ADD_KEPT:
		span->op[SPAN_ADD](x, e->k, 1, all, 0, 0);
		break;
	case CHAIN_MUL_KEPT:
		span->op[SPAN_MUL](x, e->k, 1, all, 0, 0);
		break;
	default:
		for (int i = 0, n = step ? e->n : all; i < all; i += n)
			span->op[p->op](x + i, f[0], step, n, p->a, p->b);
	}
}

/* The operands of p for a piece; how they advance. */
static int operands(const struct chain_run *q, const struct chain_op *p, int64_t o, int64_t r,
    int64_t j, const float *f[4])
{
	const struct chain_walk *w = &q->c->operand[p->y];
	const float *const own[4] = {&p->a, &p->b, &p->c, &p->d};
	int n = chain_op_operands(p);
	for (int i = 0; i < 4; i++)
		f[i] = i < n ? walk(q->operand[p->y + i], w + i, o, r, j) : own[i];
	return n ? w->col : 0;
}

/* Copies rows of n elements that lie apart. */
static void rows_copy(
    float *to, int64_t to_row, const float *from, int64_t from_row, int rows, int n)
{
	if (rows > 1 && to_row == n && from_row == n) {
		n *= rows;
		rows = 1;
	}
	copy_rows(to, to_row * (int64_t)sizeof *to, from, from_row * (int64_t)sizeof *to, rows,
	    n * (int64_t)sizeof *to);
}

/* n elements of each of some rows, as one row without gaps for all that is done to them. */
static void piece(const struct chain_run *q, int64_t o, int64_t r, int64_t j, int rows, int n)
{
	const struct chain_f32 *c = q->c;
	float here[PIECE], kept[PIECE];
	const float *in = walk(q->in, &c->in, o, r, j), *f[4];
	int64_t at = o * c->out.outer + r * c->out.row + j;
	bool bytes = chain_ends_in_bytes(c->op, c->nops);
	bool dense = rows == 1 || c->out.row == n;
	float *out = bytes || !dense ? here : (float *)q->out + at;
	struct chain_piece e = {out, kept, 1, rows * n};
	if (c->in.col == 0)
		for (int i = 0; i < n; i++)
			out[i] = *in;
	else if (out != in)
		rows_copy(out, n, in, c->in.row, rows, n);
	for (int k = 0; k < c->nops - bytes; k++) {
		int step = operands(q, &c->op[k], o, r, j, f);
		chain_f32_op(q->span, &c->op[k], f, step, &e);
	}
	if (bytes) {
		const struct chain_op *p = &c->op[c->nops - 1];
		int step = operands(q, p, o, r, j, f);
		q->span->bytes((uint8_t *)q->out + at, dense ? 0 : (size_t)c->out.row, e.x,
		    dense ? 1 : rows, dense ? rows * n : n, f, step, p->top);
	} else if (e.x != (float *)q->out + at) {
		rows_copy((float *)q->out + at, c->out.row, e.x, n, rows, n);
	}
}

/* ---- narrow rows ---- */

/* Rows of which several make a piece. */
static bool is_narrow(const struct chain_f32 *c)
{
	bool whole = c->in.col && c->in.row;
	for (int k = 0; k < c->noperands; k++) {
		const struct chain_walk *w = &c->operand[k];
		whole &= w->col && (w->row || !w->outer || c->outer == 1);
	}
	return whole && c->cols <= NARROW && c->rows > 1;
}

/* Operands of a piece without gaps: those that serve each row alike are repeated, others that are
 * not dense are gathered, at any of them. */
struct narrow {
	struct chain_f32 c;
	float at[CHAIN_OPERANDS][PIECE];
	const float *operand[CHAIN_OPERANDS];
};

static bool is_dense(const struct chain_f32 *c, int k)
{
	return c->operand[k].row == c->cols;
}

static void narrow_operands(const struct chain_run *q, struct narrow *m, int rows)
{
	m->c = *q->c;
	for (int k = 0; k < m->c.noperands; k++) {
		m->operand[k] = q->operand[k];
		if (is_dense(q->c, k))
			continue;
		m->operand[k] = m->at[k];
		m->c.operand[k] = (struct chain_walk){0, 0, 1};
		if (!q->c->operand[k].row)
			rows_copy(m->at[k], m->c.cols, q->operand[k], 0, rows, (int)m->c.cols);
	}
}

/* Rows first..last-1 of one outer index, by so many at once. */
static void narrow_rows(const struct chain_run *q, int64_t first, int64_t last, int64_t most)
{
	const struct chain_f32 *c = q->c;
	struct narrow m;
	struct chain_run r = *q;
	most = last - first < most ? last - first : most;
	narrow_operands(q, &m, (int)most);
	r.c = &m.c;
	r.operand = m.operand;
	for (int64_t i = first; i < last; i += most) {
		int64_t o = i / c->rows, row = i % c->rows;
		int rows = (int)(last - i < most ? last - i : most), n = (int)c->cols;
		for (int k = 0; k < c->noperands; k++)
			if (c->operand[k].row && !is_dense(c, k))
				rows_copy(m.at[k], n,
				    walk(q->operand[k], &c->operand[k], o, row, 0),
				    c->operand[k].row, rows, n);
		piece(&r, o, row, 0, rows, n);
	}
}

static void narrow_task(void *ctx, int task, int worker)
{
	const struct chain_run *q = ctx;
	const struct chain_f32 *c = q->c;
	int64_t first = task * q->per, last = first + q->per, end;
	(void)worker;
	last = last < c->outer * c->rows ? last : c->outer * c->rows;
	for (; first < last; first = end) {
		end = (first / c->rows + 1) * c->rows;
		end = end < last ? end : last;
		narrow_rows(q, first, end, PIECE / c->cols);
	}
}

static void rows_task(void *ctx, int task, int worker)
{
	const struct chain_run *q = ctx;
	const struct chain_f32 *c = q->c;
	int64_t first = task * q->per, last = first + q->per;
	(void)worker;
	last = last < c->outer * c->rows ? last : c->outer * c->rows;
	for (int64_t i = first; i < last; i++)
		for (int64_t j = 0; j < c->cols; j += PIECE)
			piece(q, i / c->rows, i % c->rows, j, 1,
			    (int)(c->cols - j < PIECE ? c->cols - j : PIECE));
}

/* A single long row is cut along its columns. */
static void cols_task(void *ctx, int task, int worker)
{
	const struct chain_run *q = ctx;
	int64_t first = (int64_t)task * TASK, last = first + TASK;
	(void)worker;
	last = last < q->c->cols ? last : q->c->cols;
	for (int64_t i = 0; i < q->c->outer * q->c->rows; i++)
		for (int64_t j = first; j < last; j += PIECE)
			piece(q, i / q->c->rows, i % q->c->rows, j, 1,
			    (int)(last - j < PIECE ? last - j : PIECE));
}

void chain_f32_run(const struct chain_f32 *c, struct pool *pool, const float *in,
    const float *const *operand, void *out)
{
	struct chain_run q = {c, &span_f32_rows[span_f32_pick()], in, operand, out, 1};
	int64_t rows = c->outer * c->rows;
	if (!rows || !c->cols)
		return;
	if (c->cols >= 2 * TASK && rows < 2 * pool_size(pool)) {
		pool_run(pool, (int)((c->cols + TASK - 1) / TASK), cols_task, &q);
		return;
	}
	q.per = c->cols < TASK ? TASK / c->cols : 1;
	pool_run(
	    pool, (int)((rows + q.per - 1) / q.per), is_narrow(c) ? narrow_task : rows_task, &q);
}
