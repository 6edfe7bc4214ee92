/* What tells two networks apart, without running them: which layers are the same, how they are
 * connected, and so in their bodies. */
#include "report/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/print.h"
#include "ops/op.h"
#include "report/diff_constants.h"
#include "report/diff_layer.h"
#include "report/match.h"

/* One network: its layers by the marks of their nodes, which count from 1; 0 is no layer. */
struct side {
	struct graph *g;
	bool *computed;
	struct node **layer, **pair; /* by mark */
	struct map by_name, by_tensor;
	int n;
};

struct job {
	struct side a, b;
	double tolerance;
	const char *within; /* as in struct diff_layer */
	struct diff *d;
	struct err *err;
};

/* ---- pairs ---- */

static bool goes_through(const struct side *s, const struct node *n)
{
	bool live = node_is(n, OP_PARAMETER);
	if (node_is(n, OP_RESULT))
		return false;
	for (int k = 0; k < n->nout && !live; k++)
		live = s->computed[n->out[k].id];
	return live || !n->nout;
}

static bool enter(struct side *s, struct node *n)
{
	n->mark = (uint32_t)++s->n;
	s->layer[s->n] = n;
	bool ok = map_has(&s->by_name, n->name) || map_put(&s->by_name, n->name, n);
	for (int k = 0; k < n->nout; k++)
		for (int i = 0; i < n->out[k].nnames && ok; i++)
			ok = map_put(&s->by_tensor, n->out[k].names[i], n);
	return ok;
}

static bool open_side(struct side *s, struct graph *g)
{
	s->g = g;
	s->computed = match_computed(g);
	s->layer = calloc((size_t)g->nnodes + 2, sizeof *s->layer);
	s->pair = calloc((size_t)g->nnodes + 2, sizeof *s->pair);
	bool ok = s->computed && s->layer && s->pair;
	graph_each (g, n) {
		n->mark = 0;
		if (ok && goes_through(s, n))
			ok = enter(s, n);
	}
	return ok;
}

static void close_side(struct side *s)
{
	free(s->computed);
	free((void *)s->layer);
	free((void *)s->pair);
	map_free(&s->by_name);
	map_free(&s->by_tensor);
}

static struct node *by_tensor(const struct job *j, const struct node *n)
{
	struct node *found = NULL;
	for (int k = 0; k < n->nout; k++)
		for (int i = 0; i < n->out[k].nnames && !found; i++)
			found = map_get(&j->b.by_tensor, n->out[k].names[i]);
	return found;
}

static void pair_up(struct job *j, bool by_name, bool same_type)
{
	for (int i = 1; i <= j->a.n; i++) {
		struct node *n = j->a.layer[i];
		struct node *m = by_name ? map_get(&j->b.by_name, n->name) : by_tensor(j, n);
		if (!m || j->a.pair[i] || j->b.pair[m->mark])
			continue;
		if (same_type && strcmp(n->op->type, m->op->type) != 0)
			continue;
		j->a.pair[i] = m;
		j->b.pair[m->mark] = n;
	}
}

/* The first layer of b without a pair that reads v and is of n's type and sizes. */
static struct node *reader_like(const struct job *j, const struct value *v, const struct node *n)
{
	struct node *best = NULL;
	value_each_use (v, u) {
		struct node *m = u->node;
		bool fits = m->mark && !j->b.pair[m->mark] && m->graph == j->b.g &&
			    !strcmp(m->op->type, n->op->type) && m->nout == n->nout &&
			    (!n->nout || shape_equal(&m->out[0].info.shape, &n->out[0].info.shape));
		if (fits && (!best || m->mark < best->mark))
			best = m;
	}
	return best;
}

/* What reads the same thing in the same way: for layers whose names both changed. */
static void pair_readers(struct job *j)
{
	for (int i = 1; i <= j->a.n; i++) {
		struct node *n = j->a.layer[i];
		const struct value *x = node_in(n, 0);
		struct node *from = x && x->node->mark ? j->a.pair[x->node->mark] : NULL;
		if (j->a.pair[i] || !from || x->port >= from->nout)
			continue;
		struct node *m = reader_like(j, &from->out[x->port], n);
		if (!m)
			continue;
		j->a.pair[i] = m;
		j->b.pair[m->mark] = n;
	}
}

/* ---- what changed in a pair ---- */

/* Do a layer's inputs, which both compute from data, come from elsewhere in b? What comes of a
 * layer that is not in both is told with that layer. */
static bool moved(const struct job *j, const struct value *x, const struct value *y)
{
	const struct node *n = x->node, *m = y->node;
	if (!n->mark || !m->mark || !j->a.pair[n->mark] || !j->b.pair[m->mark])
		return false;
	return j->a.pair[n->mark] != m || x->port != y->port;
}

static void inputs(struct job *j, struct text *t, const struct node *a, const struct node *b)
{
	if (a->nin != b->nin)
		text_printf(t, "inputs %d -> %d\n", a->nin, b->nin);
	for (int k = 0; k < a->nin && k < b->nin; k++)
		if (node_in(a, k) && node_in(b, k) && moved(j, node_in(a, k), node_in(b, k)))
			text_printf(t, "input %d from '%s' -> from '%s'\n", k,
			    value_name(node_in(a, k)), value_name(node_in(b, k)));
}

/* What input k of a layer, or of a Result, is made of, where that is constants alone. */
static int compare_constant(struct job *j, const struct node *n, const struct node *m, int k)
{
	const struct value *x = node_in(n, k), *y = node_in(m, k);
	struct diff *d = j->d;
	if (!x || !y || x->node->mark || y->node->mark)
		return OK;
	struct diff_tensor *t = reallocarray(d->tensor, (size_t)d->ntensors + 1, sizeof *t);
	if (!t)
		return fail_nomem(j->err);
	d->tensor = t;
	t[d->ntensors] = (struct diff_tensor){.a = n, .b = m, .within = j->within, .input = k};
	return diff_constant(x, y, j->tolerance, d, j->err);
}

/* What two Results read. */
static int compare_result(
    struct job *j, struct text *t, const char *what, const struct node *n, const struct node *m)
{
	const struct value *x = node_in(n, 0), *y = node_in(m, 0);
	if (moved(j, x, y))
		text_printf(t, "%s from '%s' -> from '%s'\n", what, x->node->name, y->node->name);
	return compare_constant(j, n, m, 0);
}

/* Results of a body, which are what they are by their order. */
static int compare_results(
    struct job *j, struct text *t, const struct graph *a, const struct graph *b)
{
	int s = OK;
	if (a->noutputs != b->noutputs)
		text_printf(t, "results of a body %d -> %d\n", a->noutputs, b->noutputs);
	for (int k = 0; k < a->noutputs && k < b->noutputs && !s; k++) {
		char what[32];
		snprintf(what, sizeof what, "result %d", k);
		s = compare_result(j, t, what, a->outputs[k], b->outputs[k]);
	}
	return s;
}

/* The names of those outputs that other has, too, in this order. */
static void shared_outputs(struct text *t, const struct graph *g, const struct graph *other)
{
	for (int k = 0; k < g->noutputs; k++)
		if (graph_find_output(other, graph_output_name(g, k)) >= 0)
			text_printf(t, "%s%s", t->data ? ", " : "", graph_output_name(g, k));
}

static void only_in(
    struct text *t, const struct graph *g, const struct graph *other, const char *word)
{
	for (int k = 0; k < g->noutputs; k++)
		if (graph_find_output(other, graph_output_name(g, k)) < 0)
			text_printf(t, "%s %s\n", word, graph_output_name(g, k));
}

/* Outputs of the network: by name, and their order, by which programs ask for them, too. */
static int compare_outputs(
    struct job *j, struct text *t, const struct graph *a, const struct graph *b)
{
	struct text was = {0}, is = {0};
	int s = OK;
	only_in(t, a, b, "removed");
	only_in(t, b, a, "added");
	shared_outputs(&was, a, b);
	shared_outputs(&is, b, a);
	if (was.data && is.data && strcmp(was.data, is.data) != 0)
		text_printf(t, "order %s -> %s\n", was.data, is.data);
	t->failed |= was.failed | is.failed;
	text_free(&was);
	text_free(&is);
	for (int k = 0; k < a->noutputs && !s; k++) {
		int i = graph_find_output(b, graph_output_name(a, k));
		if (i >= 0)
			s = compare_result(
			    j, t, graph_output_name(a, k), a->outputs[k], b->outputs[i]);
	}
	return s;
}

static int compare_bodies(
    struct job *j, struct text *t, const struct node *a, const struct node *b);

/* ---- all of it ---- */

static int tell(struct job *j, const struct node *a, const struct node *b, struct text changes)
{
	struct diff *d = j->d;
	struct diff_layer *l = reallocarray(d->layer, (size_t)d->nlayers + 1, sizeof *l);
	if (!l) {
		text_free(&changes);
		return fail_nomem(j->err);
	}
	d->layer = l;
	l[d->nlayers++] = (struct diff_layer){a, b, j->within, changes};
	d->added += !a;
	d->removed += !b;
	d->changed += a && b;
	return OK;
}

/* Its bodies first. */
static int compare_layer(struct job *j, const struct node *n, const struct node *m)
{
	struct text t = {0};
	int s = OK;
	if (m) {
		diff_layer_own(&t, n, m);
		inputs(j, &t, n, m);
		s = compare_bodies(j, &t, n, m);
	}
	if (!s && t.failed)
		s = fail_nomem(j->err);
	if (!s && (!m || t.data))
		return tell(j, n, m, t);
	j->d->same += !node_is(n, OP_PARAMETER);
	text_free(&t);
	return s;
}

static int compare_layers(struct job *j)
{
	int s = OK;
	for (int i = 1; i <= j->a.n && !s; i++)
		s = compare_layer(j, j->a.layer[i], j->a.pair[i]);
	for (int i = 1; i <= j->b.n && !s; i++)
		if (!j->b.pair[i])
			s = tell(j, NULL, j->b.layer[i], (struct text){0});
	return s;
}

static int compare_constants(struct job *j)
{
	int s = OK;
	for (int i = 1; i <= j->a.n && !s; i++) {
		const struct node *n = j->a.layer[i], *m = j->a.pair[i];
		if (!m || strcmp(n->op->type, m->op->type) != 0)
			continue;
		for (int k = 0; k < n->nin && k < m->nin && !s; k++)
			s = compare_constant(j, n, m, k);
	}
	return s;
}

static int by_error(const void *a, const void *b)
{
	const struct diff_tensor *x = a, *y = b;
	return (y->error > x->error) - (y->error < x->error);
}

/* Pairs and compares what the job's sides are; told: where to tell of the Results. */
static int compare_sides(struct job *j, struct graph *a, struct graph *b, struct text *told)
{
	int s = open_side(&j->a, a) && open_side(&j->b, b) ? OK : fail_nomem(j->err);
	for (int i = 0; i < 4 && !s; i++) {
		if (i == 2)
			pair_readers(j);
		pair_up(j, i % 2 == 0, i < 2);
	}
	s = s ? s : compare_layers(j);
	s = s ? s : compare_constants(j);
	if (!s)
		s = j->within ? compare_results(j, told, a, b) : compare_outputs(j, told, a, b);
	close_side(&j->a);
	close_side(&j->b);
	return s;
}

static int compare_bodies(struct job *j, struct text *t, const struct node *a, const struct node *b)
{
	int s = OK;
	for (int i = 0; i < a->nbodies && i < b->nbodies && !s; i++) {
		struct job in = {.tolerance = j->tolerance, .d = j->d, .err = j->err};
		in.within = arena_printf(j->d->arena, "%s%s/%s/", j->within ? j->within : "",
		    b->name, diff_body_name(b, i));
		s = in.within ? compare_sides(&in, a->body[i].graph, b->body[i].graph, t)
			      : fail_nomem(j->err);
	}
	return s;
}

int diff_graphs(struct graph *a, struct graph *b, double tolerance, struct diff *d, struct err *err)
{
	struct job j = {.tolerance = tolerance, .d = d, .err = err};
	*d = (struct diff){.arena = arena_new()};
	int s = d->arena ? compare_sides(&j, a, b, &d->outputs) : fail_nomem(err);
	if (!s) {
		if (d->tensor)
			qsort(d->tensor, (size_t)d->ntensors, sizeof *d->tensor, by_error);
		d->equal = !d->nlayers && !d->ntensors && !d->outputs.data;
		s = d->outputs.failed ? fail_nomem(err) : OK;
	}
	if (s)
		diff_free(d);
	return s;
}

void diff_free(struct diff *d)
{
	for (int i = 0; i < d->nlayers; i++)
		text_free(&d->layer[i].changes);
	free(d->layer);
	free(d->tensor);
	text_free(&d->outputs);
	arena_free(d->arena);
	*d = (struct diff){0};
}
