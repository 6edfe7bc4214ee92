/* What could be better about a network, from its structure alone: advice before anything is run. */
#include "report/hints.h"

#include <math.h>
#include <stdlib.h>

#include "passes/pass.h"
#include "passes/prune.h"
#include "report/cost.h"

#define NAMED 4 /* layers that a line names */
#define TOP 3
#define PRUNED 0.3 /* of the filters, to see what pruning takes out */

static struct text *add(struct hints *h, const char *about, double share)
{
	struct hint *to = &h->v[h->n < (int)(sizeof h->v / sizeof *h->v) - 1 ? h->n++ : h->n];
	text_free(&to->text);
	*to = (struct hint){.about = about, .share = share};
	return &to->text;
}

static double part(int64_t a, int64_t b)
{
	return b > 0 ? (double)a / (double)b : 0;
}

/* ---- where the work and the bytes are ---- */

static int by_macs(const void *a, const void *b)
{
	const struct product *x = *(const struct product *const *)a;
	const struct product *y = *(const struct product *const *)b;
	return (y->macs > x->macs) - (y->macs < x->macs);
}

static int by_bytes(const void *a, const void *b)
{
	const struct product *x = *(const struct product *const *)a;
	const struct product *y = *(const struct product *const *)b;
	return (y->weights.bytes > x->weights.bytes) - (y->weights.bytes < x->weights.bytes);
}

/* "12.3 MB", "1.2 kB", "3.4 M" */
static void add_amount(struct text *t, int64_t v, const char *unit)
{
	bool large = v >= 1000000;
	text_printf(t, "%.*f %c%s", v < 100000000 ? 1 : 0, (double)v * (large ? 1e-6 : 1e-3),
	    large ? 'M' : 'k', unit);
}

static int64_t amount(const struct product *p, bool bytes)
{
	return bytes ? p->weights.bytes : p->macs > 0 ? p->macs : 0;
}

static void largest(struct hints *h, const struct product **order, int n, bool bytes, int64_t all)
{
	int64_t sum = 0;
	int half = 0;
	while (half < n && sum * 2 < all)
		sum += amount(order[half++], bytes);
	if (!n || !amount(order[0], bytes))
		return;
	struct text *t = add(h, bytes ? "bytes" : "work", part(sum, all));
	text_printf(t, "%.0f %% of the %s in %d of %d products; the largest:", part(sum, all) * 100,
	    bytes ? "bytes of constants are" : "multiply-adds are", half, n);
	for (int i = 0; i < n && i < TOP; i++) {
		text_printf(
		    t, "%s %s (%s, ", i ? "," : "", order[i]->node->name, order[i]->node->op->type);
		add_amount(t, amount(order[i], bytes), bytes ? "B" : "");
		text_printf(t, ", %.1f %%)", part(amount(order[i], bytes), all) * 100);
	}
}

static int where(struct hints *h, const struct totals *t, const struct products *p, struct err *err)
{
	const struct product **order = calloc((size_t)p->n + 1, sizeof *order);
	if (!order)
		return fail_nomem(err);
	for (int i = 0; i < p->n; i++)
		order[i] = &p->v[i];
	qsort((void *)order, (size_t)p->n, sizeof *order, by_macs);
	largest(h, order, p->n, false, products_macs(p));
	qsort((void *)order, (size_t)p->n, sizeof *order, by_bytes);
	largest(h, order, p->n, true, t->weight_bytes);
	free((void *)order);
	return OK;
}

/* ---- precision ---- */

static void name_some(struct text *t, const struct products *p, enum product_why why)
{
	int n = 0;
	for (int i = 0; i < p->n; i++)
		if (p->v[i].why == why && n++ < NAMED)
			text_printf(t, "%s %s", n > 1 ? "," : "", p->v[i].node->name);
	if (n > NAMED)
		text_printf(t, " and %d more", n - NAMED);
}

void hint_floats(struct text *t, const struct products *p, enum product_why why)
{
	if (!p->count[why])
		return;
	text_printf(t,
	    "%d of %d products stay in f32 (%.1f %% of the multiply-adds): %s:", p->count[why],
	    p->n, part(p->macs[why], products_macs(p)) * 100, product_reason(why));
	name_some(t, p, why);
}

static void precision(struct hints *h, const struct products *p)
{
	int64_t all = products_macs(p);
	if (!p->n)
		return;
	if (!p->count[PRODUCT_INT8]) {
		text_printf(add(h, "precision", 1),
		    "none of %d products is computed in 8 bits: mo-calibrate makes an INT8 network "
		    "from samples",
		    p->n);
		if (p->count[PRODUCT_FLOATS] + p->count[PRODUCT_RESULTS] == p->n)
			return;
	}
	for (int w = 0; w < PRODUCT_WHYS; w++)
		if (w != PRODUCT_INT8 && p->count[w])
			hint_floats(
			    add(h, "precision", part(p->macs[w], all)), p, (enum product_why)w);
}

static void storage(struct hints *h, const struct totals *t)
{
	int64_t f32 = t->weights[DT_F32];
	if (part(f32, t->weight_bytes) < 0.2 || f32 < 4096)
		return;
	struct text *text = add(h, "storage", part(f32, t->weight_bytes));
	add_amount(text, f32, "B");
	text_add(text, " of ");
	add_amount(text, t->weight_bytes, "B");
	text_add(text, " of constants are f32: mo --precision fp16 stores them in half of that, "
		       "INT8 in a quarter; FP16 storage alone makes nothing faster");
}

/* ---- layers that the passes would take out ---- */

static int by_removed(const void *a, const void *b)
{
	const struct pass_result *x = *(const struct pass_result *const *)a;
	const struct pass_result *y = *(const struct pass_result *const *)b;
	return (y->nodes_before - y->nodes_after) - (x->nodes_before - x->nodes_after);
}

static int name_passes(struct text *t, const struct pass_report *r, struct err *err)
{
	const struct pass_result **order = calloc((size_t)r->npasses + 1, sizeof *order);
	if (!order)
		return fail_nomem(err);
	for (int i = 0; i < r->npasses; i++)
		order[i] = &r->pass[i];
	qsort((void *)order, (size_t)r->npasses, sizeof *order, by_removed);
	for (int i = 0; i < r->npasses && i < NAMED; i++) {
		int n = order[i]->nodes_before - order[i]->nodes_after;
		if (n > 0)
			text_printf(t, "%s %s %d", i ? "," : "", order[i]->name, n);
	}
	free((void *)order);
	return OK;
}

/* *out is what mo makes of g, for the caller to free; NULL when it cannot be converted. */
static int converted(const struct graph *g, struct pass_options o, struct pass_report *r,
    struct graph **out, struct err *err)
{
	*out = graph_clone(g);
	int s = *out ? passes_run(*out, &o, NULL, r, err) : fail_nomem(err);
	if (s) {
		graph_free(*out);
		*out = NULL;
	}
	return s;
}

static void unfused(struct hints *h, const struct graph *g, const struct graph *c,
    const struct pass_report *r, struct err *err)
{
	int before = graph_layers(g), after = graph_layers(c);
	if (after >= before)
		return;
	struct text *t = add(h, "layers", part(before - after, before));
	text_printf(t,
	    "%d of %d layers are not folded or fused yet, mo takes them out:", before - after,
	    before);
	t->failed |= name_passes(t, r, err) != OK;
}

/* What a smaller network of c's form costs: its filters are judged by their weights alone, which
 * says nothing about accuracy. */
static int pruned(struct hints *h, const struct graph *g, const struct graph *c, struct err *err)
{
	struct prune_options prune = {
	    .kind = PRUNE_FILTERS, .ratio = PRUNED, .criterion = PRUNE_L2};
	struct pass_options o = pass_defaults();
	struct graph *small;
	int64_t before = cost_graph_macs(c), params = cost_parameters(c);
	o.prune = &prune;
	int s = before > 0 ? converted(g, o, NULL, &small, err) : OK;
	if (s || before <= 0)
		return s;
	int64_t after = cost_graph_macs(small), left = cost_parameters(small);
	if (after >= 0 && after < before)
		text_printf(add(h, "pruning", part(before - after, before)),
		    "without %.0f %% of their filters, the convolutions and products that can "
		    "spare some would take %.1f %% fewer multiply-adds and %.1f %% fewer "
		    "parameters: mo-calibrate --to pruned tells what that costs in accuracy",
		    PRUNED * 100, part(before - after, before) * 100,
		    part(params - left, params) * 100);
	graph_free(small);
	return OK;
}

/* What mo makes of it, and would make of it. */
static int conversion(struct hints *h, const struct graph *g, struct err *err)
{
	struct pass_report r = {.arena = arena_new()};
	struct graph *c = NULL;
	int s = r.arena ? converted(g, pass_defaults(), &r, &c, err) : fail_nomem(err);
	if (!s) {
		unfused(h, g, c, &r, err);
		s = pruned(h, g, c, err);
	}
	if (s && s != E_NOMEM) {
		text_printf(
		    add(h, "layers", NAN), "mo cannot convert it: %.400s", err ? err->text : "");
		err_clear(err);
		s = OK;
	}
	graph_free(c);
	arena_free(r.arena);
	return s;
}

/* ---- open sizes ---- */

static void open_inputs(struct hints *h, const struct graph *g)
{
	for (int k = 0; k < g->ninputs && k < 8; k++) {
		const struct value *v = &g->inputs[k]->out[0];
		struct text shape = {0};
		if (shape_static(&v->info.shape))
			continue;
		shape_text(&shape, &v->info.shape);
		struct text *t = add(h, "sizes", NAN);
		text_printf(t,
		    "input %s has open sizes [%s]: with mo --input-shape more is folded and "
		    "planned "
		    "ahead, and a cache or mo-compile can keep it",
		    value_name(v), shape.data ? shape.data : "");
		t->failed |= shape.failed;
		text_free(&shape);
	}
}

static void open_layers(struct hints *h, const struct graph *g, const struct totals *t)
{
	int data = 0;
	bool fixed = true;
	for (int k = 0; k < g->ninputs; k++)
		fixed &= shape_static(&g->inputs[k]->out[0].info.shape);
	graph_each (g, n)
		data += (n->op->flags & OPF_DATA_SHAPE) != 0;
	if (data)
		text_printf(add(h, "sizes", part(data, t->layers)),
		    "%d layers make results whose sizes the data tell: what follows is planned "
		    "while it runs, and no blob can be made",
		    data);
	else if (fixed && t->unsized)
		text_printf(add(h, "sizes", part(t->unsized, t->layers)),
		    "%d products have open sizes though the inputs' are fixed", t->unsized);
}

int hints_find(struct graph *g, const struct totals *t, const struct products *p, struct hints *h,
    struct err *err)
{
	*h = (struct hints){0};
	int s = where(h, t, p, err);
	if (s)
		return s;
	precision(h, p);
	storage(h, t);
	s = conversion(h, g, err);
	open_inputs(h, g);
	open_layers(h, g, t);
	for (int i = 0; i < h->n && !s; i++)
		if (h->v[i].text.failed)
			s = fail_nomem(err);
	if (s)
		hints_free(h);
	return s;
}

void hints_free(struct hints *h)
{
	for (size_t i = 0; i < sizeof h->v / sizeof *h->v; i++)
		text_free(&h->v[i].text);
	h->n = 0;
}
