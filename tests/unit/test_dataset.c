/* Samples: preprocessing text, resizing, layouts, labels, folders and lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "base/file.h"
#include "formats/dataset.h"
#include "formats/npy.h"
#include "formats/resize.h"

static struct preprocess_spec spec(const char *text)
{
	struct preprocess_spec s;
	struct err err = {0};
	assert_int_equal(preprocess_parse(text, &s, &err), OK);
	return s;
}

static void test_parse(void **state)
{
	static const char *const wrong[] = {"mean", "mean=", "mean=x", "mean=1:2:3:4:5", "scale=0",
	    "resize=0", "resize=99999", "crop=-1", "layout=chw", "order=rbg", "resize=3x",
	    "crop=x3", "resize=2x3x4", "filter=box", "size=3", "mean=nan"};
	struct preprocess_spec s = spec(
	    "resize=256,crop=224,mean=1:2:3,scale=4.5,layout=nhwc,order=bgr");
	(void)state;
	assert_int_equal(s.resize, 256);
	assert_int_equal(s.crop, 224);
	assert_true(s.nmean == 3 && s.mean[2] == 3 && s.nscale == 1 && s.scale[0] == 4.5);
	assert_true(s.nhwc && s.layout_set && s.bgr);
	s = spec("resize=320x240,filter=bicubic,crop=300x200");
	assert_true(s.resize == 320 && s.resize_height == 240 && s.filter == RESIZE_BICUBIC);
	assert_true(s.crop == 300 && s.crop_height == 200);
	s = spec("");
	assert_true(!s.resize && !s.nmean && !s.layout_set);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct err err = {0};
		assert_int_equal(preprocess_parse(wrong[i], &s, &err), E_USAGE);
		assert_true(err.text[0]);
	}
}

static struct tensor picture(int64_t h, int64_t w, int64_t c)
{
	struct tensor t;
	struct err err = {0};
	assert_int_equal(tensor_alloc(&t, DT_U8, 3, (int64_t[]){h, w, c}, &err), OK);
	for (int64_t i = 0; i < h * w * c; i++)
		((uint8_t *)t.data)[i] = i * 37 + 11;
	return t;
}

static void near_one(const struct tensor *t, const uint8_t *want, int64_t n)
{
	assert_int_equal(tensor_count(t), n);
	for (int64_t i = 0; i < n; i++)
		assert_in_range(((uint8_t *)t->data)[i] + 1, want[i], want[i] + 2);
}

/* What Pillow 12 makes of the same picture, BILINEAR. */
static const uint8_t smaller[] = {76, 113, 136, 136, 136, 140, 117, 116, 153, 167, 122, 90, 149,
    148, 125, 147, 122, 118, 127, 164, 133, 101, 127, 137, 128, 82, 78, 133, 132, 123, 113, 113,
    104, 136, 173, 142};
static const uint8_t larger[] = {
    11, 48, 85, 94, 131, 168, 187, 74, 111, 173, 60, 97, 116, 153, 126, 199, 236, 17};

static void test_resize(void **state)
{
	struct tensor in = picture(7, 5, 3), out;
	struct err err = {0};
	(void)state;
	assert_int_equal(resize_picture(&in, RESIZE_BILINEAR, 3, 4, &out, &err), OK);
	near_one(&out, smaller, sizeof smaller);
	tensor_free(&out);
	assert_int_equal(resize_picture(&in, RESIZE_BILINEAR, 9, 6, &out, &err), OK);
	out.dim[0] = 1; /* the first row */
	near_one(&out, larger, sizeof larger);
	tensor_free(&out);
	assert_int_equal(resize_picture(&in, RESIZE_BILINEAR, 7, 5, &out, &err), OK);
	assert_memory_equal(in.data, out.data, 7 * 5 * 3);
	tensor_free(&out);
	assert_int_equal(resize_shorter(&in, RESIZE_BICUBIC, 10, &out, &err), OK);
	assert_true(out.dim[0] == 14 && out.dim[1] == 10);
	tensor_free(&out);
	assert_int_equal(
	    resize_picture(&in, RESIZE_BILINEAR, 1 << 20, 1 << 20, &out, &err), E_LIMIT);
	tensor_free(&in);
}

static void test_crop(void **state)
{
	struct tensor in = picture(7, 4, 1), out;
	struct err err = {0};
	(void)state;
	/* Margins of 3 and 0: half of 3 goes to the even 2. */
	assert_int_equal(crop_centre(&in, 4, 4, &out, &err), OK);
	assert_int_equal(((uint8_t *)out.data)[0], ((uint8_t *)in.data)[2 * 4]);
	tensor_free(&out);
	assert_int_equal(crop_centre(&in, 4, 5, &out, &err), E_USAGE);
	assert_int_equal(crop_centre(&in, 8, 4, &out, &err), E_USAGE);
	tensor_free(&in);
}

static struct preprocess_target target(enum dtype type, int rank, const int64_t *dims)
{
	return (struct preprocess_target){shape_of(rank, dims), type};
}

static void test_layouts(void **state)
{
	struct tensor in = picture(2, 2, 3), out;
	struct err err = {0};
	struct preprocess_spec s = spec("mean=1,scale=2,layout=nhwc");
	struct preprocess_target to = target(DT_F32, 4, (int64_t[]){1, 3, 2, 2});
	const uint8_t *x = in.data;
	const float *y;
	(void)state;
	assert_int_equal(preprocess_apply(&s, &to, &in, false, &out, &err), OK);
	y = out.data;
	assert_true(out.rank == 4 && out.dim[1] == 3 && y[1] == (x[3] - 1.f) / 2);
	tensor_free(&out);
	/* Blue first, and a mean for each channel in the network's order. */
	s = spec("mean=0:10:20,order=bgr");
	assert_int_equal(preprocess_apply(&s, &to, &in, true, &out, &err), OK);
	y = out.data;
	assert_true(y[0] == x[2] && y[4] == x[1] - 10.f && y[8] == x[0] - 20.f);
	tensor_free(&out);
	/* The network takes nhwc, data are nchw. */
	in.dim[0] = 3;
	in.dim[2] = 2;
	to = target(DT_F32, 4, (int64_t[]){1, 2, 2, 3});
	assert_int_equal(preprocess_apply(NULL, &to, &in, false, &out, &err), OK);
	y = out.data;
	assert_true(out.dim[3] == 3 && y[1] == x[4]);
	tensor_free(&out);
	in.dim[0] = 2;
	in.dim[2] = 3;
	/* Grey out of colours. */
	to = target(DT_F32, 4, (int64_t[]){1, 1, 2, 2});
	assert_int_equal(preprocess_apply(NULL, &to, &in, true, &out, &err), OK);
	assert_true(
	    ((float *)out.data)[0] == (float)((x[0] * 299. + x[1] * 587. + x[2] * 114.) / 1000));
	tensor_free(&out);
	tensor_free(&in);
}

static void test_misfits(void **state)
{
	struct tensor in = picture(4, 4, 3), out;
	struct err err = {0};
	struct preprocess_spec s = spec("mean=1:2");
	struct preprocess_target to = target(DT_F32, 4, (int64_t[]){1, 3, 2, 2});
	(void)state;
	assert_int_equal(preprocess_apply(NULL, &to, &in, true, &out, &err), E_USAGE);
	assert_non_null(strstr(err.text, "4x4"));
	to = target(DT_F32, 4, (int64_t[]){1, 3, 4, 4});
	assert_int_equal(preprocess_apply(&s, &to, &in, true, &out, &err), E_USAGE);
	to = target(DT_F32, 4, (int64_t[]){1, 5, 4, 4});
	assert_int_equal(preprocess_apply(NULL, &to, &in, true, &out, &err), E_USAGE);
	to = target(DT_F32, 2, (int64_t[]){1, 48});
	assert_int_equal(preprocess_apply(NULL, &to, &in, true, &out, &err), E_USAGE);
	tensor_free(&in);
}

/* A row that has the input's own shape goes through as it is. */
static void test_plain_rows(void **state)
{
	struct tensor in = {.type = DT_F32, .rank = 1, .dim = {3}, .data = (float[]){1, -2, 3}};
	struct tensor out;
	struct err err = {0};
	struct preprocess_target to = {shape_any(2), DT_F32};
	(void)state;
	assert_int_equal(preprocess_apply(NULL, &to, &in, false, &out, &err), OK);
	assert_true(out.rank == 2 && out.dim[0] == 1 && out.dim[1] == 3);
	assert_memory_equal(out.data, in.data, sizeof(float[3]));
	tensor_free(&out);
}

static char folder[] = "/tmp/test_dataset.XXXXXX";

static char *path_of(const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int open_set(const char *data, const char *labels, struct dataset **d, struct err *err)
{
	static const int64_t dims[] = {1, 3, 32, 32};
	struct dataset_options o = {
	    .data = data, .labels = labels, .input = {shape_of(4, dims), DT_F32}};
	return dataset_open(&o, d, err);
}

static void test_rows(void **state)
{
	struct dataset *d;
	struct tensor out;
	struct err err = {0};
	int64_t label;
	(void)state;
	assert_int_equal(open_set("testdata/glyphs/test_images.npy",
			     "testdata/glyphs/test_labels.npy", &d, &err),
	    OK);
	assert_int_equal(dataset_count(d), 1000);
	assert_true(dataset_labelled(d));
	assert_int_equal(dataset_sample(d, 999, &out, &label, &err), OK);
	assert_in_range(label, 0, 9);
	assert_true(out.dim[1] == 3 && out.dim[3] == 32);
	char name[DATASET_NAME];
	assert_string_equal(dataset_name(d, 12, name), "row 12");
	tensor_free(&out);
	dataset_close(d);
	assert_int_equal(open_set("testdata/glyphs/test_images.npy",
			     "testdata/glyphs/calib_labels.npy", &d, &err),
	    E_FORMAT);
	assert_non_null(strstr(err.text, "300 labels for 1000 samples"));
}

static void test_folders(void **state)
{
	struct dataset *d;
	struct tensor out;
	struct err err = {0};
	int64_t label;
	(void)state;
	assert_int_equal(open_set("testdata/glyphs/folders", NULL, &d, &err), OK);
	assert_int_equal(dataset_count(d), 100);
	assert_int_equal(dataset_sample(d, 10, &out, &label, &err), OK);
	assert_int_equal(label, 1);
	assert_string_equal(dataset_class(d, 1), "bars");
	assert_null(dataset_class(d, 10));
	tensor_free(&out);
	dataset_close(d);
}

static void test_lists(void **state)
{
	char list[256];
	struct dataset *d;
	struct err err = {0};
	(void)state;
	snprintf(list, sizeof list, "%s", path_of("list"));
	write_text("list", "# comment\npath label\n\na b.png 3\r\nsub/c.png\t7\n");
	assert_int_equal(open_set(list, NULL, &d, &err), OK);
	assert_int_equal(dataset_count(d), 2);
	char name[DATASET_NAME];
	assert_string_equal(dataset_name(d, 0, name), path_of("a b.png"));
	dataset_close(d);
	write_text("list", "\xef\xbb\xbf\"a b.png\"  \t3 \r\n  sub/c.png 4\n");
	assert_int_equal(open_set(list, NULL, &d, &err), OK);
	assert_string_equal(dataset_name(d, 0, name), path_of("a b.png"));
	assert_string_equal(dataset_name(d, 1, name), path_of("sub/c.png"));
	assert_true(dataset_labelled(d));
	dataset_close(d);
	write_text("list", "list\nb 3.png\n"); /* paths alone: the first is there */
	assert_int_equal(open_set(list, NULL, &d, &err), OK);
	assert_int_equal(dataset_count(d), 2);
	assert_string_equal(dataset_name(d, 1, name), path_of("b 3.png"));
	assert_false(dataset_labelled(d));
	dataset_close(d);
	write_text("list", "a.png\n");
	assert_int_equal(open_set(list, NULL, &d, &err), E_FORMAT);
	write_text("list", "a.png 3\nb.png\n");
	assert_int_equal(open_set(list, NULL, &d, &err), E_FORMAT);
	write_text("list", "a.png -2\n");
	assert_int_equal(open_set(list, NULL, &d, &err), E_FORMAT);
	write_text("list", "");
	assert_int_equal(open_set(list, NULL, &d, &err), E_FORMAT);
	assert_int_equal(open_set(path_of("nosuch"), NULL, &d, &err), E_IO);
	err_clear(&err);
}

static int open_table(
    const char *text, const char *labels, int64_t takes, struct dataset **d, struct err *err)
{
	struct dataset_options o = {
	    .labels = labels, .input = {shape_of(3, (int64_t[]){1, takes, 1}), DT_F32}};
	char path[256];
	snprintf(path, sizeof path, "%s", path_of("t.csv"));
	o.data = path;
	write_text("t.csv", text);
	err_clear(err);
	int r = dataset_open(&o, d, err);
	if (r)
		*d = NULL;
	return r;
}

static void expect_row(struct dataset *d, int64_t i, float first, float last, int64_t want)
{
	struct tensor t;
	struct err err = {0};
	int64_t label;
	assert_int_equal(dataset_sample(d, i, &t, &label, &err), OK);
	int64_t n = tensor_count(&t);
	assert_true(t.rank == 3 && t.dim[0] == 1 && t.dim[1] == n && t.type == DT_F32);
	assert_true(((float *)t.data)[0] == first && ((float *)t.data)[n - 1] == last);
	assert_int_equal(label, want);
	tensor_free(&t);
}

static void test_tables(void **state)
{
	struct dataset *d;
	struct err err = {0};
	(void)state;
	assert_int_equal(open_table("1,2,3,7\r\n4,5,6,8.0\n", NULL, 3, &d, &err), OK);
	assert_true(dataset_count(d) == 2 && dataset_labelled(d));
	expect_row(d, 1, 4, 6, 8);
	dataset_close(d);
	assert_int_equal(open_table("1;2;3\n\n# no\n4;5;-6e1", NULL, 3, &d, &err), OK);
	assert_true(dataset_count(d) == 2 && !dataset_labelled(d));
	expect_row(d, 1, 4, -60, -1);
	dataset_close(d);
	assert_int_equal(open_table("\"a, b\",Label,c\n1,2,\"3\"\n", NULL, 2, &d, &err), OK);
	expect_row(d, 0, 1, 3, 2);
	dataset_close(d);
	assert_int_equal(open_table("1,2,3\n", "column:0", 2, &d, &err), OK);
	expect_row(d, 0, 2, 3, 1);
	dataset_close(d);
	assert_int_equal(open_table("a\tkind\n1\t2\n", "column:kind", 1, &d, &err), OK);
	expect_row(d, 0, 1, 1, 2);
	dataset_close(d);
}

static void expect_no_table(const char *text, const char *labels, int status, const char *why)
{
	struct dataset *d;
	struct tensor t;
	struct err err = {0};
	int64_t label;
	int r = open_table(text, labels, 2, &d, &err);
	if (!r)
		r = dataset_sample(d, 0, &t, &label, &err);
	assert_int_equal(r, status);
	assert_holds(err.text, why);
	dataset_close(d);
	err_clear(&err);
}

static void test_broken_tables(void **state)
{
	(void)state;
	expect_no_table("", NULL, E_FORMAT, "holds no rows");
	expect_no_table("a,b\n", NULL, E_FORMAT, "holds no samples");
	expect_no_table("1,2\n3\n", NULL, E_FORMAT, "row 1 has 1 columns, the first 2");
	expect_no_table("1,\"2\n3,4\n", NULL, E_FORMAT, "quote out of place");
	expect_no_table("1,2,x\n1,2,3\n1,,2\n", NULL, E_USAGE, "3 numbers where the input takes 2");
	expect_no_table("a,b\n1,\n", NULL, E_FORMAT, "column 1: '' is no number");
	expect_no_table("1,2,3.5\n", NULL, E_FORMAT, "label '3.5' is no whole number");
	expect_no_table("1,nan\n", NULL, E_DATA, "value 1 is NaN");
	expect_no_table("1,2\n", "column:z", E_USAGE, "no column 'z' among 2, which have no");
	expect_no_table("1,2\n", "column:2", E_USAGE, "no column '2'");
	expect_no_table("path,label\na.png,-1\n", NULL, E_FORMAT, "label -1 is below 0");
}

/* Tables of paths, with a header in any order, or two columns without one. */
static void test_path_tables(void **state)
{
	static const char *const text[] = {"a.png,3\nsub/b.png,4\n", "path,label\na.png,3\n",
	    "id,CLASS,FileName\n1,3,a.png\n", "filename;x\na.png;3\n"};
	struct dataset *d;
	struct err err = {0};
	char name[DATASET_NAME];
	(void)state;
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		assert_int_equal(open_table(text[i], NULL, 4, &d, &err), OK);
		assert_string_equal(dataset_name(d, 0, name), path_of("a.png"));
		assert_true(dataset_labelled(d) && dataset_count(d) == (i ? 1 : 2));
		dataset_close(d);
	}
	assert_int_equal(open_table("path\na.png\n", NULL, 4, &d, &err), OK);
	assert_false(dataset_labelled(d));
	dataset_close(d);
}

/* Sets of an ONNX test, in the order of their numbers. */
static void test_sets(void **state)
{
	static const char add[] = "/usr/share/libonnx-testdata/data/node/test_add";
	struct dataset *d;
	struct tensor t;
	struct err err = {0};
	int64_t label;
	struct dataset_options o = {
	    .data = add, .input = {shape_of(3, (int64_t[]){3, 4, 5}), DT_F32}, .slot = 1};
	(void)state;
	if (access(add, F_OK))
		skip();
	assert_int_equal(dataset_open(&o, &d, &err), OK);
	assert_int_equal(dataset_count(d), 1);
	assert_int_equal(dataset_sample(d, 0, &t, &label, &err), OK);
	assert_true(t.rank == 3 && t.dim[0] == 3 && label == -1);
	tensor_free(&t);
	dataset_close(d);
	o.slot = 2;
	assert_int_equal(dataset_open(&o, &d, &err), E_FORMAT);
	assert_holds(err.text, "holds no input_2.pb");
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	unlink(path_of("list"));
	unlink(path_of("t.csv"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_resize),
	    cmocka_unit_test(test_crop),
	    cmocka_unit_test(test_layouts),
	    cmocka_unit_test(test_misfits),
	    cmocka_unit_test(test_plain_rows),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_folders),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_broken_tables),
	    cmocka_unit_test(test_path_tables),
	    cmocka_unit_test(test_sets),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
