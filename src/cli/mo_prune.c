/* mo's --prune: its options read, and what pruning changed, for the reports. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "cli/convert.h"
#include "cli/feed.h"
#include "exec/exec.h"
#include "report/cost.h"

#define RUNS 40         /* of each network at most, in turn */
#define RUN_SECONDS 0.5 /* that timing takes at most, but for one run of each */

int convert_prune_options(struct convert *c, struct err *err)
{
	static const char *const criteria[] = {"l1", "l2", "median"};
	const struct prune_args *a = &c->prune_args;
	c->prune.criterion = PRUNE_L2;
	if (!a->what)
		return OK;
	if (prune_parse(a->what, &c->prune, err))
		return err_in(err, "--prune");
	c->prune.exact_ratio = a->exact_ratio;
	if (a->scope && strcasecmp(a->scope, "layer") && strcasecmp(a->scope, "global"))
		return fail(err, E_USAGE, "--prune-scope is layer or global, not '%s'", a->scope);
	if (a->scope)
		c->prune.global = !strcasecmp(a->scope, "global");
	if (a->criterion && !strcasecmp(a->criterion, "activation"))
		return fail(err, E_USAGE,
		    "--prune-criterion activation needs samples: mo-calibrate --to pruned has it");
	for (int i = 0; a->criterion; i++) {
		if (i == 3)
			return fail(err, E_USAGE, "--prune-criterion is l1, l2 or median, not '%s'",
			    a->criterion);
		if (!strcasecmp(a->criterion, criteria[i])) {
			c->prune.criterion = (enum prune_criterion)i;
			break;
		}
	}
	return OK;
}

/* A copy of the network as it would be without pruning. */
static void keep_before(void *user, const struct graph *g)
{
	struct convert *c = user;
	graph_free(c->unpruned);
	c->unpruned = graph_clone(g);
}

const struct prune_options *convert_prune(struct convert *c)
{
	if (!c->prune_args.what)
		return NULL;
	c->prune.before = keep_before;
	c->prune.user = c;
	return &c->prune;
}

/* ---- the report --------------------------------------------------------------------------------
 */

static int64_t nonzero(const struct graph *g)
{
	int64_t n = 0;
	graph_each (g, k) {
		struct const_view w;
		if (!node_is(k, OP_CONST) || !dtype_is_float(k->out[0].info.type) ||
		    const_open(&k->out[0], &w, NULL))
			continue;
		for (int64_t i = tensor_count(&w.t) - 1; i >= 0; i--)
			n += tensor_f64(&w.t, i) != 0;
		const_close(&w);
	}
	return n;
}

/* One network ready to run on random inputs. */
struct timed {
	struct exec *exec;
	struct feed feed;
	struct tensor *out;
	double best;
};

static int timed_open(
    const struct convert *c, struct graph *g, struct pool *pool, struct timed *t, struct err *err)
{
	struct exec_options o = {.pool = pool};
	*t = (struct timed){.best = HUGE_VAL};
	t->out = calloc(g->noutputs + 1, sizeof *t->out);
	int r = t->out ? feed_new(&t->feed, g, tool_log(c->p), err) : fail_nomem(err);
	r = r ? r : feed_random(&t->feed, g, 1, err);
	r = r ? r : exec_new(g, &o, &t->exec, err);
	return r ? r : exec_run(t->exec, t->feed.in, t->out, err);
}

static void timed_close(struct timed *t)
{
	exec_free(t->exec);
	feed_free(&t->feed);
	free(t->out);
}

/* Least latency of both in turn, one thread. False when one does not run. */
static bool measure(const struct convert *c, double *before, double *after)
{
	struct err err = {0};
	struct timed t[2] = {{0}, {0}};
	struct pool *pool = NULL;
	double start = clock_seconds();
	int r = pool_new(1, &pool, &err);
	r = r ? r : timed_open(c, c->unpruned, pool, &t[0], &err);
	r = r ? r : timed_open(c, c->g, pool, &t[1], &err);
	for (int i = 0; !r && i < RUNS * 2 && (i < 2 || clock_seconds() - start < RUN_SECONDS);
	     i++) {
		double from = clock_seconds();
		r = exec_run(t[i % 2].exec, t[i % 2].feed.in, t[i % 2].out, &err);
		t[i % 2].best = fmin(t[i % 2].best, clock_seconds() - from);
	}
	*before = t[0].best * 1e3;
	*after = t[1].best * 1e3;
	timed_close(&t[0]);
	timed_close(&t[1]);
	pool_free(pool);
	err_clear(&err);
	return !r;
}

cJSON *convert_prune_json(const struct convert *c)
{
	cJSON *j = cJSON_CreateObject();
	double before, after;
	cJSON_AddStringToObject(j, "what", c->prune_args.what);
	if (!c->unpruned)
		return j;
	int64_t was = cost_graph_macs(c->unpruned), is = cost_graph_macs(c->g);
	json_pair(
	    j, "parameters", (double)cost_parameters(c->unpruned), (double)cost_parameters(c->g));
	json_pair(j, "nonzero_parameters", (double)nonzero(c->unpruned), (double)nonzero(c->g));
	if (was >= 0 && is >= 0)
		json_pair(j, "macs", (double)was, (double)is);
	if (measure(c, &before, &after))
		json_pair(j, "latency_ms", before, after);
	return j;
}

void convert_prune_say(const struct convert *c)
{
	if (!c->unpruned)
		return;
	int64_t p = cost_parameters(c->unpruned), q = cost_parameters(c->g);
	int64_t m = cost_graph_macs(c->unpruned), n = cost_graph_macs(c->g);
	tool_say(c->p, "pruned: %lld of %lld parameters stay (%.1f %%)", (long long)q, (long long)p,
	    p ? 100.0 * (double)q / (double)p : 100);
	if (m > 0 && n >= 0)
		tool_say(c->p, "pruned: %lld of %lld multiply-adds stay (%.1f %%)", (long long)n,
		    (long long)m, 100.0 * (double)n / (double)m);
}
