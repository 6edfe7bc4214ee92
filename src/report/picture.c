/* A network as a drawing: the text that graphviz makes a picture of. */
#include "report/picture.h"

#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "report/match.h"

#define SHORT_NAME 34 /* characters of a name that a box shows */
#define LONG_NAME 400 /* that its tooltip shows */
#define LARGE 1000    /* boxes from which straight edges and a bounded search are used */

enum { MARK_HIDDEN, MARK_DRAWN, MARK_INT8 };

const char picture_style[] =
    "svg text{fill:#1a1c20}"
    ".node polygon,.node path{fill:#eceef1;stroke:#667}.edge path{stroke:#667}"
    ".edge polygon{fill:#667;stroke:#667}"
    ".io path,.io polygon{fill:#fff}.f32 polygon,.f32 path{fill:#dbe7ff}"
    ".f16 polygon,.f16 path,.bf16 polygon,.bf16 path{fill:#d8f5dd}"
    ".i8 polygon,.i8 path,.u8 polygon,.u8 path{fill:#ffe2c4}.fq polygon,.fq path{fill:#fff3bf}"
    ".boolean polygon,.boolean path{fill:#f0ddff}"
    "@media(prefers-color-scheme:dark){svg text{fill:#e6e8ec}"
    ".node polygon,.node path{fill:#31353c;stroke:#9aa0ab}.edge path{stroke:#9aa0ab}"
    ".edge polygon{fill:#9aa0ab;stroke:#9aa0ab}"
    ".io path,.io polygon{fill:#16181c}.f32 polygon,.f32 path{fill:#22375f}"
    ".f16 polygon,.f16 path,.bf16 polygon,.bf16 path{fill:#1f4a2a}"
    ".i8 polygon,.i8 path,.u8 polygon,.u8 path{fill:#6b3d12}.fq polygon,.fq path{fill:#574a12}"
    ".boolean polygon,.boolean path{fill:#4a2a63}}";

/* ---- text inside of a quoted string ---- */

/* One character, of n bytes. & leads an entity. A backslash leads an escape, \\N one even where it
 * is escaped itself: it is drawn as another sign. */
static void add_char(struct text *t, const char *s, int n)
{
	if (n < 1 || (unsigned char)*s < 32 || *s == 127)
		text_add(t, "?");
	else if (*s == '"')
		text_add(t, "\\\"");
	else if (*s == '\\')
		text_add(t, "∖");
	else if (*s == '&')
		text_add(t, "&amp;");
	else
		text_addn(t, s, (size_t)n);
}

/* The last max characters of s, with dots for those before. */
static void add_name(struct text *t, const char *s, int max)
{
	int n = 0, step, skip;
	for (const char *p = s; *p; p += step ? step : 1, n++)
		step = utf8_length(p);
	skip = n > max ? n - max : 0;
	if (skip)
		text_add(t, "…");
	for (; *s; s += step ? step : 1) {
		step = utf8_length(s);
		if (skip-- <= 0)
			add_char(t, s, step);
	}
}

static void add_info(struct text *t, const struct info *info)
{
	struct text shape = {0};
	shape_text(&shape, &info->shape);
	text_printf(t, "%s[%s]", dtype_name(info->type), shape.data ? shape.data : "");
	t->failed |= shape.failed;
	text_free(&shape);
}

static void add_count(struct text *t, int64_t n)
{
	if (n >= 1000000)
		text_printf(t, "%.1fM", (double)n * 1e-6);
	else if (n >= 10000)
		text_printf(t, "%.0fk", (double)n * 1e-3);
	else
		text_printf(t, "%lld", (long long)n);
}

/* ---- boxes and arrows ---- */

static bool is_edge(const struct node *n)
{
	return node_is(n, OP_PARAMETER) || node_is(n, OP_RESULT);
}

/* What a layer is drawn as; the mark says 1 for 8 bits. */
static const char *class_of(const struct node *n)
{
	if (is_edge(n))
		return "io";
	if (n->mark == MARK_INT8)
		return "i8";
	if (node_is(n, OP_FAKE_QUANTIZE))
		return "fq";
	return n->nout ? dtype_name(n->out[0].info.type) : "none";
}

static const struct info *info_of(const struct node *n)
{
	if (n->nout)
		return &n->out[0].info;
	return node_in(n, 0) ? &node_in(n, 0)->info : NULL;
}

static const char *shown_name(const struct node *n)
{
	if (node_is(n, OP_RESULT))
		for (int k = 0; k < n->graph->noutputs; k++)
			if (n->graph->outputs[k] == n)
				return graph_output_name(n->graph, k);
	return n->name;
}

static void add_details(struct text *t, const struct node *n, const char *between)
{
	struct cost_weights w = cost_weights(n);
	int64_t macs = cost_macs(n);
	if (info_of(n)) {
		text_add(t, between);
		add_info(t, info_of(n));
	}
	if (w.elements > 1 && !node_is(n, OP_FAKE_QUANTIZE)) {
		text_add(t, between);
		add_count(t, w.elements);
		text_printf(t, " weights in %s", dtype_name(w.type));
	}
	if (macs > 0) {
		text_add(t, between);
		add_count(t, macs);
		text_add(t, " MACs");
	}
	if (n->nbodies)
		text_printf(t, "%s%d bodies", between, n->nbodies);
}

static void add_box(struct text *t, const struct node *n, int id)
{
	const char *type = node_is(n, OP_PARAMETER) ? "input"
			   : node_is(n, OP_RESULT)  ? "output"
						    : n->op->type;
	text_printf(t, "n%d [id=\"layer%d\" class=\"%s\"%s label=\"%s\\n", id, id, class_of(n),
	    is_edge(n) ? " style=\"rounded,filled\"" : "", type);
	add_name(t, shown_name(n), SHORT_NAME);
	add_details(t, n, "\\n");
	text_printf(t, "\" tooltip=\"%s ", type);
	add_name(t, shown_name(n), LONG_NAME);
	add_details(t, n, "\\n");
	text_add(t, "\"]\n");
}

/* Ids by node order; each value's id is its node's here. */
static void add_arrows(struct text *t, const struct node *n, int id, const int *box)
{
	for (int k = 0; k < n->nin; k++) {
		const struct value *v = node_in(n, k);
		if (!v || v->node->mark == MARK_HIDDEN || v->node->graph != n->graph)
			continue;
		text_printf(t, "n%d -> n%d [tooltip=\"", box[v->id], id);
		add_name(t, value_name(v), LONG_NAME);
		text_add(t, " ");
		add_info(t, &v->info);
		text_add(t, "\"]\n");
	}
}

static int mark(struct graph *g, const struct products *p, const bool *computed)
{
	int drawn = 0;
	graph_each (g, n) {
		bool show = is_edge(n) || !n->nout;
		for (int k = 0; k < n->nout; k++)
			show |= computed[n->out[k].id];
		n->mark = show ? MARK_DRAWN : MARK_HIDDEN;
		drawn += show;
	}
	for (int i = 0; i < p->n; i++)
		if (p->v[i].why == PRODUCT_INT8)
			((struct node *)p->v[i].node)->mark = MARK_INT8;
	return drawn;
}

static void add_graph(struct text *t, const struct graph *g, int drawn, int *box)
{
	int id = 0;
	text_printf(t,
	    "digraph network {\nbgcolor=transparent\nnodesep=0.2\nranksep=0.3\n%s"
	    "node [shape=box style=filled fillcolor=\"#eceef1\" color=\"#666677\" fontsize=10 "
	    "margin=\"0.12,0.05\" fontname=\"Helvetica,Arial,sans-serif\"]\n"
	    "edge [arrowsize=0.6 color=\"#666677\"]\n",
	    drawn > LARGE ? "splines=line\nnslimit=1\nnslimit1=1\nmclimit=0.3\n" : "");
	graph_each (g, n) {
		if (n->mark != MARK_HIDDEN)
			add_box(t, n, id);
		for (int k = 0; k < n->nout; k++)
			box[n->out[k].id] = id;
		id++;
	}
	id = 0;
	graph_each (g, n) {
		if (n->mark != MARK_HIDDEN)
			add_arrows(t, n, id, box);
		id++;
	}
	text_add(t, "}\n");
}

int picture_dot(
    struct text *t, struct graph *g, const struct products *p, int *drawn, struct err *err)
{
	bool *computed = match_computed(g);
	int *box = calloc((size_t)g->nvalues + 1, sizeof *box);
	if (computed && box) {
		*drawn = mark(g, p, computed);
		add_graph(t, g, *drawn, box);
	}
	bool ok = computed && box && !t->failed;
	free(computed);
	free(box);
	return ok ? OK : fail_nomem(err);
}
