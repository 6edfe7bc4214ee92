/* Inference of If, Loop and TensorIterator: shapes go into the bodies and come back out. */
#include <string.h>

#include "ops/body.h"
#include "ops/content.h"
#include "ops/loop.h"
#include "ops/rows.h"

/* Both, as far as they agree. */
static struct dim dim_either(struct dim a, struct dim b)
{
	return (struct dim){a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max,
	    a.symbol == b.symbol ? a.symbol : 0};
}

static struct shape shape_either(const struct shape *a, const struct shape *b)
{
	struct shape s = *a;
	if (a->rank < 0 || a->rank != b->rank)
		return shape_unknown();
	for (int i = 0; i < s.rank; i++)
		s.dim[i] = dim_either(a->dim[i], b->dim[i]);
	return s;
}

static const struct info *result_info(const struct body *b, int k)
{
	const struct value *v = node_in(b->graph->outputs[k], 0);
	return v ? &v->info : NULL;
}

/* Bodies learn from what is around them only while the graph itself is inferred: an evaluation
 * has shapes for the moment. */
static bool may_teach(const struct infer *s)
{
	return s->symbols != NULL;
}

static int set_parameter(
    struct infer *s, struct node *p, enum dtype type, const struct shape *shape)
{
	if (!may_teach(s))
		return OK;
	if (type != DT_NONE && !attr_set_type(p, "element_type", type))
		return fail_nomem(s->err);
	return attr_set_shape(p, "shape", shape) ? OK : fail_nomem(s->err);
}

static int check_map(struct infer *s, const struct port_map *m, const struct body *b)
{
	int inner = m->kind == MAP_OUTPUT ? b->graph->noutputs : b->graph->ninputs;
	int outer = m->kind == MAP_INPUT    ? s->nin
		    : m->kind == MAP_OUTPUT ? s->nout
					    : b->graph->noutputs;
	if (m->inner < 0 || m->inner >= inner || m->outer < -1 || m->outer >= outer)
		return infer_fail(s, "the port map names ports that are not there");
	if (m->kind != MAP_BACK_EDGE && m->outer < 0 && m->purpose == PURPOSE_NONE)
		return infer_fail(s, "a port map without an outside port has no purpose");
	if (m->kind == MAP_INPUT && m->outer < 0 &&
	    (m->purpose != PURPOSE_CURRENT_ITERATION || m->axis >= 0))
		return infer_fail(s, "a port map feeds a Parameter from nowhere");
	if (m->axis >= 0 && (m->stride == 0 || m->stride == INT64_MIN || m->part_size < 1))
		return infer_fail(s, "a port map has stride %lld and part size %lld",
		    (long long)m->stride, (long long)m->part_size);
	return OK;
}

static int check_maps(struct infer *s, const struct body *b)
{
	int status = OK;
	for (int i = 0; i < b->nmaps && !status; i++)
		status = check_map(s, &b->map[i], b);
	return status;
}

/* Gives every Parameter of a body what comes from outside, or one part of it. */
static int teach_inputs(struct infer *s, struct body *b)
{
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_INPUT || m->outer < 0 || !infer_has(s, m->outer))
			continue;
		struct shape shape = s->in[m->outer].shape;
		if (m->axis >= 0 && shape.rank >= 0) {
			int axis = infer_axis(s, m->axis, shape.rank);
			if (axis < 0)
				return E_FORMAT;
			shape.dim[axis] = dim_of(m->part_size);
		}
		int status = set_parameter(
		    s, b->graph->inputs[m->inner], s->in[m->outer].type, &shape);
		if (status)
			return status;
	}
	return may_teach(s) ? graph_infer(b->graph, s->err) : OK;
}

/* ---- If ---- */

/* The branch that is known to be taken, or -1. */
static int known_branch(const struct infer *s)
{
	const struct tensor *t = s->in[0].tensor;
	int64_t v;
	if (t && tensor_count(t) == 1)
		return tensor_f64(t, 0) != 0 ? 0 : 1;
	return infer_int(s, 0, &v) ? v ? 0 : 1 : -1;
}

/* What is wrong with a branch that is not taken is nobody's concern. */
static int teach_dead(struct infer *s, struct body *b)
{
	struct err *err = s->err, own = {0};
	s->err = &own;
	int status = teach_inputs(s, b);
	s->err = err;
	err_clear(&own);
	return status == E_NOMEM ? fail_nomem(err) : OK;
}

int infer_if(struct infer *s)
{
	bool set[2] = {false, false};
	int only = known_branch(s);
	if (s->node->nbodies != 2)
		return infer_fail(s, "If has %d bodies, expected 2", s->node->nbodies);
	for (int b = 0; b < 2; b++) {
		struct body *body = &s->node->body[b];
		int status = check_maps(s, body);
		if (!status)
			status = only < 0 || only == b ? teach_inputs(s, body)
						       : teach_dead(s, body);
		if (status)
			return err_in(s->err, b ? "else" : "then");
		for (int i = 0; i < body->nmaps; i++) {
			const struct port_map *m = &body->map[i];
			const struct info *r = m->kind == MAP_OUTPUT && m->outer >= 0
						   ? result_info(body, m->inner)
						   : NULL;
			if (!r || (only >= 0 && only != b))
				continue;
			struct info *o = &s->out[m->outer];
			bool both = b && only < 0 && o->type != DT_NONE;
			if (both && o->type != r->type)
				return infer_fail(s, "the branches give %s and %s",
				    dtype_name(o->type), dtype_name(r->type));
			o->shape = both ? shape_either(&o->shape, &r->shape) : r->shape;
			o->type = r->type;
			set[b] = true;
		}
	}
	return set[0] || set[1] || !s->nout ? OK : infer_fail(s, "no branch gives an output");
}

/* ---- Loop and TensorIterator ---- */

/* What goes round may change its shape: it is widened until it stays. */
static int settle_back_edges(struct infer *s, struct body *b)
{
	for (int round = 0; may_teach(s) && round < MAX_RANK + 3; round++) {
		bool stable = true;
		for (int i = 0; i < b->nmaps; i++) {
			const struct port_map *m = &b->map[i];
			if (m->kind != MAP_BACK_EDGE || m->outer < 0)
				continue;
			struct node *p = b->graph->inputs[m->inner];
			const struct info *r = result_info(b, m->outer);
			struct shape old = p->out[0].info.shape;
			if (!r || shape_equal(&old, &r->shape) || old.rank < 0)
				continue;
			struct shape wide = round < 2 ? shape_either(&old, &r->shape)
						      : shape_unknown();
			for (int k = 0; k < wide.rank; k++)
				if (!dim_static(wide.dim[k]))
					wide.dim[k] = dim_any();
			if (shape_equal(&wide, &old))
				continue;
			stable = false;
			if (set_parameter(s, p, DT_NONE, &wide))
				return s->err->status;
		}
		if (stable)
			return OK;
		int status = graph_infer(b->graph, s->err);
		if (status)
			return status;
	}
	return OK;
}

static void loop_output(
    struct infer *s, const struct body *b, const struct port_map *m, struct dim times)
{
	const struct info *r = result_info(b, m->inner);
	struct info *o = &s->out[m->outer];
	if (!r)
		return;
	o->type = r->type;
	o->shape = r->shape;
	if (m->axis >= 0 && m->axis < r->shape.rank)
		o->shape.dim[m->axis] = dim_mul(times, r->shape.dim[m->axis]);
	else if (m->axis < 0 && times.min < 1)
		o->shape = shape_any(r->shape.rank); /* perhaps the value that went in */
}

static int infer_loops(struct infer *s, struct dim times)
{
	struct body *b = s->node->body;
	int status = teach_inputs(s, b);
	if (!status)
		status = settle_back_edges(s, b);
	for (int i = 0; i < b->nmaps && !status; i++)
		if (b->map[i].kind == MAP_OUTPUT && b->map[i].outer >= 0)
			loop_output(s, b, &b->map[i], times);
	return status;
}

/* How often the sliced inputs let the body run. */
static int sliced_times(struct infer *s, struct dim *times)
{
	const struct body *b = s->node->body;
	for (int i = 0; i < b->nmaps; i++) {
		const struct port_map *m = &b->map[i];
		if (m->kind != MAP_INPUT || m->axis < 0 || s->in[m->outer].shape.rank < 0)
			continue;
		int axis = infer_axis(s, m->axis, s->in[m->outer].shape.rank);
		if (axis < 0)
			return E_FORMAT;
		struct dim d = s->in[m->outer].shape.dim[axis];
		if (!dim_static(d))
			continue;
		int64_t n = loop_parts(m, d.min);
		if (n < 0 || (dim_static(*times) && times->min != n))
			return infer_fail(
			    s, "input %d cannot be cut as the port map says", m->outer);
		*times = dim_of(n);
	}
	return OK;
}

int infer_tensor_iterator(struct infer *s)
{
	struct dim times = dim_any();
	if (s->node->nbodies != 1)
		return infer_fail(s, "TensorIterator has %d bodies", s->node->nbodies);
	int status = check_maps(s, s->node->body);
	if (!status)
		status = sliced_times(s, &times);
	return status ? status : infer_loops(s, times);
}

/* Is this value known to be true? */
static bool always(const struct value *v)
{
	struct tensor t = v && value_const(v) ? value_tensor(v) : (struct tensor){0};
	return t.type != DT_NONE && tensor_count(&t) == 1 && tensor_f64(&t, 0) != 0;
}

/* Does a Loop turn as often as it is told, whatever its body computes? */
static bool turns_freely(const struct infer *s)
{
	const struct body *b = s->node->body;
	const struct tensor *go = s->in[1].tensor;
	if (infer_has(s, 1) && (!go || tensor_count(go) != 1 || tensor_f64(go, 0) == 0))
		return false;
	int k = loop_condition(b);
	if (k < 0)
		return true;
	const struct value *v = node_in(b->graph->outputs[k], 0);
	for (int i = 0; i < b->nmaps; i++) /* what went in as true and comes back as it is */
		if (v && b->map[i].kind == MAP_BACK_EDGE && b->map[i].outer == k &&
		    v == &b->graph->inputs[b->map[i].inner]->out[0])
			return true;
	return always(v);
}

int infer_loop(struct infer *s)
{
	struct dim times = {0, DIM_INF, 0}, sliced = dim_any();
	int64_t trip = -1;
	if (s->node->nbodies != 1)
		return infer_fail(s, "Loop has %d bodies", s->node->nbodies);
	int status = check_maps(s, s->node->body);
	if (!status)
		status = sliced_times(s, &sliced);
	if (status)
		return status;
	bool told = infer_int(s, 0, &trip);
	if (told && trip >= 0)
		times.max = trip;
	if (dim_static(sliced) && sliced.min < times.max)
		times.max = sliced.min;
	/* as often as told, or as there are parts: none of them may be less than unknown */
	if (turns_freely(s) && times.max < DIM_INF && told)
		times.min = times.max;
	return infer_loops(s, times);
}
