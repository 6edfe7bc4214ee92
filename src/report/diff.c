/* What tells two networks apart, without running them: layers, their attributes, sizes and
 * connections. */
#include "report/diff.h"

#include <stdlib.h>
#include <string.h>

#include "graph/print.h"
#include "ops/op.h"
#include "report/diff_constants.h"
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

static void changed(struct text *t, const char *what, const struct text *a, const struct text *b)
{
	const char *from = a->data ? a->data : "none", *to = b->data ? b->data : "none";
	if (strcmp(from, to) != 0)
		text_printf(t, "%s %s -> %s\n", what, from, to);
	t->failed |= a->failed | b->failed;
}

static void attribute(struct text *t, const struct node *a, const struct node *b, int i)
{
	const struct attr_def *def = &b->op->attrs[i], *was = a->op->attrs;
	struct text from = {0}, to = {0};
	while (was->name && strcmp(was->name, def->name) != 0)
		was++;
	if (was->name && a->attr[was - a->op->attrs].set)
		attr_text(&from, was, &a->attr[was - a->op->attrs]);
	if (b->attr[i].set)
		attr_text(&to, def, &b->attr[i]);
	if (was->name)
		changed(t, def->name, &from, &to);
	text_free(&from);
	text_free(&to);
}

static void output(struct text *t, const struct info *a, const struct info *b, int k)
{
	struct text from = {0}, to = {0}, what = {0};
	text_printf(&from, "%s[", dtype_name(a->type));
	shape_text(&from, &a->shape);
	text_printf(&to, "%s[", dtype_name(b->type));
	shape_text(&to, &b->shape);
	text_add(&from, "]");
	text_add(&to, "]");
	text_printf(&what, k ? "output %d" : "output", k);
	changed(t, what.data ? what.data : "", &from, &to);
	text_free(&from);
	text_free(&to);
	text_free(&what);
}

/* Of an input that both layers compute from data; what comes of a layer that is not in both is
 * told with that layer. */
static void connection(
    struct job *j, struct text *t, const struct value *x, const struct value *y, int k)
{
	const struct node *n = x->node, *m = y->node;
	if (!n->mark || !m->mark || !j->a.pair[n->mark] || !j->b.pair[m->mark])
		return;
	if (j->a.pair[n->mark] != m || x->port != y->port)
		text_printf(
		    t, "input %d from '%s' -> from '%s'\n", k, value_name(x), value_name(y));
}

static void bodies(struct text *t, const struct node *a, const struct node *b)
{
	for (int i = 0; i < a->nbodies && i < b->nbodies; i++) {
		struct text x = {0}, y = {0};
		graph_print(&x, a->body[i].graph);
		graph_print(&y, b->body[i].graph);
		t->failed |= x.failed | y.failed;
		if (!t->failed && x.data && y.data && strcmp(x.data, y.data) != 0)
			text_printf(t, "body %d differs\n", i);
		text_free(&x);
		text_free(&y);
	}
}

static void inputs(struct job *j, struct text *t, const struct node *a, const struct node *b)
{
	if (a->nin != b->nin)
		text_printf(t, "inputs %d -> %d\n", a->nin, b->nin);
	for (int k = 0; k < a->nin && k < b->nin; k++)
		if (node_in(a, k) && node_in(b, k))
			connection(j, t, node_in(a, k), node_in(b, k), k);
}

static void changes(struct job *j, struct text *t, const struct node *a, const struct node *b)
{
	if (strcmp(a->op->type, b->op->type) != 0)
		text_printf(t, "type %s -> %s\n", a->op->type, b->op->type);
	else if (a->op->opset != b->op->opset)
		text_printf(t, "opset %d -> %d\n", a->op->opset, b->op->opset);
	if (strcmp(a->name, b->name) != 0)
		text_printf(t, "name -> %s\n", b->name);
	if (!strcmp(a->op->type, b->op->type) && !node_is(a, OP_PARAMETER))
		for (int i = 0; b->op->attrs[i].name; i++)
			attribute(t, a, b, i);
	for (int k = 0; k < a->nout && k < b->nout; k++)
		output(t, &a->out[k].info, &b->out[k].info, k);
	inputs(j, t, a, b);
	bodies(t, a, b);
}

/* ---- all of it ---- */

static void tell(struct job *j, const struct node *a, const struct node *b, struct text changes_)
{
	struct diff *d = j->d;
	d->layer[d->nlayers++] = (struct diff_layer){a, b, changes_};
	d->added += !a;
	d->removed += !b;
	d->changed += a && b;
}

static int compare_layers(struct job *j)
{
	for (int i = 1; i <= j->a.n; i++) {
		const struct node *n = j->a.layer[i], *m = j->a.pair[i];
		struct text t = {0};
		if (m)
			changes(j, &t, n, m);
		if (t.failed)
			return fail_nomem(j->err);
		if (!m || t.data)
			tell(j, n, m, t);
		else
			j->d->same += !node_is(n, OP_PARAMETER);
	}
	for (int i = 1; i <= j->b.n; i++)
		if (!j->b.pair[i])
			tell(j, NULL, j->b.layer[i], (struct text){0});
	return OK;
}

static int compare_constants(struct job *j)
{
	struct diff *d = j->d;
	int s = OK;
	for (int i = 1; i <= j->a.n && !s; i++) {
		const struct node *n = j->a.layer[i], *m = j->a.pair[i];
		if (!m || strcmp(n->op->type, m->op->type) != 0)
			continue;
		for (int k = 0; k < n->nin && k < m->nin && !s; k++) {
			const struct value *x = node_in(n, k), *y = node_in(m, k);
			if (!x || !y || x->node->mark || y->node->mark)
				continue;
			struct diff_tensor *t = reallocarray(
			    d->tensor, (size_t)d->ntensors + 1, sizeof *t);
			if (!t)
				return fail_nomem(j->err);
			d->tensor = t;
			t[d->ntensors] = (struct diff_tensor){.a = n, .b = m, .input = k};
			s = diff_constant(x, y, j->tolerance, d, j->err);
		}
	}
	return s;
}

static void compare_outputs(
    struct text *t, const struct graph *a, const struct graph *b, const char *word)
{
	for (int k = 0; k < a->noutputs; k++)
		if (graph_find_output(b, graph_output_name(a, k)) < 0)
			text_printf(t, "%s %s\n", word, graph_output_name(a, k));
}

static int by_error(const void *a, const void *b)
{
	const struct diff_tensor *x = a, *y = b;
	return (y->error > x->error) - (y->error < x->error);
}

int diff_graphs(struct graph *a, struct graph *b, double tolerance, struct diff *d, struct err *err)
{
	struct job j = {.tolerance = tolerance, .d = d, .err = err};
	*d = (struct diff){0};
	int s = OK;
	if (open_side(&j.a, a) && open_side(&j.b, b))
		d->layer = calloc((size_t)j.a.n + (size_t)j.b.n + 1, sizeof *d->layer);
	if (!d->layer)
		s = fail_nomem(err);
	for (int i = 0; i < 4 && !s; i++) {
		if (i == 2)
			pair_readers(&j);
		pair_up(&j, i % 2 == 0, i < 2);
	}
	s = s ? s : compare_layers(&j);
	s = s ? s : compare_constants(&j);
	if (!s) {
		if (d->tensor)
			qsort(d->tensor, (size_t)d->ntensors, sizeof *d->tensor, by_error);
		compare_outputs(&d->outputs, a, b, "removed");
		compare_outputs(&d->outputs, b, a, "added");
		d->equal = !d->nlayers && !d->ntensors && !d->outputs.data;
		s = d->outputs.failed ? fail_nomem(err) : OK;
	}
	close_side(&j.a);
	close_side(&j.b);
	if (s)
		diff_free(d);
	return s;
}

void diff_free(struct diff *d)
{
	for (int i = 0; d->layer && i < d->nlayers; i++)
		text_free(&d->layer[i].changes);
	free(d->layer);
	free(d->tensor);
	text_free(&d->outputs);
	*d = (struct diff){0};
}
