/* Errors, arenas, cursors, texts, maps, files and outputs. */
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#include "base/arena.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/library.h"
#include "base/map.h"
#include "base/pages.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/text.h"

static void error_places(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(fail(&e, E_FORMAT, "attribute '%s' is odd", "pads"), E_FORMAT);
	assert_int_equal(err_in(&e, "node '%s'", "c1"), E_FORMAT);
	err_in(&e, "'m.onnx'");
	assert_string_equal(e.text, "'m.onnx': node 'c1': attribute 'pads' is odd");
	fail(&e, E_LIMIT, "again: %s", e.text); /* from its own text */
	assert_string_equal(e.text, "again: 'm.onnx': node 'c1': attribute 'pads' is odd");
	err_detail(&e, "one %d", 1);
	err_detail(&e, "two");
	assert_string_equal(e.details, "one 1\ntwo\n");
	char deep[2000];
	memset(deep, 'x', sizeof deep);
	deep[sizeof deep - 1] = 0;
	err_in(&e, "%s", deep);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	err_clear(&e);
	assert_null(e.details);
	fail(&e, E_FORMAT, "node '%s'", "a\nb\x1b[31m\xc3\xa9");
	assert_string_equal(e.text, "node 'a?b?[31m\xc3\xa9'");
	assert_int_equal(fail(NULL, E_IO, "x"), E_IO);
}

static void arena_gives_back(void **state)
{
	(void)state;
	struct arena *a = arena_new();
	char *s = arena_printf(a, "%s-%d", "conv", 7);
	assert_string_equal(s, "conv-7");
	struct arena_mark m = arena_mark(a);
	for (int i = 0; i < 1000; i++) {
		unsigned char *p = arena_alloc(a, 100 + (size_t)i * 7);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (int k = 0; k < 100; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, 100 + (size_t)i * 7);
	}
	arena_reset(a, m);
	unsigned char *p = arena_alloc(a, 3000);
	for (int k = 0; k < 3000; k++)
		assert_int_equal(p[k], 0);
	assert_string_equal(s, "conv-7");
	assert_null(arena_array(a, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(a, SIZE_MAX - 3));
	assert_non_null(arena_alloc(a, 0));
	assert_string_equal(arena_strn(a, "abcdef", 3), "abc");
	arena_free(a);
}

static void cursor_sticks(void **state)
{
	(void)state;
	const uint8_t d[] = {1, 2, 3, 4, 5, 6, 7, 8, 0xac, 0x02, 9};
	struct cursor c = cursor_of(d, sizeof d);
	assert_int_equal(cursor_u16le(&c), 0x0201);
	struct cursor sub = cursor_sub(&c, 2);
	assert_int_equal(cursor_u8(&sub), 3);
	assert_int_equal(cursor_u32le(&c), 0x08070605);
	assert_int_equal(cursor_varint(&c), 300);
	assert_int_equal(cursor_left(&c), 1);
	assert_int_equal(cursor_u64le(&c), 0);
	assert_true(c.err);
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_bytes(&c, 0));
	assert_int_equal(cursor_u16le(&sub), 0);
	assert_true(sub.err);
	uint8_t endless[11];
	memset(endless, 0xff, sizeof endless);
	c = cursor_of(endless, sizeof endless);
	assert_int_equal(cursor_varint(&c), 0);
	assert_true(c.err);
	endless[9] = 1;
	c = cursor_of(endless, sizeof endless);
	assert_true(cursor_varint(&c) == UINT64_MAX);
}

static void check_number(double x, const char *f64, const char *f32)
{
	char buf[NUMBER_MAX];
	assert_string_equal(number_f64(buf, x), f64);
	assert_string_equal(number_f32(buf, (float)x), f32);
}

static void numbers(void **state)
{
	(void)state;
	check_number(0.1, "0.1", "0.1");
	check_number(1e-5, "1e-05", "1e-05");
	check_number(-3, "-3", "-3");
	check_number(1.0 / 3, "0.3333333333333333", "0.33333334");
	check_number(INFINITY, "inf", "inf");
	check_number(-0.0, "-0", "-0");
	check_number(NAN, "nan", "nan");
	char buf[NUMBER_MAX];
	assert_string_equal(number_f64(buf, 5e-324), "5e-324");
	assert_string_equal(number_f32(buf, 1e-45f), "1e-45");
	assert_string_equal(number_f32(buf, 3.4028235e38f), "3.4028235e+38");
	uint64_t seed = 3;
	for (int i = 0; i < 20000; i++) {
		uint32_t x = (uint32_t)rng_next(&seed);
		float f;
		memcpy(&f, &x, sizeof f);
		if (isfinite(f))
			assert_true(strtof(number_f32(buf, f), NULL) == f);
	}
}

static void parsing(void **state)
{
	(void)state;
	int64_t i;
	double d;
	assert_true(parse_i64(" -12 ", &i) && i == -12);
	assert_true(parse_i64("9223372036854775807", &i) && i == INT64_MAX);
	assert_false(parse_i64("9223372036854775808", &i));
	assert_false(parse_i64("12x", &i));
	assert_false(parse_i64("", &i));
	assert_true(parse_f64("1e-05\n", &d) && d == 1e-5);
	assert_true(parse_f64("-inf", &d) && d == -INFINITY);
	assert_true(parse_f64("0x1p-3", &d) && d == 0.125);
	assert_true(parse_f64("1e-400", &d) && d == 0);
	assert_false(parse_f64("1e400", &d));
	assert_false(parse_f64("1,5", &d));
	assert_false(parse_f64(" ", &d));
}

static void numbers_keep_out_of_the_locale(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
		skip();
	numbers(state);
	parsing(state);
	setlocale(LC_ALL, "C");
}

static void text_grows(void **state)
{
	(void)state;
	struct text t = {0};
	for (int i = 0; i < 1000; i++)
		text_printf(&t, "%d,", i % 10);
	text_addn(&t, "abc", 2);
	text_add(&t, "!");
	assert_int_equal(t.len, 2003);
	assert_string_equal(t.data + 1998, "9,ab!");
	assert_false(t.failed);
	text_free(&t);
}

static void map_keeps_order(void **state)
{
	(void)state;
	enum { N = 3000 };
	static char key[N][12];
	struct map m = {0};
	assert_null(map_get(&m, "a"));
	for (int i = 0; i < N; i++) {
		snprintf(key[i], sizeof key[i], "k%d", i * 7);
		assert_true(map_put(&m, key[i], key[i] + 1));
	}
	assert_true(map_put(&m, "k7", &m));
	assert_int_equal(m.n, N);
	assert_ptr_equal(map_get(&m, "k7"), &m);
	assert_ptr_equal(map_get(&m, "k14"), key[2] + 1);
	assert_false(map_has(&m, "k8"));
	for (int i = 0; i < N; i++)
		assert_ptr_equal(m.entry[i].key, key[i]);
	map_free(&m);
}

static char dir[] = "/tmp/test_base.XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[2][300];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static int files_in(const char *sub)
{
	char command[400];
	snprintf(command, sizeof command, "ls -A %s/%s | wc -l", dir, sub);
	FILE *p = popen(command, "r");
	int n = -1;
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

#define OUT_BYTES 5000000 /* several of the pieces that files are written in */

static void output_appears_whole(void **state)
{
	(void)state;
	struct err e = {0};
	struct output *o;
	struct file *f;
	const char *path = in_dir("a/b/out.bin");
	assert_int_equal(output_open(path, &o, &e), OK);
	enum { N = OUT_BYTES };
	uint8_t *data = malloc(N), *back = malloc(N);
	for (int i = 0; i < N; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	for (int i = 0, n = 1; i < N; i += n, n = i % 300000 + 1)
		assert_int_equal(
		    output_write(o, data + i, (size_t)(n < N - i ? n : N - i), &e), OK);
	assert_int_equal(output_size(o), N);
	assert_int_equal(output_read(o, 12345, back, N - 20000, &e), OK);
	assert_memory_equal(back, data + 12345, N - 20000);
	assert_int_equal(output_write(o, data, 100, &e), OK);
	assert_int_equal(output_rewind(o, N + 50, &e), OK);
	assert_int_equal(output_rewind(o, 500, &e), OK);
	assert_int_equal(output_write(o, data + 500, N - 500, &e), OK);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(output_close(o, &e), OK);
	assert_int_equal(output_rename(o, &e), OK);
	assert_int_equal(files_in("a/b"), 1);
	assert_int_equal(file_map(path, &f, &e), OK);
	assert_int_equal(f->size, N);
	assert_memory_equal(f->data, data, N);
	file_forget(file_ref(f), 5000, N);
	file_unref(f);
	assert_memory_equal(f->data, data, N);
	file_unref(f);
	free(data);
	free(back);
}

#define FUNCTIONS(F) F(cos) F(sin)
LIBRARY(libm, "libm.so.6", FUNCTIONS);

static void libraries_load_late(void **state)
{
	(void)state;
	struct err e = {0};
	void (*none)(void) = NULL;
	struct library_function stray[] = {{"mo_has_no_such_function", &none}, {NULL, NULL}};
	struct library absent = {"libmo-absent.so.7", stray, false};
	struct library lacking = {"libm.so.6", stray, false};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(library_load(&libm, &e), OK);
		assert_true(lib.cos(0) == 1);
		assert_true(lib.sin(0) == 0);
		assert_int_equal(library_load(&absent, &e), E_IO);
		assert_non_null(strstr(e.text, "cannot load the library 'libmo-absent.so.7'"));
		assert_int_equal(library_load(&lacking, &e), E_IO);
		assert_non_null(strstr(e.text, "has no 'mo_has_no_such_function'"));
	}
	err_clear(&e);
}

static void unfinished_outputs_go(void **state)
{
	(void)state;
	struct err e = {0};
	struct output *o, *p;
	assert_int_equal(output_open(in_dir("c/x"), &o, &e), OK);
	assert_int_equal(output_open(in_dir("c/y"), &p, &e), OK);
	assert_int_equal(files_in("c"), 2);
	output_abort(p);
	assert_int_equal(files_in("c"), 1);
	pid_t child = fork(); /* as in a handler: the process ends right after */
	if (!child) {
		output_cleanup();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(files_in("c"), 0);
	assert_int_equal(output_rename(o, &e), E_IO);
	assert_non_null(strstr(e.text, "c/x"));
	output_abort(NULL);
	assert_int_equal(output_open(in_dir("c"), &o, &e), E_IO);
	assert_int_equal(output_open(in_dir("a/b/out.bin/z"), &o, &e), E_IO);
	assert_int_equal(output_open("", &o, &e), E_USAGE);
}

static void odd_files(void **state)
{
	(void)state;
	struct err e = {0};
	struct file *f;
	struct output *o;
	char *s;
	size_t n;
	assert_int_equal(output_open(in_dir("empty"), &o, &e), OK);
	assert_int_equal(output_rename(o, &e), OK);
	assert_int_equal(file_map(in_dir("empty"), &f, &e), OK);
	assert_int_equal(f->size, 0);
	assert_non_null(f->data);
	file_unref(f);
	assert_int_equal(file_map(in_dir("none"), &f, &e), E_IO);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(file_map(dir, &f, &e), E_IO);
	assert_int_equal(file_map("/dev/zero", &f, &e), E_IO);
	assert_non_null(strstr(e.text, "device"));
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	assert_int_equal(file_map(in_dir("pipe"), &f, &e), E_IO); /* and does not wait */
	assert_int_equal(file_slurp(in_dir("pipe"), 9, &s, &n, &e), E_IO);
	assert_int_equal(file_slurp(in_dir("a/b/out.bin"), OUT_BYTES - 1, &s, &n, &e), E_LIMIT);
	assert_int_equal(file_slurp(in_dir("a/b/out.bin"), OUT_BYTES, &s, &n, &e), OK);
	assert_int_equal(n, OUT_BYTES);
	assert_int_equal(s[n], 0);
	free(s);
}

/* Two names of a file that is not there yet; places where nothing can be made. */
static void outputs_before_the_work(void **state)
{
	(void)state;
	struct err e = {0};
	char a[128], b[128], c[128], longest[5001] = "";
	snprintf(a, sizeof a, "%s/new", dir);
	snprintf(b, sizeof b, "%s/./new", dir);
	snprintf(c, sizeof c, "%s/other", dir);
	assert_true(output_is_same(a, b) && output_is_same("x/y", "x/y"));
	assert_false(output_is_same(a, c) || output_is_same(a, "new"));
	assert_int_equal(output_check(in_dir("none/at/all/file"), &e), OK);
	assert_int_equal(output_check(in_dir("empty/file"), &e), E_IO);
	assert_int_equal(output_check(in_dir("empty/no/file"), &e), E_IO);
	memset(longest, 'a', 5000);
	assert_int_equal(output_check(longest, &e), E_IO);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char command[64];
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

/* Small and large pieces, few and many: aligned, and none in another. */
static void pieces_lie_apart(void **state)
{
	enum { N = 70 };
	static char *at[N];
	static const size_t size[] = {1, 64, 70000, 3 << 20, 0, 9 << 20, 100};
	struct pages_room r = {0};
	(void)state;
	for (int i = 0; i < N; i++) {
		size_t n = size[i % 7];
		assert_non_null(at[i] = pages_take(&r, n));
		assert_int_equal((uintptr_t)at[i] % 64, 0);
		memset(at[i], i, n < 1000 ? n : 1000);
		if (n > 1000)
			memset(at[i] + n - 1000, i, 1000);
	}
	for (int i = 0; i < N; i++)
		for (size_t n = size[i % 7], k = 0; k < n && k < 1000; k++)
			assert_true(at[i][k] == (char)i && at[i][n - 1 - k] == (char)i);
	assert_null(pages_take(&r, SIZE_MAX - 100));
	pages_free(&r);
	assert_null(r.newest);
	assert_non_null(pages_take(&r, 100));
	pages_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(error_places),
	    cmocka_unit_test(arena_gives_back), cmocka_unit_test(cursor_sticks),
	    cmocka_unit_test(numbers), cmocka_unit_test(parsing),
	    cmocka_unit_test(numbers_keep_out_of_the_locale), cmocka_unit_test(text_grows),
	    cmocka_unit_test(map_keeps_order), cmocka_unit_test(output_appears_whole),
	    cmocka_unit_test(libraries_load_late), cmocka_unit_test(unfinished_outputs_go),
	    cmocka_unit_test(odd_files), cmocka_unit_test(outputs_before_the_work),
	    cmocka_unit_test(pieces_lie_apart)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
