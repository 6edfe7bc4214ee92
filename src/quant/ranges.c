/* From what calibration saw of values to the ranges of their quantizers. */
#include <math.h>
#include <string.h>

#include "quant/histogram.h"
#include "quant/ranges.h"

static bool is_mean(const struct quantizer *q, const struct calibrate_options *o)
{
	return o->range == RANGE_MEAN || (o->range == RANGE_AUTO && !q->sequence);
}

static bool needs_bins(const struct calibrate_options *o)
{
	return o->range != RANGE_AUTO && o->range != RANGE_MEAN && o->range != RANGE_MINMAX;
}

static void ends_of(const struct stats *s, const struct stats_site *t, int64_t c, bool mean,
    float *low, float *high)
{
	const struct stats_channel *k = &t->channel[c];
	if (mean) {
		*low = (float)stats_mean(k->sum_low, s->samples);
		*high = (float)stats_mean(k->sum_high, s->samples);
	} else {
		*low = k->low;
		*high = k->high;
	}
}

static int choose(const struct stats *s, const struct stats_site *t, const struct quantizer *q,
    const struct calibrate_options *o, struct arena *a, struct quant_range *r, struct err *err)
{
	float *end = arena_array(a, 2 * (size_t)t->channels, sizeof *end);
	if (!end)
		return fail_nomem(err);
	for (int64_t c = 0; c < t->channels; c++)
		ends_of(s, t, c, is_mean(q, o), &end[c], &end[t->channels + c]);
	r->symmetric = o->preset == PRESET_PERFORMANCE || q->symmetric;
	r->channels = t->channels;
	r->low = end;
	r->high = end + t->channels;
	bool shapes = needs_bins(o) && t->channels == 1 && t->bins; /* smoothed values have none */
	return shapes ? histogram_range(t->bins, o, r->symmetric, &end[0], &end[1], err) : OK;
}

/* Those of a set share the widest range. */
static void share(const struct placement *p, struct quant_range *range)
{
	for (int i = 0; i < p->nquantizers; i++) {
		struct quant_range *to = &range[p->quantizer[i].set];
		to->symmetric |= range[i].symmetric;
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
	bool any = !needs_bins(o);
	for (int i = 0; i < s->nsites; i++)
		any |= s->site[i].bins != NULL;
	if (!any)
		return fail(err, E_USAGE, "the statistics hold no histograms");
	for (int i = 0; i < p->nquantizers && !status; i++) {
		const struct stats_site *t = stats_find(s, p->quantizer[i].name);
		if (!t || t->channels != p->quantizer[i].channels)
			return fail(err, E_FORMAT,
			    "there are no statistics of '%s': they are not of this network",
			    p->quantizer[i].name);
		status = choose(s, t, &p->quantizer[i], o, a, &range[i], err);
	}
	if (!status)
		share(p, range);
	return status;
}
