/* The public library: loading, asking, running, and the words for failures. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "mo.h"
#include "version.h"

static const char net[] = "testdata/glyphs/glyphs.onnx";

static void test_info(void **state)
{
	struct mo_model *m;
	struct mo_tensor t;
	(void)state;
	assert_string_equal(mo_version(), MO_VERSION);
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_model_inputs(m), 1);
	assert_int_equal(mo_model_outputs(m), 1);
	assert_string_equal(mo_input_name(m, 0), "input");
	assert_string_equal(mo_output_name(m, 0), "probabilities");
	assert_null(mo_input_name(m, 1));
	assert_int_equal(mo_input_info(m, 0, &t), MO_OK);
	assert_true(t.type == MO_F32 && t.rank == 4 && t.dim[1] == 3 && !t.data);
	assert_int_equal(mo_output_info(m, 7, &t), MO_E_USAGE);
	assert_non_null(strstr(mo_error(), "output 7"));
	mo_model_free(m);
	mo_model_free(NULL);
}

static void test_dynamic(void **state)
{
	struct mo_model *m;
	struct mo_tensor t;
	(void)state;
	assert_int_equal(mo_model_load("testdata/glyphs/glyphs_dynamic.onnx", &m), MO_OK);
	assert_int_equal(mo_input_info(m, 0, &t), MO_OK);
	assert_true(t.rank == 4 && t.dim[0] == -1 && t.dim[1] == 3);
	mo_model_free(m);
}

/* One request's scores for a flat grey picture. */
static void *run_one(void *model)
{
	struct mo_request *r;
	struct mo_tensor in, out;
	float *x = calloc(3 * 32 * 32, sizeof *x), *score = calloc(10, sizeof *score);
	assert_int_equal(mo_request_new(model, 1, &r), MO_OK);
	assert_int_equal(mo_input_info(model, 0, &in), MO_OK);
	in.data = x;
	for (int i = 0; i < 3; i++)
		assert_int_equal(mo_request_run(r, &in, &out), MO_OK);
	assert_true(out.type == MO_F32 && out.rank == 2 && out.dim[1] == 10);
	memcpy(score, out.data, 10 * sizeof *score);
	mo_request_free(r);
	free(x);
	return score;
}

static void test_threads(void **state)
{
	struct mo_model *m;
	pthread_t thread[4];
	void *score[4];
	double sum = 0;
	(void)state;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run_one, m), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], &score[i]);
	for (int i = 0; i < 4; i++)
		assert_memory_equal(score[i], score[0], 10 * sizeof(float));
	for (int k = 0; k < 10; k++)
		sum += ((float *)score[0])[k];
	assert_true(fabs(sum - 1) < 1e-5);
	for (int i = 0; i < 4; i++)
		free(score[i]);
	mo_model_free(m);
}

static void test_failures(void **state)
{
	struct mo_model *m;
	struct mo_request *r;
	struct mo_tensor in, out;
	float x = 0;
	(void)state;
	assert_int_equal(mo_model_load("testdata/nosuch.onnx", &m), MO_E_IO);
	assert_null(m);
	assert_non_null(strstr(mo_error(), "nosuch.onnx"));
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_request_new(m, -1, &r), MO_E_USAGE);
	assert_int_equal(mo_request_new(m, 1, &r), MO_OK);
	memset(&in, 0, sizeof in);
	assert_int_equal(mo_request_run(r, &in, &out), MO_E_USAGE);
	in = (struct mo_tensor){.type = MO_F32, .rank = 2, .dim = {-1, 3}, .data = &x};
	assert_int_equal(mo_request_run(r, &in, &out), MO_E_USAGE);
	in = (struct mo_tensor){.type = MO_F32, .rank = 1, .dim = {1}, .data = &x};
	assert_int_not_equal(mo_request_run(r, &in, &out), MO_OK);
	assert_non_null(strstr(mo_error(), "input"));
	mo_request_free(r);
	mo_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_dynamic),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
