/* mo-calibrate --to pruned: as many filters go as the drop allows, or a given share of the
 * multiply-adds. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cli/calibrate.h"
#include "cli/progress.h"
#include "quant/gain.h"
#include "quant/prune.h"
#include "report/cost.h"

#define HALVINGS 6 /* of the interval in which the share lies */
#define MOST_SHARE 0.9
#define DEFAULT_SHARE 0.3

/* One group that is pruned or not, as the search knows compressions. */
struct candidate {
	struct graph *original, *pruned; /* borrowed */
	struct aware_group group;
	struct compression c;
};

static int make(void *user, const int *way, struct graph **out, struct err *err)
{
	const struct candidate *a = user;
	*out = graph_clone(way[0] == AWARE_KEPT ? a->original : a->pruned);
	return *out ? graph_infer(*out, err) : fail_nomem(err);
}

static void candidate_init(struct candidate *a, struct graph *original, struct graph *pruned)
{
	*a = (struct candidate){.original = original,
	    .pruned = pruned,
	    .group = {.name = "filters", .ways = 1, .gain = NAN}};
	a->c = (struct compression){.ngroups = 1, .group = &a->group, .make = make, .user = a};
}

static int read_options(struct calibrate *c, struct pruning_options *o, struct err *err)
{
	static const char *const words[] = {"l1", "l2", "median", "activation"};
	int k = 0;
	while (k < 4 && strcmp(c->prune_criterion, words[k]))
		k++;
	if (k == 4)
		return fail(err, E_USAGE,
		    "--prune-criterion is l1, l2, median or activation, not '%s'",
		    c->prune_criterion);
	if (!isnan(c->prune_share) && !(c->prune_share > 0 && c->prune_share < 1))
		return fail(err, E_USAGE, "--prune-share is more than 0 and less than 1");
	*o = (struct pruning_options){.criterion = (enum pruning_criterion)k,
	    .exact_ratio = c->exact_ratio,
	    .no_refit = c->no_refit,
	    .samples = c->fitted,
	    .pool = c->pool,
	    .log = tool_log(c->p)};
	return OK;
}

/* ---- the search --------------------------------------------------------------------------------
 */

/* Does the network hold the drop? */
static int try(struct calibrate *c, struct graph *g, bool *held, struct err *err)
{
	static const int compressed[] = {0};
	struct candidate a;
	struct aware_result r = {0};
	struct aware_options o = c->aware;
	candidate_init(&a, c->g, g);
	o.samples = &c->judge_by;
	o.from = c->judge_from;
	o.pool = c->pool;
	o.way = compressed;
	if (calibrate_quantizes(c)) /* the other half is for 8 bits */
		o.max_drop /= 2;
	int e = aware_search(c->g, &a.c, &o, &r, err);
	*held = r.held;
	c->last_drop = r.drop;
	aware_free(&r);
	return e;
}

static int make_and_try(struct calibrate *c, struct pruning *p, double share, struct graph **best,
    double *made, bool *held, struct err *err)
{
	struct graph *g;
	int e = pruning_make(p, share, &g, made, err);
	*held = true;
	if (!e && calibrate_judges(c) && isnan(c->prune_share)) {
		e = try(c, g, held, err);
		tool_say(c->p, "%.1f %% of the multiply-adds gone: drop %.4f: %s", 100 * *made,
		    c->last_drop, *held ? "held" : "not held");
	}
	if (!e && *held) {
		graph_free(*best);
		*best = g;
		c->pruned_share = *made;
	} else if (!e)
		graph_free(g);
	return e;
}

/* Halves the interval between a share that holds and one that does not. */
static int search_share(
    struct calibrate *c, struct pruning *p, struct graph **best, struct err *err)
{
	double low = 0, high = MOST_SHARE, made, start = clock_seconds();
	bool held;
	int e = OK;
	for (int i = 0; !e && i < HALVINGS && low < high; i++) {
		double share = i ? (low + high) / 2 : DEFAULT_SHARE;
		if (c->aware.seconds > 0 && i && clock_seconds() - start > c->aware.seconds)
			break;
		e = make_and_try(c, p, share, best, &made, &held, err);
		if (held)
			low = fmax(share, made);
		else
			high = share;
		if (!e && made <= 0)
			break;
	}
	return e;
}

static int find_network(
    struct calibrate *c, struct pruning *p, struct graph **best, struct err *err)
{
	double made;
	bool held;
	if (calibrate_judges(c) && isnan(c->prune_share) && isfinite(c->aware.max_drop))
		return search_share(c, p, best, err);
	double share = isnan(c->prune_share) ? DEFAULT_SHARE : c->prune_share;
	return make_and_try(c, p, share, best, &made, &held, err);
}

static void step(void *user, const char *what, int64_t done, int64_t of)
{
	const struct calibrate *c = user;
	if (done == of)
		tool_say(c->p, "%s: %lld groups of filters", what, (long long)of);
}

static void keep_groups(struct calibrate *c, const struct pruning *p)
{
	c->npruned = pruning_ngroups(p);
	c->pruned = arena_array(c->arena, (size_t)c->npruned + 1, sizeof *c->pruned);
	for (int k = 0; c->pruned && k < c->npruned; k++) {
		c->pruned[k] = pruning_group(p, k);
		c->pruned[k].name = arena_str(c->arena, c->pruned[k].name);
	}
}

static int judge_last(struct calibrate *c, struct graph *best, struct err *err)
{
	static const int compressed[] = {0};
	struct candidate *a = arena_alloc(c->arena, sizeof *a);
	if (!a)
		return fail_nomem(err);
	candidate_init(a, c->g, best);
	c->forced = compressed;
	return calibrate_search(c, &a->c, err);
}

int calibrate_pruned(struct calibrate *c, struct err *err)
{
	struct pruning_options o;
	struct pruning *p = NULL;
	struct graph *best = NULL;
	stages_end(&c->stages, STAGE_READ);
	int r = read_options(c, &o, err);
	o.step = step;
	o.user = c;
	r = r ? r : pruning_new(c->g, &o, &c->s, &p, err);
	r = r ? r : find_network(c, p, &best, err);
	if (!r && !best) { /* nothing held: the original is the answer */
		tool_say(c->p, "no share of the filters can go within the drop");
		best = graph_clone(c->g);
		r = best ? OK : fail_nomem(err);
	} else if (!r) {
		pruning_plan(p, c->pruned_share);
		keep_groups(c, p);
	}
	if (!r && calibrate_quantizes(c)) {
		c->base = c->unpruned = c->g;
		c->g = best;
		best = NULL;
	} else if (!r && calibrate_judges(c))
		r = judge_last(c, best, err);
	else if (!r) {
		c->result = best;
		best = NULL;
	}
	pruning_free(p);
	graph_free(best);
	stages_end(&c->stages, STAGE_PRUNE);
	return r;
}

/* ---- the report --------------------------------------------------------------------------------
 */

static double macs(const struct graph *g)
{
	int64_t n = cost_graph_macs(g);
	return n < 0 ? NAN : (double)n;
}

cJSON *calibrate_pruned_json(const struct calibrate *c)
{
	cJSON *j = cJSON_CreateObject(), *list = cJSON_CreateArray();
	double before = NAN, after = NAN;
	struct err err = {0};
	struct graph *was = c->base, *now = calibrate_quantizes(c) ? c->g : c->result;
	if (gain_latency(was, &c->s, &before, &err) || gain_latency(now, &c->s, &after, &err))
		err_clear(&err);
	json_pair(j, "parameters", (double)cost_parameters(was), (double)cost_parameters(now));
	json_pair(j, "macs", macs(was), macs(now));
	json_pair(j, "latency_ms", before, after);
	for (int k = 0; k < c->npruned; k++) {
		cJSON *g = cJSON_CreateObject();
		cJSON_AddStringToObject(g, "name", c->pruned[k].name);
		cJSON_AddNumberToObject(g, "layers", c->pruned[k].layers);
		cJSON_AddNumberToObject(g, "filters", c->pruned[k].filters);
		cJSON_AddNumberToObject(g, "kept", c->pruned[k].kept);
		cJSON_AddItemToObject(g, "sensitivity", json_number(c->pruned[k].sensitivity));
		cJSON_AddItemToArray(list, g);
	}
	cJSON_AddItemToObject(j, "groups", list);
	return j;
}
