/* What one core of this machine does at most, measured: the limits that a profile is held against.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "exec/peak.h"
#include "kernels/kernel.h"

#define DEPTH 128
#define PART ((size_t)64 * DEPTH) /* floats: more than a panel of rows, of columns, a tile take */
#define READ_BYTES ((size_t)256 << 20)
#define PIECE_BYTES ((size_t)8 << 20)

static double measure_gflops(float *a, float *b, float *c)
{
	const struct gemm_f32 *k = &gemm_f32_rows[gemm_f32_pick()];
	double work = 2.0 * DEPTH * k->mr * k->nr, best = 0;
	for (int turn = 0; turn < 20; turn++) {
		int runs = 2000;
		double start = clock_seconds();
		for (int i = 0; i < runs; i++)
			k->run(DEPTH, a, b, (size_t)k->nr, c, (size_t)k->nr, k->mr, k->nr, false,
			    NULL);
		double rate = work * runs / (clock_seconds() - start) * 1e-9;
		best = rate > best ? rate : best;
	}
	return best;
}

/* Seconds of reading so many bytes. */
static double read_through(const unsigned long *p, size_t bytes)
{
	unsigned long sum[8] = {0};
	double start = clock_seconds();
	for (size_t i = 0; i < bytes / sizeof *p; i += 8)
		for (int j = 0; j < 8; j++)
			sum[j] += p[i + (size_t)j];
	double seconds = clock_seconds() - start;
	/* The sums are used, or no reads would be left. */
	if (sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7] == 1)
		seconds *= 2;
	return seconds;
}

/* The best of pieces that are short enough for some to run undisturbed. */
static double measure_gbytes(const char *p)
{
	double best = 0;
	for (size_t at = 0; at < 3 * READ_BYTES; at += PIECE_BYTES) {
		double seconds = read_through((const void *)(p + at % READ_BYTES), PIECE_BYTES);
		double rate = (double)PIECE_BYTES / seconds * 1e-9;
		best = rate > best ? rate : best;
	}
	return best;
}

/* Two equal halves are compared, with the C library's widest loads. */
static double measure_cache(const char *p)
{
	size_t half = cpu_l2() / 4;
	double best = 0;
	int differ = 0;
	for (int turn = 0; turn < 10; turn++) {
		int runs = 100;
		double start = clock_seconds();
		for (int i = 0; i < runs; i++) {
			differ |= memcmp(p, p + half, half);
			__asm__ volatile("" ::: "memory"); /* or one would do for all */
		}
		double rate = 2e-9 * (double)half * runs / (clock_seconds() - start);
		best = rate > best ? rate : best;
	}
	return differ ? 0 : best;
}

int peak_measure(struct peak *p, struct err *err)
{
	float *tile = aligned_alloc(64, 3 * PART * sizeof *tile);
	char *memory = aligned_alloc(64, READ_BYTES);
	if (tile && memory) {
		memset(tile, 0, 3 * PART * sizeof *tile);
		memset(memory, 1, READ_BYTES);
		p->gflops = measure_gflops(tile, tile + PART, tile + 2 * PART);
		p->gbytes = measure_gbytes(memory);
		p->cache_gbytes = measure_cache(memory);
	}
	int s = tile && memory ? OK : fail_nomem(err);
	free(tile);
	free(memory);
	return s;
}
