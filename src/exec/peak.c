/* What one core of this machine does at most, measured: the limits that a profile is held against.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "exec/peak.h"
#include "kernels/kernel.h"

#define DEPTH 128
#define PART ((size_t)64 * DEPTH) /* floats: more than a panel of rows, of columns, a tile take */
#define READ_BYTES ((size_t)256 << 20)

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

static double measure_gbytes(const unsigned long *p)
{
	size_t n = READ_BYTES / sizeof *p;
	double best = 0;
	for (int turn = 0; turn < 3; turn++) {
		unsigned long sum[8] = {0};
		double start = clock_seconds();
		for (size_t i = 0; i < n; i += 8)
			for (int j = 0; j < 8; j++)
				sum[j] += p[i + (size_t)j];
		double seconds = clock_seconds() - start;
		/* The sums are used, or no reads would be left. */
		if (sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7] == 1)
			seconds *= 2;
		double rate = (double)READ_BYTES / seconds * 1e-9;
		best = rate > best ? rate : best;
	}
	return best;
}

int peak_measure(struct peak *p, struct err *err)
{
	float *tile = aligned_alloc(64, 3 * PART * sizeof *tile);
	unsigned long *memory = malloc(READ_BYTES);
	if (tile && memory) {
		memset(tile, 0, 3 * PART * sizeof *tile);
		memset(memory, 1, READ_BYTES);
		p->gflops = measure_gflops(tile, tile + PART, tile + 2 * PART);
		p->gbytes = measure_gbytes(memory);
	}
	int s = tile && memory ? OK : fail_nomem(err);
	free(tile);
	free(memory);
	return s;
}
