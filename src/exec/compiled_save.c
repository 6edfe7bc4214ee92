/* Networks compiled: the plans of several shapes and what they share, once, as the sections of a
 * blob. */
#include <stdlib.h>

#include "base/cpu.h"
#include "exec/image.h"

struct exec_image_owned {
	struct exec *e;
	struct plan **made; /* for the image alone */
	int nmade;
	struct image_pieces pieces;
};

struct saving {
	struct exec *e;
	const struct exec_shapes *s;
	struct plan *plan[EXEC_SETS];
	struct image_pieces *pieces;
	struct image graph, list, plans, network; /* plans: one behind the other */
	struct exec_image *out;
};

static const struct tensor *set_at(const struct exec *e, const struct exec_shapes *s, int i)
{
	return s->in + (size_t)i * (size_t)e->graph->ninputs;
}

/* Those that are kept, and others that go with the image. */
static int take_plans(struct saving *v, struct err *err)
{
	struct exec_image_owned *own = v->out->owned;
	own->made = calloc(EXEC_SETS, sizeof *own->made);
	if (!own->made)
		return fail_nomem(err);
	for (int i = 0; i < v->s->n; i++) {
		const struct tensor *in = set_at(v->e, v->s, i);
		v->plan[i] = plan_kept(v->e, in);
		int status = v->plan[i] ? OK : plan_make(v->e, in, &v->plan[i], err);
		if (status < 0)
			return status;
		if (v->plan[i] != plan_kept(v->e, in))
			own->made[own->nmade++] = v->plan[i];
	}
	return OK;
}

/* What holds the value in every plan. */
static struct shape span_of(const struct saving *v, const struct value *value)
{
	struct shape s = tensor_shape(&v->plan[0]->value[value->id]);
	for (int i = 1; i < v->s->n; i++) {
		const struct tensor *t = &v->plan[i]->value[value->id];
		for (int d = 0; d < s.rank && d < t->rank; d++) {
			s.dim[d].min = t->dim[d] < s.dim[d].min ? t->dim[d] : s.dim[d].min;
			s.dim[d].max = t->dim[d] > s.dim[d].max ? t->dim[d] : s.dim[d].max;
		}
	}
	const struct shape *all = &value->info.shape;
	return v->s->open && all->rank >= 0 ? *all : s;
}

static int save_graphs(struct saving *v, struct err *err)
{
	const struct graph *g = v->e->graph;
	struct shape *in = calloc((size_t)(g->ninputs + g->noutputs) + 1, sizeof *in);
	struct image_edges edges = {in, in + g->ninputs};
	if (!in)
		return fail_nomem(err);
	for (int k = 0; k < g->ninputs; k++)
		in[k] = span_of(v, &g->inputs[k]->out[0]);
	for (int k = 0; k < g->noutputs; k++)
		in[g->ninputs + k] = span_of(v, node_in(g->outputs[k], 0));
	int status = image_graph_save(v->e, v->plan, v->s->n, &edges, &v->graph, err);
	free(in);
	return status;
}

static void save_identity(const struct exec *e, struct image *im)
{
	const char *level = cpu_level();
	bool exact = e->o.exact, bf16 = e->o.bf16;
	float share = e->o.share;
	image_text(im, &level);
	image_bool(im, &exact);
	image_bool(im, &bf16);
	image_float(im, &share);
}

/* A row of the list: the shapes, and the bytes of the plan. */
static int save_plan(struct saving *v, int i, struct err *err)
{
	const struct graph *g = v->e->graph;
	struct plan *p = v->plan[i];
	size_t start = v->plans.out.len;
	int status = image_plan_save(v->e, p, &v->plans, v->pieces, err);
	int64_t size = (int64_t)(v->plans.out.len - start);
	for (int k = 0; k < g->ninputs; k++)
		image_tensor(&v->list, &p->value[g->inputs[k]->out[0].id]);
	for (int k = 0; k < g->noutputs; k++)
		image_tensor(&v->list, &p->value[node_in(g->outputs[k], 0)->id]);
	image_i64(&v->list, &size, 0, IMAGE_LARGE);
	return status;
}

static int save_plans(struct saving *v, struct err *err)
{
	int n = v->s->n, status = OK;
	save_identity(v->e, &v->list);
	image_int(&v->list, &n, 1, EXEC_SETS);
	for (int i = 0; i < n && status == OK; i++)
		status = save_plan(v, i, err);
	text_addn(&v->list.out, v->plans.out.data ? v->plans.out.data : "", v->plans.out.len);
	return status;
}

static int save_network(struct saving *v, struct err *err)
{
	struct exec_image *out = v->out;
	out->nweights = (size_t)v->pieces->n;
	int status = v->s->open ? image_network_save(v->e, &v->network, v->pieces, err) : OK;
	out->weights = v->pieces->v;
	out->constants = v->pieces->v + out->nweights;
	out->nconstants = (size_t)v->pieces->n - out->nweights;
	return status;
}

static int take(struct image *im, struct exec_bytes *out, struct err *err)
{
	*out = (struct exec_bytes){im->out.data, im->out.len};
	return im->out.failed ? fail_nomem(err)
	       : im->bad      ? fail(err, E_LIMIT, "the plan is too large to be written")
			      : OK;
}

static int save_all(struct saving *v, struct err *err)
{
	int status = take_plans(v, err);
	status = status ? status : save_graphs(v, err);
	status = status ? status : save_plans(v, err);
	status = status ? status : save_network(v, err);
	text_free(&v->plans.out);
	v->list.bad |= v->plans.bad;
	v->list.out.failed |= v->plans.out.failed;
	struct exec_image *out = v->out;
	int a = take(&v->graph, &out->graph, err), b = take(&v->list, &out->plan, err),
	    c = take(&v->network, &out->network, err);
	return status < 0 ? status : a < 0 ? a : b < 0 ? b : c;
}

struct tensor *exec_last_shapes(const struct exec *e)
{
	const struct exec *r = e->is_behind ? e->behind : e;
	const struct plan *p = r->plan[0];
	struct tensor *in = p ? calloc((size_t)e->graph->ninputs + 1, sizeof *in) : NULL;
	for (int k = 0; in && k < e->graph->ninputs; k++) {
		in[k] = p->value[r->graph->inputs[k]->out[0].id];
		in[k].data = NULL;
	}
	return in;
}

static int save(
    struct exec *e, const struct exec_shapes *s, struct exec_image *out, struct err *err)
{
	struct saving v = {.e = e, .s = s, .out = out};
	if (e->graph->compiled || e->o.tap || e->o.watch)
		return fail(err, E_USAGE, "there is no plan to save");
	if (s->n < 1 || s->n > EXEC_SETS)
		return fail(err, E_LIMIT, "%d sets of shapes: a network is compiled for 1 to %d",
		    s->n, EXEC_SETS);
	out->owned = calloc(1, sizeof *out->owned);
	if (!out->owned)
		return fail_nomem(err);
	v.pieces = &out->owned->pieces;
	out->owned->e = e;
	return save_all(&v, err);
}

int exec_save(struct exec *e, const struct exec_shapes *s, struct exec_image *out, struct err *err)
{
	struct exec_shapes last = {.n = 1, .open = s->open};
	struct tensor *in = s->n ? NULL : exec_last_shapes(e);
	*out = (struct exec_image){0};
	last.in = in;
	if (!s->n && !in)
		return fail(err, E_USAGE, "there is no plan to save");
	int status = save(e->net->behind ? e->net->behind : e, s->n ? s : &last, out, err);
	free(in);
	return status;
}

void exec_image_free(struct exec_image *i)
{
	struct exec_image_owned *own = i->owned;
	for (int k = 0; own && k < own->nmade; k++)
		plan_free(own->e, own->made[k]);
	if (own) {
		image_pieces_free(&own->pieces);
		free(own->made);
	}
	free(own);
	free((void *)i->graph.data);
	free((void *)i->plan.data);
	free((void *)i->network.data);
	*i = (struct exec_image){0};
}
