/* Large weights packed piece by piece: the same bytes, and mapped ones are never in memory whole.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pages.h"
#include "exec/pack_pieces.h"

enum { CIN = 8192, COUT = 3000, SLACK_MB = 48 };
#define FLOATS ((size_t)CIN * COUT)

static struct nhwc_conv_f32 product(int way)
{
	struct nhwc_conv_f32 k = {.s = {.batch = 1,
				      .groups = 1,
				      .cin = CIN,
				      .cout = COUT,
				      .in = {1, 1, 1},
				      .out = {1, 1, 1},
				      .kernel = {1, 1, 1},
				      .stride = {1, 1, 1},
				      .dilation = {1, 1, 1}},
	    .ld_in = CIN,
	    .ld_out = COUT,
	    .way = way};
	nhwc_conv_f32_plan(&k, 2);
	return k;
}

/* MB of the process that are or were in memory. */
static long status_mb(const char *field)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");
	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof line, f))
		if (!strncmp(line, field, strlen(field)))
			kb = atol(line + strlen(field) + 1);
	fclose(f);
	assert_true(kb >= 0);
	return kb / 1024;
}

static float value(size_t i)
{
	return (float)(i * 2654435761u >> 8 & 0xffff) / 65536;
}

/* A file of FLOATS values, mapped. It has no name any more. */
static struct file *map_values(void)
{
	char path[] = "/tmp/test_pack_pieces.XXXXXX";
	float line[CIN];
	struct file *file;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < FLOATS; i += CIN) {
		for (size_t k = 0; k < CIN; k++)
			line[k] = value(i + k);
		assert_int_equal(write(fd, line, sizeof line), sizeof line);
	}
	close(fd);
	assert_int_equal(file_map(path, &file, NULL), OK);
	unlink(path);
	return file;
}

static void test_mapped(void **state)
{
	(void)state;
	struct nhwc_conv_f32 k = product(CONV_IGEMM);
	size_t bytes = nhwc_conv_f32_packed(&k);
	float *whole = pages_alloc(bytes), *pieces = pages_alloc(bytes);
	struct file *file = map_values();
	struct blob *b = blob_mapped(file, 0, FLOATS * sizeof *pieces);
	memset(pieces, 1, bytes);
	long before = status_mb("VmRSS");
	pack_pieces(&k, NULL, blob_direct(b), b, pieces);
	assert_in_range(status_mb("VmHWM") - before, 0, SLACK_MB);
	nhwc_conv_f32_pack(&k, NULL, blob_direct(b), whole);
	assert_memory_equal(whole, pieces, bytes);
	blob_unref(b);
	file_unref(file);
	free(whole);
	free(pieces);
}

static void check_turned(int way)
{
	struct nhwc_conv_f32 k = product(way);
	size_t bytes = nhwc_conv_f32_packed(&k);
	float *w = malloc(FLOATS * sizeof *w), *turned = malloc(FLOATS * sizeof *w);
	float *whole = pages_alloc(bytes), *pieces = pages_alloc(bytes);
	for (size_t i = 0; i < FLOATS; i++) {
		w[i] = value(i);
		turned[i % CIN * COUT + i / CIN] = w[i];
	}
	nhwc_conv_f32_pack(&k, NULL, w, whole);
	assert_true(pack_pieces_turned(&k, NULL, turned, pieces));
	assert_memory_equal(whole, pieces, bytes);
	free(w);
	free(turned);
	free(whole);
	free(pieces);
}

static void test_turned(void **state)
{
	(void)state;
	check_turned(CONV_IGEMM);
	check_turned(CONV_IGEMM_BF16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mapped), /* first: it looks at the highest mark */
	    cmocka_unit_test(test_turned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
