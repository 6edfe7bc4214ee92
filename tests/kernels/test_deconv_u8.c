/* Quantized transposed convolution on each instruction set against the convolution of an image with
 * its pixels apart, bit for bit, with guards around what it writes and for any number of threads.
 */
#include "conv_u8.h"

/* Pixels a stride apart, zero points between, and windows that are turned round. */
static void spread_data(struct data *d, const struct data *from)
{
	const struct conv_shape *s = &from->c.s;
	struct conv_shape *to = &d->c.s;
	*d = *from;
	for (int k = 0; k < 3; k++) {
		to->in[k] = (s->in[k] - 1) * s->stride[k] + 1;
		to->stride[k] = 1;
		to->pad[k] = (s->kernel[k] - 1) * s->dilation[k] - s->pad[k];
	}
	size_t n = volume(to->in), taps = volume(s->kernel), cin = (size_t)s->cin;
	d->c.ld_in = s->cin;
	d->in = malloc((size_t)s->batch * n * cin);
	d->w = malloc(from->nw);
	assert_non_null(d->in);
	assert_non_null(d->w);
	memset(d->in, d->c.zero, (size_t)s->batch * n * cin);
	for (int i = 0; i < s->batch * (int)volume(s->in); i++) {
		int x = i % s->in[2] * s->stride[2], y = i / s->in[2] % s->in[1] * s->stride[1];
		int z = i / s->in[2] / s->in[1] % s->in[0] * s->stride[0];
		int at = i / (int)volume(s->in) * (int)n + (z * to->in[1] + y) * to->in[2] + x;
		memcpy(d->in + (size_t)at * cin, from->in + i * from->c.ld_in, cin);
	}
	for (size_t i = 0; i < from->nw; i++)
		d->w[i] = from->w[i / taps * taps + taps - 1 - i % taps];
}

static void check_shape(const struct conv_shape *s, int number)
{
	struct data d = data_of(s, number % 4 ? number % 5 : 0, number), apart;
	free(d.add);
	d.add = NULL;
	d.c.add = U8_ADD_NONE;
	d.c.way = CONV_TRANSPOSED;
	assert_true(nhwc_conv_u8_fits(s, false, CONV_TRANSPOSED));
	spread_data(&apart, &d);
	conv_naive(&apart);
	for (size_t l = 0; l < COUNT(levels); l++) {
		cpu_limit(levels[l]);
		for (int t = 0; t < 3; t++)
			run_conv(&d, pools[t]);
	}
	cpu_limit("bf16");
	free(apart.in);
	free(apart.w);
	data_free(&d);
}

static const struct conv_shape shapes[] = {
    /* batch, groups, cin, cout, in, kernel, out, stride, dilation, pad */
    {1, 1, 3, 5, {1, 5, 7}, {1, 2, 2}, {1, 10, 14}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {2, 1, 19, 33, {1, 4, 6}, {1, 4, 4}, {1, 8, 12}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 64, 40, {1, 9, 31}, {1, 2, 2}, {1, 18, 62}, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 16, 8, {1, 6, 5}, {1, 3, 3}, {1, 12, 10}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}},
    {1, 1, 7, 1, {1, 6, 5}, {1, 9, 9}, {1, 18, 15}, {1, 3, 3}, {1, 1, 1}, {0, 4, 4}},
    {1, 1, 20, 9, {3, 4, 5}, {2, 3, 3}, {6, 8, 11}, {2, 2, 2}, {1, 1, 1}, {0, 1, 0}},
    {1, 1, 5, 6, {1, 7, 6}, {1, 2, 3}, {1, 21, 17}, {1, 3, 3}, {1, 1, 1}, {0, 0, 1}},
    {1, 1, 6, 7, {1, 6, 6}, {1, 3, 3}, {1, 8, 13}, {1, 1, 2}, {1, 2, 2}, {0, 1, 1}},
    {1, 1, 33, 48, {1, 1, 1}, {1, 4, 4}, {1, 4, 4}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}},
    {1, 1, 12, 17, {1, 5, 6}, {1, 5, 5}, {1, 5, 8}, {1, 2, 2}, {1, 1, 1}, {0, 4, 3}},
};

static void test_transposed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes) * 4; i++)
		check_shape(&shapes[i % COUNT(shapes)], (int)i);
}

/* A packing serves all sizes of the image, of one pixel, too. */
static void test_packed(void **state)
{
	(void)state;
	struct nhwc_conv_u8 c = {.s = shapes[3], .ld_in = 16, .ld_out = 8, .way = CONV_TRANSPOSED};
	struct nhwc_conv_u8 one = c;
	one.s.in[1] = one.s.in[2] = 1;
	one.s.out[1] = one.s.out[2] = 2;
	nhwc_conv_u8_plan(&c, 1);
	nhwc_conv_u8_plan(&one, 2);
	size_t n = nhwc_conv_u8_packed(&c), nt = nhwc_conv_u8_turned(&c), nw = 16 * 8 * 9;
	assert_int_equal(n, nhwc_conv_u8_packed(&one));
	assert_int_equal(nt, nhwc_conv_u8_turned(&one));
	int8_t *w = noise(nw, 1), *turned = malloc(nt);
	void *a = guarded(n), *b = guarded(n);
	nhwc_conv_u8_turn(&c, w, turned);
	nhwc_conv_u8_pack(&c, NULL, turned, NULL, a);
	nhwc_conv_u8_turn(&one, w, turned);
	nhwc_conv_u8_pack(&one, NULL, turned, NULL, b);
	assert_memory_equal(a, b, n);
	free(w);
	free(turned);
	guarded_free(a, n);
	guarded_free(b, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transposed),
	    cmocka_unit_test(test_packed),
	};
	return cmocka_run_group_tests(tests, make_pools, free_pools);
}
