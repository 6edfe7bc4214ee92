/* A plan as an image and back: buffers, calls, outputs. */
#include "exec/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

/* ---- what must be the same ---- */

/* The level of the processor and the options that the plan was made for. */
static int identity(struct exec *e, struct image *im, struct err *err)
{
	const char *level = cpu_level();
	bool exact = e->o.exact, bf16 = e->o.bf16;
	image_text(im, &level);
	image_bool(im, &exact);
	image_bool(im, &bf16);
	if (image_fails(im))
		return fail(err, E_FORMAT, "the plan is damaged");
	if (strcmp(level, cpu_level()))
		return fail(err, E_UNSUPPORTED,
		    "compiled for %s, this run has %s: compile it again, or see --cpu", level,
		    cpu_level());
	if (e->o.exact && !exact)
		return fail(err, E_UNSUPPORTED, "compiled without --exact");
	if (e->o.bf16 && !bf16)
		return fail(err, E_UNSUPPORTED, "compiled without --infer-precision bf16");
	return OK;
}

/* ---- saving ---- */

/* Weights are shared by the buffers at one address. */
static void save_buffers(const struct plan *p, struct image *im, struct exec_image *out)
{
	int n = (int)p->nbuffers;
	int64_t end = 0;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++) {
		const struct buffer *b = &p->buffer[i];
		int kind = (int)b->kind, k = (int)b->k;
		int64_t size = (int64_t)b->size, at = end;
		image_int(im, &kind, BUFFER_NONE, BUFFER_FIXED);
		image_int(im, &k, 0, INT_MAX);
		image_i64(im, &size, 0, IMAGE_LARGE);
		image_i64(im, &at, 0, IMAGE_LARGE);
		if (b->kind != BUFFER_FIXED)
			continue;
		out->weights[out->nweights++] = (struct exec_bytes){b->at, b->size};
		end += (size + 63) / 64 * 64;
	}
}

static int save_calls(const struct plan *p, struct image *im, struct err *err)
{
	int n = p->ncalls;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++) {
		struct call c = p->call[i];
		int node = (int)c.node->mark;
		image_int(im, &node, 0, LIMIT_NODES);
		if (has_variable(c.node))
			return fail(err, E_UNSUPPORTED,
			    "node '%s': a network with state is not compiled", c.node->name);
		if (!image_call(im, &c, c.node->nin, c.node->nout))
			return fail(err, E_UNSUPPORTED,
			    "node '%s': what runs as '%s' is not compiled", c.node->name,
			    call_name(c.kind));
	}
	return OK;
}

static void save_outputs(const struct exec *e, const struct plan *p, struct image *im)
{
	for (int k = 0; k < e->graph->noutputs; k++) {
		int buffer = (int)p->out[k].buffer;
		int64_t offset = p->out[k].offset;
		image_int(im, &buffer, 0, INT_MAX);
		image_i64(im, &offset, 0, IMAGE_LARGE);
	}
}

static int save_plan(struct exec *e, struct image *im, struct exec_image *out, struct err *err)
{
	const struct plan *p = e->plan[0];
	int status = identity(e, im, err);
	out->weights = calloc(p->nbuffers + 1, sizeof *out->weights);
	if (!out->weights)
		return fail_nomem(err);
	save_buffers(p, im, out);
	status = status == OK ? save_calls(p, im, err) : status;
	save_outputs(e, p, im);
	return status;
}

static int take(struct image *im, struct exec_bytes *out, struct err *err)
{
	*out = (struct exec_bytes){im->out.data, im->out.len};
	return im->out.failed ? fail_nomem(err)
	       : im->bad      ? fail(err, E_LIMIT, "the plan is too large to be written")
			      : OK;
}

int exec_save(struct exec *e, struct exec_image *out, struct err *err)
{
	struct image graph = {0}, plan = {0};
	*out = (struct exec_image){0};
	if (!e->plan[0] || e->graph->plan || e->o.tap || e->o.watch)
		return fail(err, E_USAGE, "there is no plan to save");
	for (int k = 0; k < e->graph->noutputs; k++)
		if (e->plan[0]->dynamic[node_in(e->graph->outputs[k], 0)->id])
			return fail(err, E_UNSUPPORTED,
			    "output '%s' has a size that the data tell: it is not compiled",
			    graph_output_name(e->graph, k));
	int status = image_graph_save(e, e->plan[0], &graph, err);
	if (status == OK)
		status = save_plan(e, &plan, out, err);
	int a = take(&graph, &out->graph, err), b = take(&plan, &out->plan, err);
	return status < 0 ? status : a < 0 ? a : b;
}

void exec_image_free(struct exec_image *i)
{
	free((void *)i->graph.data);
	free((void *)i->plan.data);
	free(i->weights);
	*i = (struct exec_image){0};
}

/* ---- loading ---- */

int exec_load(struct blob *graph, struct blob *plan, struct blob *weights, struct graph **out,
    struct err *err)
{
	struct image im = {.load = true, .arena = arena_new()};
	im.in = cursor_of(blob_direct(graph), blob_size(graph));
	int status = im.arena ? image_graph_load(&im, out, err) : fail_nomem(err);
	arena_free(im.arena);
	if (status < 0)
		return status;
	(*out)->plan = blob_ref(plan);
	(*out)->weights = blob_ref(weights);
	graph_number(*out);
	return OK;
}

static bool load_buffer(struct lower *l, struct image *im, uint32_t number)
{
	const struct blob *w = l->e->graph->weights;
	int kind = 0, k = 0;
	int64_t size = 0, at = 0;
	uint32_t added;
	image_int(im, &kind, BUFFER_NONE, BUFFER_FIXED);
	image_int(im, &k, 0, INT_MAX);
	image_i64(im, &size, 0, IMAGE_LARGE);
	image_i64(im, &at, 0, IMAGE_LARGE);
	if (image_fails(im) || (kind == BUFFER_NONE) != (number == 0) ||
	    (kind == BUFFER_INPUT && k >= l->e->graph->ninputs) ||
	    (kind == BUFFER_FIXED &&
		(at % 64 || at > (int64_t)blob_size(w) || size > (int64_t)blob_size(w) - at)) ||
	    buffer_add(l, (enum buffer_kind)kind, (size_t)size, &added) < 0)
		return false;
	struct buffer *b = &l->p->buffer[added];
	b->k = (uint32_t)k;
	b->at = kind == BUFFER_FIXED ? (const char *)blob_direct(w) + at : NULL;
	return true;
}

static int load_buffers(struct lower *l, struct image *im)
{
	int n = 0;
	image_count(im, &n, INT_MAX);
	for (int i = 0; i < n; i++)
		if (!load_buffer(l, im, (uint32_t)i))
			return fail(l->err, E_FORMAT, "buffer %d of the plan is damaged", i);
	im->nbuffers = n;
	return n ? OK : fail(l->err, E_FORMAT, "the plan has no buffers");
}

static int load_call(
    struct lower *l, struct image *im, struct node *const *list, int n, struct err *err)
{
	int node = 0;
	struct call read = {0};
	image_int(im, &node, 0, n - 1);
	if (image_fails(im) || !image_call(im, &read, list[node]->nin, list[node]->nout) ||
	    image_fails(im))
		return fail(err, E_FORMAT, "a call of the plan is damaged");
	struct call *c = call_add(l, read.kind, list[node]);
	if (!c)
		return fail_nomem(err);
	*c = read;
	c->node = list[node];
	return image_check(l, c, err) < 0 ? err_in(err, "node '%s'", c->node->name) : OK;
}

/* Nodes but Results, by number. */
static struct node **list_nodes(const struct graph *g, int *count)
{
	struct node **list = calloc((size_t)g->nnodes + 1, sizeof *list);
	*count = 0;
	graph_each (g, n)
		if (list && !node_is(n, OP_RESULT))
			list[(*count)++] = n;
	return list;
}

static int load_calls(struct lower *l, struct image *im)
{
	int ncalls = 0, n, status = OK;
	struct node **list = list_nodes(l->e->graph, &n);
	if (!list)
		return fail_nomem(l->err);
	image_count(im, &ncalls, INT_MAX);
	for (int i = 0; i < ncalls && status == OK; i++)
		status = load_call(l, im, list, n, l->err);
	free(list);
	return status;
}

static int load_outputs(struct lower *l, struct image *im)
{
	struct plan *p = l->p;
	p->ncalls++; /* outputs are read behind the last call */
	for (int k = 0; k < l->e->graph->noutputs; k++) {
		const struct value *v = node_in(l->e->graph->outputs[k], 0);
		int buffer = 0;
		int64_t offset = 0, bytes = (int64_t)tensor_bytes(&p->value[v->id]);
		image_int(im, &buffer, 0, (int)p->nbuffers - 1);
		image_i64(im, &offset, 0, IMAGE_LARGE);
		const struct buffer *b = &p->buffer[buffer];
		if (image_fails(im) || (b->kind != BUFFER_WORK && b->kind != BUFFER_FIXED) ||
		    offset % 8 || bytes > (int64_t)b->size || offset > (int64_t)b->size - bytes)
			return fail(l->err, E_FORMAT, "output %d of the plan is damaged", k);
		p->out[k] = (struct ref){(uint32_t)buffer, offset};
		call_uses(l, p->out[k]);
	}
	p->ncalls--;
	return OK;
}

static void set_edges(struct exec *e, struct plan *p)
{
	for (int k = 0; k < e->graph->noutputs; k++) {
		const struct value *v = node_in(e->graph->outputs[k], 0);
		struct tensor *t = &p->value[v->id];
		*t = (struct tensor){.type = v->info.type, .rank = v->info.shape.rank};
		for (int d = 0; d < t->rank; d++)
			t->dim[d] = v->info.shape.dim[d].min;
	}
}

static int load_plan(struct exec *e, struct plan *p, struct err *err)
{
	const struct blob *b = e->graph->plan;
	struct lower l = {.e = e, .p = p, .err = err};
	struct image im = {.load = true, .arena = p->arena};
	im.in = cursor_of(blob_direct(b), blob_size(b));
	set_edges(e, p);
	int status = identity(e, &im, err);
	if (status == OK)
		status = load_buffers(&l, &im);
	if (status == OK)
		status = load_calls(&l, &im);
	if (status == OK)
		status = load_outputs(&l, &im);
	return status == OK ? plan_place(p, err) : status;
}

/* The shapes that the network was compiled for. */
static struct tensor *input_shapes(const struct graph *g)
{
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	for (int k = 0; in && k < g->ninputs; k++) {
		const struct info *info = &g->inputs[k]->out[0].info;
		in[k].type = info->type;
		in[k].rank = info->shape.rank;
		for (int d = 0; d < in[k].rank; d++)
			in[k].dim[d] = info->shape.dim[d].min;
	}
	return in;
}

int plan_load(struct exec *e, struct err *err)
{
	struct plan *p = NULL;
	struct tensor *in = input_shapes(e->graph);
	if (e->o.tap || e->o.watch || e->o.eval_only) {
		free(in);
		return fail(err, E_UNSUPPORTED,
		    "a compiled network has no values between its layers: take the model itself");
	}
	int status = in ? plan_alloc(e, in, &p, err) : fail_nomem(err);
	for (int k = 0; status == OK && k < e->graph->ninputs; k++)
		p->value[e->graph->inputs[k]->out[0].id] = in[k];
	free(in);
	if (status == OK)
		status = load_plan(e, p, err);
	if (status < 0) {
		plan_free(e, p);
		err_in(err, "compiled network '%s'", e->graph->name);
		return status;
	}
	e->plan[0] = p;
	return OK;
}
