/* The verdict on a changed network: what it costs over all samples, in each group of them, and in
 * which samples. A mean hides the few that are lost. */
#ifndef QUANT_VERDICT_H
#define QUANT_VERDICT_H

#include "base/text.h"
#include "quant/interval.h"
#include "quant/metrics.h"

/* Which group each sample is in. */
struct groups {
	int32_t *of; /* one for each sample; -1: in none */
	const char **name;
	int n;
};

/* Runs of the original and of the result over the same samples, at the same places. */
struct verdict_input {
	enum metric metric;
	int64_t n;
	const struct answer *original, *result; /* a sample counts where both are seen */
	const int64_t *label;                   /* NULL: none; below 0: none for this one */
	const struct groups *groups;            /* NULL: by label; without labels there are none */
	double max_drop;                        /* INFINITY, or NAN: no limit */
	bool relative;                          /* both limits are shares of the original's value */
	double max_group_drop;                  /* as max_drop, for the worst group */
	/* What the program said, for METRIC_COMMAND; groups are then judged by top-1. */
	double command_original, command_result;
};

struct verdict_flip {
	int64_t sample, label, was, is; /* label -1: none; was, is: best classes, -1: none */
};

struct verdict_group {
	int64_t id; /* of the groups, or the label */
	int64_t samples, flips;
	double original, result, drop; /* drop: as the limit counts it */
};

struct verdict {
	enum metric metric, group_metric;
	int64_t samples;
	double original, result, drop; /* drop: as the limit counts it, a share if relative */
	struct interval interval;      /* of drop, 95 %; NaN for METRIC_COMMAND */
	bool score_interval;           /* Tango's, else the bootstrap */
	bool relative;
	double max_drop, max_group_drop;
	bool drop_held, groups_held, ok; /* ok: both, and nothing became infinite or NaN */

	bool labelled;
	int64_t lost, gained;      /* right before and wrong now; the reverse */
	struct verdict_flip *flip; /* samples whose best class changed, in order */
	int64_t nflips;
	int64_t *far; /* the samples farthest from the original, worst first, by nsr */
	int64_t nfar;

	struct verdict_group *group; /* worst drop first */
	int64_t ngroups;
	bool by_label;

	int64_t not_finite;       /* samples whose result is not finite though the original's is */
	int64_t first_not_finite; /* the first of them, or -1 */
	char layer[256]; /* the layer that is not finite first there: for the caller to set */
};

/* E_USAGE when the metric lacks labels, or there are no samples. verdict_free frees. */
int verdict_make(const struct verdict_input *in, struct verdict *out, struct err *err);
void verdict_free(struct verdict *v);

/* How the words for a sample, a class and a group are found; any may be NULL, and may give NULL. */
struct verdict_names {
	const char *(*sample)(void *user, int64_t i);
	int64_t (*row)(void *user, int64_t i); /* where the sample lies; NULL: i */
	const char *(*label)(void *user, int64_t label);
	const struct groups *groups;
	void *user;
};
/* A few lines: metric, drop with interval and limit, flipped samples (at most `most`, those lost
 * first), worst groups, what is not finite. */
void verdict_text(
    struct text *t, const struct verdict *v, const struct verdict_names *names, int64_t most);

#endif
