/* The public library: an IR from memory, pictures as inputs, tensors, and a profile. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "mo.h"

static const char net[] = "testdata/glyphs/glyphs.onnx";
static const char ir[] = "testdata/ir/conv_bn_relu_fc_fp16";
static const char star[] = "testdata/glyphs/folders/star/star_00.png";
static const char prepare[] = "mean=127.5,scale=127.5";

/* ---- an IR in memory ---- */

static char *slurp(const char *suffix, size_t *size)
{
	char path[128], *data = malloc(1 << 20);
	snprintf(path, sizeof path, "%s%s", ir, suffix);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	*size = fread(data, 1, 1 << 20, f);
	assert_int_equal(fclose(f), 0);
	return data;
}

/* The first output for an input of ones. */
static void run(struct mo_model *m, float *first)
{
	struct mo_request *r;
	struct mo_tensor in, out;
	assert_int_equal(mo_request_new(m, 1, &r), MO_OK);
	assert_int_equal(mo_input_info(m, 0, &in), MO_OK);
	for (int i = 0; i < in.rank; i++)
		in.dim[i] = in.dim[i] < 0 ? 1 : in.dim[i];
	int64_t bytes = mo_tensor_bytes(&in);
	float *x = malloc((size_t)bytes);
	for (int64_t i = 0; i < bytes / 4; i++)
		x[i] = 1;
	in.data = x;
	assert_int_equal(mo_request_run(r, &in, &out), MO_OK);
	*first = *(float *)out.data;
	mo_request_free(r);
	free(x);
}

static void test_ir(void **state)
{
	struct mo_model *m;
	size_t nx, nb;
	char *xml = slurp(".xml", &nx), *bin = slurp(".bin", &nb), path[128];
	float want, have;
	(void)state;
	snprintf(path, sizeof path, "%s.xml", ir);
	assert_int_equal(mo_model_load(path, &m), MO_OK);
	run(m, &want);
	mo_model_free(m);
	assert_int_equal(mo_model_load_ir(xml, nx, bin, nb, NULL, &m), MO_OK);
	run(m, &have);
	mo_model_free(m);
	assert_true(have == want);
	int fx = open(path, O_RDONLY), fb;
	snprintf(path, sizeof path, "%s.bin", ir);
	fb = open(path, O_RDONLY);
	assert_int_equal(mo_model_load_ir_fd(fx, fb, NULL, &m), MO_OK);
	close(fx);
	close(fb);
	run(m, &have);
	mo_model_free(m);
	assert_true(have == want);
	assert_int_equal(mo_model_load_ir(xml, nx, bin, nb / 2, NULL, &m), MO_E_FORMAT);
	assert_null(m);
	assert_int_equal(mo_model_load_ir(xml, nx, NULL, 0, NULL, &m), MO_E_FORMAT);
	assert_non_null(strstr(mo_error(), "memory"));
	assert_int_equal(mo_model_load_ir(xml, nx / 2, bin, nb, NULL, &m), MO_E_FORMAT);
	assert_int_equal(mo_model_load_ir("", 0, NULL, 0, NULL, &m), MO_E_FORMAT);
	assert_int_equal(mo_model_load_ir_fd(-1, -1, NULL, &m), MO_E_IO);
	free(xml);
	free(bin);
}

/* ---- pictures ---- */

static void test_pictures(void **state)
{
	struct mo_model *m;
	struct mo_tensor input, a, b, t;
	unsigned char rgb[2 * 1 * 3] = {0, 51, 102, 153, 204, 255};
	(void)state;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_input_info(m, 0, &input), MO_OK);
	assert_int_equal(mo_picture_load(star, prepare, &input, &a), MO_OK);
	assert_true(a.type == MO_F32 && a.rank == 4 && a.dim[0] == 1 && a.dim[3] == 32);
	input.dim[2] = input.dim[3] = -1; /* then the picture tells */
	assert_int_equal(mo_picture_load(star, prepare, &input, &b), MO_OK);
	assert_int_equal(mo_tensor_bytes(&b), mo_tensor_bytes(&a));
	assert_memory_equal(a.data, b.data, (size_t)mo_tensor_bytes(&a));
	mo_tensor_free(&a);
	mo_tensor_free(&a);
	mo_tensor_free(&b);
	assert_int_equal(mo_picture_prepare(rgb, 2, 1, "scale=255", &input, &t), MO_OK);
	assert_true(t.dim[1] == 3 && t.dim[2] == 1 && t.dim[3] == 2);
	for (int c = 0; c < 3; c++)
		for (int x = 0; x < 2; x++)
			assert_true(
			    fabsf(((float *)t.data)[c * 2 + x] - (float)(x * 3 + c) * .2f) < 1e-6f);
	mo_tensor_free(&t);
	assert_int_equal(mo_picture_prepare(rgb, 0, 1, NULL, &input, &t), MO_E_USAGE);
	assert_null(t.data);
	assert_int_equal(mo_picture_prepare(rgb, 2, 1, "nonsense", &input, &t), MO_E_USAGE);
	assert_int_equal(mo_picture_prepare(rgb, 1 << 30, 1 << 30, NULL, &input, &t), MO_E_LIMIT);
	assert_int_equal(mo_picture_load("testdata/nosuch.png", NULL, &input, &t), MO_E_IO);
	assert_non_null(strstr(mo_error(), "nosuch.png"));
	assert_int_equal(mo_picture_load(net, NULL, &input, &t), MO_E_FORMAT);
	input.rank = 99;
	assert_int_equal(mo_picture_load(star, NULL, &input, &t), MO_E_USAGE);
	mo_model_free(m);
}

/* ---- tensors, profiles ---- */

static void test_tensors(void **state)
{
	struct mo_tensor t = {.type = MO_U4, .rank = 2, .dim = {3, 3}};
	(void)state;
	assert_string_equal(mo_type_name(MO_F32), "f32");
	assert_string_equal(mo_type_name(MO_NF4), "nf4");
	assert_string_equal(mo_type_name((enum mo_type)77), "undefined");
	assert_int_equal(mo_tensor_bytes(&t), 5);
	t.dim[1] = -1;
	assert_int_equal(mo_tensor_bytes(&t), -1);
	t.dim[0] = t.dim[1] = INT64_MAX;
	assert_int_equal(mo_tensor_bytes(&t), -1);
	t = (struct mo_tensor){.type = MO_I64};
	assert_int_equal(mo_tensor_bytes(&t), 8);
	t.type = MO_NONE;
	assert_int_equal(mo_tensor_bytes(&t), -1);
}

struct calls {
	int n, convolutions;
	double seconds;
};

static void count(
    void *user, const char *layer, const char *type, const char *kernel, double seconds)
{
	struct calls *c = user;
	assert_true(layer[0] && kernel[0]);
	c->n++;
	c->convolutions += strstr(type, "Convolution") != NULL;
	c->seconds += seconds;
}

static void test_profile(void **state)
{
	struct mo_model *m;
	struct mo_request *r;
	struct mo_tensor input, in, out;
	struct calls c = {0};
	float plain[10];
	(void)state;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_request_new(m, 1, &r), MO_OK);
	assert_string_equal(mo_request_precision(r), "f32");
	assert_int_equal(mo_input_info(m, 0, &input), MO_OK);
	assert_int_equal(mo_picture_load(star, prepare, &input, &in), MO_OK);
	assert_int_equal(mo_request_run(r, &in, &out), MO_OK);
	memcpy(plain, out.data, sizeof plain);
	assert_int_equal(mo_request_profile(r, &in, &out, count, &c), MO_OK);
	assert_memory_equal(plain, out.data, sizeof plain);
	assert_true(c.n > 10 && c.convolutions >= 6 && c.seconds > 0);
	int n = c.n;
	assert_int_equal(mo_request_run(r, &in, &out), MO_OK); /* told of no more */
	assert_int_equal(c.n, n);
	input.data = in.data;
	input.dim[1] = 4;
	assert_int_equal(mo_request_profile(r, &input, &out, count, &c), MO_E_USAGE);
	assert_string_equal(mo_request_precision(r), "f32");
	mo_tensor_free(&in);
	mo_request_free(r);
	mo_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ir),
	    cmocka_unit_test(test_pictures),
	    cmocka_unit_test(test_tensors),
	    cmocka_unit_test(test_profile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
