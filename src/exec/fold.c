/* Constants of a run: those of the network, and what follows from them alone, evaluated once. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "exec/state.h"

#define LARGE 4096 /* bytes of a constant that must not lie in memory twice */

/* Is there nothing in memory that could be read in place? */
static bool must_copy(const struct node *n)
{
	const void *data = blob_direct(n->data);
	size_t size = (size_t)dtype_bits(n->out[0].info.type) / 8;
	return blob_size(n->data) >= LARGE && (!data || (size && (uintptr_t)data % size));
}

/* A copy that goes after the last use, where the blob's own would stay. */
static int copy_const(const struct value *v, struct tensor *t, struct err *err)
{
	const struct shape *s = &v->info.shape;
	int64_t dim[MAX_RANK];
	for (int d = 0; d < s->rank; d++)
		dim[d] = s->dim[d].min;
	int status = tensor_reserve(t, v->info.type, s->rank, dim, err);
	if (!status && (status = blob_read(v->node->data, 0, t->data, tensor_bytes(t), err)))
		tensor_free(t);
	return status;
}

/* Type and dims are known; the content is made when it is asked for. */
static void leave(const struct value *v, struct tensor *t)
{
	*t = (struct tensor){.type = v->info.type, .rank = v->info.shape.rank};
	for (int d = 0; d < t->rank; d++)
		t->dim[d] = v->info.shape.dim[d].min;
}

static int load_consts(const struct network *net, struct constants *c, struct err *err)
{
	graph_each (net->graph, n) {
		const struct value *v = &n->out[0];
		if (!node_is(n, OP_CONST) || !net->uses[v->id])
			continue;
		if (blob_is_made(n->data)) {
			leave(v, &c->t[v->id]);
			continue;
		}
		if (shape_static(&v->info.shape) && must_copy(n)) {
			int status = copy_const(v, &c->t[v->id], err);
			c->owned[v->id] = !status;
			if (status)
				return status;
			continue;
		}
		c->t[v->id] = value_tensor(v);
		if (c->t[v->id].type == DT_NONE)
			return fail_nomem(err);
	}
	return OK;
}

/* A constant whose content has not been left for later. */
static bool is_there(const struct tensor *t)
{
	return t->type != DT_NONE && (t->data || !tensor_count(t));
}

static bool foldable(const struct constants *c, const struct node *n)
{
	if (n->op->flags & (OPF_RANDOM | OPF_SINK))
		return false;
	for (int k = 0; k < n->nin; k++)
		if (n->in[k].value && !is_there(&c->t[n->in[k].value->id]))
			return false;
	return true;
}

/* After the last use the data go; type and dims stay. */
static void used_up(struct constants *c, const struct value *v)
{
	if (!v || c->keep || --c->wanted[v->id] > 0)
		return;
	struct tensor t = c->t[v->id];
	if (c->owned[v->id])
		tensor_free(&c->t[v->id]);
	c->owned[v->id] = false;
	c->t[v->id] = t;
	c->t[v->id].data = NULL;
}

void constants_release(struct constants *c, const struct value *v)
{
	used_up(c, v);
	/* The packed copy is what runs; mapped pages of the file may go. */
	if (v->node->data)
		blob_forget(v->node->data, 0, blob_size(v->node->data));
}

/* Does everything that uses v make f32 of it, at most after a change of shape? */
static bool becomes_f32(const struct value *v, int depth)
{
	value_each_use (v, u) {
		const struct node *n = u->node;
		bool moves = node_is(n, OP_RESHAPE) && u->index == 0 && depth < 2;
		if (moves ? !becomes_f32(&n->out[0], depth + 1)
			  : !node_is(n, OP_CONVERT) || n->out[0].info.type != DT_F32)
			return false;
	}
	return v->nuses > 0;
}

/* The scale of compressed weights, in f16 on its way to f32: OpenVINO multiplies in f32, so the
 * product is not rounded to f16 in between. */
static bool multiplies_wide(const struct node *n)
{
	return node_is(n, OP_MULTIPLY) && n->out[0].info.type == DT_F16 &&
	       becomes_f32(&n->out[0], 0);
}

static int widen(struct tensor *t, struct err *err)
{
	struct tensor from = *t;
	int64_t n = tensor_count(&from);
	int status = tensor_alloc(t, DT_F32, from.rank, from.dim, err);
	if (status == OK)
		f16_to_f32_n(t->data, from.data, (size_t)n);
	return status;
}

static int eval_wide(
    const struct node *n, const struct tensor *in, struct tensor *out, struct err *err)
{
	struct tensor wide[2] = {in[0], in[1]};
	int status = OK, done = 0;
	while (done < 2 && status == OK && (status = widen(&wide[done], err)) == OK)
		done++;
	if (status == OK)
		status = node_eval(n, wide, 2, out, err);
	while (done > 0)
		tensor_free(&wide[--done]);
	return status;
}

static int fold_step(struct step *s, struct constants *c, struct tensor *in, struct err *err)
{
	struct node *n = s->node;
	for (int k = 0; k < n->nin; k++)
		in[k] = n->in[k].value ? c->t[n->in[k].value->id] : (struct tensor){0};
	struct tensor *out = &c->t[n->out[0].id];
	int status = multiplies_wide(n) ? eval_wide(n, in, out, err)
					: node_eval(n, in, n->nin, out, err);
	if (status < 0)
		return status;
	s->folded = true;
	for (int k = 0; k < n->nout; k++)
		c->owned[n->out[k].id] = true;
	for (int k = 0; k < n->nin; k++)
		used_up(c, n->in[k].value);
	return OK;
}

static bool constants_new(const struct network *net, struct constants *c)
{
	size_t n = net->graph->nvalues + 1;
	c->t = calloc(n, sizeof *c->t);
	c->owned = calloc(n, sizeof *c->owned);
	c->wanted = calloc(n, sizeof *c->wanted);
	return c->t && c->owned && c->wanted;
}

int fold_constants(struct network *net, struct err *err)
{
	struct constants *c = &net->c;
	size_t n = net->graph->nvalues + 1;
	struct tensor *in = calloc((size_t)net->max_in + 1, sizeof *in);
	int status = constants_new(net, c) && in ? OK : fail_nomem(err);
	if (status == OK) {
		memcpy(c->wanted, net->uses, n * sizeof *c->wanted);
		status = load_consts(net, c, err);
	}
	for (int i = 0; i < net->nsteps && status == OK; i++) {
		struct step *s = &net->step[i];
		const struct value *v = &s->node->out[0];
		s->folded = s->deferred;
		if (s->deferred)
			leave(v, &c->t[v->id]);
		else if (foldable(c, s->node))
			status = fold_step(s, c, in, err);
	}
	free(in);
	return status;
}

/* ---- once more ---- */

static bool is_made(const struct network *net, const struct value *v)
{
	return net->c.t[v->id].data || net->all.t[v->id].data;
}

/* Marks the values that v is made of, as far as they are not there. */
static void mark_needed(const struct network *net, const struct value *v, bool *need)
{
	need[v->id] = true;
	for (int i = net->maker[v->id]; i >= 0; i--) {
		const struct node *n = net->step[i].node;
		bool wanted = false;
		for (int k = 0; k < n->nout; k++)
			wanted |= need[n->out[k].id];
		for (int k = 0; wanted && k < n->nin; k++)
			if (n->in[k].value)
				need[n->in[k].value->id] |= !is_made(net, n->in[k].value);
	}
}

static int make_step(struct network *net, const struct node *n, struct tensor *in, struct err *err)
{
	struct constants *c = &net->all;
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = n->in[k].value;
		in[k] = (struct tensor){0};
		if (v)
			in[k] = node_is(v->node, OP_CONST) ? value_tensor(v)
				: net->c.t[v->id].data     ? net->c.t[v->id]
							   : c->t[v->id];
	}
	for (int k = 0; k < n->nout; k++)
		c->owned[n->out[k].id] = true;
	return multiplies_wide(n) ? eval_wide(n, in, &c->t[n->out[0].id], err)
				  : node_eval(n, in, n->nin, &c->t[n->out[0].id], err);
}

/* Makes v in net->all, and what it needs, which goes again. */
static int make_again(struct network *net, const struct value *v, struct err *err)
{
	struct constants *c = &net->all;
	size_t n = net->graph->nvalues + 1;
	bool *need = calloc(n, sizeof *need);
	struct tensor *in = calloc((size_t)net->max_in + 1, sizeof *in);
	int status = need && in && (c->t || constants_new(net, c)) ? OK : fail_nomem(err);
	if (status == OK)
		mark_needed(net, v, need);
	for (int i = 0; i <= net->maker[v->id] && status == OK; i++) {
		const struct node *step = net->step[i].node;
		if (step->nout && need[step->out[0].id] && !c->owned[step->out[0].id])
			status = make_step(net, step, in, err);
	}
	for (uint32_t id = 0; need && c->t && c->owned && id < net->graph->nvalues; id++)
		if (need[id] && c->owned[id] && (id != v->id || status < 0)) {
			tensor_free(&c->t[id]);
			c->owned[id] = false;
		}
	free(need);
	free(in);
	return status;
}

int constants_get(struct network *net, const struct value *v, struct tensor *out, struct err *err)
{
	int status = OK;
	*out = net->c.t[v->id];
	if (out->type == DT_NONE || out->data || !tensor_count(out))
		return OK;
	if (node_is(v->node, OP_CONST)) {
		*out = value_tensor(v);
		return OK;
	}
	if (!net->all.t || !net->all.owned || !net->all.t[v->id].data)
		status = make_again(net, v, err);
	if (status == OK)
		*out = net->all.t[v->id];
	return status;
}

int constants_hold(struct network *net, const struct value *v, struct tensor *out, struct err *err)
{
	if (net->c.t[v->id].data)
		net->c.wanted[v->id] = INT_MAX;
	return constants_get(net, v, out, err);
}

void constants_free(const struct network *net, struct constants *c)
{
	for (uint32_t id = 0; c->t && c->owned && id < net->graph->nvalues; id++)
		if (c->owned[id])
			tensor_free(&c->t[id]);
	free(c->t);
	free(c->owned);
	free(c->wanted);
	*c = (struct constants){0};
}
