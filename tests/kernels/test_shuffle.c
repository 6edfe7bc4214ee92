/* Shuffles of channels against their definition on each instruction set, with guards. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/shuffle.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define GUARD 0xa5

static const char *const levels[] = {"avx512", "avx2", "ref"};

/* Pixels of k, at a distance that is a group apart from the next, or two. */
static void check(struct channel_shuffle k, int64_t apart, struct pool *pool)
{
	int64_t all = (int64_t)k.groups * k.n, group = (int64_t)k.n * k.size;
	k.ld_a = k.ld_b = all + apart;
	k.ld_out = all + 2 * apart;
	size_t nin = (size_t)(k.pixels * k.ld_a * k.size);
	size_t nout = (size_t)(k.pixels * k.ld_out * k.size);
	unsigned char *in = malloc(nin), *out = malloc(nout + 64);
	assert_true(in && out);
	for (size_t i = 0; i < nin; i++)
		in[i] = (unsigned char)(i * 7 + i / 251);
	memset(out, GUARD, nout + 64);
	channel_shuffle(&k, pool, in, in + group, out);
	for (int64_t i = 0; i < k.pixels * k.ld_out; i++) {
		int64_t pixel = i / k.ld_out, c = i % k.ld_out;
		const unsigned char *got = out + i * k.size;
		int64_t from = pixel * k.ld_a + c % k.groups * k.n + c / k.groups;
		for (int b = 0; b < k.size; b++)
			assert_int_equal(got[b], c < all ? in[from * k.size + b] : GUARD);
	}
	for (int i = 0; i < 64; i++)
		assert_int_equal(out[nout + (size_t)i], GUARD);
	free(in);
	free(out);
}

static void test_shuffles(void **state)
{
	static const int n[] = {1, 7, 8, 9, 15, 16, 24, 31, 32, 58, 116, 200};
	(void)state;
	for (size_t l = 0; l < COUNT(levels); l++)
		for (size_t i = 0; i < COUNT(n) * 6; i++) {
			cpu_limit(levels[l]);
			check((struct channel_shuffle){.pixels = i % 4 ? 5 : 700,
				  .groups = 2 + (int)i % 3,
				  .n = n[i / 6],
				  .size = i % 6 < 3 ? 1 : 4},
			    (int64_t)i % 2 * 3, pools[i % 3]);
		}
	cpu_limit(levels[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shuffles),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
