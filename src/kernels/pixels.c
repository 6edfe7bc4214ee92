/* Pixels picked from lines, in runs that lie together in both images. */
#include "kernels/pixels.h"

#include <string.h>

#include "kernels/copy.h"

#define SMALL 65536 /* bytes that are not worth a second thread */

struct pick_run {
	const struct pixel_pick *k;
	const char *in;
	const int32_t *table;
	char *out;
	int tasks;
};

static void fill(const struct pixel_pick *k, char *to, int64_t n)
{
	if (k->ld_out == k->n)
		memset(to, k->fill, (size_t)(n * k->n * k->size));
	else
		for (int64_t i = 0; i < n; i++)
			memset(to + i * k->ld_out * k->size, k->fill, (size_t)(k->n * k->size));
}

/* As one where there are no gaps. */
static void copy(const struct pixel_pick *k, char *to, const char *from, int64_t n)
{
	bool dense = k->ld_in == k->n && k->ld_out == k->n;
	copy_rows(to, k->ld_out * k->size, from, k->ld_in * k->size, dense ? 1 : n,
	    (dense ? n : 1) * k->n * k->size);
}

static void line(const struct pixel_pick *k, const char *from, const int32_t *x, char *to)
{
	int64_t step = k->ld_out * k->size;
	for (int i = 0, n; i < k->out[1]; i += n, to += n * step) {
		for (n = 1; i + n < k->out[1] && x[i + n] == (x[i] < 0 ? -1 : x[i] + n); n++)
			;
		if (x[i] < 0)
			fill(k, to, n);
		else
			copy(k, to, from + x[i] * k->ld_in * k->size, n);
	}
}

static void task(void *ctx, int number, int worker)
{
	const struct pick_run *r = ctx;
	const struct pixel_pick *k = r->k;
	int64_t lines = (int64_t)k->batch * k->out[0], last = lines * (number + 1) / r->tasks;
	(void)worker;
	for (int64_t i = lines * number / r->tasks; i < last; i++) {
		int64_t image = i / k->out[0], y = r->table[i % k->out[0]];
		char *to = r->out + i * k->out[1] * k->ld_out * k->size;
		int64_t from = (image * k->in[0] + y) * k->in[1] * k->ld_in * k->size;
		if (y < 0)
			fill(k, to, k->out[1]);
		else
			line(k, r->in + from, r->table + k->out[0], to);
	}
}

bool pixel_pick_inside(const struct pixel_pick *k, const int32_t *table)
{
	for (int i = 0; i < k->out[0] + k->out[1]; i++)
		if (table[i] < -1 || table[i] >= k->in[i >= k->out[0]])
			return false;
	return true;
}

void pixel_pick(
    const struct pixel_pick *k, struct pool *pool, const void *in, const int32_t *table, void *out)
{
	int64_t bytes = (int64_t)k->batch * k->out[0] * k->out[1] * k->n * k->size;
	int threads = pool ? pool_size(pool) : 1;
	struct pick_run r = {.k = k, .in = in, .table = table, .out = out};
	r.tasks = bytes > SMALL ? threads : 1;
	pool_run(pool, r.tasks, task, &r);
}
