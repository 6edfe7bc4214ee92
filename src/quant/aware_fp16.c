/* FP16 as a compression: constants by layer, and the rounding of activations. */
#include "quant/aware_fp16.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "exec/exec.h"
#include "ops/op.h"

#define F16_MOST 65504.0

/* ---- networks ---- */

static int to_fp16(struct aware_fp16 *a, const int *way, struct graph **out,
    struct pass_report *notes, struct err *err)
{
	struct pass_options o = a->options;
	int n = o.nkeep_fp32;
	for (int k = 0; k < a->c.ngroups && way; k++)
		if (way[k] == AWARE_KEPT)
			a->keep[n++] = a->group[k].name;
	o.keep_fp32 = a->keep;
	o.nkeep_fp32 = n;
	*out = graph_clone(a->original);
	return *out ? passes_run(*out, &o, NULL, notes, err) : fail_nomem(err);
}

/* Value v as FP16 keeps it: a pair of Converts behind it. */
static struct value *rounded(struct value *v, struct err *err)
{
	struct node *half = graph_insert_after(v->node, op_row(OP_CONVERT),
	    arena_printf(v->node->graph->arena, "%s/f16", v->node->name), &v, 1, 1);
	struct value *in[] = {half ? &half->out[0] : NULL};
	struct node *wide = half ? graph_insert_after(half, op_row(OP_CONVERT),
				       arena_printf(v->node->graph->arena, "%s/f32", v->node->name),
				       in, 1, 1)
				 : NULL;
	if (!wide || !attr_set_type(half, "destination_type", DT_F16) ||
	    !attr_set_type(wide, "destination_type", DT_F32))
		return NULL;
	return node_infer(half, err) || node_infer(wide, err) ? NULL : &wide->out[0];
}

static bool computes(const struct node *n)
{
	return n->nout && !node_is(n, OP_CONST) && !node_is(n, OP_PARAMETER) &&
	       !(node_is(n, OP_CONVERT) && value_const(node_in(n, 0)));
}

/* Rounds what goes from one layer to another, unless both are kept. */
static int round_value(struct value *v, const struct map *kept, struct err *err)
{
	bool own = map_has(kept, v->node->name);
	struct value *half = NULL;
	if (v->info.type != DT_F32)
		return OK;
	value_each_use (v, u) {
		if (own && (node_is(u->node, OP_RESULT) || map_has(kept, u->node->name)))
			continue;
		if (half && u->node == node_in(half->node, 0)->node)
			continue;
		if (!half && !(half = rounded(v, err)))
			return fail_nomem(err);
		node_set_input(u->node, u->index, half);
	}
	return OK;
}

static int round_all(struct aware_fp16 *a, const int *way, struct graph *g, struct err *err)
{
	struct map kept = {0};
	int r = OK;
	for (int k = 0; k < a->c.ngroups && !r; k++)
		if (way[k] == AWARE_KEPT && !map_put(&kept, a->group[k].name, &a->group[k]))
			r = fail_nomem(err);
	graph_each (g, n)
		for (int i = 0; i < n->nout && !r && (computes(n) || node_is(n, OP_PARAMETER)); i++)
			if (strcmp(n->op->type, "Convert"))
				r = round_value(&n->out[i], &kept, err);
	map_free(&kept);
	return r;
}

static int make(void *user, const int *way, struct graph **out, struct err *err)
{
	struct aware_fp16 *a = user;
	int r = to_fp16(a, way, out, NULL, err);
	return r || !a->activations ? r : round_all(a, way, *out, err);
}

int aware_fp16_finish(struct aware_fp16 *a, const int *way, struct graph **out,
    struct pass_report *notes, struct err *err)
{
	int r = to_fp16(a, way, out, notes, err);
	for (int k = 0; k < a->c.ngroups && !r && a->activations; k++) {
		struct node *n = way[k] == AWARE_KEPT ? graph_find_node(*out, a->group[k].name)
						      : NULL;
		if (n && (!node_add_meta(n, "DisablePrecisionConversion", "0", "dynamic:f16") ||
			     !node_add_meta(n, "precise", "0", "")))
			r = fail_nomem(err);
	}
	return r;
}

/* ---- groups ---- */

/* Bytes that FP16 saves in the constants that a layer reads first. */
static double saved(const struct node *n)
{
	double bytes = 0;
	for (int i = 0; i < n->nin; i++) {
		const struct value *v = node_in(n, i);
		const struct value *c = v && node_is(v->node, OP_CONVERT) ? node_in(v->node, 0)
									  : NULL;
		if (c && value_const(c) && c->info.type == DT_F16 &&
		    node_meta(v->node, "decompression"))
			bytes += (double)blob_size(c->node->data);
	}
	return bytes;
}

static int find_groups(struct aware_fp16 *a, struct err *err)
{
	struct graph *g = NULL;
	int r = to_fp16(a, NULL, &g, NULL, err), max = g ? g->nnodes : 0;
	a->group = arena_array(a->arena, (size_t)max + 1, sizeof *a->group);
	a->keep = arena_array(a->arena, (size_t)(max + a->options.nkeep_fp32) + 1, sizeof *a->keep);
	if (!a->group || !a->keep)
		r = r ? r : fail_nomem(err);
	for (struct node *n = r ? NULL : g->first; n; n = n->next) {
		double bytes = saved(n);
		bool takes = a->activations ? computes(n) && n->out[0].info.type == DT_F32
					    : bytes > 0;
		const char *name = takes ? arena_str(a->arena, n->name) : NULL;
		if (name)
			a->group[a->c.ngroups++] = (struct aware_group){
			    .name = name, .ways = 1, .gain = bytes};
	}
	graph_free(g);
	return r;
}

/* ---- overflow ---- */

struct largest {
	double *of; /* by value id */
};

static int take_largest(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct largest *l = user;
	int64_t n = t->type == DT_F32 ? tensor_count(t) : 0;
	(void)err;
	for (int64_t i = 0; i < n; i++)
		l->of[v->id] = fmax(l->of[v->id], fabs(((const float *)t->data)[i]));
	return OK;
}

static int run_samples(struct exec *e, const struct graph *g, const struct deal *d, struct err *err)
{
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	struct tensor *out = calloc((size_t)g->noutputs + 1, sizeof *out);
	int r = in && out ? OK : fail_nomem(err);
	for (int64_t i = 0; i < d->n && !r && d->batch == 1; i++) {
		int64_t label;
		r = d->samples->get(d->samples->user, d->index[i], in, &label, err);
		if (r == E_IO || r == E_FORMAT || r == E_LIMIT || r == E_UNSUPPORTED) {
			err_clear(err);
			r = OK;
			continue;
		}
		r = r ? r : exec_run(e, in, out, err);
		for (int k = 0; k < g->ninputs; k++)
			tensor_free(&in[k]);
	}
	free(in);
	free(out);
	return r;
}

static int group_of(const struct aware_fp16 *a, const char *name)
{
	for (int k = 0; k < a->c.ngroups; k++)
		if (!strcmp(a->group[k].name, name))
			return k;
	return -1;
}

/* The layer and all that read it are not to be compressed. */
static int force(struct aware_fp16 *a, const struct value *v, double largest, struct err *err)
{
	int k = group_of(a, v->node->name);
	const char *name = arena_str(a->arena, v->node->name);
	if (!name)
		return fail_nomem(err);
	a->overflow[a->noverflows++] = (struct aware_overflow){name, largest};
	if (k >= 0)
		a->group[k].fixed = true;
	value_each_use ((struct value *)v, u)
		if ((k = group_of(a, u->node->name)) >= 0)
			a->group[k].fixed = true;
	return OK;
}

static int find_overflows(struct aware_fp16 *a, const struct deal *d, struct err *err)
{
	struct graph *g = a->original;
	struct largest l = {0};
	struct exec_options o = {.tap = take_largest, .user = &l};
	struct exec *e = NULL;
	graph_number(g);
	l.of = calloc((size_t)g->nvalues + 1, sizeof *l.of);
	a->overflow = arena_array(a->arena, (size_t)g->nvalues + 1, sizeof *a->overflow);
	int r = l.of && a->overflow ? exec_new(g, &o, &e, err) : fail_nomem(err);
	r = r ? r : run_samples(e, g, d, err);
	graph_each (g, n)
		for (int i = 0; i < n->nout && !r && computes(n); i++)
			if (l.of[n->out[i].id] > F16_MOST)
				r = force(a, &n->out[i], l.of[n->out[i].id], err);
	exec_free(e);
	free(l.of);
	return r;
}

int aware_fp16_new(struct aware_fp16 *a, struct graph *original, const char *const *ignored,
    int nignored, bool activations, const struct deal *deal, struct err *err)
{
	*a = (struct aware_fp16){
	    .original = original, .activations = activations, .options = pass_defaults()};
	a->arena = arena_new();
	a->keep = arena_array(a->arena, (size_t)nignored + 1, sizeof *a->keep);
	if (!a->arena || !a->keep)
		return fail_nomem(err);
	a->options.fp16 = true;
	a->options.nkeep_fp32 = nignored;
	for (int i = 0; i < nignored; i++)
		a->keep[i] = ignored[i];
	int r = find_groups(a, err);
	for (int i = 0; i < nignored && !r; i++)
		a->keep[i] = ignored[i];
	a->c = (struct compression){
	    .ngroups = a->c.ngroups, .group = a->group, .make = make, .user = a};
	return r || !activations ? r : find_overflows(a, deal, err);
}

void aware_fp16_free(struct aware_fp16 *a)
{
	arena_free(a->arena);
	*a = (struct aware_fp16){0};
}
