/* Checks of calls that were read from an image: matrices, rows, attention and chains. */
#include "exec/image_check.h"

/* ---- bytes ---- */

/* Rows from r on, of elements of so many bytes. */
static bool rows_ok(
    struct lower *l, struct ref r, const struct quant_u8 *k, int64_t ld, int size, bool write)
{
	int64_t far = ld;
	return ld >= k->n && FITS(&far, IMAGE_LARGE, k->rows - 1) && far <= IMAGE_LARGE - k->n &&
	       operand_inside(l, r, (far + k->n) * size, size, write);
}

static bool quant_ok(struct lower *l, struct call *c, int size_in, int size_out, bool two)
{
	const struct quant_u8 *k = &c->quant;
	if (!k->rows || !k->n)
		return true;
	return rows_ok(l, c->in, k, k->ld_a, size_in, false) &&
	       (!two || rows_ok(l, c->add, k, k->ld_b, 1, false)) &&
	       rows_ok(l, c->out, k, k->ld_out, size_out, true);
}

bool image_check_quantize(struct lower *l, struct call *c)
{
	return quant_ok(l, c, sizeof(float), 1, false);
}

bool image_check_dequantize(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, sizeof(float), false);
}

bool image_check_requantize(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, 1, false);
}

bool image_check_add_u8(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, 1, true);
}

/* ---- matrices ---- */

bool image_check_matmul(struct lower *l, struct call *c)
{
	struct matmul_f32 *k = &c->matmul.q;
	int64_t batch = 1, a = 1, b = 1, size = k->m, last[2] = {0, 0};
	for (int d = 0; d < k->nbatch; d++) {
		last[0] += (int64_t)(k->dim[d] - 1) * k->step[0][d];
		last[1] += (int64_t)(k->dim[d] - 1) * k->step[1][d];
		if (!FITS(&batch, IMAGE_SMALL, k->dim[d]))
			return false;
	}
	if (!FITS(&size, IMAGE_LARGE, k->n, batch) || !FITS(&a, IMAGE_SMALL, k->m, k->na) ||
	    !FITS(&b, IMAGE_SMALL, k->n, k->nb) || last[0] >= k->na || last[1] >= k->nb ||
	    batch * k->m > IMAGE_SMALL || !FITS(&a, IMAGE_LARGE, k->k) ||
	    !FITS(&b, IMAGE_LARGE, k->k))
		return false;
	k->row = gemm_f32_pick();
	matmul_f32_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, a) && operand_reads(l, c->matmul.b, b) &&
	       operand_writes(l, c->out, size) &&
	       call_scratch(l, c, k->scratch * sizeof(float)) == OK;
}

bool image_check_linear_cw(struct lower *l, struct call *c)
{
	struct linear_cw *k = &c->linear_cw;
	bool groups = k->k % k->group == 0 &&
		      (k->type != CW_I4 || k->group == k->k || k->group % 8 == 0) &&
		      (k->type != CW_F16 || (k->group == k->k && !k->zero));
	int64_t in = k->ld_in, out = k->ld_out, all = 1;
	if (!groups || k->ld_in < k->k || k->ld_out < k->n || !FITS(&in, IMAGE_LARGE, k->m) ||
	    !FITS(&out, IMAGE_LARGE, k->m) || !FITS(&all, IMAGE_LARGE, k->k, k->n))
		return false;
	linear_cw_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(k->m, k->ld_in, k->k)) &&
	       operand_writes(l, c->out, operand_reach(k->m, k->ld_out, k->n)) &&
	       operand_inside(l, c->packed, (int64_t)linear_cw_packed(k), 64, false) &&
	       (operand_absent(c->bias) || operand_reads(l, c->bias, k->n)) &&
	       (operand_absent(c->add) ||
		   (k->ld_add >= k->n &&
		       operand_reads(l, c->add, operand_reach(k->m, k->ld_add, k->n)))) &&
	       call_scratch(l, c, k->scratch) == OK;
}

/* Sizes that the kernel and the memory behind it can count. */
static bool recurrent_sizes_ok(const struct recurrent_f32 *k)
{
	int64_t columns = recurrent_gates(k->kind), all = k->batch, y = k->batch;
	return recurrent_fits(k) && FITS(&columns, IMAGE_SMALL, k->dirs, k->hidden) &&
	       FITS(&all, IMAGE_LARGE, k->steps, columns) &&
	       FITS(&y, IMAGE_LARGE, k->steps, k->dirs, k->hidden) &&
	       (all = k->batch, FITS(&all, IMAGE_LARGE, k->steps, k->input)) &&
	       (all = k->hidden, FITS(&all, IMAGE_LARGE, columns)) &&
	       (all = k->input, FITS(&all, IMAGE_LARGE, columns));
}

bool image_check_recurrent(struct lower *l, struct call *c)
{
	struct recurrent_f32 *k = &c->recurrent.k;
	int64_t states = (int64_t)k->batch * k->dirs, x = (int64_t)k->batch * k->steps;
	int bits = c->recurrent.length;
	bool lstm = k->kind == RECURRENT_LSTM;
	if (!recurrent_sizes_ok(k) || (k->reset_last && k->kind != RECURRENT_GRU) ||
	    (bits && bits != 32 && bits != 64))
		return false;
	recurrent_f32_plan(k, pool_size(l->e->o.pool));
	states *= k->hidden;
	return operand_reads(l, c->in, x * k->input) && operand_reads(l, c->recurrent.h0, states) &&
	       (!lstm || operand_reads(l, c->recurrent.c0, states)) &&
	       (!bits || operand_inside(l, c->recurrent.lengths, (int64_t)k->batch * bits / 8,
			     bits / 8, false)) &&
	       operand_inside(l, c->packed, (int64_t)recurrent_f32_packed_inputs(k), 64, false) &&
	       operand_inside(
		   l, c->recurrent.states, (int64_t)recurrent_f32_packed_states(k), 64, false) &&
	       operand_reads(l, c->bias, (int64_t)k->dirs * recurrent_gates(k->kind) * k->hidden) &&
	       (!k->reset_last ||
		   operand_reads(l, c->recurrent.reset, (int64_t)k->dirs * k->hidden)) &&
	       (operand_absent(c->out) || operand_writes(l, c->out, states * k->steps)) &&
	       operand_writes(l, c->recurrent.h, states) &&
	       (!lstm || operand_writes(l, c->recurrent.c, states)) &&
	       call_scratch(l, c, k->scratch + (size_t)k->batch * sizeof(int)) == OK;
}

/* Elements from the first to the first of the last head; -1 for too many. */
static int64_t heads_reach(const struct attention_f32 *a, int t)
{
	int64_t last = 0;
	for (int d = 0; d < a->nbatch; d++) {
		int64_t n = a->step[t][d];
		if (!FITS(&n, IMAGE_LARGE, a->dim[d] - 1))
			return -1;
		last += n;
	}
	return last;
}

static bool mask_ok(struct lower *l, const struct attention_f32 *a, struct ref mask)
{
	int64_t n = heads_reach(a, ATTENTION_MASK);
	if (a->mask == MASK_NONE)
		return true;
	if (n < 0)
		return false;
	n += (int64_t)(a->m - 1) * a->mask_row + (a->n - 1) * a->mask_col + 1;
	return a->mask == MASK_ADD ? operand_reads(l, mask, n)
				   : operand_inside(l, mask, n, 1, false);
}

/* Floats of operand t or the result, which has so many rows for a head; -1 for too many. */
static int64_t attention_reach(const struct attention_f32 *a, int t, int rows, int cols)
{
	int64_t n = a->row[t], heads = heads_reach(a, t);
	if (heads < 0 || !FITS(&n, IMAGE_LARGE, rows - 1))
		return -1;
	return heads + n + cols;
}

bool image_check_attention(struct lower *l, struct call *c)
{
	struct attention_f32 *a = &c->attention.k;
	const int rows[3] = {a->m, a->n, a->n}, cols[3] = {a->k, a->k, a->width};
	int64_t heads = 1, all = a->m, out = attention_reach(a, ATTENTION_OUT, a->m, a->width);
	for (int d = 0; d < a->nbatch; d++)
		if (!FITS(&heads, IMAGE_SMALL, a->dim[d]))
			return false;
	/* results have places of their own, so that the work is no more than the memory */
	if (heads != a->heads || !FITS(&all, IMAGE_SMALL, heads) || out < all ||
	    (all = a->n, !FITS(&all, IMAGE_SMALL, a->k)) ||
	    (all = a->n, !FITS(&all, IMAGE_SMALL, a->width)))
		return false;
	for (int t = 0; t < 3; t++) {
		int64_t n = attention_reach(a, t, rows[t], cols[t]);
		if (n < 0 || !operand_reads(l, c->attention.in[t], n))
			return false;
	}
	if (!mask_ok(l, a, c->attention.in[3]))
		return false;
	attention_f32_plan(a, pool_size(l->e->o.pool));
	return operand_writes(l, c->out, out) && call_scratch(l, c, a->scratch) == OK;
}

/* ---- spans ---- */

/* Floats that a walk covers from the first on, -1 for too many. */
static int64_t walked(const struct chain_f32 *k, const struct chain_walk *w)
{
	int64_t outer = w->outer, row = w->row;
	if (!FITS(&outer, IMAGE_LARGE, k->outer - 1) || !FITS(&row, IMAGE_LARGE, k->rows - 1))
		return -1;
	return outer + row + (k->cols - 1) * w->col + 1;
}

bool image_check_chain(struct lower *l, struct call *c)
{
	struct chain_f32 *k = &c->chain.k;
	int64_t all = 1;
	if (k->out.col != 1 || !FITS(&all, IMAGE_LARGE, k->outer, k->rows, k->cols) ||
	    k->outer * k->rows > IMAGE_SMALL)
		return false;
	for (int i = 0; i < k->noperands && all; i++)
		if (!operand_reads(l, c->chain.operand[i], walked(k, &k->operand[i])))
			return false;
	/* each result has a place of its own, so that the work is no more than the memory */
	int64_t out = walked(k, &k->out);
	return !all ||
	       (all <= out && operand_reads(l, c->in, walked(k, &k->in)) &&
		   (chain_ends_in_bytes(k->op, k->nops) ? operand_inside(l, c->out, out, 1, true)
							: operand_writes(l, c->out, out)));
}

bool image_check_norm(struct lower *l, struct call *c)
{
	const struct norm_f32 *k = &c->norm.k;
	int64_t all = k->n, out = norm_f32_width(k);
	if (!FITS(&all, IMAGE_LARGE, k->rows) || !FITS(&out, IMAGE_LARGE, k->rows))
		return false;
	return (operand_absent(c->norm.gamma) || operand_reads(l, c->norm.gamma, k->n)) &&
	       (operand_absent(c->norm.beta) || operand_reads(l, c->norm.beta, k->n)) &&
	       operand_reads(l, c->in, all) && operand_writes(l, c->out, out);
}
