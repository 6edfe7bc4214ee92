/* The file of calibration statistics: little-endian, the same statistics give the same bytes.
 *
 * "MOSTATS1", samples i64, sites u32; each site: name (u32 size, bytes), channels i64, bins u32
 * (BINS_NONE: not kept); channels of low f32, high f32, sums of two u64 halves, the lower one
 * first; bins of number u16, count u64, in the order of their numbers; at the end a hash of all
 * before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/stats.h"

#define MAGIC "MOSTATS1"
#define BINS_NONE UINT32_MAX
#define SITES_WITH_BINS 4096 /* 512 KiB each */
#define CHANNEL_BYTES 40
#define BIN_BYTES 10

/* ---- writing ---- */

static void put(struct text *t, uint64_t x, int bytes)
{
	char b[8];
	for (int i = 0; i < bytes; i++)
		b[i] = (char)(x >> 8 * i);
	text_addn(t, b, (size_t)bytes);
}

static void put_f32(struct text *t, float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	put(t, bits, 4);
}

static void put_sum(struct text *t, __int128 x)
{
	put(t, (uint64_t)x, 8);
	put(t, (uint64_t)(x >> 64), 8);
}

static void put_bins(struct text *t, const uint64_t *bins)
{
	for (int b = 0; bins && b < STATS_BINS; b++)
		if (bins[b]) {
			put(t, (uint64_t)b, 2);
			put(t, bins[b], 8);
		}
}

static void put_site(struct text *t, const struct stats_site *s)
{
	uint32_t nbins = s->bins ? 0 : BINS_NONE;
	for (int b = 0; s->bins && b < STATS_BINS; b++)
		nbins += s->bins[b] > 0;
	put(t, strlen(s->name), 4);
	text_add(t, s->name);
	put(t, (uint64_t)s->channels, 8);
	put(t, nbins, 4);
	for (int64_t c = 0; c < s->channels; c++) {
		put_f32(t, s->channel[c].low);
		put_f32(t, s->channel[c].high);
		put_sum(t, s->channel[c].sum_low);
		put_sum(t, s->channel[c].sum_high);
	}
	put_bins(t, s->bins);
}

int stats_write(const struct stats *s, const char *path, struct err *err)
{
	struct text t = {0};
	text_add(&t, MAGIC);
	put(&t, (uint64_t)s->samples, 8);
	put(&t, (uint64_t)s->nsites, 4);
	for (int i = 0; i < s->nsites; i++)
		put_site(&t, &s->site[i]);
	if (!t.failed)
		put(&t, XXH3_64bits(t.data, t.len), 8);
	int status = t.failed ? fail_nomem(err) : output_file(path, t.data, t.len, err);
	text_free(&t);
	return status;
}

/* ---- reading ---- */

static float get_f32(struct cursor *c)
{
	uint32_t bits = cursor_u32le(c);
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

static __int128 get_sum(struct cursor *c)
{
	uint64_t low = cursor_u64le(c), high = cursor_u64le(c);
	return (__int128)((unsigned __int128)high << 64 | low);
}

/* Sums stay so small that merging does not overflow. */
static bool is_sum(__int128 x, int64_t samples)
{
	__int128 most = (__int128)samples << (60 + STATS_SHIFT);
	return x >= -most && x <= most;
}

static bool get_channel(struct cursor *c, struct stats_channel *k, int64_t samples)
{
	k->low = get_f32(c);
	k->high = get_f32(c);
	k->sum_low = get_sum(c);
	k->sum_high = get_sum(c);
	return k->low >= -STATS_LIMIT && k->low <= k->high && k->high <= STATS_LIMIT &&
	       is_sum(k->sum_low, samples) && is_sum(k->sum_high, samples);
}

/* In the order of their numbers, each of a finite float and not empty. */
static bool get_bins(struct cursor *c, uint64_t *bins, uint32_t n)
{
	int last = -1;
	for (uint32_t i = 0; i < n; i++) {
		int b = cursor_u16le(c);
		uint64_t count = cursor_u64le(c);
		if (b <= last || (b & 0x7f80) == 0x7f80 || !count || count >> 56)
			return false;
		bins[b] = count;
		last = b;
	}
	return true;
}

static int get_site(struct cursor *c, struct stats *s, int i, int *left, struct err *err)
{
	uint32_t size = cursor_u32le(c);
	const uint8_t *name = size && size <= LIMIT_NAME ? cursor_bytes(c, size) : NULL;
	int64_t channels = (int64_t)cursor_u64le(c);
	uint32_t nbins = cursor_u32le(c);
	bool bins = nbins != BINS_NONE;
	size_t room = cursor_left(c);
	if (c->err || !name || memchr(name, 0, size) || channels < 1 ||
	    (uint64_t)channels > room / CHANNEL_BYTES ||
	    (bins && (nbins > STATS_BINS || nbins > room / BIN_BYTES || --*left < 0)))
		return fail(err, E_FORMAT, "site %d of the statistics is malformed", i);
	char *text = arena_strn(s->arena, (const char *)name, size);
	int status = text ? stats_site_open(s, i, text, channels, bins, err) : fail_nomem(err);
	bool good = true;
	for (int64_t k = 0; k < channels && !status && good; k++)
		good = get_channel(c, &s->site[i].channel[k], s->samples);
	if (!status && good && bins)
		good = get_bins(c, s->site[i].bins, nbins);
	if (!status && (!good || c->err))
		status = fail(err, E_FORMAT, "the statistics of '%s' hold what cannot be", text);
	return status;
}

static int get_all(struct cursor *c, struct stats **out, struct err *err)
{
	int64_t samples = (int64_t)cursor_u64le(c);
	uint32_t n = cursor_u32le(c);
	int left = SITES_WITH_BINS, status = OK;
	/* a site takes 57 bytes at least */
	if (c->err || samples < 1 || samples > LIMIT_SAMPLES || n > cursor_left(c) / 57)
		return fail(err, E_FORMAT, "the statistics' header is malformed");
	struct stats *s = stats_new((int)n);
	if (!s)
		return fail_nomem(err);
	s->samples = samples;
	for (uint32_t i = 0; i < n && !status; i++)
		status = get_site(c, s, (int)i, &left, err);
	if (!status && cursor_left(c))
		status = fail(err, E_FORMAT, "bytes behind the last site");
	if (status)
		stats_free(s);
	else
		*out = s;
	return status;
}

int stats_parse(const void *data, size_t size, struct stats **out, struct err *err)
{
	struct cursor c = cursor_of(data, size), tail;
	if (size < 28 || memcmp(data, MAGIC, 8))
		return fail(err, E_FORMAT, "no statistics of mo-calibrate");
	tail = cursor_of((const char *)data + size - 8, 8);
	if (XXH3_64bits(data, size - 8) != cursor_u64le(&tail))
		return fail(err, E_FORMAT, "the checksum of the statistics does not match");
	c = cursor_sub(&c, size - 8);
	cursor_bytes(&c, 8);
	int status = get_all(&c, out, err);
	if (!status)
		(*out)->checksum = XXH3_64bits(data, size - 8);
	return status;
}

int stats_read(const char *path, struct stats **out, struct err *err)
{
	struct file *f;
	int status = file_map(path, &f, err);
	if (status)
		return status;
	status = stats_parse(f->data, f->size, out, err);
	if (status)
		err_in(err, "'%s'", path);
	file_unref(f);
	return status;
}
