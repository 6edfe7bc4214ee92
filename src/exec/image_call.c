/* What the image of a call holds (calls.def): what lowering decided. What kernels derive from it is
 * not there, but derived anew, so that any number of threads can run it. */
#include "exec/image.h"

static void ref_io(struct image *im, struct ref *r)
{
	int buffer = (int)r->buffer;
	image_int(im, &buffer, 0, im->load ? im->nbuffers - 1 : INT_MAX);
	image_i64(im, &r->offset, 0, IMAGE_LARGE);
	r->buffer = (uint32_t)buffer;
}

static void ints(struct image *im, int *v, int n, int least, int most)
{
	for (int i = 0; i < n; i++)
		image_int(im, &v[i], least, most);
}

static void longs(struct image *im, int64_t *v, int n, int64_t most)
{
	for (int i = 0; i < n; i++)
		image_i64(im, &v[i], 0, most);
}

static void shape_io(struct image *im, struct conv_shape *s)
{
	int *const sizes[] = {s->in, s->kernel, s->out, s->stride, s->dilation};
	image_int(im, &s->batch, 1, IMAGE_SMALL);
	image_int(im, &s->groups, 1, IMAGE_SMALL);
	image_int(im, &s->cin, 1, IMAGE_SMALL);
	image_int(im, &s->cout, 1, IMAGE_SMALL);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		ints(im, sizes[i], 3, 1, IMAGE_SMALL);
	ints(im, s->pad, 3, -IMAGE_SMALL, IMAGE_SMALL);
}

static void act_io(struct image *im, int *act, float *a, float *b)
{
	image_int(im, act, SPAN_NONE, SPAN_OPS - 1);
	im->bad |= *act != SPAN_NONE && *act < SPAN_CLAMP; /* those of two operands */
	image_float(im, a);
	image_float(im, b);
}

static void chain_op_io(struct image *im, struct chain_op *o, int noperands)
{
	int op = o->op, y = o->y;
	image_int(im, &op, SPAN_NONE + 1, CHAIN_ALL - 1);
	image_bool(im, &o->constant);
	o->op = (uint8_t)op;
	int n = chain_op_operands(o);
	image_int(im, &y, 0, n ? noperands - n : CHAIN_OPERANDS - 1);
	image_float(im, &o->a);
	image_float(im, &o->b);
	image_float(im, &o->c);
	image_float(im, &o->d);
	image_float(im, &o->top);
	o->y = (uint8_t)y;
}

static bool bytes_last(const struct chain_op *op, int n)
{
	for (int i = 0; i < n - 1; i++)
		if (op[i].op == CHAIN_BYTES)
			return false;
	return true;
}

static void nhwc_conv_io(struct image *im, struct nhwc_conv_f32 *k)
{
	shape_io(im, &k->s);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_add, 0, IMAGE_SMALL);
	image_bool(im, &k->planes);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
	image_int(im, &k->way, CONV_IGEMM, CONV_WAYS - 1);
	act_io(im, &k->act, &k->act_a, &k->act_b);
}

static void conv_io(struct image *im, struct call *c)
{
	nhwc_conv_io(im, &c->conv);
}

static void block_io(struct image *im, struct call *c)
{
	image_int(im, &c->block.k.n, 2, NHWC_BLOCK);
	for (int i = 0; i < c->block.k.n; i++) {
		nhwc_conv_io(im, &c->block.k.c[i]);
		ref_io(im, &c->block.packed[i]);
		ref_io(im, &c->block.bias[i]);
	}
}

static void deconv_io(struct image *im, struct call *c)
{
	struct nhwc_deconv_f32 *k = &c->deconv;
	shape_io(im, &k->g.s);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
	image_int(im, &k->act, SPAN_NONE, SPAN_OPS - 1);
	im->bad |= k->act != SPAN_NONE && k->act < SPAN_CLAMP;
	image_float(im, &k->act_a);
	image_float(im, &k->act_b);
}

static void resize_io(struct image *im, struct call *c)
{
	struct nhwc_resize_f32 *k = &c->resize.k;
	image_int(im, &k->batch, 1, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	ints(im, k->in, 2, 1, IMAGE_SMALL);
	ints(im, k->out, 2, 1, IMAGE_SMALL);
	ints(im, k->taps, 2, 1, RESIZE_TAPS);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	for (int d = 0; d < 2; d++)
		ref_io(im, &c->resize.table[d]);
}

static void lrn_io(struct image *im, struct call *c)
{
	struct nhwc_lrn_f32 *k = &c->lrn;
	int *const sizes[] = {&k->rows, &k->n, &k->size};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		image_int(im, sizes[i], 1, IMAGE_SMALL);
	image_float(im, &k->scale);
	image_float(im, &k->beta);
	image_float(im, &k->bias);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
}

static void pool_io(struct image *im, struct call *c)
{
	struct nhwc_pool *k = &c->pool;
	shape_io(im, &k->s);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_int(im, &k->kind, POOL_MAX, POOL_AVG);
	image_bool(im, &k->exclude_pad);
	ints(im, k->pad_end, 3, -IMAGE_SMALL, IMAGE_SMALL);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
	image_int(im, &k->zero, 0, 255);
}

static void conv_u8_io(struct image *im, struct call *c)
{
	struct nhwc_conv_u8 *k = &c->conv_u8.k;
	ref_io(im, &c->conv_u8.f);
	shape_io(im, &k->s);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_add, 0, IMAGE_SMALL);
	image_int(im, &k->zero, 0, 255);
	image_int(im, &k->out, U8_OUT_F32, U8_OUT_U8);
	image_int(im, &k->add, U8_ADD_NONE, U8_ADD_U8);
	image_bool(im, &k->floats);
	image_bool(im, &k->apart);
	image_int(im, &k->levels, 0, CONV_U8_LEVELS);
	for (int i = 0; i <= k->levels; i++) {
		image_float(im, &k->lo[i]);
		image_float(im, &k->hi[i]);
	}
	image_int(im, &k->rounded, 0, (1 << CONV_U8_LEVELS) - 1);
	image_int(im, &k->sums, U8_SUM_FUSED, U8_SUM_SCALED);
	float *const floats[] = {&k->scale, &k->shift, &k->add_zero, &k->sum_scale, &k->sum_shift};
	for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
		image_float(im, floats[i]);
	image_int(im, &k->tail.nops, 0, TAIL_OPS);
	image_int(im, &k->tail.rows, 0, TAIL_ROWS);
	for (int i = 0; i < k->tail.nops; i++)
		chain_op_io(im, &k->tail.op[i], k->tail.rows);
	im->bad |= !bytes_last(k->tail.op, k->tail.nops) ||
		   (k->tail.nops &&
		       chain_ends_in_bytes(k->tail.op, k->tail.nops) != (k->out == U8_OUT_U8));
	image_int(im, &k->way, CONV_IGEMM, CONV_TRANSPOSED);
}

static void code_io(struct image *im, struct u8_code *k)
{
	image_float(im, &k->scale);
	image_int(im, &k->zero, 0, 255);
}

static void quant_io(struct image *im, struct call *c)
{
	struct quant_u8 *k = &c->quant;
	image_i64(im, &k->rows, 0, IMAGE_LARGE);
	image_i64(im, &k->n, 0, IMAGE_LARGE);
	image_i64(im, &k->ld_a, 0, IMAGE_LARGE);
	image_i64(im, &k->ld_b, 0, IMAGE_LARGE);
	image_i64(im, &k->ld_out, 0, IMAGE_LARGE);
	code_io(im, &k->a);
	code_io(im, &k->b);
	code_io(im, &k->out);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
}

static void matmul_io(struct image *im, struct call *c)
{
	struct matmul_f32 *k = &c->matmul.q;
	ref_io(im, &c->matmul.b);
	image_int(im, &k->m, 1, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	image_int(im, &k->k, 1, IMAGE_SMALL);
	image_bool(im, &k->transpose_a);
	image_bool(im, &k->transpose_b);
	image_int(im, &k->na, 1, IMAGE_SMALL);
	image_int(im, &k->nb, 1, IMAGE_SMALL);
	image_int(im, &k->nbatch, 0, MATMUL_BATCH);
	ints(im, k->dim, k->nbatch, 1, IMAGE_SMALL);
	ints(im, k->step[0], k->nbatch, 0, IMAGE_SMALL);
	ints(im, k->step[1], k->nbatch, 0, IMAGE_SMALL);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
}

static void linear_cw_io(struct image *im, struct call *c)
{
	struct linear_cw *k = &c->linear_cw;
	image_int(im, &k->m, 1, IMAGE_SMALL);
	image_int(im, &k->k, 1, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_add, 0, IMAGE_SMALL);
	image_float(im, &k->lo);
	image_float(im, &k->hi);
	act_io(im, &k->act, &k->act_a, &k->act_b);
	image_int(im, &k->type, 0, CW_TYPES - 1);
	image_int(im, &k->group, 1, IMAGE_SMALL);
	image_bool(im, &k->zero);
}

static void recurrent_io(struct image *im, struct call *c)
{
	struct recurrent_f32 *k = &c->recurrent.k;
	struct ref *const refs[] = {&c->recurrent.h0, &c->recurrent.c0, &c->recurrent.lengths,
	    &c->recurrent.states, &c->recurrent.reset, &c->recurrent.h, &c->recurrent.c};
	int *const sizes[] = {&k->batch, &k->steps, &k->input, &k->hidden};
	image_int(im, &k->kind, 0, RECURRENT_KINDS - 1);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		image_int(im, sizes[i], 1, IMAGE_SMALL);
	image_int(im, &k->dirs, 1, 2);
	image_bool(im, &k->reverse);
	image_bool(im, &k->reset_last);
	image_float(im, &k->clip);
	for (int i = 0; i < RECURRENT_ACTS; i++) {
		act_io(im, &k->act[i], &k->act_a[i], &k->act_b[i]);
		im->bad |= k->act[i] == SPAN_NONE;
	}
	image_int(im, &c->recurrent.length, 0, 64);
	for (size_t i = 0; i < sizeof refs / sizeof *refs; i++)
		ref_io(im, refs[i]);
}

static void attention_io(struct image *im, struct call *c)
{
	struct attention_f32 *k = &c->attention.k;
	int mask = (int)k->mask;
	for (int i = 0; i < 4; i++)
		ref_io(im, &c->attention.in[i]);
	int *const sizes[] = {&k->m, &k->n, &k->k, &k->width, &k->heads};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		image_int(im, sizes[i], 1, IMAGE_SMALL);
	image_int(im, &k->nbatch, 0, ATTENTION_BATCH);
	ints(im, k->dim, k->nbatch, 1, IMAGE_SMALL);
	for (int i = 0; i < ATTENTION_ALL; i++)
		longs(im, k->step[i], k->nbatch, IMAGE_LARGE);
	longs(im, k->row, ATTENTION_ALL, IMAGE_LARGE);
	image_int(im, &mask, MASK_NONE, MASK_KEEP);
	k->mask = mask == MASK_ADD ? MASK_ADD : mask == MASK_KEEP ? MASK_KEEP : MASK_NONE;
	image_int(im, &k->mask_row, 0, IMAGE_SMALL);
	image_int(im, &k->mask_col, 0, 1);
	image_bool(im, &k->causal);
	image_float(im, &k->scale);
}

static void move_io(struct image *im, struct call *c)
{
	struct layout_move *k = &c->move;
	image_i64(im, &k->batch, 1, IMAGE_SMALL);
	image_i64(im, &k->channels, 1, IMAGE_SMALL);
	image_i64(im, &k->pixels, 1, IMAGE_SMALL);
	image_i64(im, &k->ld, 1, IMAGE_SMALL);
	image_int(im, &k->size, 1, 4);
}

static void copy_io(struct image *im, struct call *c)
{
	image_i64(im, &c->copy.size, 0, IMAGE_LARGE);
	for (int d = 0; d < COPY_DIMS; d++) {
		image_i64(im, &c->copy.count[d], 1, IMAGE_LARGE);
		image_i64(im, &c->copy.from[d], 0, IMAGE_LARGE);
		image_i64(im, &c->copy.to[d], 0, IMAGE_LARGE);
	}
}

static void shuffle_io(struct image *im, struct call *c)
{
	struct channel_shuffle *k = &c->shuffle;
	image_i64(im, &k->pixels, 1, IMAGE_SMALL);
	image_int(im, &k->groups, 2, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	image_i64(im, &k->ld_a, 1, IMAGE_SMALL);
	image_i64(im, &k->ld_b, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 1, IMAGE_SMALL);
	image_int(im, &k->size, 1, 4);
}

static void pick_io(struct image *im, struct call *c)
{
	struct pixel_pick *k = &c->pick.k;
	image_int(im, &k->batch, 1, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	ints(im, k->in, 2, 1, IMAGE_SMALL);
	ints(im, k->out, 2, 1, IMAGE_SMALL);
	image_i64(im, &k->ld_in, 0, IMAGE_SMALL);
	image_i64(im, &k->ld_out, 0, IMAGE_SMALL);
	image_int(im, &k->size, 1, 4);
	image_int(im, &k->fill, 0, 255);
	ref_io(im, &c->pick.table);
}

static void walk_io(struct image *im, struct chain_walk *w)
{
	image_i64(im, &w->outer, 0, IMAGE_LARGE);
	image_i64(im, &w->row, 0, IMAGE_LARGE);
	image_int(im, &w->col, 0, 1);
}

static void chain_io(struct image *im, struct call *c)
{
	struct chain_f32 *k = &c->chain.k;
	image_i64(im, &k->outer, 0, IMAGE_LARGE);
	image_i64(im, &k->rows, 0, IMAGE_LARGE);
	image_i64(im, &k->cols, 0, IMAGE_LARGE);
	image_int(im, &k->nops, 0, CHAIN_OPS);
	image_int(im, &k->noperands, 0, CHAIN_OPERANDS);
	walk_io(im, &k->in);
	walk_io(im, &k->out);
	for (int i = 0; i < k->noperands; i++) {
		walk_io(im, &k->operand[i]);
		ref_io(im, &c->chain.operand[i]);
	}
	for (int i = 0; i < k->nops; i++)
		chain_op_io(im, &k->op[i], k->noperands);
	im->bad |= !bytes_last(k->op, k->nops);
}

static void norm_io(struct image *im, struct call *c)
{
	struct norm_f32 *k = &c->norm.k;
	int kind = (int)k->kind;
	ref_io(im, &c->norm.gamma);
	ref_io(im, &c->norm.beta);
	image_int(im, &kind, NORM_SOFTMAX, NORM_MEAN);
	k->kind = kind == NORM_MVN ? NORM_MVN : kind == NORM_MEAN ? NORM_MEAN : NORM_SOFTMAX;
	image_i64(im, &k->rows, 1, IMAGE_SMALL);
	image_int(im, &k->n, 1, IMAGE_SMALL);
	image_i64(im, &k->apart, 1, IMAGE_SMALL);
	im->bad |= k->apart > 1 && (k->kind != NORM_SOFTMAX || k->rows % k->apart);
	image_bool(im, &k->variance);
	image_bool(im, &k->inside_sqrt);
	image_float(im, &k->eps);
}

static void eval_io(struct image *im, struct call *c, int n)
{
	if (im->load) {
		c->eval.t = arena_array(im->arena, (size_t)n + 1, sizeof *c->eval.t);
		c->eval.ref = arena_array(im->arena, (size_t)n + 1, sizeof *c->eval.ref);
		im->bad |= !c->eval.t || !c->eval.ref;
	}
	for (int i = 0; i < n && !image_fails(im); i++) {
		image_tensor(im, &c->eval.t[i]);
		ref_io(im, &c->eval.ref[i]);
	}
}

/* A struct that grows has a field that its function above does not know yet. */
_Static_assert(sizeof(struct nhwc_conv_f32) == 200, "conv_io");
_Static_assert(sizeof(struct nhwc_block_f32) == 688, "block_io");
_Static_assert(sizeof(struct nhwc_deconv_f32) == 184, "deconv_io");
_Static_assert(sizeof(struct nhwc_resize_f32) == 72, "resize_io");
_Static_assert(sizeof(struct nhwc_lrn_f32) == 64, "lrn_io");
_Static_assert(sizeof(struct nhwc_pool) == 152, "pool_io");
_Static_assert(sizeof(struct nhwc_conv_u8) == 632, "conv_u8_io");
_Static_assert(sizeof(struct quant_u8) == 72, "quant_io");
_Static_assert(sizeof(struct matmul_f32) == 240, "matmul_io");
_Static_assert(sizeof(struct linear_cw) == 112, "linear_cw_io");
_Static_assert(sizeof(struct recurrent_f32) == 312, "recurrent_io");
_Static_assert(sizeof(struct attention_f32) == 392, "attention_io");
_Static_assert(sizeof(struct chain_f32) == 992, "chain_io");
_Static_assert(sizeof(struct norm_f32) == 40, "norm_io");
_Static_assert(sizeof(struct layout_move) == 40, "move_io");
_Static_assert(sizeof(struct copy) == 80, "copy_io");
_Static_assert(sizeof(struct channel_shuffle) == 48, "shuffle_io");
_Static_assert(sizeof(struct pixel_pick) == 48, "pick_io");

static void (*const kernels[CALL_KINDS])(struct image *, struct call *) = {
#define CALL(kind, stem, fields, name) [CALL_##kind] = fields##_io,
#define CALL_RUN(kind, stem, name)
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
};

bool image_call(struct image *im, struct call *c, int nin, int nout)
{
	int kind = (int)c->kind;
	image_int(im, &kind, 0, CALL_KINDS - 1);
	c->kind = (enum call_kind)kind;
	if (c->kind != CALL_EVAL && !kernels[c->kind])
		return false;
	struct ref *const refs[] = {&c->in, &c->out, &c->add, &c->packed, &c->bias};
	for (size_t i = 0; i < sizeof refs / sizeof *refs; i++)
		ref_io(im, refs[i]);
	if (c->kind == CALL_EVAL)
		eval_io(im, c, nin + nout);
	else
		kernels[c->kind](im, c);
	return true;
}
