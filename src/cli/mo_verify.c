/* mo --verify: the model before the passes against the one after them, on the same data. */
#include <math.h>
#include <stdlib.h>

#include "base/threads.h"
#include "cli/convert.h"
#include "cli/feed.h"
#include "cli/results.h"
#include "exec/exec.h"
#include "report/error.h"

/* One graph's outputs on the feed, each cloned. */
static int run_once(struct convert *c, struct graph *g, struct pool *pool, const struct feed *f,
    struct tensor *out, struct err *err)
{
	struct exec_options o = {.pool = pool, .log = tool_log(c->p)};
	struct exec *e = NULL;
	struct tensor *t = calloc(g->noutputs + 1, sizeof *t);
	int r = t ? OK : fail_nomem(err);
	r = r ? r : exec_new(g, &o, &e, err);
	r = r ? r : exec_run(e, f->in, t, err);
	for (int k = 0; k < g->noutputs && !r; k++)
		r = tensor_clone(&out[k], &t[k], err);
	exec_free(e);
	free(t);
	return r;
}

static int make_feed(struct convert *c, struct feed *f, struct err *err)
{
	int r = feed_new(f, c->g, tool_log(c->p), err);
	r = r ? r : feed_files(f, c->g, &c->data, err);
	return r ? r : feed_random(f, c->g, c->seed < 0 ? 1 : c->seed, err);
}

static int judge(struct convert *c, const struct graph *base, const struct tensor *want,
    const struct tensor *got, struct err *err)
{
	int n = base->noutputs;
	c->limit = c->tolerance;
	if (isnan(c->limit)) /* pruning is meant to change the result */
		c->limit = c->unpruned ? HUGE_VAL : c->fp16 ? 1e-2 : 1e-4;
	c->verdict = arena_array(c->arena, n, sizeof *c->verdict);
	if (!c->verdict)
		return fail_nomem(err);
	for (int k = 0; k < n; k++) {
		struct verdict *v = &c->verdict[k];
		v->name = arena_str(c->arena, output_name(base, k));
		v->error = error_over_range(&got[k], &want[k]);
		c->differs |= !(v->error <= c->limit);
		tool_say(c->p, "verify: output '%s': largest error %.3g of its range, %s", v->name,
		    v->error, v->error <= c->limit ? "ok" : "too far");
	}
	return OK;
}

int convert_verify(struct convert *c, struct graph *base, struct err *err)
{
	struct feed f = {0};
	struct pool *pool = NULL;
	int n = base->noutputs;
	struct tensor *want = calloc(n + 1, sizeof *want), *got = calloc(n + 1, sizeof *got);
	int r = want && got ? OK : fail_nomem(err);
	if (!r && c->g->noutputs != n)
		r = fail(err, E_FORMAT, "the passes changed the number of outputs");
	r = r ? r : pool_new(0, &pool, err);
	r = r ? r : make_feed(c, &f, err);
	r = r ? r : run_once(c, c->g, pool, &f, got, err);
	for (int k = 0; k < f.n && !r; k++)
		r = convert_feed(c, k, &f.in[k], err);
	r = r ? r : run_once(c, base, pool, &f, want, err);
	r = r ? r : judge(c, base, want, got, err);
	for (int k = 0; k < n && want && got; k++) {
		tensor_free(&want[k]);
		tensor_free(&got[k]);
	}
	free(want);
	free(got);
	feed_free(&f);
	pool_free(pool);
	return r ? err_in(err, "--verify") : OK;
}
