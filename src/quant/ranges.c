/* From what calibration saw of values to the ranges of their quantizers. */
#include <math.h>

#include "quant/ranges.h"

/* The mean over samples of each one's extremes: a single sample does not stretch the range. */
static void mean_extremes(
    const struct stats *s, const struct stats_site *t, int64_t c, double *low, double *high)
{
	double lo = 0, hi = 0;
	for (int64_t i = 0; i < s->samples; i++) {
		lo += t->low[i * t->channels + c];
		hi += t->high[i * t->channels + c];
	}
	*low = lo / (double)s->samples;
	*high = hi / (double)s->samples;
}

static int choose(const struct stats *s, const struct stats_site *t, struct arena *a,
    struct quant_range *r, struct err *err)
{
	float *end = arena_array(a, 2 * (size_t)t->channels, sizeof *end);
	if (!end)
		return fail_nomem(err);
	for (int64_t c = 0; c < t->channels; c++) {
		double low, high;
		mean_extremes(s, t, c, &low, &high);
		end[c] = (float)low;
		end[t->channels + c] = (float)high;
	}
	r->channels = t->channels;
	r->low = end;
	r->high = end + t->channels;
	return OK;
}

/* Those of a set share the widest range. */
static void share(const struct placement *p, struct quant_range *range)
{
	for (int i = 0; i < p->nquantizers; i++) {
		struct quant_range *to = &range[p->quantizer[i].set];
		if (to == &range[i] || to->channels > 1)
			continue;
		*(float *)to->low = fminf(*to->low, *range[i].low);
		*(float *)to->high = fmaxf(*to->high, *range[i].high);
	}
	for (int i = 0; i < p->nquantizers; i++)
		range[i] = range[p->quantizer[i].set];
}

int ranges_choose(const struct placement *p, const struct stats *s,
    const struct calibrate_options *o, struct arena *a, struct quant_range *range, struct err *err)
{
	int status = OK;
	for (int i = 0; i < p->nquantizers && !status; i++) {
		const struct stats_site *t = stats_find(s, p->quantizer[i].name);
		if (!t)
			return fail(
			    err, E_FORMAT, "there are no statistics of '%s'", p->quantizer[i].name);
		status = choose(s, t, a, &range[i], err);
		range[i].symmetric = o->preset == PRESET_PERFORMANCE;
	}
	if (!status)
		share(p, range);
	return status;
}
