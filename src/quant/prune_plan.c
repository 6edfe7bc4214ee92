/* How many filters each group loses: those go first whose loss costs the outputs least for the
 * multiply-adds that it saves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/prune_parts.h"
#include "report/cost.h"

#define PROBE 4          /* a group is probed without one filter in so many, or more */
#define PROBE_ERROR 1e-3 /* until as much is missing: dead filters tell nothing */
#define PROBE_SAMPLES 48

/* A step of the plan: group goes from `from` to `to` filters less than all. */
struct move {
	int group, to;
	double macs; /* after it */
};

void plan_gone(const struct pruning *p, bool *gone)
{
	memset(gone, 0, p->u.nlabels + 1);
	for (int k = 0; k < p->groups.ngroups; k++) {
		const struct fit_group *g = &p->group[k];
		for (int i = 0; i < g->units->n - g->kept; i++)
			gone[g->units->unit[g->order[i]]] = true;
	}
}

int plan_cut(struct pruning *p, bool *gone, struct graph **g, struct node ***node, struct err *err)
{
	struct units u;
	int n, e;
	*node = NULL;
	*g = graph_clone(p->g);
	if (!*g)
		return fail_nomem(err);
	*node = fit_nodes(*g, &n);
	e = *node ? graph_infer(*g, err) : fail_nomem(err);
	e = e ? e : units_new(*g, &u, err);
	if (!e) {
		e = prune_cut(&u, gone, err);
		units_free(&u);
	}
	return e ? e : graph_infer(*g, err);
}

/* ---- multiply-adds -----------------------------------------------------------------------------
 */

/* The share of an axis that stays: of all its indices, those of groups count as the plan has it. */
static double share_of(struct pruning *p, const int *group, const struct value *v, int axis)
{
	if (axis < 0 || !unit_has(&p->u, v, axis))
		return 1;
	int64_t n = v->info.shape.dim[axis].min;
	double sum = 0;
	for (int64_t i = 0; i < n; i++) {
		int k = group[unit_at(&p->u, v, axis, i)];
		sum += k < 0 ? 1 : (double)p->group[k].kept / p->group[k].units->n;
	}
	return sum / (double)n;
}

static double macs_of(struct pruning *p, const int *group, const struct prune_layer *l)
{
	const struct value *w = prune_weight(l);
	double all = (double)cost_macs(l->node);
	if (all < 0) { /* an unknown batch: by the weights, as if each were used once */
		all = (double)shape_count(&w->info.shape);
		all = all < 0 ? 0 : all;
	}
	for (int k = 0; k < 2; k++) {
		all *= share_of(p, group, w, l->out[k]);
		if (l->in[k] != l->out[0])
			all *= share_of(p, group, w, l->in[k]);
	}
	return all;
}

static double all_macs(struct pruning *p, const int *group)
{
	double sum = 0;
	for (int i = 0; i < p->groups.nlayers; i++)
		sum += macs_of(p, group, &p->groups.layer[i]);
	return sum;
}

static int *groups_of(struct pruning *p)
{
	int *group = malloc((p->u.nlabels + 1) * sizeof *group);
	for (int32_t i = 0; group && i < p->u.nlabels; i++)
		group[i] = -1;
	for (int k = 0; group && k < p->groups.ngroups; k++)
		for (int i = 0; i < p->group[k].units->n; i++)
			group[p->group[k].units->unit[i]] = k;
	return group;
}

/* ---- sensitivity -------------------------------------------------------------------------------
 */

/* Outputs of the original, and how far those of another network are from them. */
struct probe {
	struct twin t;
	struct tensor *want; /* by sample: output 0 */
	double noise, signal;
};

static int keep_output(void *user, int64_t i, const struct tensor *out, struct err *err)
{
	struct probe *b = user;
	return tensor_clone(&b->want[i], &out[0], err);
}

static int compare_output(void *user, int64_t i, const struct tensor *out, struct err *err)
{
	struct probe *b = user;
	int64_t n = tensor_count(&out[0]);
	if (n != tensor_count(&b->want[i]))
		return fail(err, E_FORMAT, "an output changed its size");
	for (int64_t k = 0; k < n; k++) {
		double y = tensor_f64(&b->want[i], k), d = tensor_f64(&out[0], k) - y;
		b->noise += d * d;
		b->signal += y * y;
	}
	return OK;
}

/* Layers that read units of the group. */
static void readers_of(struct pruning *p, const int *group, int k, bool *layers)
{
	for (int i = 0; i < p->nlayers; i++) {
		const struct prune_layer *l = &p->layer[i].layer;
		const struct value *w = prune_weight(l);
		layers[i] = false;
		for (int64_t c = 0;
		     unit_has(&p->u, w, l->in[0]) && c < w->info.shape.dim[l->in[0]].min; c++)
			layers[i] = layers[i] || group[unit_at(&p->u, w, l->in[0], c)] == k;
	}
}

/* How many filters a group is probed without; all of them when none is missed. */
static int probe_size(const struct fit_group *g)
{
	int less = (g->units->n / PROBE + g->step - 1) / g->step * g->step;
	while (less < g->units->n && g->error[less] < PROBE_ERROR)
		less += g->step;
	return less < g->units->n ? less : g->units->n;
}

static int probe_group(struct pruning *p, struct probe *b, const int *group, int k, bool *gone,
    bool *layers, int64_t samples, struct err *err)
{
	struct fit_group *g = &p->group[k];
	struct graph *cut = NULL;
	struct node **node = NULL;
	int less = probe_size(g);
	struct exec_options o = {.pool = p->o.pool, .user = b, .log = p->o.log};
	if (less >= g->units->n)
		return OK;
	g->kept = g->units->n - less;
	plan_gone(p, gone);
	g->kept = g->units->n;
	readers_of(p, group, k, layers);
	int e = plan_cut(p, gone, &cut, &node, err);
	if (!p->o.no_refit)
		e = e ? e : fit_refit(p, cut, node, gone, layers, samples, err);
	b->noise = b->signal = 0;
	e = e ? e : fit_run(p, cut, &o, 0, samples, compare_output, err);
	if (!e && b->signal > 0)
		g->sensitivity = b->noise / b->signal / g->error[less];
	free(node);
	graph_free(cut);
	return e;
}

int plan_sensitivity(struct pruning *p, struct err *err)
{
	int64_t n = p->nsamples < PROBE_SAMPLES ? p->nsamples : PROBE_SAMPLES;
	struct probe b = {.t = {.p = p}, .want = calloc(n + 1, sizeof *b.want)};
	struct exec_options o = {.pool = p->o.pool, .user = &b, .log = p->o.log};
	int *group = groups_of(p);
	bool *gone = malloc(p->u.nlabels + 1), *layers = malloc(p->nlayers + 1);
	int e = b.want && group && gone && layers ? OK : fail_nomem(err);
	e = e ? e : fit_run(p, p->g, &o, 0, n, keep_output, err);
	for (int k = 0; !e && k < p->groups.ngroups; k++) {
		e = probe_group(p, &b, group, k, gone, layers, n, err);
		if (p->o.step)
			p->o.step(p->o.user, "probing layers", k + 1, p->groups.ngroups);
	}
	for (int64_t i = 0; b.want && i < n; i++)
		tensor_free(&b.want[i]);
	free(b.want);
	free(group);
	free(gone);
	free(layers);
	return e;
}

/* ---- moves -------------------------------------------------------------------------------------
 */

/* The best next step of group k: the number of filters gone after it, and its price. 0: none. */
static int best_step(struct pruning *p, const int *group, int k, double macs, double *price)
{
	struct fit_group *g = &p->group[k];
	int n = g->units->n, gone = n - g->kept, best = 0, kept = g->kept;
	int least = g->step > 1 ? g->step : (n + 15) / 16;
	double one;
	if (kept - g->step < least)
		return 0;
	/* Sums of layers are linear in what one group keeps. */
	g->kept = kept - g->step;
	one = (macs - all_macs(p, group)) / g->step;
	g->kept = kept;
	for (int to = gone + g->step; n - to >= least; to += g->step) {
		double more = g->sensitivity * (g->error[to] - g->error[gone]);
		double each = (more + 1e-12) / fmax(one * (to - gone), 1e-9);
		if (!best || each < *price) {
			best = to;
			*price = each;
		}
	}
	return one > 0 ? best : 0;
}

static int add_move(struct pruning *p, int *room, struct move m, struct err *err)
{
	if (p->nmoves == *room) {
		int more = *room ? *room * 2 : 64;
		struct move *v = realloc(p->move, more * sizeof *v);
		if (!v)
			return fail_nomem(err);
		p->move = v;
		*room = more;
	}
	p->move[p->nmoves++] = m;
	return OK;
}

int plan_moves(struct pruning *p, struct err *err)
{
	int *group = groups_of(p), room = 0, e = group ? OK : fail_nomem(err);
	double macs = e ? 0 : all_macs(p, group);
	p->macs = macs;
	while (!e) {
		int best = -1, to = 0;
		double least = 0, price = 0;
		for (int k = 0; k < p->groups.ngroups; k++) {
			int next = best_step(p, group, k, macs, &price);
			if (next && (best < 0 || price < least)) {
				best = k;
				to = next;
				least = price;
			}
		}
		if (best < 0)
			break;
		p->group[best].kept = p->group[best].units->n - to;
		macs = all_macs(p, group);
		e = add_move(p, &room, (struct move){best, to, macs}, err);
	}
	free(group);
	return e;
}

/* The filters kept for a share of the multiply-adds gone; what becomes of them. */
double plan_take(struct pruning *p, double share)
{
	double left = p->macs;
	for (int k = 0; k < p->groups.ngroups; k++)
		p->group[k].kept = p->group[k].units->n;
	for (int i = 0; i < p->nmoves && left > (1 - share) * p->macs * (1 + 1e-9); i++) {
		p->group[p->move[i].group].kept = p->group[p->move[i].group].units->n -
						  p->move[i].to;
		left = p->move[i].macs;
	}
	return p->macs > 0 ? 1 - left / p->macs : 0;
}
