/* Checks of calls that were read from an image: sizes that kernels can count, operands inside of
 * their buffers. The kernels' own plans are made here. */
#include "exec/image.h"

#include <string.h>

#include "base/checked.h"
#include "graph/op.h"

/* ---- products and operands ---- */

/* *n times the factors; false beyond most. */
static bool product(int64_t *n, int64_t most, int count, const int64_t *factor)
{
	for (int i = 0; i < count; i++)
		if (mul_i64(*n, factor[i], n) || *n > most || *n < 0)
			return false;
	return true;
}
#define FITS(n, most, ...)                                                       \
	product((n), (most), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), \
	    (const int64_t[]){__VA_ARGS__})

/* Bytes of a buffer. */
static int64_t buffer_bytes(const struct lower *l, const struct buffer *b)
{
	if (b->kind != BUFFER_INPUT)
		return (int64_t)b->size;
	return (int64_t)tensor_bytes(lower_dims(l, &l->e->graph->inputs[b->k]->out[0]));
}

/* Are these bytes inside of r's buffer, at a multiple of align, and may they be written? */
static bool inside(struct lower *l, struct ref r, int64_t bytes, int align, bool write)
{
	const struct buffer *b = &l->p->buffer[r.buffer < l->p->nbuffers ? r.buffer : 0];
	int64_t size = buffer_bytes(l, b);
	if (b->kind == BUFFER_NONE || (write && b->kind != BUFFER_WORK) || r.offset % align ||
	    bytes < 0 || r.offset > size || bytes > size - r.offset)
		return false;
	call_uses(l, r);
	return true;
}

static bool reads(struct lower *l, struct ref r, int64_t floats)
{
	return floats <= IMAGE_LARGE && inside(l, r, floats * 4, 4, false);
}

static bool writes(struct lower *l, struct ref r, int64_t floats)
{
	return floats <= IMAGE_LARGE && inside(l, r, floats * 4, 4, true);
}

static bool absent(struct ref r)
{
	return !r.buffer;
}

/* Elements from the first to the last of a walk of n pixels, ld apart. */
static int64_t reach(int64_t pixels, int64_t ld, int64_t channels)
{
	return (pixels - 1) * ld + channels;
}

/* ---- images ---- */

/* Do the kernels count that far, and coordinates too? */
static bool shape_fits_int(const struct conv_shape *s, int64_t *in, int64_t *out)
{
	int64_t taps = 1, a = 1, b = 1;
	*in = *out = 1;
	for (int d = 0; d < 3; d++) {
		int64_t far = (int64_t)(s->out[d] - 1) * s->stride[d] +
			      (int64_t)(s->kernel[d] - 1) * s->dilation[d];
		if (far > INT_MAX / 4)
			return false;
	}
	return FITS(in, IMAGE_SMALL, s->batch, s->in[0], s->in[1], s->in[2]) &&
	       FITS(out, IMAGE_SMALL, s->batch, s->out[0], s->out[1], s->out[2]) &&
	       FITS(&taps, IMAGE_SMALL, s->kernel[0], s->kernel[1], s->kernel[2], s->cin) &&
	       FITS(&a, IMAGE_SMALL, s->groups, s->cin) &&
	       FITS(&b, IMAGE_SMALL, s->groups, s->cout);
}

static int threads_of(const struct lower *l)
{
	return pool_size(l->e->o.pool);
}

static bool conv_ok(struct lower *l, struct call *c)
{
	struct nhwc_conv_f32 *k = &c->conv;
	int64_t in, out, cin = (int64_t)k->s.groups * k->s.cin;
	int64_t cout = (int64_t)k->s.groups * k->s.cout;
	if (!shape_fits_int(&k->s, &in, &out) || k->ld_in < cin || k->ld_out < cout ||
	    !nhwc_conv_f32_fits(&k->s, k->way))
		return false;
	nhwc_conv_f32_plan(k, threads_of(l));
	return reads(l, c->in, reach(in, k->ld_in, cin)) &&
	       writes(l, c->out, reach(out, k->ld_out, cout)) &&
	       inside(l, c->packed, (int64_t)nhwc_conv_f32_packed(k), 64, false) &&
	       (absent(c->bias) || reads(l, c->bias, cout)) &&
	       (absent(c->add) ||
		   (k->ld_add >= cout && reads(l, c->add, reach(out, k->ld_add, cout)))) &&
	       call_scratch(l, c, k->scratch) == OK;
}

static bool deconv_ok(struct lower *l, struct call *c)
{
	struct nhwc_deconv_f32 *k = &c->deconv;
	int64_t in, out, cin = (int64_t)k->s.groups * k->s.cin;
	int64_t cout = (int64_t)k->s.groups * k->s.cout;
	if (!shape_fits_int(&k->s, &in, &out) || k->ld_in < cin || k->ld_out < cout ||
	    !nhwc_deconv_f32_fits(&k->s))
		return false;
	nhwc_deconv_f32_plan(k, threads_of(l));
	return reads(l, c->in, reach(in, k->ld_in, cin)) &&
	       writes(l, c->out, reach(out, k->ld_out, cout)) &&
	       inside(l, c->packed, (int64_t)nhwc_deconv_f32_packed(k), 64, false) &&
	       (absent(c->bias) || reads(l, c->bias, cout)) && call_scratch(l, c, k->scratch) == OK;
}

/* A table must not lead outside of the image: it is looked through. */
static bool resize_table_ok(struct lower *l, const struct call *c, int d)
{
	struct ref r = c->resize.table[d];
	const struct buffer *b = &l->p->buffer[r.buffer];
	const struct nhwc_resize_f32 *k = &c->resize.k;
	return inside(l, r, (int64_t)nhwc_resize_f32_table(k, d), 4, false) &&
	       b->kind == BUFFER_FIXED &&
	       nhwc_resize_f32_inside(k, d, (const char *)b->at + r.offset);
}

static bool resize_ok(struct lower *l, struct call *c)
{
	struct nhwc_resize_f32 *k = &c->resize.k;
	int64_t in = 1, out = 1;
	if (!FITS(&in, IMAGE_SMALL, k->batch, k->in[0], k->in[1]) ||
	    !FITS(&out, IMAGE_SMALL, k->batch, k->out[0], k->out[1]) || k->ld_in < k->n ||
	    k->ld_out < k->n || (int64_t)k->in[1] * k->n > IMAGE_SMALL)
		return false;
	nhwc_resize_f32_plan(k, threads_of(l));
	return reads(l, c->in, reach(in, k->ld_in, k->n)) &&
	       writes(l, c->out, reach(out, k->ld_out, k->n)) && resize_table_ok(l, c, 0) &&
	       resize_table_ok(l, c, 1) && call_scratch(l, c, k->scratch) == OK;
}

static bool lrn_ok(struct lower *l, struct call *c)
{
	struct nhwc_lrn_f32 *k = &c->lrn;
	if (k->ld_in < k->n || k->ld_out < k->n)
		return false;
	nhwc_lrn_f32_plan(k, threads_of(l));
	return reads(l, c->in, reach(k->rows, k->ld_in, k->n)) &&
	       writes(l, c->out, reach(k->rows, k->ld_out, k->n)) &&
	       call_scratch(l, c, k->scratch) == OK;
}

/* A convolution of a block: only what it reads of constants, and its geometry. */
static bool block_conv_ok(struct lower *l, const struct call *c, int i, int64_t *in, int64_t *out)
{
	struct nhwc_conv_f32 k = c->block.k.c[i];
	int64_t cout = (int64_t)k.s.groups * k.s.cout;
	if (!shape_fits_int(&k.s, in, out) || !nhwc_conv_f32_fits(&k.s, k.way))
		return false;
	nhwc_conv_f32_plan(&k, 1);
	return inside(l, c->block.packed[i], (int64_t)nhwc_conv_f32_packed(&k), 64, false) &&
	       (absent(c->block.bias[i]) || reads(l, c->block.bias[i], cout));
}

static bool block_ok(struct lower *l, struct call *c)
{
	struct nhwc_block_f32 *b = &c->block.k;
	int64_t in[NHWC_BLOCK], out[NHWC_BLOCK];
	for (int i = 0; i < b->n; i++)
		if (!block_conv_ok(l, c, i, &in[i], &out[i]))
			return false;
	const struct nhwc_conv_f32 *x = &b->c[0], *y = &b->c[b->n - 1];
	int64_t cin = (int64_t)x->s.groups * x->s.cin, cout = (int64_t)y->s.groups * y->s.cout;
	if (!nhwc_block_f32_fits(b) || x->ld_in < cin || y->ld_out < cout)
		return false;
	nhwc_block_f32_plan(b, threads_of(l));
	return reads(l, c->in, reach(in[0], x->ld_in, cin)) &&
	       writes(l, c->out, reach(out[b->n - 1], y->ld_out, cout)) &&
	       (absent(c->add) || (y->ld_add >= cout &&
				      reads(l, c->add, reach(out[b->n - 1], y->ld_add, cout)))) &&
	       call_scratch(l, c, b->scratch) == OK;
}

/* No window begins outside of the image, none of them before its padding. */
static bool windows_ok(const struct conv_shape *s)
{
	for (int d = 0; d < 3; d++) {
		int64_t span = (int64_t)(s->kernel[d] - 1) * s->dilation[d];
		int64_t last = (int64_t)(s->out[d] - 1) * s->stride[d] - s->pad[d];
		if (s->pad[d] < 0 || s->pad[d] > span || last >= s->in[d])
			return false;
	}
	return true;
}

static bool pool_ok(struct lower *l, struct call *c)
{
	struct nhwc_pool_f32 *k = &c->pool;
	int64_t in, out, n = k->s.groups;
	if (k->s.cin != 1 || k->s.cout != 1 || !shape_fits_int(&k->s, &in, &out) ||
	    !windows_ok(&k->s) || k->ld_in < n || k->ld_out < n)
		return false;
	nhwc_pool_f32_plan(k, threads_of(l));
	return reads(l, c->in, reach(in, k->ld_in, n)) &&
	       writes(l, c->out, reach(out, k->ld_out, n));
}

static bool conv_u8_add_ok(struct lower *l, const struct call *c, int64_t pixels, int64_t cout)
{
	const struct nhwc_conv_u8 *k = &c->conv_u8.k;
	int64_t n = reach(pixels, k->ld_add, cout);
	if (k->add == U8_ADD_NONE)
		return absent(c->add);
	return k->ld_add >= cout &&
	       (k->add == U8_ADD_U8 ? inside(l, c->add, n, 1, false) : reads(l, c->add, n));
}

static bool conv_u8_ok(struct lower *l, struct call *c)
{
	struct nhwc_conv_u8 *k = &c->conv_u8.k;
	int64_t in, out, cin = (int64_t)k->s.groups * k->s.cin;
	int64_t cout = (int64_t)k->s.groups * k->s.cout;
	if (!shape_fits_int(&k->s, &in, &out) || k->ld_in < cin || k->ld_out < cout ||
	    nhwc_conv_u8_choose(&k->s, k->columns) != k->way)
		return false;
	nhwc_conv_u8_plan(k, threads_of(l));
	int64_t n = reach(out, k->ld_out, cout);
	return inside(l, c->in, reach(in, k->ld_in, cin), 1, false) &&
	       (k->out == U8_OUT_U8 ? inside(l, c->out, n, 1, true) : writes(l, c->out, n)) &&
	       inside(l, c->packed, (int64_t)nhwc_conv_u8_packed(k), 64, false) &&
	       reads(l, c->conv_u8.f, (int64_t)nhwc_conv_u8_factors(k)) &&
	       conv_u8_add_ok(l, c, out, cout) && call_scratch(l, c, k->scratch) == OK;
}

static bool pool_u8_ok(struct lower *l, struct call *c)
{
	struct nhwc_pool_u8 *k = &c->pool_u8;
	int64_t in, out, n = k->s.groups;
	if (k->s.cin != 1 || k->s.cout != 1 || !shape_fits_int(&k->s, &in, &out) ||
	    !windows_ok(&k->s) || !nhwc_pool_u8_fits(&k->s) || k->ld_in < n || k->ld_out < n)
		return false;
	nhwc_pool_u8_plan(k, threads_of(l));
	return inside(l, c->in, reach(in, k->ld_in, n), 1, false) &&
	       inside(l, c->out, reach(out, k->ld_out, n), 1, true);
}

static bool move_ok(struct lower *l, struct call *c, bool to_last)
{
	const struct layout_move *m = &c->move;
	int64_t planar = m->size, pixels = 1, all = m->size;
	if (m->size == 3 || m->ld < m->channels ||
	    !FITS(&planar, IMAGE_LARGE, m->batch, m->channels, m->pixels) ||
	    !FITS(&pixels, IMAGE_SMALL, m->batch, m->pixels) ||
	    !FITS(&all, IMAGE_LARGE, m->ld, pixels))
		return false;
	int64_t last = reach(pixels, m->ld, m->channels) * m->size;
	return inside(l, c->in, to_last ? planar : last, m->size, false) &&
	       inside(l, c->out, to_last ? last : planar, m->size, true);
}

static bool to_channels_last_ok(struct lower *l, struct call *c)
{
	return move_ok(l, c, true);
}

static bool to_row_major_ok(struct lower *l, struct call *c)
{
	return move_ok(l, c, false);
}

static bool copy_ok(struct lower *l, struct call *c)
{
	const struct copy *k = &c->copy;
	int64_t from = k->from, to = k->to;
	if (!k->count)
		return true;
	return (k->count == 1 || k->to >= k->size) && FITS(&from, IMAGE_LARGE, k->count - 1) &&
	       FITS(&to, IMAGE_LARGE, k->count - 1) && k->count <= from + to + 1 &&
	       inside(l, c->in, from + k->size, 1, false) &&
	       inside(l, c->out, to + k->size, 1, true);
}

/* ---- bytes ---- */

/* Rows from r on, of elements of so many bytes. */
static bool rows_ok(
    struct lower *l, struct ref r, const struct quant_u8 *k, int64_t ld, int size, bool write)
{
	int64_t far = ld;
	return ld >= k->n && FITS(&far, IMAGE_LARGE, k->rows - 1) && far <= IMAGE_LARGE - k->n &&
	       inside(l, r, (far + k->n) * size, size, write);
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

static bool quantize_ok(struct lower *l, struct call *c)
{
	return quant_ok(l, c, sizeof(float), 1, false);
}

static bool dequantize_ok(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, sizeof(float), false);
}

static bool requantize_ok(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, 1, false);
}

static bool add_u8_ok(struct lower *l, struct call *c)
{
	return quant_ok(l, c, 1, 1, true);
}

/* ---- matrices ---- */

static bool matmul_ok(struct lower *l, struct call *c)
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
	matmul_f32_plan(k, threads_of(l));
	return reads(l, c->in, a) && reads(l, c->matmul.b, b) && writes(l, c->out, size) &&
	       call_scratch(l, c, k->scratch * sizeof(float)) == OK;
}

static bool linear_cw_ok(struct lower *l, struct call *c)
{
	struct linear_cw *k = &c->linear_cw;
	bool groups = k->k % k->group == 0 &&
		      (k->type != CW_I4 || k->group == k->k || k->group % 8 == 0) &&
		      (k->type != CW_F16 || (k->group == k->k && !k->zero));
	int64_t in = k->ld_in, out = k->ld_out, all = 1;
	if (!groups || k->ld_in < k->k || k->ld_out < k->n || !FITS(&in, IMAGE_LARGE, k->m) ||
	    !FITS(&out, IMAGE_LARGE, k->m) || !FITS(&all, IMAGE_LARGE, k->k, k->n))
		return false;
	linear_cw_plan(k, threads_of(l));
	return reads(l, c->in, reach(k->m, k->ld_in, k->k)) &&
	       writes(l, c->out, reach(k->m, k->ld_out, k->n)) &&
	       inside(l, c->packed, (int64_t)linear_cw_packed(k), 64, false) &&
	       (absent(c->bias) || reads(l, c->bias, k->n)) &&
	       (absent(c->add) ||
		   (k->ld_add >= k->n && reads(l, c->add, reach(k->m, k->ld_add, k->n)))) &&
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

static bool recurrent_ok(struct lower *l, struct call *c)
{
	struct recurrent_f32 *k = &c->recurrent.k;
	int64_t states = (int64_t)k->batch * k->dirs, x = (int64_t)k->batch * k->steps;
	int bits = c->recurrent.length;
	bool lstm = k->kind == RECURRENT_LSTM;
	if (!recurrent_sizes_ok(k) || (k->reset_last && k->kind != RECURRENT_GRU) ||
	    (bits && bits != 32 && bits != 64))
		return false;
	recurrent_f32_plan(k, threads_of(l));
	states *= k->hidden;
	return reads(l, c->in, x * k->input) && reads(l, c->recurrent.h0, states) &&
	       (!lstm || reads(l, c->recurrent.c0, states)) &&
	       (!bits || inside(l, c->recurrent.lengths, (int64_t)k->batch * bits / 8, bits / 8,
			     false)) &&
	       inside(l, c->packed, (int64_t)recurrent_f32_packed_inputs(k), 64, false) &&
	       inside(l, c->recurrent.states, (int64_t)recurrent_f32_packed_states(k), 64, false) &&
	       reads(l, c->bias, (int64_t)k->dirs * recurrent_gates(k->kind) * k->hidden) &&
	       (!k->reset_last || reads(l, c->recurrent.reset, (int64_t)k->dirs * k->hidden)) &&
	       (absent(c->out) || writes(l, c->out, states * k->steps)) &&
	       writes(l, c->recurrent.h, states) && (!lstm || writes(l, c->recurrent.c, states)) &&
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
	return a->mask == MASK_ADD ? reads(l, mask, n) : inside(l, mask, n, 1, false);
}

/* Floats of operand t or the result, which has so many rows for a head; -1 for too many. */
static int64_t attention_reach(const struct attention_f32 *a, int t, int rows, int cols)
{
	int64_t n = a->row[t], heads = heads_reach(a, t);
	if (heads < 0 || !FITS(&n, IMAGE_LARGE, rows - 1))
		return -1;
	return heads + n + cols;
}

static bool attention_ok(struct lower *l, struct call *c)
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
		if (n < 0 || !reads(l, c->attention.in[t], n))
			return false;
	}
	if (!mask_ok(l, a, c->attention.in[3]))
		return false;
	attention_f32_plan(a, threads_of(l));
	return writes(l, c->out, out) && call_scratch(l, c, a->scratch) == OK;
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

static bool chain_ok(struct lower *l, struct call *c)
{
	struct chain_f32 *k = &c->chain.k;
	int64_t all = 1;
	if (k->out.col != 1 || !FITS(&all, IMAGE_LARGE, k->outer, k->rows, k->cols) ||
	    k->outer * k->rows > IMAGE_SMALL)
		return false;
	for (int i = 0; i < k->noperands && all; i++)
		if (!reads(l, c->chain.operand[i], walked(k, &k->operand[i])))
			return false;
	/* each result has a place of its own, so that the work is no more than the memory */
	return !all || (all <= walked(k, &k->out) && reads(l, c->in, walked(k, &k->in)) &&
			   writes(l, c->out, walked(k, &k->out)));
}

static bool norm_ok(struct lower *l, struct call *c)
{
	const struct norm_f32 *k = &c->norm.k;
	int64_t all = k->n;
	if (!FITS(&all, IMAGE_LARGE, k->rows))
		return false;
	return (absent(c->norm.gamma) || reads(l, c->norm.gamma, k->n)) &&
	       (absent(c->norm.beta) || reads(l, c->norm.beta, k->n)) && reads(l, c->in, all) &&
	       writes(l, c->out, all);
}

/* ---- eval ---- */

static bool overlaps(struct ref a, int64_t na, struct ref b, int64_t nb)
{
	return a.buffer && a.buffer == b.buffer && a.offset < b.offset + nb &&
	       b.offset < a.offset + na;
}

/* Every operand in its buffer, no result in an operand or another result. */
static bool eval_operands_ok(struct lower *l, const struct call *c, int nin, int nout)
{
	const struct tensor *t = c->eval.t;
	const struct ref *ref = c->eval.ref;
	for (int k = 0; k < nin + nout; k++) {
		int bits = dtype_bits(t[k].type);
		if (t[k].type == DT_NONE) {
			if (k >= nin)
				return false;
			continue;
		}
		if (!inside(
			l, ref[k], (int64_t)tensor_bytes(&t[k]), bits < 8 ? 1 : bits / 8, k >= nin))
			return false;
		for (int i = 0; i < k && k >= nin; i++)
			if (overlaps(ref[i], (int64_t)tensor_bytes(&t[i]), ref[k],
				(int64_t)tensor_bytes(&t[k])))
				return false;
	}
	return true;
}

static void describe(const struct lower *l, const struct call *c, int nin, struct tensor *t,
    struct infer_in *in, struct arena *a)
{
	for (int k = 0; k < nin; k++) {
		const struct buffer *b = &l->p->buffer[c->eval.ref[k].buffer];
		t[k] = c->eval.t[k];
		in[k] = (struct infer_in){.shape = shape_unknown()};
		if (t[k].type == DT_NONE)
			continue;
		in[k].type = t[k].type;
		in[k].shape = tensor_shape(&t[k]);
		if (b->kind != BUFFER_FIXED)
			continue;
		t[k].data = (char *)b->at + c->eval.ref[k].offset;
		in[k].tensor = &t[k];
		in[k].elems = tensor_elems(&t[k], a);
	}
}

static bool same(const struct info *info, const struct tensor *t)
{
	return info->type == t->type && shape_fits(&info->shape, t->rank, t->dim) &&
	       shape_static(&info->shape);
}

/* Do the results have the sizes that follow from the operands? */
static int eval_follows(struct lower *l, const struct call *c, struct arena *a)
{
	const struct node *n = c->node;
	struct infer_in *in = arena_array(a, (size_t)n->nin + 1, sizeof *in);
	struct tensor *t = arena_array(a, (size_t)n->nin + 1, sizeof *t);
	struct info *out = arena_array(a, (size_t)n->nout + 1, sizeof *out);
	if (!in || !t || !out)
		return fail_nomem(l->err);
	describe(l, c, n->nin, t, in, a);
	for (int k = 0; k < n->nout; k++)
		out[k].shape = shape_unknown();
	struct infer s = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = in,
	    .out = out,
	    .arena = a,
	    .err = l->err};
	int status = n->op->infer(&s);
	for (int k = 0; k < n->nout && status == OK; k++)
		if (!same(&out[k], &c->eval.t[n->nin + k]))
			status = fail(l->err, E_FORMAT, "output %d does not follow", k);
	return status;
}

static int check_eval(struct lower *l, const struct call *c)
{
	const struct node *n = c->node;
	if ((n->op->flags & (OPF_DATA_SHAPE | OPF_SINK)) || has_variable(n) ||
	    node_is(n, OP_CONST) || node_is(n, OP_PARAMETER) ||
	    !eval_operands_ok(l, c, n->nin, n->nout))
		return fail(l->err, E_FORMAT, "its operands do not fit");
	struct arena *a = arena_new();
	int status = a ? eval_follows(l, c, a) : fail_nomem(l->err);
	arena_free(a);
	return status;
}

int image_check(struct lower *l, struct call *c, struct err *err)
{
	static bool (*const checks[CALL_KINDS])(struct lower *, struct call *) = {
#define CALL(kind, stem, fields, name) [CALL_##kind] = stem##_ok,
#define CALL_RUN(kind, stem, name)
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
	};
	if (c->kind == CALL_EVAL)
		return check_eval(l, c);
	if (checks[c->kind] && checks[c->kind](l, c))
		return OK;
	return fail(err, E_FORMAT, "the operands of %s do not fit", call_name(c->kind));
}
