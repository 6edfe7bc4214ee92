/* Runs the calls of a plan: follows refs and calls kernels; nothing is allocated. */
#include <string.h>

#include "base/clock.h"
#include "exec/dynamic.h"
#include "exec/plan.h"
#include "exec/seen.h"
#include "exec/segment.h"
#include "exec/tap.h"
#include "exec/variables.h"

static int no_output(struct eval *s, int k, enum dtype type, int rank, const int64_t *dims)
{
	(void)type;
	(void)rank;
	(void)dims;
	return fail(s->err, E_UNSUPPORTED, "output %d got another size than was planned", k);
}

static int run_eval(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct node *n = c->node;
	struct arena_mark mark = arena_mark(e->scratch);
	for (int k = 0; k < n->nin + n->nout; k++)
		c->eval.t[k].data = ref_at(p, c->eval.ref[k]);
	struct eval s = {.node = n,
	    .nin = n->nin,
	    .nout = n->nout,
	    .in = c->eval.t,
	    .out = c->eval.t + n->nin,
	    .alloc = no_output,
	    .scratch = e->scratch,
	    .err = err};
	int status = has_variable(n) ? variables_step(e, n, s.in, s.out, false, err)
				     : n->op->eval(&s);
	arena_reset(e->scratch, mark);
	return status < 0 ? err_in(err, "node '%s'", n->name) : OK;
}

/* Never NULL: kernels count on from it, even where none is used. */
static void *scratch_of(const struct plan *p, const struct call *c)
{
	static _Alignas(64) char none[64];
	return c->scratch.buffer ? ref_at(p, c->scratch) : none;
}

/* Weights that one of the next calls reads. */
static const float *next_weights(const struct plan *p, const struct call *c)
{
	for (int i = 1; i < 4 && c + i < p->call + p->ncalls; i++)
		if (c[i].kind == CALL_CONV && c[i].conv.way != CONV_DEPTHWISE)
			return ref_at(p, c[i].packed);
	return NULL;
}

static int run_conv(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	struct nhwc_conv_f32_args a = {.next = next_weights(p, c),
	    .in = ref_at(p, c->in),
	    .packed = ref_at(p, c->packed),
	    .bias = ref_at(p, c->bias),
	    .add = ref_at(p, c->add),
	    .out = ref_at(p, c->out),
	    .scratch = scratch_of(p, c),
	    .before = c->before,
	    .after = c->after};
	(void)err;
	if (c->before)
		seen_open(c->before);
	if (c->after)
		seen_open(c->after);
	nhwc_conv_f32_run(&c->conv, e->o.pool, &a);
	return OK;
}

static int run_block(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	struct nhwc_block_f32_args a = {.in = ref_at(p, c->in),
	    .add = ref_at(p, c->add),
	    .out = ref_at(p, c->out),
	    .scratch = scratch_of(p, c)};
	(void)err;
	for (int i = 0; i < c->block.k.n; i++) {
		a.packed[i] = ref_at(p, c->block.packed[i]);
		a.bias[i] = ref_at(p, c->block.bias[i]);
	}
	nhwc_block_f32_run(&c->block.k, e->o.pool, &a);
	return OK;
}

static int run_deconv(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nhwc_deconv_f32_run(&c->deconv, e->o.pool, ref_at(p, c->in), ref_at(p, c->packed),
	    ref_at(p, c->bias), ref_at(p, c->out), scratch_of(p, c));
	return OK;
}

static int run_resize(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const void *const table[2] = {ref_at(p, c->resize.table[0]), ref_at(p, c->resize.table[1])};
	(void)err;
	nhwc_resize_f32_run(
	    &c->resize.k, e->o.pool, ref_at(p, c->in), table, ref_at(p, c->out), scratch_of(p, c));
	return OK;
}

static int run_lrn(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nhwc_lrn_f32_run(&c->lrn, e->o.pool, ref_at(p, c->in), ref_at(p, c->out), scratch_of(p, c));
	return OK;
}

static int run_pool(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nhwc_pool_f32_run(&c->pool, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_matmul(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	matmul_f32_run(&c->matmul.q, e->o.pool, ref_at(p, c->in), ref_at(p, c->matmul.b),
	    ref_at(p, c->out), scratch_of(p, c));
	return OK;
}

static int run_linear_cw(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	struct linear_cw_args a = {.in = ref_at(p, c->in),
	    .packed = ref_at(p, c->packed),
	    .bias = ref_at(p, c->bias),
	    .add = ref_at(p, c->add),
	    .out = ref_at(p, c->out),
	    .scratch = scratch_of(p, c)};
	(void)err;
	linear_cw_run(&c->linear_cw, e->o.pool, &a);
	return OK;
}

/* The lengths of sequences as the kernel reads them, behind its scratch. */
static int take_lengths(struct plan *p, const struct call *c, int *to, struct err *err)
{
	const struct recurrent_f32 *k = &c->recurrent.k;
	const void *from = ref_at(p, c->recurrent.lengths);
	for (int i = 0; i < k->batch; i++) {
		int64_t n = c->recurrent.length == 64 ? ((const int64_t *)from)[i]
						      : ((const int32_t *)from)[i];
		if (n < 0 || n > k->steps)
			return fail(err, E_FORMAT, "node '%s': sequence %d has length %lld of %d",
			    c->node->name, i, (long long)n, k->steps);
		to[i] = (int)n;
	}
	return OK;
}

static int run_recurrent(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct recurrent_f32 *k = &c->recurrent.k;
	struct recurrent_f32_args a = {.x = ref_at(p, c->in),
	    .h0 = ref_at(p, c->recurrent.h0),
	    .c0 = ref_at(p, c->recurrent.c0),
	    .inputs = ref_at(p, c->packed),
	    .states = ref_at(p, c->recurrent.states),
	    .bias = ref_at(p, c->bias),
	    .reset = ref_at(p, c->recurrent.reset),
	    .y = ref_at(p, c->out),
	    .h = ref_at(p, c->recurrent.h),
	    .c = ref_at(p, c->recurrent.c),
	    .scratch = scratch_of(p, c)};
	int *lengths = (int *)((char *)a.scratch + k->scratch);
	int status = c->recurrent.length ? take_lengths(p, c, lengths, err) : OK;
	if (c->recurrent.length)
		a.length = lengths;
	if (status == OK)
		recurrent_f32_run(k, e->o.pool, &a);
	return status;
}

static int run_to_channels_last(
    struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nchw_to_nhwc(&c->move, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_to_row_major(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nhwc_to_nchw(&c->move, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_copy(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	copy_runs(&c->copy, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_chain(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const float *operand[CHAIN_OPERANDS];
	(void)err;
	for (int k = 0; k < c->chain.k.noperands; k++)
		operand[k] = ref_at(p, c->chain.operand[k]);
	chain_f32_run(&c->chain.k, e->o.pool, ref_at(p, c->in), operand, ref_at(p, c->out));
	return OK;
}

static int run_norm(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	norm_f32_run(&c->norm.k, e->o.pool, ref_at(p, c->in), ref_at(p, c->norm.gamma),
	    ref_at(p, c->norm.beta), ref_at(p, c->out));
	return OK;
}

static int run_attention(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct ref *in = c->attention.in;
	(void)err;
	attention_f32_run(&c->attention.k, e->o.pool, ref_at(p, in[0]), ref_at(p, in[1]),
	    ref_at(p, in[2]), ref_at(p, in[3]), ref_at(p, c->out), scratch_of(p, c));
	return OK;
}

/* Likewise, of 8 bits. */
static const struct call *next_u8(const struct plan *p, const struct call *c)
{
	for (int i = 1; i < 4 && c + i < p->call + p->ncalls; i++)
		if (c[i].kind == CALL_CONV_U8)
			return c + i;
	return NULL;
}

static int run_conv_u8(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct call *next = next_u8(p, c);
	struct nhwc_conv_u8_args a = {.next = next ? ref_at(p, next->packed) : NULL,
	    .next_bytes = next ? nhwc_conv_u8_packed(&next->conv_u8.k) : 0,
	    .in = ref_at(p, c->in),
	    .packed = ref_at(p, c->packed),
	    .f = ref_at(p, c->conv_u8.f),
	    .add = ref_at(p, c->add),
	    .out = ref_at(p, c->out),
	    .scratch = scratch_of(p, c)};
	(void)err;
	nhwc_conv_u8_run(&c->conv_u8.k, e->o.pool, &a);
	return OK;
}

static int run_pool_u8(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	nhwc_pool_u8_run(&c->pool, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_quantize(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	quantize_u8(&c->quant, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_dequantize(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	dequantize_u8(&c->quant, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_requantize(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	requantize_u8(&c->quant, e->o.pool, ref_at(p, c->in), ref_at(p, c->out));
	return OK;
}

static int run_add_u8(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	add_u8(&c->quant, e->o.pool, ref_at(p, c->in), ref_at(p, c->add), ref_at(p, c->out));
	return OK;
}

static int run_shuffle(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	channel_shuffle(
	    &c->shuffle, e->o.pool, ref_at(p, c->in), ref_at(p, c->add), ref_at(p, c->out));
	return OK;
}

static int run_pick(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	(void)err;
	pixel_pick(
	    &c->pick.k, e->o.pool, ref_at(p, c->in), ref_at(p, c->pick.table), ref_at(p, c->out));
	return OK;
}

static int run_tap(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	const struct node *n = c->node;
	int status = OK;
	for (int k = 0; k < n->nout && status == OK; k++) {
		const struct value *v = &n->out[k];
		struct tensor *t = &c->eval.t[k];
		int64_t ld = c->eval.ld[k];
		struct exec_view view = {.t = t, .channels_last = ld, .ld = ld};
		if (p->dynamic[v->id])
			*t = p->value[v->id];
		else
			t->data = ref_at(p, c->eval.ref[k]);
		status = tap_value(e, v, p->seen[v->id], &view, err);
	}
	return status;
}

static const struct {
	int (*run)(struct exec *, struct plan *, const struct call *, struct err *);
	const char *name;
} functions[CALL_KINDS] = {
#define CALL(kind, stem, fields, name) [CALL_##kind] = {run_##stem, name},
#define CALL_RUN(kind, stem, name) [CALL_##kind] = {run_##stem, name},
#include "exec/calls.def"
#undef CALL
#undef CALL_RUN
};

const char *call_name(enum call_kind kind)
{
	return functions[kind].name;
}

static int run_call(struct exec *e, struct plan *p, const struct call *c, struct err *err)
{
	double start = e->o.timed ? clock_seconds() : 0;
	int status = functions[c->kind].run(e, p, c, err);
	if (e->o.timed && status == OK) {
		double seconds = clock_seconds() - start;
		struct exec_timing t = call_timing(p, c);
		t.seconds = seconds;
		e->o.timed(e->o.timed_user, &t);
	}
	return status;
}

static int set_inputs(struct exec *e, struct plan *p, const struct tensor *in, struct err *err)
{
	int status = OK;
	for (uint32_t b = 0; b < p->nbuffers; b++)
		if (p->buffer[b].kind == BUFFER_INPUT)
			p->base[b] = in[p->buffer[b].k].data;
	for (int k = 0; k < e->graph->ninputs && status == OK; k++) {
		struct exec_view view = {.t = &in[k]};
		status = tap_value(e, &e->graph->inputs[k]->out[0], NULL, &view, err);
	}
	return status;
}

int plan_run(
    struct exec *e, struct plan *p, const struct tensor *in, struct tensor *out, struct err *err)
{
	dynamic_reset(e, p);
	int status = set_inputs(e, p, in, err);
	for (int i = 0; i < p->ncalls && status == OK; i++)
		status = run_call(e, p, &p->call[i], err);
	variables_end_run(e, status == OK);
	for (int k = 0; k < e->noutputs && status == OK; k++) {
		const struct value *v = node_in(e->graph->outputs[k], 0);
		out[k] = p->value[v->id];
		if (!p->dynamic[v->id])
			out[k].data = ref_at(p, p->out[k]);
	}
	return status;
}
