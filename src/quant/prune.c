/* Filter pruning with samples, from the first look at the original to a network made. */
#include "quant/prune.h"

#include <stdlib.h>

#include "passes/pass.h"
#include "quant/prune_parts.h"

#define REFIT_MACS 2e13 /* that refitting may take; fewer samples are used where it is more */
#define REFIT_LEAST 64

static int make_groups(struct pruning *p, struct err *err)
{
	int n = p->groups.ngroups;
	p->group = arena_array(p->arena, n + 1, sizeof *p->group);
	if (!p->group)
		return fail_nomem(err);
	for (int k = 0; k < n; k++) {
		struct fit_group *g = &p->group[k];
		g->units = &p->groups.group[k];
		g->kept = g->units->n;
		g->step = p->o.exact_ratio ? 1 : g->units->step;
		g->sensitivity = 1;
		g->order = arena_array(p->arena, g->kept + 1, sizeof *g->order);
		g->error = arena_array(p->arena, g->kept + 2, sizeof *g->error);
		if (!g->order || !g->error)
			return fail_nomem(err);
	}
	return OK;
}

static int look(struct pruning *p, const struct graph *g, struct err *err)
{
	p->arena = arena_new();
	p->g = graph_clone(g);
	if (!p->arena || !p->g)
		return fail_nomem(err);
	int e = fit_find(p, err);
	e = e ? e : make_groups(p, err);
	e = e ? e : fit_collect(p, err);
	e = e ? e : fit_order(p, err);
	e = e || p->o.uniform ? e : plan_sensitivity(p, err);
	e = e ? e : plan_moves(p, err);
	if (!e && !p->nmoves)
		return fail(err, E_USAGE, "no layer has filters that may go%s",
		    p->o.exact_ratio ? "" : " in multiples of 16");
	return e;
}

int pruning_new(const struct graph *g, const struct pruning_options *o,
    const struct samples *samples, struct pruning **out, struct err *err)
{
	struct pruning *p = *out = calloc(1, sizeof *p);
	if (!p)
		return fail_nomem(err);
	p->o = *o;
	p->samples = samples;
	p->nsamples = o->samples < samples->count ? o->samples : samples->count;
	if (p->nsamples < 1)
		return fail(err, E_USAGE, "there are no samples");
	return look(p, g, err);
}

void pruning_free(struct pruning *p)
{
	if (!p)
		return;
	fit_free(p);
	units_free(&p->u);
	graph_free(p->g);
	arena_free(p->arena);
	free(p->node);
	free(p->move);
	free(p);
}

/* Every layer again, in order. */
static int refit(
    struct pruning *p, struct graph *g, struct node **node, const bool *gone, struct err *err)
{
	bool *layers = malloc(p->nlayers + 1);
	double most = REFIT_MACS / (p->macs * p->nlayers + 1);
	int64_t n = most > REFIT_LEAST ? (int64_t)most : REFIT_LEAST;
	for (int i = 0; layers && i < p->nlayers; i++)
		layers[i] = true;
	int e = layers ? fit_refit(p, g, node, gone, layers, n < p->nsamples ? n : p->nsamples, err)
		       : fail_nomem(err);
	free(layers);
	return e;
}

int pruning_make(struct pruning *p, double share, struct graph **out, double *made, struct err *err)
{
	struct node **node = NULL;
	bool *gone = malloc(p->u.nlabels + 1);
	struct pass_options o = pass_defaults();
	if (!gone)
		return fail_nomem(err);
	*out = NULL;
	*made = plan_take(p, share);
	plan_gone(p, gone);
	int e = plan_cut(p, gone, out, &node, err);
	if (!p->o.no_refit)
		e = e ? e : refit(p, *out, node, gone, err);
	e = e ? e : passes_run(*out, &o, &p->o.log, NULL, err);
	free(node);
	free(gone);
	if (e) {
		graph_free(*out);
		*out = NULL;
	}
	return e;
}

void pruning_plan(struct pruning *p, double share)
{
	plan_take(p, share);
}

int pruning_ngroups(const struct pruning *p)
{
	return p->groups.ngroups;
}

struct pruning_group pruning_group(const struct pruning *p, int k)
{
	const struct fit_group *g = &p->group[k];
	return (struct pruning_group){
	    g->units->name, g->units->n, g->kept, g->units->layers, g->sensitivity};
}
