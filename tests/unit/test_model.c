/* A model is known by its content, whatever it is called; other formats are refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#include "base/file.h"
#include "formats/model.h"

static char folder[] = "/tmp/test-model-XXXXXX";
static char path[64], twin[64];

static void spill(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void copy(const char *from, const char *to)
{
	char *data;
	size_t size;
	assert_int_equal(file_slurp(from, 1 << 24, &data, &size, NULL), OK);
	spill(to, data, size);
	free(data);
}

static void by_content(void **state)
{
	struct onnx_options o = {0};
	struct graph *g;
	struct err e = {0};
	enum model_format format;
	(void)state;

	copy("testdata/ir/conv_bn_relu_fc_fp16.xml", path); /* m.onnx */
	copy("testdata/ir/conv_bn_relu_fc_fp16.bin", twin); /* m.onnx.bin */
	assert_int_equal(model_read(path, &o, &g, &format, &e), OK);
	assert_int_equal(format, MODEL_IR);
	graph_free(g);
	copy("testdata/glyphs/glyphs.onnx", path);
	assert_int_equal(model_read(path, &o, &g, &format, &e), OK);
	assert_int_equal(format, MODEL_ONNX);
	graph_free(g);
}

static void others(void **state)
{
	static const struct {
		const char *data;
		size_t size;
		const char *words;
	} c[] = {
	    {"", 0, "empty"},
	    {"PK\3\4xxxx", 8, "ZIP"},
	    {"\x80\2}q\0", 5, "pickle"},
	    {"\x1c\0\0\0TFL3", 8, "TensorFlow Lite"},
	    {"\x89HDF\r\n\x1a\n", 8, "HDF5"},
	    {"<html></html>", 13, "XML"},
	    {"{\"a\": 1}", 8, "JSON"},
	};
	struct onnx_options o = {0};
	struct graph *g = NULL;
	(void)state;

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct err e = {0};
		spill(path, c[i].data, c[i].size);
		assert_int_equal(model_read(path, &o, &g, NULL, &e), E_FORMAT);
		assert_non_null(strstr(e.text, "neither ONNX nor OpenVINO IR"));
		if (!strstr(e.text, c[i].words))
			print_error("%s\n", e.text);
		assert_non_null(strstr(e.text, c[i].words));
	}
	struct err e = {0};
	assert_int_equal(model_read(folder, &o, &g, NULL, &e), E_FORMAT);
	assert_non_null(strstr(e.text, "SavedModel"));
	assert_int_equal(model_read("/nowhere/m.onnx", &o, &g, NULL, &e), E_IO);
	assert_null(g);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_content),
	    cmocka_unit_test(others),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/m.onnx", folder);
	snprintf(twin, sizeof twin, "%s/m.onnx.bin", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	unlink(twin);
	rmdir(folder);
	return failed;
}
