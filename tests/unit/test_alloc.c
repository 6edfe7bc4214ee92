/* Every allocation fails once: reading, passes, writing and running answer E_NOMEM, or do without,
 * and neither crash nor leak (the sanitizer run of this test sees to that).
 *
 * The Makefile links this program with --wrap for the functions below, which covers the library's
 * own calls. Arena calls are wrapped too, since one block of an arena serves many of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "base/arena.h"
#include "exec/exec.h"
#include "formats/dataset.h"
#include "formats/image.h"
#include "formats/ir.h"
#include "formats/model.h"
#include "formats/npy.h"
#include "graph/print.h"
#include "mo.h"
#include "ops/edit.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "report/compare.h"

#define MOST 2500 /* failing places tried in one sweep; beyond, every k-th of them */

static long calls, fail_at; /* the call that fails; 0: none */
static bool for_good;       /* all calls after it fail too */

static bool fails(void)
{
	calls++;
	return fail_at && (calls == fail_at || (for_good && calls > fail_at));
}

#define WRAP(type, name, parameters, arguments)                  \
	type __real_##name parameters;                           \
	type __wrap_##name parameters;                           \
	type __wrap_##name parameters                            \
	{                                                        \
		return fails() ? NULL : __real_##name arguments; \
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(void *, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))
WRAP(void *, arena_alloc, (struct arena * a, size_t n), (a, n))
WRAP(void *, arena_array, (struct arena * a, size_t n, size_t size), (a, n, size))
WRAP(void *, arena_copy, (struct arena * a, const void *p, size_t n), (a, p, n))
WRAP(char *, arena_str, (struct arena * a, const char *s), (a, s))
WRAP(char *, arena_strn, (struct arena * a, const char *s, size_t n), (a, s, n))

/* One try of a scenario: a status; what it made is freed. */
typedef int scenario(const char *path, struct err *err);

static void sweep(const char *name, scenario *run, const char *path)
{
	struct err e = {0};
	fail_at = 0;
	if (run(path, &e)) /* the first time things are set up that stay */
		print_error("%s '%s': %s\n", name, path, e.text);
	assert_int_equal(e.status, OK);
	calls = 0;
	assert_int_equal(run(path, &e), OK);
	long total = calls, step = total / MOST + 1;
	assert_true(total > 0);
	for (long n = 1; n <= total; n += step) {
		calls = 0;
		fail_at = n;
		for_good = n / step & 1;
		int rc = run(path, &e);
		fail_at = 0;
		if (rc != OK && rc != E_NOMEM)
			print_error(
			    "%s '%s', call %ld of %ld: %d %s\n", name, path, n, total, rc, e.text);
		assert_true(rc == OK || (rc == e.status && rc == E_NOMEM));
		err_clear(&e);
	}
	print_message("%s %s: %ld allocations\n", name, path, total);
}

static int read_onnx(const char *path, struct err *err)
{
	struct graph *g = NULL;
	int rc = model_read(path, NULL, &g, NULL, err);
	if (!rc)
		graph_free(g);
	return rc;
}

static char folder[] = "/tmp/test_alloc.XXXXXX", xml[64], bin[64];

/* Reads with no failures, so that the sweep is over what comes after. */
static struct graph *read_quietly(const char *path)
{
	struct err e = {0};
	struct graph *g = NULL;
	long kept = fail_at, count = calls;
	fail_at = 0;
	int rc = model_read(path, NULL, &g, NULL, &e);
	fail_at = kept;
	calls = count;
	assert_int_equal(rc, OK);
	return g;
}

static int run_passes(const char *path, struct err *err)
{
	struct graph *g = read_quietly(path);
	struct pass_options o = pass_defaults();
	o.fp16 = true;
	int rc = passes_run(g, &o, NULL, NULL, err);
	graph_free(g);
	return rc;
}

static int write_ir(const char *path, struct err *err)
{
	struct graph *g = read_quietly(path);
	struct ir_write_options o = {.version = 11};
	int rc = ir_write(g, xml, bin, &o, err);
	graph_free(g);
	return rc;
}

static int read_ir(const char *path, struct err *err)
{
	(void)path;
	struct graph *g = NULL;
	struct ir_read_options o = {0};
	int rc = ir_read(xml, bin, &o, &g, err);
	if (!rc)
		graph_free(g);
	return rc;
}

static int run_on_ones(struct graph *g, struct exec *x, struct err *err)
{
	struct tensor in[4] = {0}, out[4];
	int rc = OK;
	assert_true(g->ninputs <= 4 && g->noutputs <= 4);
	for (int i = 0; i < g->ninputs && !rc; i++) {
		const struct info *info = &g->inputs[i]->out->info;
		int64_t dims[MAX_RANK];
		for (int k = 0; k < info->shape.rank; k++)
			dims[k] = dim_static(info->shape.dim[k]) ? info->shape.dim[k].min : 2;
		rc = tensor_alloc(&in[i], info->type, info->shape.rank, dims, err);
	}
	for (int twice = 0; twice < 2 && !rc; twice++)
		rc = exec_run(x, in, out, err);
	for (int i = 0; i < g->ninputs; i++)
		tensor_free(&in[i]);
	return rc;
}

static int execute(const char *path, struct err *err)
{
	struct graph *g = read_quietly(path);
	struct exec_options o = {0};
	struct exec *x = NULL;
	int rc = exec_new(g, &o, &x, err);
	if (!rc)
		rc = run_on_ones(g, x, err);
	exec_free(x);
	graph_free(g);
	return rc;
}

static int clone_read(const char *path, struct err *err)
{
	struct graph *g = read_quietly(path), *copy = graph_clone(g);
	struct text t = {0};
	int rc = copy ? OK : fail_nomem(err);
	if (!rc)
		graph_print(&t, copy);
	if (t.failed)
		rc = fail_nomem(err);
	text_free(&t);
	graph_free(copy);
	graph_free(g);
	return rc;
}

static int scan(const char *path, struct err *err)
{
	struct graph *g = NULL;
	char *text;
	size_t size;
	int rc = file_slurp(path, 1 << 20, &text, &size, err);
	if (rc)
		return rc;
	rc = graph_scan(text, op_find, node_infer, &g, err);
	free(text);
	if (!rc)
		graph_free(g);
	return rc;
}

static int read_npy(const char *path, struct err *err)
{
	struct tensor t;
	int rc = npy_read(path, &t, err);
	if (!rc)
		tensor_free(&t);
	return rc;
}

static int read_npz(const char *path, struct err *err)
{
	struct npz_entry *e;
	int n, rc = npz_read(path, &e, &n, err);
	if (!rc)
		npz_free(e, n);
	return rc;
}

static int read_image(const char *path, struct err *err)
{
	struct tensor t;
	int rc = image_read(path, &t, err);
	if (!rc)
		tensor_free(&t);
	return rc;
}

/* Two samples of a data set, resized and cut. */
static int read_samples(const char *path, struct err *err)
{
	struct preprocess_spec spec = {.resize = 20, .crop = 16, .nmean = 1, .nscale = 1};
	struct dataset_options o = {.data = path,
	    .preprocess = &spec,
	    .input = {shape_of(4, (int64_t[]){1, 3, 16, 16}), DT_F32}};
	struct dataset *d = NULL;
	spec.scale[0] = 2;
	int rc = dataset_open(&o, &d, err);
	for (int i = 0; i < 2 && !rc; i++) {
		struct tensor t = {0};
		int64_t label;
		rc = dataset_sample(d, i * 99, &t, &label, err);
		tensor_free(&t);
	}
	dataset_close(d);
	return rc;
}

static int edit(const char *path, struct err *err)
{
	static const char *const cut[] = {"block1/pointwise/hardswish", "pool"};
	struct graph *g = read_quietly(path);
	int rc = edit_layout(g, 0, "nchw", "nhwc", err);
	rc = rc ? rc : graph_infer(g, err);
	rc = rc ? rc : edit_batch(g, (int[]){0}, 2, err);
	rc = rc ? rc : edit_cut(g, cut, 1, cut + 1, 1, err);
	rc = rc ? rc : edit_freeze(g, 0, 1, (double[]){0.5}, err);
	rc = rc ? rc : graph_infer(g, err);
	graph_free(g);
	return rc;
}

static int compare(const char *path, struct err *err)
{
	struct graph *a = read_quietly(path), *b = read_quietly(path);
	struct compare_options o = {.tolerance = 1e-4};
	struct compare c = {0};
	struct tensor in = {0};
	int rc = tensor_alloc(&in, DT_F32, 4, (int64_t[]){1, 3, 32, 32}, err);
	rc = rc ? rc : compare_graphs(a, b, &in, &o, &c, err);
	compare_free(&c);
	tensor_free(&in);
	graph_free(a);
	graph_free(b);
	return rc;
}

/* The public library keeps its words to itself: its status stands for them. */
static int use_library(const char *path, struct err *err)
{
	static float x[3 * 32 * 32];
	struct mo_model *m;
	struct mo_request *r = NULL;
	struct mo_tensor in, out;
	int rc = mo_model_load(path, &m);
	if (rc)
		return fail(err, rc, "%s", mo_error());
	rc = mo_request_new(m, 1, &r);
	rc = rc ? rc : mo_input_info(m, 0, &in);
	if (!rc) {
		in.data = x;
		rc = mo_request_run(r, &in, &out);
	}
	mo_request_free(r);
	mo_model_free(m);
	return rc ? fail(err, rc, "%s", mo_error()) : OK;
}

static const char *const networks[] = {"testdata/corpus/onnx/convnet",
    "testdata/corpus/onnx/shapes", "testdata/corpus/onnx/attention",
    "testdata/corpus/onnx/function", "testdata/corpus/onnx/legacy",
    "testdata/corpus/onnx/quantized", "testdata/corpus/onnx/subgraph"};
#define NNETWORKS (sizeof networks / sizeof *networks)

static void sweep_networks(const char *name, scenario *run)
{
	for (size_t i = 0; i < NNETWORKS; i++)
		sweep(name, run, networks[i]);
}

static void reading_onnx(void **state)
{
	(void)state;
	sweep_networks("read", read_onnx);
}

static void the_passes(void **state)
{
	(void)state;
	sweep_networks("passes", run_passes);
}

static void writing_and_reading_ir(void **state)
{
	(void)state;
	for (size_t i = 0; i < NNETWORKS; i++) {
		sweep("write", write_ir, networks[i]);
		struct err e = {0};
		assert_int_equal(write_ir(networks[i], &e), OK);
		sweep("read back", read_ir, networks[i]);
	}
}

static void executing(void **state)
{
	(void)state;
	sweep_networks("run", execute);
}

static void cloning_and_printing(void **state)
{
	(void)state;
	sweep_networks("clone_read", clone_read);
}

static void data_files(void **state)
{
	(void)state;
	sweep("scan", scan, "testdata/corpus/graph/resnet_block");
	sweep("npy", read_npy, "testdata/corpus/npy/big_f4");
	sweep("npz", read_npz, "testdata/corpus/npy/npz_deflated");
	sweep("picture", read_image, "testdata/corpus/image/palette_png");
	sweep("picture", read_image, "testdata/corpus/image/rgb_jpg");
}

static void samples(void **state)
{
	(void)state;
	sweep("samples", read_samples, "testdata/glyphs/folders");
	sweep("samples", read_samples, "testdata/glyphs/test_images.npy");
}

static void whole_models(void **state)
{
	(void)state;
	sweep("edit", edit, "testdata/glyphs/glyphs.onnx");
	sweep("compare", compare, "testdata/glyphs/glyphs.onnx");
	sweep("library", use_library, "testdata/glyphs/glyphs.onnx");
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(xml, sizeof xml, "%s/m.xml", folder);
	snprintf(bin, sizeof bin, "%s/m.bin", folder);
	return 0;
}

/* No temporary file may be left: then the folder is empty after its two. */
static int teardown(void **state)
{
	(void)state;
	return unlink(xml) || unlink(bin) || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reading_onnx),
	    cmocka_unit_test(the_passes), cmocka_unit_test(writing_and_reading_ir),
	    cmocka_unit_test(executing), cmocka_unit_test(cloning_and_printing),
	    cmocka_unit_test(data_files), cmocka_unit_test(samples),
	    cmocka_unit_test(whole_models)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
