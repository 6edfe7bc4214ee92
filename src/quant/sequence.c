/* Orders of samples: shuffled, and one of each class in turn. */
#include "quant/sequence.h"

#include <stdlib.h>

#include "base/rng.h"

int64_t *sequence_shuffled(int64_t n, uint64_t seed)
{
	int64_t *out = malloc(((size_t)n + 1) * sizeof *out);
	for (int64_t i = 0; out && i < n; i++) {
		int64_t k = (int64_t)(rng_next(&seed) % (uint64_t)(i + 1));
		out[i] = out[k];
		out[k] = i;
	}
	return out;
}

struct run {
	int64_t at, end;
};

static int64_t find_runs(const int64_t *class, int64_t n, struct run *run)
{
	int64_t runs = 0;
	for (int64_t i = 0; i < n; i++) {
		if (!i || class[i] != class[i - 1])
			run[runs++].at = i;
		run[runs - 1].end = i + 1;
	}
	return runs;
}

int64_t *sequence_by_class(const int64_t *class, int64_t n)
{
	int64_t *out = malloc(((size_t)n + 1) * sizeof *out);
	struct run *run = malloc(((size_t)n + 1) * sizeof *run);
	int64_t runs = out && run ? find_runs(class, n, run) : 0, k = 0;
	while (runs) {
		int64_t left = 0;
		for (int64_t i = 0; i < runs; i++) {
			out[k++] = run[i].at++;
			if (run[i].at < run[i].end)
				run[left++] = run[i];
		}
		runs = left;
	}
	if (!run) {
		free(out);
		out = NULL;
	}
	free(run);
	return out;
}
