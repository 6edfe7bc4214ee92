/* Convolutions strip by strip against the same ones one after the other, on each instruction set.
 */
#include "conv_data.h"
#include "harness.h"

#include "base/cpu.h"
#include "kernels/nhwc_block_f32.h"

static const char *const levels[] = {"bf16", "avx512", "avx2", "ref"};

struct block_case {
	int n, add;
	struct conv_shape s[NHWC_BLOCK];
};

static const struct block_case blocks[] = {
    {3, 0,
	{{1, 1, 3, 32, {1, 25, 31}, {1, 3, 3}, {1, 13, 16}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
	    {1, 32, 1, 1, {1, 13, 16}, {1, 3, 3}, {1, 13, 16}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
	    {1, 1, 32, 17, {1, 13, 16}, {1, 1, 1}, {1, 13, 16}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}}},
    {3, 1,
	{{2, 1, 16, 50, {1, 21, 19}, {1, 1, 1}, {1, 21, 19}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
	    {2, 50, 1, 1, {1, 21, 19}, {1, 5, 3}, {1, 11, 9}, {1, 2, 2}, {1, 1, 1}, {0, 2, 0}},
	    {2, 1, 50, 40, {1, 11, 9}, {1, 1, 1}, {1, 11, 9}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}}},
    {2, 1,
	{{1, 70, 1, 1, {1, 30, 17}, {1, 3, 3}, {1, 28, 17}, {1, 1, 1}, {1, 1, 1}, {0, 0, 1}},
	    {1, 1, 70, 33, {1, 28, 17}, {1, 1, 1}, {1, 28, 17}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}}},
    {2, 1,
	{{3, 1, 9, 24, {1, 14, 40}, {1, 1, 1}, {1, 14, 40}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
	    {3, 24, 1, 1, {1, 14, 40}, {1, 3, 3}, {1, 14, 40}, {1, 1, 1}, {1, 2, 2}, {0, 2, 2}}}},
};

/* The convolutions of a case: data, packed weights, and results by each after the other. */
struct block_data {
	struct nhwc_block_f32 b;
	struct data d[NHWC_BLOCK];
	float *packed[NHWC_BLOCK];
	size_t npacked[NHWC_BLOCK];
	const float *want;
};

static void block_make(struct block_data *k, const struct block_case *c)
{
	*k = (struct block_data){.b.n = c->n};
	for (int i = 0; i < c->n; i++) {
		bool end = i + 1 == c->n;
		struct data *d = &k->d[i];
		*d = data_of(&c->s[i], i && !end ? 0 : i, i != 1, end && c->add);
		bool dw = d->s.groups > 1;
		struct nhwc_conv_f32 *q = &k->b.c[i];
		*q = (struct nhwc_conv_f32){.s = d->s,
		    .ld_in = d->ld_in,
		    .ld_out = end ? d->ld_out : d->s.groups * d->s.cout,
		    .ld_add = d->ld_add,
		    .lo = -1,
		    .hi = 3,
		    .way = dw ? CONV_DEPTHWISE : CONV_IGEMM};
		if (i) {
			free(d->in);
			d->in = NULL;
			q->ld_in = d->s.groups * d->s.cin;
		}
		struct data by_one = *d;
		by_one.in = i ? k->d[i - 1].want : d->in;
		run_conv(*q, &by_one, NULL, d->want);
		nhwc_conv_f32_plan(q, 1);
		k->npacked[i] = nhwc_conv_f32_packed(q) / sizeof(float);
		k->packed[i] = guarded(k->npacked[i]);
		nhwc_conv_f32_pack(q, NULL, d->w, k->packed[i]);
		k->want = d->want;
	}
}

/* lines: of a strip at most */
static void block_run(const struct block_data *k, struct pool *pool, int lines)
{
	const struct data *last = &k->d[k->b.n - 1];
	struct nhwc_block_f32 b = k->b;
	nhwc_block_f32_plan(&b, pool_size(pool));
	b.lines = b.lines < lines ? b.lines : lines;
	size_t ns = (b.scratch + 3) / sizeof(float);
	float *scratch = guarded(ns), *out = guarded(last->nout);
	struct nhwc_block_f32_args a = {
	    .in = k->d[0].in, .add = last->add, .out = out, .scratch = scratch};
	for (int i = 0; i < b.n; i++) {
		a.packed[i] = k->packed[i];
		a.bias[i] = k->d[i].bias;
	}
	nhwc_block_f32_run(&b, pool, &a);
	assert_memory_equal(out, k->want, last->nout * sizeof *out);
	guarded_free(out, last->nout);
	guarded_free(scratch, ns);
}

/* The same bits as one convolution after the other, strip by strip, for any number of threads. */
static void test_blocks(void **state)
{
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (size_t i = 0; i < COUNT(blocks); i++) {
			struct block_data k;
			cpu_limit(levels[l]);
			block_make(&k, &blocks[i]);
			assert_true(nhwc_block_f32_fits(&k.b));
			for (int t = 0; t < 3; t++)
				for (int lines = 1; lines < 9; lines += 2)
					block_run(&k, pools[t], lines);
			for (int c = 0; c < k.b.n; c++) {
				guarded_free(k.packed[c], k.npacked[c]);
				data_free(&k.d[c]);
			}
		}
	cpu_limit("bf16");
}

/* What does not follow from what, or has no depthwise one, is none. */
static void test_block_misfits(void **state)
{
	struct block_data k;
	(void)state;
	block_make(&k, &blocks[1]);
	struct nhwc_block_f32 b = k.b;
	b.n = 1;
	assert_false(nhwc_block_f32_fits(&b));
	b = k.b;
	b.c[1].s.in[1]++;
	assert_false(nhwc_block_f32_fits(&b));
	b = k.b;
	b.c[2].s.cin++;
	assert_false(nhwc_block_f32_fits(&b));
	b = k.b;
	b.c[1] = b.c[2];
	assert_false(nhwc_block_f32_fits(&b));
	b = k.b;
	b.c[1].s.pad[1] = 9;
	assert_false(nhwc_block_f32_fits(&b));
	for (int c = 0; c < k.b.n; c++) {
		guarded_free(k.packed[c], k.npacked[c]);
		data_free(&k.d[c]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_block_misfits),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
