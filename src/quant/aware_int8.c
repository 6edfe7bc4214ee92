/* Quantization to 8 bits as a compression: groups of quantizers put back, ranges tuned. */
#include "quant/aware_int8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "quant/gain.h"

/* What a group's ranges are multiplied with, by its way: clipping rare values makes the others
 * finer.
 */
static const float shrink[] = {1, 0.8f, 0.6f, 0.4f};
#define WAYS ((int)(sizeof shrink / sizeof *shrink))

static int scale_range(struct arena *arena, struct quant_range *r, float by, struct err *err)
{
	float *low = arena_array(arena, (size_t)r->channels, sizeof *low);
	float *high = arena_array(arena, (size_t)r->channels, sizeof *high);
	if (!low || !high)
		return fail_nomem(err);
	for (int64_t i = 0; i < r->channels; i++) {
		low[i] = r->low[i] * by;
		high[i] = r->high[i] * by;
	}
	r->low = low;
	r->high = high;
	return OK;
}

/* Scales what a group's layer reads, with all that share its range. */
static int scale_group(struct aware_int8 *a, int k, float by, struct arena *arena, struct err *err)
{
	const struct placement *p = calibration_placement(a->calibration);
	struct quant_range *range = calibration_ranges(a->calibration);
	int r = OK;
	for (int i = 0; i < p->ninputs; i++) {
		const struct quantizer *q = &p->quantizer[p->input[i].quantizer];
		if (p->input[i].node != p->group[k].node)
			continue;
		for (int j = 0; j < p->nquantizers && !r; j++)
			if (p->quantizer[j].set == q->set)
				r = scale_range(arena, &range[j], by, err);
	}
	return r;
}

/* The network with the ranges as they are now, and these groups kept. */
static int quantize(struct aware_int8 *a, const int *way, struct graph **out, struct err *err)
{
	int n = 0;
	for (int k = 0; k < a->c.ngroups; k++)
		if (way[k] == AWARE_KEPT)
			a->kept[n++] = a->group[k].name;
	return calibration_quantize(a->calibration, a->kept, n, out, err);
}

static int make(void *user, const int *way, struct graph **out, struct err *err)
{
	struct aware_int8 *a = user;
	size_t n = (size_t)calibration_placement(a->calibration)->nquantizers;
	struct quant_range *range = calibration_ranges(a->calibration);
	struct arena *arena = arena_new();
	struct quant_range *was = arena ? arena_copy(arena, range, n * sizeof *range) : NULL;
	int r = was ? OK : fail_nomem(err);
	for (int k = 0; k < a->c.ngroups && !r; k++)
		if (way[k] > 0)
			r = scale_group(a, k, shrink[way[k]], arena, err);
	r = r ? r : quantize(a, way, out, err);
	if (was)
		memcpy(range, was, n * sizeof *range);
	arena_free(arena);
	return r;
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
		a->group[k] = (struct aware_group){.name = calibration_group(c, k)->name,
		    .ways = WAYS,
		    .gain = gain ? gain[k] : NAN};
	a->c = (struct compression){.ngroups = n, .group = a->group, .make = make, .user = a};
	return gain ? OK : measure(a, original, s, err);
}

void aware_int8_free(struct aware_int8 *a)
{
	free(a->group);
	free(a->kept);
	*a = (struct aware_int8){0};
}
