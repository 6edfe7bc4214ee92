/* Options of mo-calibrate that say how ranges follow from what was seen. */
#include <string.h>

#include "base/text.h"
#include "cli/calibrate.h"

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
	if (!c->range)
		return OK;
	if (!is_method(c, "mean", RANGE_MEAN) && !is_method(c, "minmax", RANGE_MINMAX) &&
	    !is_method(c, "entropy", RANGE_ENTROPY) && !is_method(c, "mse", RANGE_MSE) &&
	    !is_quantile(c))
		return fail(err, E_USAGE,
		    "--range is mean, minmax, entropy, mse, quantile=X (above 0.5, at most 1) or "
		    "percentile=P, not '%s'",
		    c->range);
	c->o.histograms |= c->o.range != RANGE_MEAN && c->o.range != RANGE_MINMAX;
	return OK;
}
