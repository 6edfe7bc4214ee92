/* Turns the steps of a network into calls for one set of shapes. */
#include <stdlib.h>

#include "exec/lower.h"
#include "exec/dynamic.h"
#include "exec/segment.h"
#include "exec/tap.h"

struct call *call_add(struct lower *l, enum call_kind kind, const struct node *n)
{
	struct plan *p = l->p;
	if (p->ncalls == p->max_calls) {
		int max = p->max_calls ? p->max_calls * 2 : 64;
		struct call *c = reallocarray(p->call, (size_t)max, sizeof *c);
		if (!c)
			return NULL;
		p->call = c;
		p->max_calls = max;
	}
	struct call *c = &p->call[p->ncalls++];
	*c = (struct call){.kind = kind, .node = n};
	return c;
}

/* The last call added reads or writes there. */
void call_uses(struct lower *l, struct ref r)
{
	struct buffer *b = &l->p->buffer[r.buffer];
	if (!r.buffer)
		return;
	if (b->first < 0)
		b->first = l->p->ncalls - 1;
	b->last = l->p->ncalls - 1;
}

void call_operands(
    struct lower *l, struct call *c, struct spot in, struct spot add, struct spot out)
{
	c->in = in.ref;
	c->add = add.ref;
	c->out = out.ref;
	call_uses(l, c->in);
	call_uses(l, c->add);
	call_uses(l, c->out);
}

int call_scratch(struct lower *l, struct call *c, size_t bytes)
{
	if (!bytes)
		return OK;
	int status = buffer_add(l, BUFFER_WORK, bytes, &c->scratch.buffer);
	call_uses(l, c->scratch);
	return status;
}

int call_one(struct lower *l, enum call_kind kind, const struct node *n, const struct value *result,
    enum layout layout, struct spot *x, struct spot *y, struct call **c)
{
	int status = spot_need(l, node_in(n, 0), layout, x);
	if (status == OK)
		status = spot_make(l, result, layout, true, y);
	if (status != OK)
		return status;
	*c = call_add(l, kind, n);
	if (!*c)
		return fail_nomem(l->err);
	(*c)->in = x->ref;
	(*c)->out = y->ref;
	call_uses(l, x->ref);
	call_uses(l, y->ref);
	return OK;
}

/* ---- eval ---- */

static bool writes_nothing(const struct lower *l, const struct node *n)
{
	for (int k = 0; k < n->nout; k++)
		if (tensor_count(lower_dims(l, &n->out[k])))
			return false;
	return n->nout > 0;
}

/* Operands and results of a call of eval: those in channels-last layout under permuted dims. */
static int eval_operands(struct lower *l, const struct node *n, bool last, struct call *at)
{
	int total = n->nin + n->nout, rank = n->nout ? lower_dims(l, &n->out[0])->rank : 0;
	struct tensor *t = arena_array(l->p->arena, (size_t)total + 1, sizeof *t);
	struct ref *ref = arena_array(l->p->arena, (size_t)total + 1, sizeof *ref);
	if (!t || !ref)
		return fail_nomem(l->err);
	for (int k = 0; k < total; k++) {
		const struct value *v = k < n->nin ? node_in(n, k) : &n->out[k - n->nin];
		bool there = v && l->last[v->id] && last;
		struct spot s;
		t[k] = (struct tensor){0};
		ref[k] = (struct ref){0};
		if (!v)
			continue;
		t[k] = last ? layout_view(lower_dims(l, v), rank) : *lower_dims(l, v);
		enum layout layout = there ? CHANNELS_LAST : ROW_MAJOR;
		int status = k < n->nin ? spot_need(l, v, layout, &s)
					: spot_make(l, v, layout, false, &s);
		if (status < 0)
			return status;
		ref[k] = s.ref;
	}
	at->eval.t = t;
	at->eval.ref = ref;
	return OK;
}

/* eval knows no distance between pixels. */
static bool all_dense(const struct lower *l, const struct node *n)
{
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		const struct spot *s = v ? &l->p->spot[v->id][CHANNELS_LAST] : NULL;
		if (s && s->ref.buffer && s->ld != lower_dims(l, v)->dim[1])
			return false;
	}
	return true;
}

static int lower_eval(struct lower *l, int i)
{
	const struct node *n = l->e->step[i].node;
	/* kernels of 8 bits do it with the channels last, eval takes dim 1 for them */
	bool norm = node_is(n, OP_BATCH_NORM) || node_is(n, OP_BATCH_NORM_1);
	bool last = n->nout == 1 && !norm && l->last[n->out[0].id] && all_dense(l, n);
	struct call here = {0};
	int status = eval_operands(l, n, last, &here);
	if (status < 0 || writes_nothing(l, n))
		return status;
	struct call *c = call_add(l, CALL_EVAL, n);
	if (!c)
		return fail_nomem(l->err);
	c->eval = here.eval;
	for (int k = 0; k < n->nin + n->nout; k++)
		call_uses(l, c->eval.ref[k]);
	return OK;
}

/* Where a dynamic call finds what calls before it have computed; the rest is found by name. */
static int static_operand(struct lower *l, const struct value *v, struct ref *ref)
{
	struct spot s = {0};
	int status = OK;
	if (v && !l->p->dynamic[v->id] && !lower_fixed(l, v))
		status = spot_need(l, v, ROW_MAJOR, &s);
	*ref = s.ref;
	return status;
}

/* Sizes only the data tell: results are heap tensors, operands may be. */
static int lower_dynamic(struct lower *l, const struct node *n)
{
	struct ref *ref = arena_array(l->p->arena, (size_t)n->nin + 1, sizeof *ref);
	int status = ref ? dynamic_constants(l->e, l->p, n, l->err) : fail_nomem(l->err);
	for (int k = 0; k < n->nin && status == OK; k++)
		status = static_operand(l, node_in(n, k), &ref[k]);
	struct call *c = status == OK ? call_add(l, CALL_DYNAMIC, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->eval.ref = ref;
	for (int k = 0; k < n->nin; k++)
		call_uses(l, ref[k]);
	return OK;
}

static int lower_segment(struct lower *l, const struct node *n, const int *last, int i)
{
	struct segment *g;
	int status = segment_get(l->e, last, i, &g, l->err), nin = 0;
	while (status == OK && segment_input(g, nin))
		nin++;
	struct ref *ref = arena_array(l->p->arena, (size_t)nin + 1, sizeof *ref);
	if (status == OK && !ref)
		status = fail_nomem(l->err);
	for (int k = 0; k < nin && status == OK; k++)
		status = static_operand(l, segment_input(g, k), &ref[k]);
	struct call *c = status == OK ? call_add(l, CALL_SEGMENT, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->segment.s = g;
	c->segment.ref = ref;
	for (int k = 0; k < nin; k++)
		call_uses(l, ref[k]);
	return OK;
}

/* ---- the tap ---- */

/* Where a tapped value is, as floats: as it lies for a watcher, who takes either layout. */
static int tapped_spot(struct lower *l, const struct value *v, struct ref *ref, int64_t *ld)
{
	const struct spot *at = l->p->spot[v->id];
	struct spot s = {0};
	bool last = l->e->o.watch && !at[ROW_MAJOR].ref.buffer && at[CHANNELS_LAST].ref.buffer;
	int status = spot_need(l, v, last ? CHANNELS_LAST : ROW_MAJOR, &s);
	*ref = s.ref;
	*ld = last ? s.ld : 0;
	return status;
}

static int lower_tap(struct lower *l, const struct node *n)
{
	struct tensor *t = arena_array(l->p->arena, (size_t)n->nout + 1, sizeof *t);
	struct ref *ref = arena_array(l->p->arena, (size_t)n->nout + 1, sizeof *ref);
	int64_t *ld = arena_array(l->p->arena, (size_t)n->nout + 1, sizeof *ld);
	int status = t && ref && ld ? OK : fail_nomem(l->err);
	for (int k = 0; k < n->nout && status == OK; k++) {
		if (!is_tapped(l->e, &n->out[k]))
			continue;
		t[k] = *lower_dims(l, &n->out[k]);
		bool told = l->p->seen[n->out[k].id] && tap_wants_ends(l->e, &n->out[k]);
		if (!told && !l->p->dynamic[n->out[k].id])
			status = tapped_spot(l, &n->out[k], &ref[k], &ld[k]);
	}
	struct call *c = status == OK ? call_add(l, CALL_TAP, n) : NULL;
	if (!c)
		return status == OK ? fail_nomem(l->err) : status;
	c->eval.t = t;
	c->eval.ref = ref;
	c->eval.ld = ld;
	for (int k = 0; k < n->nout; k++)
		call_uses(l, ref[k]);
	return OK;
}

static bool any_tapped(const struct exec *e, const struct node *n)
{
	for (int k = 0; k < n->nout; k++)
		if (is_tapped(e, &n->out[k]))
			return true;
	return false;
}

/* ---- steps ---- */

static int lower_step(struct lower *l, int i)
{
	const struct node *n = l->e->step[i].node;
	static int (*const kernels[])(struct lower *, int, bool *) = {lower_u8, lower_view,
	    lower_shuffle, lower_blocks, lower_pick, lower_move, lower_runs, lower_conv_u8,
	    lower_conv, lower_deconv, lower_image, lower_matmul, lower_pool, lower_reduce,
	    lower_attention, lower_norm, lower_recurrent, lower_chain};
	bool done = l->e->step[i].folded || (n->nout && l->p->known[n->out[0].id]);
	int status = OK;
	if (done)
		return OK;
	if (n->nout && l->p->dynamic[n->out[0].id])
		return lower_dynamic(l, n);
	for (size_t k = 0; k < sizeof kernels / sizeof *kernels && !l->e->o.eval_only; k++)
		if (status == OK && !done && !writes_nothing(l, n))
			status = kernels[k](l, i, &done);
	return done || status < 0 ? status : lower_eval(l, i);
}

static int lower_steps(struct lower *l, const int *last)
{
	int status = OK;
	for (int i = 0; i < l->e->nsteps && status == OK; i++) {
		const struct node *n = l->e->step[i].node;
		if (last[i] > i)
			continue; /* done by the last of its segment */
		if (last[i] == i)
			status = lower_segment(l, n, last, i);
		else if (!l->absorbed[i]) /* by a kernel before */
			status = lower_step(l, i);
		if (status == OK && any_tapped(l->e, n))
			status = lower_tap(l, n);
		if (status < 0)
			err_in(l->err, "node '%s'", n->name);
	}
	return status;
}

/* Results lie row by row, and never where the caller's inputs do. */
static int lower_outputs(struct lower *l)
{
	struct plan *p = l->p;
	int status = OK;
	for (int k = 0; k < l->e->noutputs && status == OK; k++) {
		const struct value *v = node_in(l->e->graph->outputs[k], 0);
		struct spot s = {0};
		if (!p->dynamic[v->id])
			status = spot_need(l, v, ROW_MAJOR, &s);
		p->out[k] = s.ref;
		if (status < 0 || p->buffer[s.ref.buffer].kind != BUFFER_INPUT)
			continue;
		struct ref to = {0};
		int64_t bytes = (int64_t)tensor_bytes(lower_dims(l, v));
		status = buffer_add(l, BUFFER_WORK, (size_t)bytes, &to.buffer);
		struct call *c = status == OK ? call_add(l, CALL_COPY, v->node) : NULL;
		if (!c)
			return status == OK ? fail_nomem(l->err) : status;
		c->copy = (struct copy){.size = bytes, .count = {1, 1, 1}};
		c->in = s.ref;
		c->out = p->out[k] = to;
		call_uses(l, c->out);
	}
	p->ncalls++; /* outputs are read behind the last call */
	for (int k = 0; k < l->e->noutputs; k++)
		call_uses(l, p->out[k]);
	p->ncalls--;
	return status;
}

static void tell(const struct exec *e, const struct plan *p)
{
	for (int i = 0; i < p->ncalls; i++)
		log_say(&e->o.log, LOG_DEBUG, "%s '%s': %s", p->call[i].node->op->type,
		    p->call[i].node->name, call_name(p->call[i].kind));
}

int plan_lower(struct exec *e, struct plan *p, struct err *err)
{
	struct lower l = {.e = e, .p = p, .err = err};
	l.tuning = tuning_of(e->graph, &e->o, p->arena);
	size_t nvalues = e->graph->nvalues + 1;
	int *last = calloc((size_t)e->nsteps + 1, sizeof *last);
	uint32_t none;
	l.absorbed = calloc((size_t)e->nsteps + 1, sizeof *l.absorbed);
	l.last = calloc(nvalues, sizeof *l.last);
	l.target = calloc(nvalues, sizeof *l.target);
	l.view = calloc(nvalues, sizeof *l.view);
	int status = last && l.absorbed && l.last && l.target && l.view ? OK : fail_nomem(err);
	if (status == OK)
		status = buffer_add(&l, BUFFER_NONE, 0, &none); /* number 0 */
	if (status == OK) {
		segment_ends(e, p, last);
		layout_choose(&l);
		status = lower_steps(&l, last);
	}
	if (status == OK)
		status = lower_outputs(&l);
	if (status == OK)
		tell(e, p);
	free(last);
	free(l.absorbed);
	free(l.last);
	free(l.target);
	free(l.view);
	return status;
}
