/* Evaluation of If, Loop and TensorIterator: bodies run on parts, and parts become wholes. */
#include <stdlib.h>
#include <string.h>

#include "ops/body.h"
#include "ops/loop.h"
#include "ops/rows.h"
#include "ops/view.h"

/* Negative ends count from one past the last element. */
static int64_t end_of(int64_t v, int64_t n)
{
	return v < 0 ? v + n + 1 : v;
}

int64_t loop_parts(const struct port_map *m, int64_t n)
{
	int64_t start = end_of(m->start, n), end = end_of(m->end, n);
	int64_t step = m->stride < 0 ? -m->stride : m->stride;
	int64_t length = m->stride < 0 ? start - end : end - start;
	if (start < 0 || end < 0 || start > n || end > n || length < 0 || !step || length % step ||
	    m->part_size < 1 || m->part_size > step)
		return -1;
	return length / step;
}

/* Where part i begins. */
static int64_t part_at(const struct port_map *m, int64_t n, int64_t i)
{
	int64_t start = end_of(m->start, n) + i * m->stride;
	return m->stride < 0 ? start - m->part_size : start;
}

/* ---- If ---- */

/* Copies a heap tensor into output k. */
static int put_output(struct eval *s, int k, const struct tensor *t)
{
	int status = eval_output(s, k, t->type, t->rank, t->dim);
	size_t bytes = tensor_bytes(t);
	if (!status && bytes)
		memcpy(s->out[k].data, t->data, bytes);
	return status;
}

static void free_all(struct tensor *t, int n)
{
	for (int i = 0; i < n; i++)
		tensor_free(&t[i]);
}

/* The tensors of a body's ports, and its script. */
struct frame {
	const struct body *b;
	struct script *script;
	struct tensor *in, *out; /* in is borrowed or held, out held */
	struct tensor *held;     /* owned tensors behind in */
};

static int frame_new(struct eval *s, const struct body *b, struct frame *f)
{
	size_t nin = (size_t)b->graph->ninputs + 1, nout = (size_t)b->graph->noutputs + 1;
	*f = (struct frame){.b = b};
	f->in = arena_array(s->scratch, nin, sizeof *f->in);
	f->held = arena_array(s->scratch, nin, sizeof *f->held);
	f->out = arena_array(s->scratch, nout, sizeof *f->out);
	if (!f->in || !f->held || !f->out)
		return fail_nomem(s->err);
	return script_new(b->graph, s->scratch, &f->script, s->err);
}

int eval_if(struct eval *s)
{
	struct frame f;
	if (tensor_count(&s->in[0]) != 1)
		return eval_fail(s, E_FORMAT, "the condition is not one value");
	const struct body *b = &s->node->body[tensor_f64(&s->in[0], 0) != 0 ? 0 : 1];
	int status = frame_new(s, b, &f);
	for (int i = 0; i < b->nmaps && !status; i++)
		if (b->map[i].kind == MAP_INPUT && eval_has(s, b->map[i].outer))
			f.in[b->map[i].inner] = s->in[b->map[i].outer];
	if (!status)
		status = script_run(f.script, f.in, f.out, s->err);
	if (status)
		return status;
	for (int i = 0; i < b->nmaps && !status; i++)
		if (b->map[i].kind == MAP_OUTPUT && b->map[i].outer >= 0)
			status = put_output(s, b->map[i].outer, &f.out[b->map[i].inner]);
	free_all(f.out, b->graph->noutputs);
	return status;
}

/* ---- Loop and TensorIterator ---- */

/* Copies part i of an input along the map's axis. */
static int cut_part(struct eval *s, const struct port_map *m, int64_t i, struct tensor *part)
{
	const struct tensor *in = &s->in[m->outer];
	int64_t stride[MAX_RANK], dims[MAX_RANK];
	struct view v = {0};
	size_t size = eval_elem_size(s, in);
	if (!size)
		return s->err->status;
	tensor_strides(in, stride);
	memcpy(dims, in->dim, sizeof dims);
	dims[m->axis] = m->part_size;
	int status = tensor_alloc(part, in->type, in->rank, dims, s->err);
	if (status)
		return status;
	int64_t to[MAX_RANK], from = part_at(m, in->dim[m->axis], i) * stride[m->axis];
	tensor_strides(part, to);
	for (int k = 0; k < in->rank; k++)
		view_dim(&v, dims[k], stride[k], to[k]);
	view_copy(&v, part->data, (const char *)in->data + from * (int64_t)size, size);
	return OK;
}

/* What the outputs collect: the part of every turn. */
struct collected {
	struct tensor *part;
	int64_t n, room;
};

static int collect(struct collected *c, const struct tensor *t, struct err *err)
{
	if (c->n == c->room) {
		int64_t room = c->room ? c->room * 2 : 16;
		struct tensor *more = realloc(c->part, (size_t)room * sizeof *more);
		if (!more)
			return fail_nomem(err);
		c->part = more;
		c->room = room;
	}
	int status = tensor_clone(&c->part[c->n], t, err);
	c->n += !status;
	return status;
}

/* What is collected when the loop never runs: no parts of the shape that the body would give. */
static int put_nothing(struct eval *s, const struct port_map *m)
{
	const struct value *v = node_in(s->node->body->graph->outputs[m->inner], 0);
	int64_t dims[MAX_RANK];
	if (!v || v->info.shape.rank <= m->axis || v->info.type == DT_NONE)
		return eval_fail(
		    s, E_UNSUPPORTED, "output %d has no known rank: the loop never runs", m->outer);
	for (int i = 0; i < v->info.shape.rank; i++)
		dims[i] = dim_static(v->info.shape.dim[i]) ? v->info.shape.dim[i].min : 0;
	dims[m->axis] = 0;
	return eval_output(s, m->outer, v->info.type, v->info.shape.rank, dims);
}

/* Joins the parts along the axis, from the end where the map goes backward. */
static int put_parts(struct eval *s, const struct port_map *m, const struct collected *c)
{
	if (!c->n)
		return put_nothing(s, m);
	const struct tensor *first = &c->part[0];
	int64_t dims[MAX_RANK], total = 0;
	size_t size = eval_elem_size(s, first);
	if (!size || m->axis >= first->rank)
		return size ? eval_fail(s, E_FORMAT, "output %d has no axis %lld", m->outer,
				  (long long)m->axis)
			    : s->err->status;
	for (int64_t i = 0; i < c->n; i++) {
		const struct tensor *t = &c->part[i];
		for (int k = 0; k < first->rank; k++)
			if (t->rank != first->rank || (k != m->axis && t->dim[k] != first->dim[k]))
				return eval_fail(
				    s, E_FORMAT, "output %d changes its shape", m->outer);
		total += t->dim[m->axis];
	}
	memcpy(dims, first->dim, sizeof dims);
	dims[m->axis] = total;
	if (eval_output(s, m->outer, first->type, first->rank, dims))
		return s->err->status;
	int64_t outer = dims_product(first, 0, (int)m->axis), at = 0;
	size_t inner = (size_t)dims_product(first, (int)m->axis + 1, first->rank) * size;
	for (int64_t i = 0; i < c->n; i++) {
		const struct tensor *t = &c->part[m->stride < 0 ? c->n - 1 - i : i];
		size_t bytes = (size_t)t->dim[m->axis] * inner;
		for (int64_t o = 0; o < outer && bytes; o++)
			memcpy((char *)s->out[m->outer].data + (size_t)(o * total + at) * inner,
			    (const char *)t->data + (size_t)o * bytes, bytes);
		at += t->dim[m->axis];
	}
	return OK;
}

/* One turn's inputs: parts, the turn's number, and what came round (already in place). */
static int set_inputs(struct eval *s, struct frame *f, int64_t turn)
{
	for (int i = 0; i < f->b->nmaps; i++) {
		const struct port_map *m = &f->b->map[i];
		int k = m->inner, status = OK;
		if (m->kind != MAP_INPUT)
			continue;
		if (m->purpose == PURPOSE_CURRENT_ITERATION) {
			const struct node *p = f->b->graph->inputs[k];
			int rank = attr_has(p, "shape") ? node_attr(p, "shape")->shape->rank : 0;
			int64_t one[MAX_RANK] = {1};
			tensor_free(&f->held[k]);
			status = tensor_alloc(
			    &f->held[k], attr_type(p, "element_type"), rank == 1, one, s->err);
			if (!status)
				tensor_set_i64(&f->held[k], 0, turn);
			f->in[k] = f->held[k];
		} else if (m->axis >= 0) {
			tensor_free(&f->held[k]);
			status = cut_part(s, m, turn, &f->held[k]);
			f->in[k] = f->held[k];
		} else if (!turn && eval_has(s, m->outer)) {
			f->in[k] = s->in[m->outer];
		}
		if (status)
			return status;
	}
	return OK;
}

/* Results go round to the next turn's Parameters. */
static int go_round(struct eval *s, struct frame *f)
{
	for (int i = 0; i < f->b->nmaps; i++) {
		const struct port_map *m = &f->b->map[i];
		if (m->kind != MAP_BACK_EDGE || m->outer < 0)
			continue;
		tensor_free(&f->held[m->inner]);
		int status = tensor_clone(&f->held[m->inner], &f->out[m->outer], s->err);
		if (status)
			return status;
		f->in[m->inner] = f->held[m->inner];
	}
	return OK;
}

int loop_condition(const struct body *b)
{
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == MAP_OUTPUT &&
		    b->map[i].purpose == PURPOSE_EXECUTION_CONDITION)
			return b->map[i].inner;
	return -1;
}

/* The last value of an output that is not collected; that of the start when nothing ran. */
static const struct tensor *last_value(
    const struct frame *f, const struct port_map *m, int64_t turns)
{
	if (turns)
		return &f->out[m->inner];
	for (int i = 0; i < f->b->nmaps; i++)
		if (f->b->map[i].kind == MAP_BACK_EDGE && f->b->map[i].outer == m->inner)
			return &f->in[f->b->map[i].inner];
	return NULL;
}

static int put_outputs(
    struct eval *s, const struct frame *f, const struct collected *c, int64_t turns)
{
	for (int i = 0; i < f->b->nmaps; i++) {
		const struct port_map *m = &f->b->map[i];
		int status = OK;
		if (m->kind != MAP_OUTPUT || m->outer < 0)
			continue;
		const struct tensor *last = m->axis >= 0 ? NULL : last_value(f, m, turns);
		if (m->axis >= 0)
			status = put_parts(s, m, &c[i]);
		else if (last && last->type != DT_NONE)
			status = put_output(s, m->outer, last);
		else
			status = eval_fail(s, E_UNSUPPORTED,
			    "output %d has no value: the loop never runs", m->outer);
		if (status)
			return status;
	}
	return OK;
}

/* Up to limit turns (-1: no limit), while the condition holds. */
static int turn_loop(struct eval *s, struct frame *f, struct collected *c, int64_t limit, bool go)
{
	int condition = loop_condition(f->b), nout = f->b->graph->noutputs, status = OK;
	int64_t turn = 0;
	if (!go || !limit)
		status = set_inputs(s, f, 0);
	for (; go && turn != limit && !status; turn++) {
		status = set_inputs(s, f, turn);
		free_all(f->out, nout);
		if (!status)
			status = script_run(f->script, f->in, f->out, s->err);
		for (int i = 0; i < f->b->nmaps && !status; i++)
			if (f->b->map[i].kind == MAP_OUTPUT && f->b->map[i].axis >= 0 &&
			    f->b->map[i].outer >= 0)
				status = collect(&c[i], &f->out[f->b->map[i].inner], s->err);
		if (status)
			return status;
		if (condition >= 0 && tensor_count(&f->out[condition]) == 1)
			go = tensor_f64(&f->out[condition], 0) != 0;
		status = go_round(s, f);
	}
	return status ? status : put_outputs(s, f, c, turn);
}

static int run_loop(struct eval *s, int64_t limit, bool go)
{
	const struct body *b = s->node->body;
	struct frame f;
	struct collected *c = arena_array(s->scratch, (size_t)b->nmaps + 1, sizeof *c);
	if (!c)
		return fail_nomem(s->err);
	int status = frame_new(s, b, &f);
	if (status)
		return status;
	status = turn_loop(s, &f, c, limit, go);
	for (int i = 0; i < b->nmaps; i++) {
		free_all(c[i].part, (int)c[i].n);
		free(c[i].part);
	}
	free_all(f.out, b->graph->noutputs);
	free_all(f.held, b->graph->ninputs);
	return status;
}

/* How many parts the sliced inputs have; -1 when none is sliced, -2 with the error set. */
static int64_t count_parts(struct eval *s)
{
	const struct body *b = s->node->body;
	int64_t turns = -1;
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_INPUT || m->axis < 0)
			continue;
		const struct tensor *in = &s->in[m->outer];
		int64_t n = m->axis < in->rank ? loop_parts(m, in->dim[m->axis]) : -1;
		if (n < 0 || (turns >= 0 && n != turns)) {
			eval_fail(
			    s, E_FORMAT, "input %d cannot be cut as the port map says", m->outer);
			return -2;
		}
		turns = n;
	}
	return turns;
}

int eval_tensor_iterator(struct eval *s)
{
	int64_t turns = count_parts(s);
	if (turns == -1)
		return eval_fail(s, E_FORMAT, "no input is cut into parts");
	return turns < 0 ? s->err->status : run_loop(s, turns, true);
}

int eval_loop(struct eval *s)
{
	int64_t trip = -1, parts = count_parts(s);
	if (parts == -2 || (eval_has(s, 0) && eval_int(s, 0, &trip)))
		return s->err->status;
	trip = trip < 0 ? -1 : trip;
	if (parts >= 0 && (trip < 0 || parts < trip))
		trip = parts;
	bool go = !eval_has(s, 1) || tensor_f64(&s->in[1], 0) != 0;
	return run_loop(s, trip, go);
}
