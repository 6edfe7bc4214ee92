/* Compiled networks as they run: plans by the shapes of the inputs, and the whole network behind
 * them for the shapes that have no plan. */
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "exec/image.h"

#define TOLD 8 /* shapes that a message lists */

/* ---- loading ---- */

static void release(struct compiled *c)
{
	blob_unref(c->plan);
	blob_unref(c->weights);
	blob_unref(c->network);
	blob_unref(c->constants);
	arena_free(c->arena);
	free(c);
}

const void *compiled_bytes(const struct compiled *c, int64_t at, int64_t size)
{
	const struct blob *b = c->weights;
	if (at % 64 || at < 0 || size < 0)
		return NULL;
	if (at >= (int64_t)blob_size(b) && size && c->constants) {
		at -= (int64_t)blob_size(b);
		b = c->constants;
	}
	int64_t all = (int64_t)blob_size(b);
	return at <= all && size <= all - at ? (const char *)blob_direct(b) + at : NULL;
}

/* Of inputs or outputs, each of the type of its value and inside of its range. */
static struct tensor *load_shapes(struct image *im, struct node *const *edges, int n, bool outputs)
{
	struct tensor *t = arena_array(im->arena, (size_t)n + 1, sizeof *t);
	for (int k = 0; t && k < n; k++) {
		const struct value *v = outputs ? node_in(edges[k], 0) : &edges[k]->out[0];
		image_tensor(im, &t[k]);
		im->bad |= t[k].type != v->info.type ||
			   !shape_fits(&v->info.shape, t[k].rank, t[k].dim);
	}
	im->bad |= !t;
	return t;
}

static void load_list(struct image *im, const struct graph *g, struct compiled *c)
{
	int64_t size = 0;
	size_t at = 0;
	image_text(im, &c->level);
	image_bool(im, &c->exact);
	image_bool(im, &c->bf16);
	image_float(im, &c->share);
	image_int(im, &c->n, 1, EXEC_SETS);
	c->v = arena_array(im->arena, EXEC_SETS, sizeof *c->v);
	im->bad |= !c->v;
	for (int i = 0; i < c->n && !image_fails(im); i++) {
		c->v[i].in = load_shapes(im, g->inputs, g->ninputs, false);
		c->v[i].out = load_shapes(im, g->outputs, g->noutputs, true);
		image_i64(im, &size, 0, IMAGE_LARGE);
		c->v[i].at = at;
		c->v[i].size = (size_t)size;
		at += (size_t)size;
	}
	size_t left = cursor_left(&im->in), start = blob_size(c->plan) - left;
	im->bad |= at > left || left - at >= 64;
	for (int i = 0; i < c->n && !image_fails(im); i++)
		c->v[i].at += start;
}

static int load_plans(const struct exec_sections *s, struct graph *g, struct err *err)
{
	struct compiled *c = calloc(1, sizeof *c);
	if (!c)
		return fail_nomem(err);
	c->plan = blob_ref(s->plan);
	c->weights = blob_ref(s->weights);
	c->network = s->network ? blob_ref(s->network) : NULL;
	c->constants = s->constants ? blob_ref(s->constants) : NULL;
	c->arena = arena_new();
	g->compiled = c;
	g->release = release;
	struct image im = {.load = true, .arena = c->arena};
	im.in = cursor_of(blob_direct(c->plan), blob_size(c->plan));
	if (!c->arena)
		return fail_nomem(err);
	load_list(&im, g, c);
	return image_fails(&im) ? fail(err, E_FORMAT, "the list of plans is damaged") : OK;
}

int exec_load(const struct exec_sections *s, struct graph **out, struct err *err)
{
	struct image im = {.load = true, .arena = arena_new()};
	im.in = cursor_of(blob_direct(s->graph), blob_size(s->graph));
	int status = im.arena ? image_graph_load(&im, out, err) : fail_nomem(err);
	arena_free(im.arena);
	if (status < 0)
		return status;
	graph_number(*out);
	status = load_plans(s, *out, err);
	if (status < 0) {
		graph_free(*out);
		*out = NULL;
	}
	return status;
}

/* ---- running ---- */

static bool same_shapes(const struct graph *g, const struct tensor *a, const struct tensor *b)
{
	for (int k = 0; k < g->ninputs; k++)
		if (a[k].rank != b[k].rank ||
		    memcmp(a[k].dim, b[k].dim, (size_t)a[k].rank * sizeof *a[k].dim))
			return false;
	return true;
}

/* The plan for these inputs, or NULL when there is none. */
static const struct compiled_plan *find(const struct graph *g, const struct tensor *in)
{
	const struct compiled *c = g->compiled;
	for (int i = 0; i < c->n; i++)
		if (same_shapes(g, c->v[i].in, in))
			return &c->v[i];
	return NULL;
}

int compiled_open(struct exec *e, struct err *err)
{
	const struct compiled *c = e->graph->compiled;
	struct plan *p;
	if (e->o.tap || e->o.watch || e->o.eval_only)
		return fail(err, E_UNSUPPORTED,
		    "a compiled network has no values between its layers: take the model itself");
	if (strcmp(c->level, cpu_level()))
		return fail(err, E_UNSUPPORTED,
		    "compiled for %s, this run has %s: compile it again, or see --cpu", c->level,
		    cpu_level());
	if (e->o.exact && !c->exact)
		return fail(err, E_UNSUPPORTED, "compiled without --exact");
	if (e->o.bf16 && !c->bf16)
		return fail(err, E_UNSUPPORTED, "compiled without --infer-precision bf16");
	/* of several each when it is used */
	return c->n == 1 && !c->network ? plan_get(e, c->v[0].in, &p, err) : OK;
}

int compiled_plan(struct exec *e, const struct tensor *in, struct plan **out, struct err *err)
{
	return image_plan_load(e, find(e->graph, in), out, err);
}

static void tell_shapes(struct text *t, const struct graph *g, const struct tensor *in)
{
	for (int k = 0; k < g->ninputs; k++) {
		struct shape s = tensor_shape(&in[k]);
		text_printf(t, "%s%s[", k ? " " : "", value_name(&g->inputs[k]->out[0]));
		shape_text(t, &s);
		text_add(t, "]");
	}
}

static int not_planned(const struct exec *e, const struct tensor *in, struct err *err)
{
	const struct compiled *c = e->graph->compiled;
	struct text t = {0};
	text_add(&t, "no plan for ");
	tell_shapes(&t, e->graph, in);
	text_add(&t, ": compiled for ");
	for (int i = 0; i < c->n && i < TOLD; i++) {
		text_add(&t, i ? ", " : "");
		tell_shapes(&t, e->graph, c->v[i].in);
	}
	text_add(&t, c->n > TOLD ? ", …" : "");
	int status = t.failed ? fail_nomem(err) : fail(err, E_USAGE, "%s", t.data);
	text_free(&t);
	return status;
}

/* One for all execs that share the network, and one of e's own. */
static int take_behind(struct exec *e, struct err *err)
{
	const struct compiled *c = e->graph->compiled;
	struct exec_options o = {
	    .exact = c->exact, .bf16 = c->bf16, .share = c->share, .log = e->o.log};
	int status = OK;
	pthread_mutex_lock(&e->net->lock);
	if (!e->net->behind)
		status = image_network_load(c, &o, &e->net->behind, err);
	pthread_mutex_unlock(&e->net->lock);
	if (status < 0)
		return err_in(err, "compiled network '%s'", e->graph->name);
	return exec_share(e->net->behind, e->o.pool, &e->behind, err);
}

int compiled_choose(struct exec *e, const struct tensor *in, struct err *err)
{
	const struct compiled *c = e->graph->compiled;
	e->is_behind = false;
	if (!c || find(e->graph, in))
		return OK;
	if (!c->network)
		return not_planned(e, in, err);
	int status = e->behind ? OK : take_behind(e, err);
	e->is_behind = status == OK;
	return status;
}

void compiled_close(struct network *net)
{
	struct graph *g = net->behind ? net->behind->graph : NULL;
	exec_free(net->behind);
	graph_free(g);
}

/* ---- looking at it ---- */

int exec_planned(const struct graph *g)
{
	return g->compiled ? g->compiled->n : 0;
}

const struct tensor *exec_planned_for(const struct graph *g, int i)
{
	return g->compiled->v[i].in;
}

bool exec_planned_open(const struct graph *g)
{
	return g->compiled && g->compiled->network;
}

bool exec_plan_loaded(const struct exec *e)
{
	return e->graph->compiled && !e->is_behind;
}

/* Is there such a buffer among the first n of p, or anywhere in it? */
static bool names(const struct plan *p, uint32_t n, const struct buffer *b)
{
	for (uint32_t i = 0; i < n; i++)
		if (p->buffer[i].kind == BUFFER_FIXED && p->buffer[i].at == b->at)
			return true;
	return false;
}

static int read_plans(struct exec *e, struct plan **p, struct err *err)
{
	const struct compiled *c = e->graph->compiled;
	int status = OK;
	for (int i = 0; i < c->n && status == OK; i++)
		status = image_plan_load(e, &c->v[i], &p[i], err);
	return status;
}

static void add_sizes(struct plan *const *p, int n, int i, struct exec_plan_size *out)
{
	*out = (struct exec_plan_size){p[i]->ncalls, (int64_t)p[i]->bytes, 0, 0};
	for (uint32_t b = 0; b < p[i]->nbuffers; b++) {
		const struct buffer *at = &p[i]->buffer[b];
		bool other = false;
		if (at->kind != BUFFER_FIXED || names(p[i], b, at))
			continue;
		for (int k = 0; k < n && !other; k++)
			other = k != i && names(p[k], p[k]->nbuffers, at);
		out->weights += (int64_t)at->size;
		out->alone += other ? 0 : (int64_t)at->size;
	}
}

int exec_plan_sizes(struct exec *e, struct exec_plan_size *out, struct err *err)
{
	struct plan *p[EXEC_SETS] = {0};
	int n = exec_planned(e->graph), status = read_plans(e, p, err);
	for (int i = 0; i < n && status == OK; i++)
		add_sizes(p, n, i, &out[i]);
	for (int i = 0; i < n; i++)
		plan_free(e, p[i]);
	return status;
}
