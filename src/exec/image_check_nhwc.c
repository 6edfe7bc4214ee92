/* Checks of calls that were read from an image: images with channels last, in floats and bytes. */
#include "exec/image_check.h"

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

/* Does it lie as the kernel reads it? Planes have no gaps. */
static bool input_ok(const struct nhwc_conv_f32 *k)
{
	int64_t cin = (int64_t)k->s.groups * k->s.cin;
	return k->planes ? k->ld_in == cin && nhwc_conv_f32_reads_planes(&k->s, k->way)
			 : k->ld_in >= cin;
}

bool image_check_conv(struct lower *l, struct call *c)
{
	struct nhwc_conv_f32 *k = &c->conv;
	int64_t in, out, cin = (int64_t)k->s.groups * k->s.cin;
	int64_t cout = (int64_t)k->s.groups * k->s.cout;
	if (!shape_fits_int(&k->s, &in, &out) || !input_ok(k) || k->ld_out < cout ||
	    !nhwc_conv_f32_fits(&k->s, k->way))
		return false;
	nhwc_conv_f32_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(in, k->ld_in, cin)) &&
	       operand_writes(l, c->out, operand_reach(out, k->ld_out, cout)) &&
	       operand_inside(l, c->packed, (int64_t)nhwc_conv_f32_packed(k), 64, false) &&
	       (operand_absent(c->bias) || operand_reads(l, c->bias, cout)) &&
	       (operand_absent(c->add) ||
		   (k->ld_add >= cout &&
		       operand_reads(l, c->add, operand_reach(out, k->ld_add, cout)))) &&
	       call_scratch(l, c, k->scratch) == OK;
}

bool image_check_deconv(struct lower *l, struct call *c)
{
	struct nhwc_deconv_f32 *k = &c->deconv;
	int64_t in, out, cin = (int64_t)k->g.s.groups * k->g.s.cin;
	int64_t cout = (int64_t)k->g.s.groups * k->g.s.cout;
	if (!shape_fits_int(&k->g.s, &in, &out) || k->ld_in < cin || k->ld_out < cout ||
	    !deconv_fits(&k->g.s))
		return false;
	nhwc_deconv_f32_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(in, k->ld_in, cin)) &&
	       operand_writes(l, c->out, operand_reach(out, k->ld_out, cout)) &&
	       operand_inside(l, c->packed, (int64_t)nhwc_deconv_f32_packed(k), 64, false) &&
	       (operand_absent(c->bias) || operand_reads(l, c->bias, cout)) &&
	       call_scratch(l, c, k->scratch) == OK;
}

/* A table must not lead outside of the image: it is looked through. */
static bool resize_table_ok(struct lower *l, const struct call *c, int d)
{
	struct ref r = c->resize.table[d];
	const struct buffer *b = &l->p->buffer[r.buffer];
	const struct nhwc_resize_f32 *k = &c->resize.k;
	return operand_inside(l, r, (int64_t)nhwc_resize_f32_table(k, d), 4, false) &&
	       b->kind == BUFFER_FIXED &&
	       nhwc_resize_f32_inside(k, d, (const char *)b->at + r.offset);
}

bool image_check_resize(struct lower *l, struct call *c)
{
	struct nhwc_resize_f32 *k = &c->resize.k;
	int64_t in = 1, out = 1;
	if (!FITS(&in, IMAGE_SMALL, k->batch, k->in[0], k->in[1]) ||
	    !FITS(&out, IMAGE_SMALL, k->batch, k->out[0], k->out[1]) || k->ld_in < k->n ||
	    k->ld_out < k->n || (int64_t)k->in[1] * k->n > IMAGE_SMALL)
		return false;
	nhwc_resize_f32_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(in, k->ld_in, k->n)) &&
	       operand_writes(l, c->out, operand_reach(out, k->ld_out, k->n)) &&
	       resize_table_ok(l, c, 0) && resize_table_ok(l, c, 1) &&
	       call_scratch(l, c, k->scratch) == OK;
}

bool image_check_pick(struct lower *l, struct call *c)
{
	const struct pixel_pick *k = &c->pick.k;
	const struct buffer *b = &l->p->buffer[c->pick.table.buffer];
	int64_t in = 1, out = 1;
	if ((k->size != 1 && k->size != 4) ||
	    !FITS(&in, IMAGE_SMALL, k->batch, k->in[0], k->in[1]) ||
	    !FITS(&out, IMAGE_SMALL, k->batch, k->out[0], k->out[1]) || k->ld_in < k->n ||
	    k->ld_out < k->n)
		return false;
	int64_t from = operand_reach(in, k->ld_in, k->n) * k->size;
	int64_t to = operand_reach(out, k->ld_out, k->n) * k->size;
	return operand_inside(l, c->in, from, k->size, false) &&
	       operand_inside(l, c->out, to, k->size, true) &&
	       operand_inside(l, c->pick.table, (int64_t)pixel_pick_table(k), 4, false) &&
	       b->kind == BUFFER_FIXED &&
	       pixel_pick_inside(k, (const void *)((const char *)b->at + c->pick.table.offset));
}

bool image_check_lrn(struct lower *l, struct call *c)
{
	struct nhwc_lrn_f32 *k = &c->lrn;
	if (k->ld_in < k->n || k->ld_out < k->n)
		return false;
	nhwc_lrn_f32_plan(k, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(k->rows, k->ld_in, k->n)) &&
	       operand_writes(l, c->out, operand_reach(k->rows, k->ld_out, k->n)) &&
	       call_scratch(l, c, k->scratch) == OK;
}

/* A convolution of a block: only what it reads of constants, and its geometry. */
static bool block_conv_ok(struct lower *l, const struct call *c, int i, int64_t *in, int64_t *out)
{
	struct nhwc_conv_f32 k = c->block.k.c[i];
	int64_t cout = (int64_t)k.s.groups * k.s.cout;
	if (!shape_fits_int(&k.s, in, out) || !nhwc_conv_f32_fits(&k.s, k.way) || (i && k.planes))
		return false;
	nhwc_conv_f32_plan(&k, 1);
	return operand_inside(
		   l, c->block.packed[i], (int64_t)nhwc_conv_f32_packed(&k), 64, false) &&
	       (operand_absent(c->block.bias[i]) || operand_reads(l, c->block.bias[i], cout));
}

bool image_check_block(struct lower *l, struct call *c)
{
	struct nhwc_block_f32 *b = &c->block.k;
	int64_t in[NHWC_BLOCK], out[NHWC_BLOCK];
	for (int i = 0; i < b->n; i++)
		if (!block_conv_ok(l, c, i, &in[i], &out[i]))
			return false;
	const struct nhwc_conv_f32 *x = &b->c[0], *y = &b->c[b->n - 1];
	int64_t cin = (int64_t)x->s.groups * x->s.cin, cout = (int64_t)y->s.groups * y->s.cout;
	if (!nhwc_block_f32_fits(b) || !input_ok(x) || y->ld_out < cout)
		return false;
	nhwc_block_f32_plan(b, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, operand_reach(in[0], x->ld_in, cin)) &&
	       operand_writes(l, c->out, operand_reach(out[b->n - 1], y->ld_out, cout)) &&
	       (operand_absent(c->add) ||
		   (y->ld_add >= cout &&
		       operand_reads(l, c->add, operand_reach(out[b->n - 1], y->ld_add, cout)))) &&
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

static bool pool_ok(const struct nhwc_pool *k, int64_t *in, int64_t *out)
{
	int64_t n = k->s.groups, pixels_in, pixels_out;
	if (k->s.cin != 1 || k->s.cout != 1 || !shape_fits_int(&k->s, &pixels_in, &pixels_out) ||
	    !windows_ok(&k->s) || k->ld_in < n || k->ld_out < n)
		return false;
	*in = operand_reach(pixels_in, k->ld_in, n);
	*out = operand_reach(pixels_out, k->ld_out, n);
	return true;
}

bool image_check_pool(struct lower *l, struct call *c)
{
	int64_t in, out;
	if (!pool_ok(&c->pool, &in, &out))
		return false;
	nhwc_pool_f32_plan(&c->pool, pool_size(l->e->o.pool));
	return operand_reads(l, c->in, in) && operand_writes(l, c->out, out);
}

bool image_check_pool_u8(struct lower *l, struct call *c)
{
	int64_t in, out;
	if (!pool_ok(&c->pool, &in, &out) || !nhwc_pool_u8_fits(&c->pool.s))
		return false;
	nhwc_pool_u8_plan(&c->pool, pool_size(l->e->o.pool));
	return operand_inside(l, c->in, in, 1, false) && operand_inside(l, c->out, out, 1, true);
}

static bool conv_u8_add_ok(struct lower *l, const struct call *c, int64_t pixels, int64_t cout)
{
	const struct nhwc_conv_u8 *k = &c->conv_u8.k;
	int64_t n = operand_reach(pixels, k->ld_add, cout);
	if (k->add == U8_ADD_NONE || k->way == CONV_TRANSPOSED)
		return k->add == U8_ADD_NONE && operand_absent(c->add);
	return k->ld_add >= cout && (k->add == U8_ADD_U8 ? operand_inside(l, c->add, n, 1, false)
							 : operand_reads(l, c->add, n));
}

bool image_check_conv_u8(struct lower *l, struct call *c)
{
	struct nhwc_conv_u8 *k = &c->conv_u8.k;
	int64_t in, out, cin = (int64_t)k->s.groups * k->s.cin;
	int64_t cout = (int64_t)k->s.groups * k->s.cout;
	if (!shape_fits_int(&k->s, &in, &out) || k->ld_in < cin || k->ld_out < cout ||
	    !nhwc_conv_u8_fits(&k->s, k->floats, k->way))
		return false;
	nhwc_conv_u8_plan(k, pool_size(l->e->o.pool));
	int64_t n = operand_reach(out, k->ld_out, cout);
	return operand_inside(l, c->in, operand_reach(in, k->ld_in, cin), 1, false) &&
	       (k->out == U8_OUT_U8 ? operand_inside(l, c->out, n, 1, true)
				    : operand_writes(l, c->out, n)) &&
	       operand_inside(l, c->packed, (int64_t)nhwc_conv_u8_packed(k), 64, false) &&
	       operand_reads(l, c->conv_u8.f, (int64_t)nhwc_conv_u8_factors(k)) &&
	       conv_u8_add_ok(l, c, out, cout) && call_scratch(l, c, k->scratch) == OK;
}
