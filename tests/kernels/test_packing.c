/* Packed weights: where a panel has them; the same bytes for any number of threads, whole or piece
 * by piece; and back. */
#include "floats.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "kernels/nhwc_conv_f32.h"
#include "kernels/nhwc_conv_u8.h"
#include "kernels/pack_f32.h"
#include "kernels/pack_u8.h"

#define LEVELS (sizeof levels / sizeof *levels)

static const char *const levels[] = {"bf16", "vnni", "avx512", "avx2", "ref"};
static struct pool *pool;

static struct conv_shape square(int groups, int cin, int cout, int side)
{
	return (struct conv_shape){.batch = 1,
	    .groups = groups,
	    .cin = cin,
	    .cout = cout,
	    .in = {1, 8, 8},
	    .kernel = {1, side, side},
	    .out = {1, 8, 8},
	    .stride = {1, 1, 1},
	    .dilation = {1, 1, 1},
	    .pad = {0, side / 2, side / 2}};
}

static const struct {
	int groups, cin, cout, side;
} shapes[] = {{1, 128, 150, 3}, {1, 131, 321, 1}, {1, 64, 96, 5}, {2, 100, 70, 3}, {1, 3, 64, 7}};

#define SHAPES (sizeof shapes / sizeof *shapes)

static void same(const void *a, const void *b, size_t n)
{
	assert_int_equal(memcmp(a, b, n), 0);
}

/* Panel after panel, where a way allows it. */
static void pack_in_pieces(const struct nhwc_conv_f32 *c, const float *w, float *packed)
{
	int panel = nhwc_conv_f32_panel(c);
	size_t column = (size_t)(c->s.cin * c->s.kernel[1] * c->s.kernel[2]);
	for (int j = 0; j < c->s.cout; j += panel) {
		struct nhwc_conv_f32 piece = *c;
		piece.s.cout = c->s.cout - j < panel ? c->s.cout - j : panel;
		nhwc_conv_f32_pack(&piece, NULL, w + (size_t)j * column, packed);
		packed += nhwc_conv_f32_packed(&piece) / sizeof *packed;
	}
}

/* Gives back what was packed, as columns and as lines. */
static void unpack(const struct nhwc_conv_f32 *c, const float *w, const float *packed)
{
	int taps = c->s.kernel[1] * c->s.kernel[2], k = c->s.cin * taps, n = c->s.cout;
	size_t bytes = (size_t)k * (size_t)n * sizeof *w;
	struct panels_f32 p = {nhwc_conv_f32_panel(c), c->s.cin, taps, n};
	float *back = malloc(bytes);
	assert_int_equal(panels_f32_size(&p) * sizeof *w, nhwc_conv_f32_packed(c));
	panels_f32_unpack(&p, false, packed, back);
	same(back, w, bytes);
	memset(back, 0xff, bytes);
	if (taps == 1)
		panels_f32_unpack(&p, true, packed, back);
	for (int i = 0; i < k && taps == 1; i++)
		for (int j = 0; j < n; j++)
			assert_true(back[i * n + j] == w[j * k + i]);
	free(back);
}

static void pack_floats(const struct conv_shape *s, int way, const float *w)
{
	struct nhwc_conv_f32 c = {
	    .s = *s, .ld_in = s->groups * s->cin, .ld_out = s->groups * s->cout, .way = way};
	nhwc_conv_f32_plan(&c, 3);
	size_t n = nhwc_conv_f32_packed(&c);
	float *one = calloc(1, n), *three = calloc(1, n);
	nhwc_conv_f32_pack(&c, NULL, w, one);
	nhwc_conv_f32_pack(&c, pool, w, three);
	same(one, three, n);
	assert_int_equal(nhwc_conv_f32_panel(&c) > 0,
	    s->groups == 1 && (way == CONV_IGEMM || way == CONV_IGEMM_BF16));
	if (nhwc_conv_f32_panel(&c)) {
		memset(three, 0xff, n);
		pack_in_pieces(&c, w, three);
		same(one, three, n);
	}
	if (way == CONV_IGEMM && s->groups == 1)
		unpack(&c, w, one);
	free(one);
	free(three);
}

static void test_floats(void **state)
{
	(void)state;
	for (size_t l = 0; l < LEVELS; l++)
		for (size_t i = 0; i < SHAPES; i++) {
			struct conv_shape s = square(
			    shapes[i].groups, shapes[i].cin, shapes[i].cout, shapes[i].side);
			size_t n = (size_t)(s.groups * s.cin * s.cout * s.kernel[1] * s.kernel[2]);
			float *w = randoms(n, 5);
			cpu_limit(levels[l]);
			for (int way = 0; way < 8; way++)
				if (way == CONV_IGEMM || way == CONV_IGEMM_BF16 ||
				    nhwc_conv_f32_choose(&s, false) == way)
					pack_floats(&s, way, w);
			free(w);
		}
}

/* Each weight is where the contract says, and nothing else is written. */
static void check_panel(const struct panel_f32 *p)
{
	size_t column = (size_t)(p->cin * p->taps), wide = (size_t)p->wide, n = column * wide;
	float *w = randoms((size_t)p->columns * column, 9), *panel = randoms(n + 1, 3);
	float guard = panel[n];
	panel_f32_pack(p, w, panel);
	for (size_t c = 0; c < (size_t)p->cin; c++)
		for (size_t t = 0; t < (size_t)p->taps; t++)
			for (size_t j = 0; j < wide; j++) {
				float want = 0;
				if (j < (size_t)p->columns)
					want = w[j * column + c * (size_t)p->taps + t];
				size_t line = t * (size_t)p->cin + c;
				assert_true(panel[line * wide + j] == want);
			}
	assert_true(panel[n] == guard);
	free(w);
	free(panel);
}

static void test_panels(void **state)
{
	static const int columns[] = {1, 3, 8, 15, 16, 17, 31, 32};
	(void)state;
	for (size_t l = 0; l < LEVELS; l++)
		for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
			for (int taps = 1; taps < 50; taps += 8)
				for (int cin = 1; cin < 40; cin += 6) {
					int j = columns[i], wide = j > 16 ? 32 : j > 8 ? 16 : 8;
					cpu_limit(levels[l]);
					check_panel(&(struct panel_f32){wide, j, cin, taps});
				}
}

/* The same of bytes: what a column's sums start with, then each weight at its place among the
 * fours; no weight from another cin or column. */
static void check_fours(const struct panel_u8 *p)
{
	size_t fours = (size_t)(p->cin + 3) / 4, wide = (size_t)p->wide;
	size_t column = (size_t)(p->cin * p->taps), n = 4 * wide * (1 + (size_t)p->taps * fours);
	size_t weights = (size_t)p->columns * column;
	int8_t *w = malloc(weights), *panel = malloc(n + 1);
	for (size_t k = 0; k < weights; k++)
		w[k] = (int8_t)((k + 1) * 2654435761u >> 24);
	memset(panel, 0x55, n + 1);
	panel_u8_pack(p, w, panel);
	for (size_t j = 0; j < wide; j++) {
		int32_t start = 0;
		for (size_t c = 0; c < fours * 4; c++)
			for (size_t t = 0; t < (size_t)p->taps; t++) {
				bool there = c < (size_t)p->cin && j < (size_t)p->columns;
				int8_t want = 0;
				if (there)
					want = w[j * column + c * (size_t)p->taps + t];
				size_t line = 1 + t * fours + c / 4;
				assert_int_equal(panel[(line * wide + j) * 4 + c % 4], want);
				start -= want * p->zero;
			}
		assert_int_equal(((int32_t *)panel)[j], start);
	}
	assert_int_equal(panel[n], 0x55);
	free(w);
	free(panel);
}

static void test_fours(void **state)
{
	static const int columns[] = {1, 7, 8, 13, 16, 31, 32}, taps[] = {1, 3, 9, 25, 127, 300};
	static const int cins[] = {1, 3, 4, 6, 8, 60, 64, 132};
	(void)state;
	for (size_t l = 0; l < LEVELS; l++)
		for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
			for (size_t t = 0; t < sizeof taps / sizeof *taps; t++)
				for (size_t c = 0; c < sizeof cins / sizeof *cins; c++) {
					int j = columns[i], wide = j > 16 ? 32 : j > 8 ? 16 : 8;
					cpu_limit(levels[l]);
					check_fours(
					    &(struct panel_u8){wide, j, cins[c], taps[t], 77});
				}
}

/* Besides: what each column's sums start with is what its weights say. */
static void test_bytes(void **state)
{
	(void)state;
	for (size_t l = 0; l < LEVELS; l++)
		for (size_t i = 0; i < SHAPES; i++) {
			struct nhwc_conv_u8 c = {.s = square(shapes[i].groups, shapes[i].cin,
						     shapes[i].cout, shapes[i].side),
			    .zero = 77,
			    .way = CONV_IGEMM};
			c.ld_in = c.s.groups * c.s.cin;
			c.ld_out = c.s.groups * c.s.cout;
			size_t column = (size_t)(c.s.cin * c.s.kernel[1] * c.s.kernel[2]);
			size_t all = column * (size_t)(c.s.groups * c.s.cout);
			int8_t *w = malloc(all);
			for (size_t k = 0; k < all; k++)
				w[k] = (int8_t)(k * 2654435761u >> 24);
			cpu_limit(levels[l]);
			nhwc_conv_u8_plan(&c, 3);
			size_t n = nhwc_conv_u8_packed(&c);
			char *one = calloc(1, n), *three = calloc(1, n);
			nhwc_conv_u8_pack(&c, NULL, w, NULL, one);
			nhwc_conv_u8_pack(&c, pool, w, NULL, three);
			same(one, three, n);
			int32_t sum = 0;
			for (size_t k = 0; k < column; k++)
				sum -= w[k] * c.zero;
			assert_int_equal(((int32_t *)one)[0], sum);
			free(one);
			free(three);
			free(w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_floats),
	    cmocka_unit_test(test_panels),
	    cmocka_unit_test(test_fours),
	    cmocka_unit_test(test_bytes),
	};
	if (pool_new(3, &pool, NULL))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	pool_free(pool);
	return failed;
}
