/* Quantization to 8 bits as a compression: groups of quantizers put back, ranges tuned. */
#include "quant/aware_int8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "quant/gain.h"

static int make(void *user, const int *way, struct graph **out, struct err *err)
{
	struct aware_int8 *a = user;
	int n = 0;
	for (int k = 0; k < a->c.ngroups; k++)
		if (way[k] == AWARE_KEPT)
			a->kept[n++] = a->group[k].name;
	return calibration_quantize(a->calibration, a->kept, n, out, err);
}

/* Three digits: what a report shows and a config repeats. */
static double rounded(double x)
{
	char text[32];
	double y = x;
	snprintf(text, sizeof text, "%.3g", x);
	return parse_f64(text, &y) ? y : x;
}

static int measure(
    struct aware_int8 *a, struct graph *original, const struct samples *s, struct err *err)
{
	int n = a->c.ngroups;
	struct graph *q = NULL;
	const char **name = calloc((size_t)n + 1, sizeof *name);
	double *ms = calloc(2 * (size_t)n + 1, sizeof *ms);
	int r = name && ms ? OK : fail_nomem(err);
	for (int k = 0; k < n && !r; k++)
		name[k] = a->group[k].name;
	r = r ? r : calibration_quantize(a->calibration, NULL, 0, &q, err);
	r = r ? r : gain_times(original, s, name, n, ms, err);
	r = r ? r : gain_times(q, s, name, n, ms + n, err);
	for (int k = 0; k < n && !r; k++)
		a->group[k].gain = rounded(ms[k] - ms[n + k]);
	graph_free(q);
	free(name);
	free(ms);
	return r;
}

int aware_int8_new(struct aware_int8 *a, struct calibration *c, struct graph *original,
    const struct samples *s, const double *gain, struct err *err)
{
	int n = calibration_ngroups(c);
	*a = (struct aware_int8){.calibration = c};
	a->group = calloc((size_t)n + 1, sizeof *a->group);
	a->kept = calloc((size_t)n + 1, sizeof *a->kept);
	if (!a->group || !a->kept)
		return fail_nomem(err);
	for (int k = 0; k < n; k++)
		a->group[k] = (struct aware_group){
		    .name = calibration_group(c, k)->name, .ways = 1, .gain = gain ? gain[k] : NAN};
	a->c = (struct compression){.ngroups = n, .group = a->group, .make = make, .user = a};
	return gain ? OK : measure(a, original, s, err);
}

void aware_int8_free(struct aware_int8 *a)
{
	free(a->group);
	free(a->kept);
	*a = (struct aware_int8){0};
}
