/* The verdict in words. */
#include <math.h>

#include "quant/verdict.h"

#define MOST_GROUPS 5

/* A metric's value: shares in percent. */
static void put_value(struct text *t, enum metric m, double v)
{
	if (m <= METRIC_F1)
		text_printf(t, "%.2f %%", 100 * v);
	else
		text_printf(t, m == METRIC_SQNR ? "%.1f dB" : "%.6g", v);
}

/* A drop: shares and points in percent, what has no scale as it is. */
static void put_drop(struct text *t, enum metric m, bool relative, double v)
{
	if (relative || m == METRIC_SQNR)
		text_printf(t, "%.2f %%", 100 * v);
	else if (m <= METRIC_F1)
		text_printf(t, "%.2f points", 100 * v);
	else
		text_printf(t, "%.6g", v);
}

static bool limited(double limit)
{
	return limit < INFINITY;
}

static void put_limit(struct text *t, const struct verdict *v, double limit, bool ok)
{
	if (!limited(limit))
		return;
	text_printf(t, ", %s the limit of ", ok ? "within" : "BEYOND");
	put_drop(t, v->metric, v->relative, limit);
}

static void put_whole(struct text *t, const struct verdict *v)
{
	text_printf(t, "%s ", metric_name(v->metric));
	put_value(t, v->metric, v->original);
	text_add(t, " -> ");
	put_value(t, v->metric, v->result);
	text_printf(t, " on %lld samples: %s of ", (long long)v->samples,
	    v->metric == METRIC_SQNR ? "an error"
	    : v->relative            ? "a relative drop"
				     : "a drop");
	put_drop(t, v->metric, v->relative, v->drop);
	if (!isnan(v->interval.low)) {
		text_add(t, " (95 % between ");
		put_drop(t, v->metric, v->relative, v->interval.low);
		text_add(t, " and ");
		put_drop(t, v->metric, v->relative, v->interval.high);
		text_add(t, ")");
	}
	put_limit(t, v, v->max_drop, v->drop_held);
	text_add(t, "\n");
	if (limited(v->max_drop) && v->interval.low <= v->max_drop &&
	    v->interval.high > v->max_drop)
		text_add(t, "the interval holds the limit: more samples would make it sure\n");
}

static const char *sample_name(const struct verdict_names *n, int64_t i)
{
	return n && n->sample ? n->sample(n->user, i) : NULL;
}

static void put_sample(struct text *t, const struct verdict_names *n, int64_t i)
{
	const char *name = sample_name(n, i);
	if (name)
		text_add(t, name);
	else
		text_printf(t, "sample %lld", (long long)i);
}

static void put_class(struct text *t, const struct verdict_names *n, int64_t class)
{
	const char *name = n && n->label && class >= 0 ? n->label(n->user, class) : NULL;
	if (class < 0)
		text_add(t, "none");
	else if (name)
		text_printf(t, "%lld (%s)", (long long)class, name);
	else
		text_printf(t, "%lld", (long long)class);
}

static void put_flip(struct text *t, const struct verdict_flip *f, const struct verdict_names *n)
{
	text_add(t, "  ");
	put_sample(t, n, f->sample);
	text_add(t, ": ");
	put_class(t, n, f->was);
	text_add(t, " -> ");
	put_class(t, n, f->is);
	if (f->label >= 0 && f->was != f->label && f->is != f->label) {
		text_add(t, ", label ");
		put_class(t, n, f->label);
	} else if (f->label >= 0) {
		text_add(t, f->was == f->label ? ", lost" : ", gained");
	}
	text_add(t, "\n");
}

/* 0: lost, 1: wrong before and after, or without a label, 2: gained. */
static int kind_of(const struct verdict_flip *f)
{
	if (f->label >= 0 && f->was == f->label)
		return 0;
	return f->label >= 0 && f->is == f->label ? 2 : 1;
}

static void put_flips(
    struct text *t, const struct verdict *v, const struct verdict_names *n, int64_t most)
{
	int64_t shown = 0;
	text_printf(t, "%lld samples changed their best class", (long long)v->nflips);
	if (v->labelled)
		text_printf(t, ": %lld lost, %lld gained%s", (long long)v->lost,
		    (long long)v->gained, v->metric == METRIC_TOP5 ? " among the best 5" : "");
	text_add(t, "\n");
	for (int kind = 0; kind < 3; kind++)
		for (int64_t i = 0; i < v->nflips && shown < most; i++)
			if (kind_of(&v->flip[i]) == kind && ++shown)
				put_flip(t, &v->flip[i], n);
	if (shown < v->nflips && most > 0)
		text_printf(t, "  and %lld more\n", (long long)(v->nflips - shown));
}

static void put_far(
    struct text *t, const struct verdict *v, const struct verdict_names *n, int64_t most)
{
	if (!v->nfar || v->labelled || most < 1)
		return;
	text_add(t, "farthest from the original:\n");
	for (int64_t i = 0; i < v->nfar && i < most; i++) {
		text_add(t, "  ");
		put_sample(t, n, v->far[i]);
		text_add(t, "\n");
	}
}

static void put_group(struct text *t, const struct verdict *v, const struct verdict_group *g,
    const struct verdict_names *n)
{
	text_add(t, "  ");
	if (v->by_label)
		put_class(t, n, g->id);
	else if (n && n->groups && g->id < n->groups->n)
		text_add(t, n->groups->name[g->id]);
	else
		text_printf(t, "group %lld", (long long)g->id);
	text_add(t, ": ");
	put_value(t, v->group_metric, g->original);
	text_add(t, " -> ");
	put_value(t, v->group_metric, g->result);
	text_printf(t, " of %lld samples\n", (long long)g->samples);
}

static void put_groups(struct text *t, const struct verdict *v, const struct verdict_names *n)
{
	int64_t shown = 0;
	if (!v->ngroups)
		return;
	text_printf(t, "worst of %lld %s: a drop of ", (long long)v->ngroups,
	    v->by_label ? "classes" : "groups");
	put_drop(t, v->group_metric, v->relative, v->group[0].drop);
	put_limit(t, v, v->max_group_drop, v->groups_held);
	text_add(t, "\n");
	for (int64_t i = 0; i < v->ngroups && shown < MOST_GROUPS && v->group[i].drop > 0; i++) {
		put_group(t, v, &v->group[i], n);
		shown++;
	}
}

static void put_finite(struct text *t, const struct verdict *v, const struct verdict_names *n)
{
	if (!v->not_finite)
		return;
	text_printf(
	    t, "%lld samples became infinite or NaN, the first is ", (long long)v->not_finite);
	put_sample(t, n, v->first_not_finite);
	if (v->layer[0])
		text_printf(t, ", first in layer '%s'", v->layer);
	text_add(t, "\n");
}

void verdict_text(
    struct text *t, const struct verdict *v, const struct verdict_names *names, int64_t most)
{
	put_whole(t, v);
	put_flips(t, v, names, most);
	put_far(t, v, names, most);
	put_groups(t, v, names);
	put_finite(t, v, names);
	if (limited(v->max_drop) || limited(v->max_group_drop) || v->not_finite)
		text_printf(t, "verdict: %s\n", v->ok ? "yes" : "no");
}
