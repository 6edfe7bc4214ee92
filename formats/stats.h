/* What calibration saw of values, in sums that come out the same in whatever order samples are
 * seen and parts are merged; and the file that holds it. */
#ifndef FORMATS_STATS_H
#define FORMATS_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Histograms count floats by their upper 16 bits: sign, exponent, 7 bits of the mantissa. */
#define STATS_BINS 65536

/* Extremes of one channel. The sums of each sample's extremes are exact: in steps of
 * 2^-STATS_SHIFT, to which each is rounded. */
#define STATS_SHIFT 40
#define STATS_LIMIT 0x1p60 /* larger values are no activations */
struct stats_channel {
	float low, high;
	__int128 sum_low, sum_high;
};

/* One value's. */
struct stats_site {
	const char *name;
	int64_t channels; /* 1, or those of dim 1 */
	struct stats_channel *channel;
	uint64_t *bins; /* STATS_BINS of them, of all channels together; NULL: not kept */
};

struct stats {
	struct arena *arena;
	int64_t samples;   /* seen */
	uint64_t checksum; /* of the file that it was read from; 0 */
	struct stats_site *site;
	int nsites;
};

/* Without sites yet; they are to be filled in. NULL without memory. */
struct stats *stats_new(int nsites);
/* Gives site i its name and memory; nothing is seen yet. */
int stats_site_open(
    struct stats *s, int i, const char *name, int64_t channels, bool bins, struct err *err);
const struct stats_site *stats_find(const struct stats *s, const char *name);
/* Adds what from saw. E_FORMAT when the sites are not the same. */
int stats_merge(struct stats *to, const struct stats *from, struct err *err);
void stats_free(struct stats *s); /* NULL is legal */

/* The middle of the floats that fall into a bin; 0 for the bins of 0. */
double stats_bin_value(int bin);
static inline double stats_mean(__int128 sum, int64_t samples)
{
	return (double)sum / (double)samples / (double)(INT64_C(1) << STATS_SHIFT);
}

/* The file; the same statistics give the same bytes. */
int stats_write(const struct stats *s, const char *path, struct err *err);
int stats_read(const char *path, struct stats **out, struct err *err);
/* As stats_read, from memory. */
int stats_parse(const void *data, size_t size, struct stats **out, struct err *err);

#endif
