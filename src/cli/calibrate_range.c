/* What mo-calibrate sees of activations, in samples or files of statistics, and how ranges follow
 * from it. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/calibrate.h"
#include "cli/shard.h"

static bool is_method(struct calibrate *c, const char *name, enum range_method method)
{
	if (strcmp(c->range, name))
		return false;
	c->o.range = method;
	return true;
}

/* quantile=X or percentile=P. */
static bool is_quantile(struct calibrate *c)
{
	bool percent = !strncmp(c->range, "percentile=", 11);
	if (!percent && strncmp(c->range, "quantile=", 9))
		return false;
	c->o.range = RANGE_QUANTILE;
	if (!parse_f64(strchr(c->range, '=') + 1, &c->o.quantile))
		return false;
	c->o.quantile /= percent ? 100 : 1;
	return c->o.quantile > 0.5 && c->o.quantile <= 1;
}

int calibrate_range(struct calibrate *c, struct err *err)
{
	if (c->collect_only && !c->stats_out)
		return fail(err, E_USAGE, "--merge goes with --stats-out");
	if (c->collect_only && strcmp(c->to, "int8"))
		return fail(err, E_USAGE, "--merge goes with --to int8");
	c->o.histograms = c->stats_out != NULL;
	if (!c->range)
		return OK;
	if (!is_method(c, "auto", RANGE_AUTO) && !is_method(c, "mean", RANGE_MEAN) &&
	    !is_method(c, "minmax", RANGE_MINMAX) && !is_method(c, "entropy", RANGE_ENTROPY) &&
	    !is_method(c, "mse", RANGE_MSE) && !is_quantile(c))
		return fail(err, E_USAGE,
		    "--range is auto, mean, minmax, entropy, mse, quantile=X (above 0.5, at most "
		    "1) or "
		    "percentile=P, not '%s'",
		    c->range);
	c->o.histograms |= c->o.range > RANGE_MINMAX;
	return OK;
}

/* ---- statistics ---- */

/* Part i, which is not one that was seen before. */
static int read_part(
    const struct calibrate *c, int i, uint64_t *seen, struct stats **out, struct err *err)
{
	int status = stats_read(c->stats_in.v[i], out, err);
	if (status)
		return status;
	seen[i] = (*out)->checksum;
	for (int k = 0; k < i; k++)
		if (seen[k] == seen[i]) {
			stats_free(*out);
			return fail(err, E_DATA,
			    "'%s' and '%s' are the same: parts are of "
			    "different samples",
			    c->stats_in.v[k], c->stats_in.v[i]);
		}
	return OK;
}

static int merge_files(struct calibrate *c, struct stats **out, struct err *err)
{
	struct stats *sum = NULL, *s = NULL;
	uint64_t *seen = arena_array(c->arena, (size_t)c->stats_in.n, sizeof *seen);
	int status = seen ? read_part(c, 0, seen, &sum, err) : fail_nomem(err);
	if (status)
		return status;
	for (int i = 1; i < c->stats_in.n && !status; i++) {
		status = read_part(c, i, seen, &s, err);
		if (status)
			break;
		status = stats_merge(sum, s, err);
		if (status)
			err_in(err, "'%s'", c->stats_in.v[i]);
		stats_free(s);
	}
	if (status)
		stats_free(sum);
	else
		*out = sum;
	return status;
}

void calibrate_progress(void *progress, int64_t done, int64_t of)
{
	if (done == 1)
		((struct progress *)progress)->total = of;
	progress_at(progress, done);
}

/* Samples from one on. */
struct part {
	const struct samples *of;
	int64_t from;
};

static int part_get(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	const struct part *p = user;
	return p->of->get(p->of->user, p->from + i, in, label, err);
}

/* Those of the shard, of the samples that one run would calibrate with. */
static int take_part(struct calibrate *c, struct part *p, struct samples *s, struct err *err)
{
	struct shard shard;
	int64_t all = c->fitted;
	int status = shard_read(c->shard, &shard, err);
	if (status)
		return status;
	*p = (struct part){&c->s, shard_from(&shard, all)};
	shard.i++;
	*s = (struct samples){.count = shard_from(&shard, all) - p->from,
	    .labelled = c->s.labelled,
	    .get = part_get,
	    .user = p};
	if (s->count <= 0)
		return fail(err, E_USAGE, "--shard: no sample of %" PRId64 " is in it", all);
	int64_t *index = arena_array(c->arena, (size_t)s->count, sizeof *index);
	for (int64_t i = 0; index && i < s->count; i++)
		index[i] = p->from + i;
	if (!index)
		return fail_nomem(err);
	return c->s.expect ? c->s.expect(c->s.user, index, s->count, err) : OK;
}

static int collect(struct calibrate *c, struct err *err)
{
	struct samples s = c->s;
	struct part part;
	int status = c->shard ? take_part(c, &part, &s, err) : OK;
	if (status)
		return status;
	progress_start(&c->progress, c->p, "calibrating", c->shard ? s.count : c->fitted);
	status = calibration_collect(c->c, &s, err);
	progress_end(&c->progress);
	return status;
}

int calibrate_statistics(struct calibrate *c, struct err *err)
{
	struct stats *s = NULL;
	int status = OK;
	stages_end(&c->stages, STAGE_READ);
	if (!c->stats_in.n)
		status = collect(c, err);
	else if (!(status = merge_files(c, &s, err)) && (status = calibration_use(c->c, s, err)))
		err_in(err, "--stats-in");
	if (!status && c->stats_in.n && c->data.n && !c->collect_only)
		status = calibration_refine(c->c, &c->s, err);
	stages_end(&c->stages, STAGE_COLLECT);
	stages_move(&c->stages, STAGE_COLLECT, STAGE_WEIGHTS, calibration_weights_seconds(c->c));
	if (status || !c->stats_out)
		return status;
	status = stats_write(calibration_stats(c->c), c->stats_out, err);
	stages_end(&c->stages, STAGE_WRITE);
	return status;
}
