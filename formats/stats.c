/* What calibration saw of values: made, looked up, merged. */
#include "formats/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct stats *stats_new(int nsites)
{
	struct stats *s = calloc(1, sizeof *s);
	if (s)
		s->arena = arena_new();
	if (s && s->arena)
		s->site = arena_array(s->arena, (size_t)nsites + 1, sizeof *s->site);
	if (s && s->site) {
		s->nsites = nsites;
		return s;
	}
	stats_free(s);
	return NULL;
}

int stats_site_open(
    struct stats *s, int i, const char *name, int64_t channels, bool bins, struct err *err)
{
	struct stats_site *t = &s->site[i];
	t->name = arena_str(s->arena, name);
	t->channels = channels;
	t->channel = calloc((size_t)channels, sizeof *t->channel);
	t->bins = bins ? calloc(STATS_BINS, sizeof *t->bins) : NULL;
	if (!t->name || !t->channel || (bins && !t->bins))
		return fail_nomem(err);
	for (int64_t c = 0; c < channels; c++) {
		t->channel[c].low = INFINITY;
		t->channel[c].high = -INFINITY;
	}
	return OK;
}

const struct stats_site *stats_find(const struct stats *s, const char *name)
{
	for (int i = 0; i < s->nsites; i++)
		if (!strcmp(s->site[i].name, name))
			return &s->site[i];
	return NULL;
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->nsites; i++) {
		free(s->site[i].channel);
		free(s->site[i].bins);
	}
	arena_free(s->arena);
	free(s);
}

double stats_bin_value(int bin)
{
	uint32_t bits = (uint32_t)bin << 16;
	float from, to;
	if (!(bin & 0x7fff))
		return 0;
	memcpy(&from, &bits, sizeof from);
	bits += 0x10000;
	memcpy(&to, &bits, sizeof to);
	return ((double)from + (double)to) / 2;
}

static void add_channel(struct stats_channel *to, const struct stats_channel *from)
{
	to->low = from->low < to->low ? from->low : to->low;
	to->high = from->high > to->high ? from->high : to->high;
	to->sum_low += from->sum_low;
	to->sum_high += from->sum_high;
}

static bool same_sites(const struct stats *a, const struct stats *b)
{
	bool same = a->nsites == b->nsites;
	for (int i = 0; same && i < a->nsites; i++)
		same = !strcmp(a->site[i].name, b->site[i].name) &&
		       a->site[i].channels == b->site[i].channels &&
		       !a->site[i].bins == !b->site[i].bins;
	return same;
}

int stats_merge(struct stats *to, const struct stats *from, struct err *err)
{
	if (!same_sites(to, from))
		return fail(err, E_FORMAT, "the statistics are not of the same values");
	for (int i = 0; i < to->nsites; i++) {
		struct stats_site *t = &to->site[i], *f = &from->site[i];
		for (int64_t c = 0; c < t->channels; c++)
			add_channel(&t->channel[c], &f->channel[c]);
		for (int b = 0; t->bins && b < STATS_BINS; b++)
			if (f->bins[b])
				t->bins[b] += f->bins[b];
	}
	to->samples += from->samples;
	return OK;
}
