/* Copies of runs that lie apart, of any size, against byte after byte: nothing between them is
 * touched. */
#include "harness.h"

#include "kernels/copy.h"

#define ROWS 5
#define MOST 600

static void test_rows(void **state)
{
	uint8_t from[ROWS * MOST], to[ROWS * MOST], want[ROWS * MOST];
	(void)state;
	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (uint8_t)(i * 7 + i / 251);
	for (int size = 0; size < 300; size++)
		for (int extra = 0; extra < 3; extra++) {
			int step = size + extra, back = size + 2 * extra;
			memset(to, 0xaa, sizeof to);
			memset(want, 0xaa, sizeof want);
			for (int r = 0; r < ROWS; r++)
				for (int i = 0; i < size; i++)
					want[r * step + i] = from[r * back + i];
			copy_rows(to, step, from, back, ROWS, size);
			assert_memory_equal(to, want, sizeof to);
			copy_rows(to, step, to, step, ROWS, size);
			assert_memory_equal(to, want, sizeof to);
			copy_rows(to, step, from, back, -1, size);
			assert_memory_equal(to, want, sizeof to);
		}
}

/* A box of runs, one of whose steps is 0. */
static void test_box(void **state)
{
	uint8_t from[64], to[256];
	struct copy k = {3, {2, 2, 4}, {32, 0, 5}, {96, 48, 7}};
	(void)state;
	for (int i = 0; i < 64; i++)
		from[i] = (uint8_t)i;
	memset(to, 0xaa, sizeof to);
	copy_runs(&k, NULL, from, to);
	for (int i = 0; i < 256; i++) {
		int a = i / 96, j = i % 48 / 7, x = i % 48 % 7;
		bool there = a < 2 && j < 4 && x < 3;
		assert_int_equal(to[i], there ? from[a * 32 + j * 5 + x] : 0xaa);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_box),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
