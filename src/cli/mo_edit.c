/* mo's options that change the model itself, read and carried out. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/convert.h"
#include "cli/feed.h"
#include "base/words.h"
#include "ops/edit.h"

/* The index of the named input; of the k-th one for an empty name. */
static int find_input(const struct graph *g, const char *name, int k, int *out, struct err *err)
{
	*out = *name ? graph_find_input(g, name) : k < g->ninputs ? k : -1;
	if (*out >= 0)
		return OK;
	struct text t = {0};
	feed_describe(g, &t);
	fail(
	    err, E_USAGE, "no input named '%s', the inputs are %s", name, t.data ? t.data : "none");
	text_free(&t);
	return E_USAGE;
}

/* Calls apply for every item of every text of an option. */
static int each_word(struct convert *c, const struct list *texts, const char *option,
    int (*apply)(struct convert *c, int k, const struct word *w, struct err *err), struct err *err)
{
	for (int i = 0; i < texts->n; i++) {
		struct word *w;
		int n, r = words_split(c->arena, texts->v[i], &w, &n, err);
		for (int j = 0; j < n && !r; j++)
			r = apply(c, i + j, &w[j], err);
		if (r)
			return err_in(err, "--%s '%s'", option, texts->v[i]);
	}
	return OK;
}

static int apply_shape(struct convert *c, int at, const struct word *w, struct err *err)
{
	struct shape s;
	int k, r = find_input(c->g, w->name, at, &k, err);
	if (r)
		return r;
	if (!w->value || !shape_parse(w->value, &s))
		return fail(err, E_USAGE, "'%s' is no shape like [1,3,?,1..640]",
		    w->value ? w->value : w->name);
	return edit_shape(c->g, k, &s, err);
}

static int apply_freeze(struct convert *c, int at, const struct word *w, struct err *err)
{
	double *v;
	int k, n, r = find_input(c->g, w->name, at, &k, err);
	if (!r && !w->value)
		r = fail(err, E_USAGE, "'%s' lacks '->value'", w->name);
	r = r ? r : words_numbers(c->arena, w->value, &v, &n, err);
	return r ? r : edit_freeze(c->g, k, n, v, err);
}

/* A layout in lower case; letters and '?' only. */
static const char *layout_word(struct convert *c, const char *s, size_t n)
{
	char *t = arena_strn(c->arena, s, n);
	for (size_t i = 0; t && i < n; i++) {
		t[i] = tolower((unsigned char)t[i]);
		if ((t[i] < 'a' || t[i] > 'z') && t[i] != '?')
			return NULL;
	}
	return t && n && n <= MAX_RANK ? t : NULL;
}

static int apply_layout(struct convert *c, int at, const struct word *w, struct err *err)
{
	/* "nhwc->nchw" without a name reads as name and value. */
	bool bare = !w->value || graph_find_input(c->g, w->name) < 0;
	const char *text = !w->value          ? w->name
			   : bare && *w->name ? arena_printf(c->arena, "%s->%s", w->name, w->value)
					      : w->value;
	const char *arrow = text ? strstr(text, "->") : NULL;
	int k, r = find_input(c->g, bare ? "" : w->name, at, &k, err);
	if (r)
		return r;
	struct layout *l = &c->layout[k];
	if (text)
		l->from = layout_word(c, text, arrow ? (size_t)(arrow - text) : strlen(text));
	l->to = arrow ? layout_word(c, arrow + 2, strlen(arrow + 2)) : l->from;
	if (!l->from || !l->to)
		return fail(err, E_USAGE, "'%s' is no layout like x(nhwc) or x(nhwc->nchw)",
		    text ? text : "");
	return edit_layout(c->g, k, l->from, l->to, err);
}

/* ---- cuts ---- */

static int collect(struct convert *c, const struct list *texts, const char *option,
    struct names *out, struct err *err)
{
	for (int i = 0; i < texts->n; i++) {
		struct word *w;
		int n, r = words_split(c->arena, texts->v[i], &w, &n, err);
		if (r)
			return err_in(err, "--%s '%s'", option, texts->v[i]);
		const char **v = arena_array(c->arena, out->n + n, sizeof *v);
		if (!v)
			return fail_nomem(err);
		if (out->n)
			memcpy(v, out->v, out->n * sizeof *v);
		for (int j = 0; j < n; j++) {
			if (w[j].value)
				return fail(err, E_USAGE,
				    "--%s '%s': '%s' has a value, give it with --input-shape or "
				    "--freeze",
				    option, texts->v[i], w[j].name);
			v[out->n++] = w[j].name;
		}
		out->v = v;
	}
	return OK;
}

int convert_cuts(struct convert *c, struct err *err)
{
	int r = collect(c, &c->cut_inputs, "cut-inputs", &c->cut_in, err);
	return r ? r : collect(c, &c->cut_outputs, "cut-outputs", &c->cut_out, err);
}

static int cut(struct convert *c, struct err *err)
{
	if (!c->cut_in.n && !c->cut_out.n)
		return OK;
	return edit_cut(c->g, c->cut_in.v, c->cut_in.n, c->cut_out.v, c->cut_out.n, err);
}

/* ---- the batch ---- */

/* The place of n in the layout; dim 0 of a network without layouts. */
static int batch_axis(const struct convert *c, int k)
{
	const char *l = c->layout[k].to, *n = l ? strchr(l, 'n') : NULL;
	const struct shape *s = node_attr(c->g->inputs[k], "shape")->shape;
	if (l)
		return n ? n - l : -1;
	return s->rank > 0 ? 0 : -1;
}

static int set_batch(struct convert *c, struct err *err)
{
	struct graph *g = c->g;
	int *axis = arena_array(c->arena, g->ninputs, sizeof *axis);
	if (!axis)
		return fail_nomem(err);
	for (int k = 0; k < g->ninputs; k++)
		axis[k] = batch_axis(c, k);
	return edit_batch(g, axis, c->batch, err);
}

static int check_static(const struct graph *g, struct err *err)
{
	for (int k = 0; k < g->ninputs; k++) {
		const struct value *v = &g->inputs[k]->out[0];
		if (shape_static(&v->info.shape))
			continue;
		struct text t = {0};
		shape_text(&t, &v->info.shape);
		fail(err, E_USAGE,
		    "--static-shape: input '%s' has the shape [%s], fix it with --input-shape",
		    value_name(v), t.data ? t.data : "");
		text_free(&t);
		return E_USAGE;
	}
	return OK;
}

static int infer_again(struct convert *c, struct err *err)
{
	int r = OK;
	if (c->cut_inputs.n || c->cut_outputs.n || c->freezes.n || c->shapes.n || c->layouts.n)
		r = graph_infer(c->g, err);
	return r && c->shapes.n ? err_in(err, "--input-shape '%s'", c->shapes.v[0]) : r;
}

/* The order: cut, freeze, sizes, layout, batch. */
int convert_edit(struct convert *c, struct err *err)
{
	int r = cut(c, err);
	r = r ? r : each_word(c, &c->freezes, "freeze", apply_freeze, err);
	r = r ? r : each_word(c, &c->shapes, "input-shape", apply_shape, err);
	c->layout = arena_array(c->arena, c->g->ninputs, sizeof *c->layout);
	if (!r && !c->layout)
		r = fail_nomem(err);
	r = r ? r : each_word(c, &c->layouts, "layout", apply_layout, err);
	r = r ? r : infer_again(c, err);
	if (!r && c->batch)
		r = set_batch(c, err);
	if (!r && c->static_shape)
		r = check_static(c->g, err);
	return r;
}
