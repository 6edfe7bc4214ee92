/* The public library: loading, asking, running, and the words for failures. */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
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

/* ---- compiled networks ---- */

static void same_scores(struct mo_model *m, const float *want)
{
	float *have = run_one(m);
	for (int k = 0; k < 10; k++)
		assert_true(fabsf(have[k] - want[k]) < 1e-5f);
	free(have);
}

static void remove_folder(const char *dir)
{
	char command[256];
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

/* The first file in dir whose name ends in .blob. */
static void find_blob(const char *dir, char path[512])
{
	DIR *d = opendir(dir);
	assert_non_null(d);
	path[0] = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (strstr(e->d_name, ".blob"))
			snprintf(path, 512, "%s/%s", dir, e->d_name);
	closedir(d);
	assert_true(path[0]);
}

/* From memory, at any address, and from a descriptor. */
static void load_bytes(const char *path, const float *want)
{
	struct mo_model *m;
	static _Alignas(64) char data[1 << 21];
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(data, 1, sizeof data - 1, f);
	for (int shift = 0; shift < 2; shift++) {
		memmove(data + shift, data, n);
		assert_int_equal(mo_model_load_memory(data + shift, n, NULL, &m), MO_OK);
		same_scores(m, want);
		mo_model_free(m);
	}
	assert_int_equal(mo_model_load_memory(data + 1, n / 2, NULL, &m), MO_E_FORMAT);
	assert_int_equal(mo_model_load_memory("<net/>", 6, NULL, &m), MO_E_FORMAT);
	assert_int_equal(mo_model_load_fd(fileno(f), NULL, &m), MO_OK);
	fclose(f);
	same_scores(m, want);
	mo_model_free(m);
	assert_int_equal(mo_model_load_fd(-1, NULL, &m), MO_E_IO);
}

static void test_cache(void **state)
{
	char dir[] = "/tmp/test_api_XXXXXX", blob[512];
	struct mo_model *m;
	(void)state;
	assert_non_null(mkdtemp(dir));
	struct mo_options o = {.size = sizeof o, .cache_dir = dir};
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_model_cache(m), MO_CACHE_OFF);
	float *want = run_one(m);
	mo_model_free(m);
	for (int i = 0; i < 3; i++) {
		o.no_mmap = i == 2;
		assert_int_equal(mo_model_load_with(net, &o, &m), MO_OK);
		assert_int_equal(mo_model_cache(m), i ? MO_CACHE_HIT : MO_CACHE_MISS);
		assert_string_equal(mo_input_name(m, 0), "input");
		assert_string_equal(mo_output_name(m, 0), "probabilities");
		same_scores(m, want);
		mo_model_free(m);
	}
	o.exact = 1;
	assert_int_equal(mo_model_load_with(net, &o, &m), MO_OK);
	assert_int_equal(mo_model_cache(m), MO_CACHE_MISS);
	same_scores(m, want);
	mo_model_free(m);
	find_blob(dir, blob);
	assert_int_equal(mo_model_load(blob, &m), MO_OK);
	same_scores(m, want);
	mo_model_free(m);
	load_bytes(blob, want);
	load_bytes(net, want);
	o.cache_dir = "/dev/null/no";
	assert_int_equal(mo_model_load_with(net, &o, &m), MO_OK);
	assert_int_equal(mo_model_cache(m), MO_CACHE_MISS);
	same_scores(m, want);
	mo_model_free(m);
	free(want);
	remove_folder(dir);
}

/* Batches by one file: each made ready once, in any order, and others besides. */
static void test_shapes(void **state)
{
	static const char *const shapes[] = {"input[1,3,32,32];input[4,3,32,32]",
	    "[4,3,32,32];[2,3,32,32]", NULL, "[9,3,32]", "[?,3,32,32]"};
	char dir[] = "/tmp/test_api_XXXXXX", blob[512];
	struct mo_model *m;
	struct mo_request *r;
	struct mo_tensor in = {.type = MO_F32, .rank = 4, .dim = {0, 3, 32, 32}}, out;
	float *x = calloc(8 * 3 * 32 * 32, sizeof *x), want[10];
	(void)state;
	assert_non_null(mkdtemp(dir));
	struct mo_options o = {.size = sizeof o, .cache_dir = dir};
	in.data = x;
	for (int i = 0; i < 4; i++) {
		o.shapes = shapes[i / 2];
		assert_int_equal(
		    mo_model_load_with("testdata/glyphs/glyphs_dynamic.onnx", &o, &m), MO_OK);
		assert_int_equal(mo_model_cache(m), i ? MO_CACHE_HIT : MO_CACHE_MISS);
		assert_int_equal(mo_request_new(m, 1, &r), MO_OK);
		for (int batch = 1; batch <= 8; batch *= 2) {
			in.dim[0] = batch;
			assert_int_equal(mo_request_run(r, &in, &out), MO_OK);
			assert_int_equal(out.dim[0], batch);
			if (!i && batch == 1)
				memcpy(want, out.data, sizeof want);
			for (int k = 0; k < 10; k++)
				assert_true(fabsf(((float *)out.data)[k] - want[k]) < 1e-5f);
		}
		mo_request_free(r);
		mo_model_free(m);
	}
	for (int i = 3; i < 5; i++) {
		o.shapes = shapes[i];
		assert_int_equal(
		    mo_model_load_with("testdata/glyphs/glyphs_dynamic.onnx", &o, &m), MO_E_USAGE);
		assert_non_null(strstr(mo_error(), "shapes '"));
	}
	find_blob(dir, blob); /* there is one */
	assert_int_equal(mo_model_load(blob, &m), MO_OK);
	assert_int_equal(mo_input_info(m, 0, &in), MO_OK);
	assert_int_equal(in.dim[0], -1);
	mo_model_free(m);
	free(x);
	remove_folder(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_dynamic),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_cache),
	    cmocka_unit_test(test_shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
