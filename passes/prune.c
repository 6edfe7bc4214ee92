/* Filters go, or weights become zeros (--prune), judged by the weights alone. */
#include "passes/prune.h"

#include <string.h>

int prune_parse(const char *text, struct prune_options *o, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	if (!strcmp(text, "2:4")) {
		o->kind = PRUNE_2_4;
		return OK;
	}
	if (n == 9 && !strncmp(text, "magnitude", n))
		o->kind = PRUNE_MAGNITUDE;
	else if (n == 7 && !strncmp(text, "filters", n))
		o->kind = PRUNE_FILTERS;
	else
		return fail(
		    err, E_USAGE, "'%s' is none of magnitude:RATIO, filters:RATIO and 2:4", text);
	if (!colon || !parse_f64(colon + 1, &o->ratio) || !(o->ratio >= 0 && o->ratio < 1))
		return fail(err, E_USAGE, "'%s': the ratio is 0 or more and less than 1", text);
	return OK;
}

static void tell_group(struct pass_ctx *c, const struct prune_group *p, const bool *gone)
{
	int left = 0;
	for (int i = 0; i < p->n; i++)
		left += !gone[p->unit[i]];
	if (left != p->n)
		pass_note(c, "'%s'%s: %d of %d filters stay", p->name ? p->name : "",
		    p->layers > 1 ? " and layers tied to it" : "", left, p->n);
}

static int cut_filters(struct pass_ctx *c, struct units *u, const struct prune_options *o)
{
	struct prune_groups g;
	double *score = arena_array(c->scratch, u->nlabels + 1, sizeof *score);
	bool *gone = arena_array(c->scratch, u->nlabels + 1, sizeof *gone);
	int e = score && gone ? OK : fail_nomem(c->err);
	e = e ? e : prune_find_groups(u, c->scratch, &g, c->err);
	e = e ? e : prune_score(u, &g, o->criterion, score, c->err);
	if (e)
		return e;
	int done = prune_choose(u, &g, o, score, gone, c->err);
	if (done <= 0)
		return done;
	e = prune_cut(u, gone, c->err);
	for (int i = 0; !e && i < g.ngroups; i++)
		tell_group(c, &g.group[i], gone);
	return e ? e : done;
}

static int put_zeros(struct pass_ctx *c, const struct prune_options *o)
{
	int64_t weights, zeros = prune_mask(c->graph, o, &weights, c->err);
	if (zeros < 0)
		return (int)zeros;
	pass_note(
	    c, "%lld of %lld weights of layers are now zero", (long long)zeros, (long long)weights);
	return zeros > 0;
}

static int prune(struct pass_ctx *c)
{
	const struct prune_options *o = c->options->prune;
	struct units u;
	if (!o || c->graph->outer)
		return 0;
	if (o->before)
		o->before(o->user, c->graph);
	if (o->kind != PRUNE_FILTERS)
		return put_zeros(c, o);
	int done = units_new(c->graph, &u, c->err);
	if (done)
		return done;
	done = cut_filters(c, &u, o);
	units_free(&u);
	if (!done)
		pass_note(c, "no layer has filters that may go%s",
		    o->exact_ratio ? "" : " in multiples of 16");
	return done;
}

const struct pass pass_prune = {
    .name = "prune",
    .about = "take filters out, or put zeros in place of weights (--prune)",
    .needs = FACT_ORDER | FACT_SHAPES,
    .keeps = FACT_ORDER,
    .optional_off = true,
    .run = prune,
};
