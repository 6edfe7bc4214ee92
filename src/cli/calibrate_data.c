/* mo-calibrate's samples: those to calibrate with and those to judge by. */
#include <inttypes.h>
#include <string.h>

#include "cli/calibrate.h"

#define FITTED 300
#define FITTED_PRUNING 1000      /* whole layers are refitted, which takes more */
#define JUDGE_LEAST 100          /* fewer samples left: all are judged by */
#define AHEAD ((size_t)32 << 20) /* bytes of samples read ahead */

static int open_one(struct calibrate *c, const struct list *data, const char *labels,
    enum source_order order, struct source **source, struct samples *s, struct err *err)
{
	struct source_options o = {.data = data->v,
	    .ndata = data->n,
	    .labels = labels,
	    .label_offset = (int)c->label_offset,
	    .preprocess = c->preprocess ? &c->spec : NULL,
	    .ahead = {.threads = (int)c->threads, .bytes = AHEAD},
	    .max_unreadable = c->max_unreadable,
	    .order = order,
	    .seed = (uint64_t)c->seed,
	    .log = tool_log(c->p)};
	int status = source_open(c->g, &o, source, err);
	if (status)
		return status;
	*s = source_samples(*source);
	if (s->count > 1)
		return OK;
	return fail(
	    err, E_DATA, "'%s' holds one sample: ranges and verdicts need more", data->v[0]);
}

/* How many samples are for fitting. By default pruning leaves half of them to judge by. */
static void choose_fitted(struct calibrate *c)
{
	int64_t half = c->s.count / 2;
	c->fitted = c->samples ? c->samples : FITTED;
	if (!c->samples && calibrate_prunes(c) && (c->test_data.n || half > FITTED))
		c->fitted = c->test_data.n || half > FITTED_PRUNING ? FITTED_PRUNING : half;
	if (c->fitted > c->s.count)
		c->fitted = c->s.count;
}

/* Without --test-data: the samples that calibration leaves over, or all when these are few. */
static void judge_by_rest(struct calibrate *c)
{
	c->judge_source = c->source;
	c->judge_by = c->s;
	if (!calibrate_quantizes(c) && !calibrate_prunes(c)) /* nothing is fitted */
		return;
	c->judge_from = c->fitted;
	c->few_left = c->s.count - c->judge_from < JUDGE_LEAST;
	if (!c->few_left)
		return;
	if (calibrate_judges(c)) {
		struct log log = tool_log(c->p);
		log_say(&log, LOG_WARN,
		    "only %" PRId64 " of %" PRId64 " samples are not calibrated with, too few to "
		    "judge by: all are judged by",
		    c->s.count - c->judge_from, c->s.count);
	}
	c->judge_from = 0;
}

static bool same_files(const struct list *a, const struct list *b)
{
	int same = 0;
	for (int k = 0; k < a->n && k < b->n; k++)
		same += !strcmp(a->v[k], b->v[k]);
	return same > 0;
}

/* Layers are ranked with samples of the calibration, unless all or some of these are judged by. */
static void rank_by_calibration(struct calibrate *c)
{
	bool apart = c->test_data.n ? !same_files(&c->data, &c->test_data) : c->judge_from > 0;
	c->rank_by = c->s;
	c->rank_by.count = apart ? c->fitted : 0;
}

int64_t calibrate_unreadable(const struct calibrate *c)
{
	int64_t n = c->source ? source_unreadable(c->source) : 0;
	return n + (c->test_source ? source_unreadable(c->test_source) : 0);
}

bool calibrate_judges(const struct calibrate *c)
{
	return c->max_drop || c->test_data.n || c->max_group_drop || c->table ||
	       strcmp(c->to, "int8");
}

int calibrate_samples(struct calibrate *c, struct err *err)
{
	enum source_order order = c->seed < 0 ? SOURCE_BY_CLASS : SOURCE_SHUFFLED;
	int status = c->preprocess ? preprocess_parse(c->preprocess, &c->spec, err) : OK;
	status = status ? status : open_one(c, &c->data, c->labels, order, &c->source, &c->s, err);
	if (status)
		return status;
	choose_fitted(c);
	if (!c->test_data.n)
		judge_by_rest(c);
	else
		status = open_one(c, &c->test_data, c->test_labels, SOURCE_AS_THEY_LIE,
		    &c->test_source, &c->judge_by, err);
	if (c->test_source)
		c->judge_source = c->test_source;
	if (!status && calibrate_judges(c) && metric_needs_labels(c->aware.metric) &&
	    !c->judge_by.labelled)
		return fail(err, E_USAGE, "'%s' holds no labels for the metric %s: give %s",
		    c->test_data.n ? c->test_data.v[0] : c->data.v[0], metric_name(c->aware.metric),
		    c->test_data.n ? "--test-labels" : "--labels");
	rank_by_calibration(c);
	if (!status && c->groups_file)
		status = verdict_groups(
		    c->groups_file, c->judge_source, c->arena, &c->sample_groups, err);
	return status;
}
