/* Constants as bytes, repeated elements, scaled and cast expressions; element access. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "base/half.h"
#include "base/rng.h"
#include "graph/blob.h"
#include "graph/tensor.h"

/* Reads it whole and in pieces of 64 bytes' multiples: both must agree; the caller frees. */
static void *read_both(const struct blob *b)
{
	struct err e = {0};
	size_t size = blob_size(b);
	char *whole = malloc(size + 1), *parts = malloc(size + 1);
	assert_int_equal(blob_read(b, 0, whole, size, &e), OK);
	for (size_t off = 0, n = 64; off < size; off += n, n = (n * 3) & ~(size_t)63)
		assert_int_equal(
		    blob_read(b, off, parts + off, n < size - off ? n : size - off, &e), OK);
	assert_memory_equal(whole, parts, size);
	free(parts);
	return whole;
}

static float *random_floats(size_t n, uint64_t seed)
{
	float *f = malloc(n * sizeof *f);
	for (size_t i = 0; i < n; i++)
		f[i] = rng_f32(&seed) * 4 - 2;
	return f;
}

static void check_scaled(int64_t outer, int64_t channels, int64_t inner)
{
	size_t n = (size_t)(outer * channels * inner);
	float *f = random_floats(n, 5);
	double *scale = malloc((size_t)channels * sizeof *scale);
	for (int64_t c = 0; c < channels; c++)
		scale[c] = 1 / (double)(c + 3);
	struct blob *src = blob_heap(f, n * sizeof *f);
	struct blob *once = blob_scaled(src, channels, inner, scale);
	struct blob *twice = blob_scaled(once, channels, inner, scale);
	struct blob *half = blob_cast(twice, DT_F32, DT_F16, (int64_t)n);
	float *a = read_both(once), *b = read_both(twice);
	uint16_t *h = read_both(half);
	for (size_t i = 0; i < n; i++) {
		double s = scale[i / (size_t)inner % (size_t)channels];
		assert_true(a[i] == (float)((double)f[i] * s));
		assert_true(b[i] == (float)((double)f[i] * (s * s))); /* one rounding */
		assert_int_equal(h[i], f32_to_f16(b[i]));
	}
	assert_true(blob_deferred(half));
	assert_memory_equal(blob_data(half), h, n * sizeof *h);
	assert_false(blob_deferred(half));
	free(a);
	free(b);
	free(h);
	free(scale);
	blob_unref(src);
	blob_unref(once);
	blob_unref(twice);
	blob_unref(half);
}

static void scaled(void **state)
{
	(void)state;
	check_scaled(1, 7, 9);
	check_scaled(1, 64, 147);
	check_scaled(1000, 17, 1);
	check_scaled(3, 5, 1001);
	check_scaled(1, 1, 1);
}

static void fills(void **state)
{
	(void)state;
	const uint64_t element = UINT64_C(0x0807060504030201);
	for (size_t size = 1; size <= 8; size *= 2) {
		struct blob *b = blob_fill(&element, size, 1001);
		uint8_t *d = read_both(b);
		for (size_t i = 0; i < 1001 * size; i++)
			assert_int_equal(d[i], i % size + 1);
		const void *e;
		size_t n;
		assert_true(blob_is_fill(b, &e, &n) && n == size && !memcmp(e, &element, n));
		assert_true(blob_deferred(b) && !blob_direct(b));
		free(d);
		blob_unref(b);
	}
	struct blob *none = blob_fill(&element, 4, 0);
	assert_int_equal(blob_size(none), 0);
	assert_non_null(blob_data(none));
	blob_unref(none);
}

/* Every pair of types: the cast agrees with element-wise conversion. */
static void casts(void **state)
{
	(void)state;
	enum { N = 5001 };
	struct err e = {0};
	int64_t n = N;
	for (enum dtype from = DT_F32; from < DT_COUNT; from++)
		for (enum dtype to = DT_F32; to < DT_COUNT; to++) {
			struct tensor in, out;
			assert_int_equal(tensor_alloc(&in, from, 1, &n, &e), OK);
			assert_int_equal(tensor_alloc(&out, to, 1, &n, &e), OK);
			for (int i = 0; i < N; i++)
				tensor_set_f64(&in, i, (i % 17 - 5) * 0.75);
			for (int i = 0; i < N; i++)
				if (dtype_is_float(from) || (from == DT_U64 && dtype_is_float(to)))
					tensor_set_f64(&out, i, tensor_f64(&in, i));
				else
					tensor_set_i64(&out, i, tensor_i64(&in, i));
			struct blob *src = blob_copy(in.data, tensor_bytes(&in));
			struct blob *cast = blob_cast(src, from, to, N);
			assert_int_equal(blob_size(cast), tensor_bytes(&out));
			void *d = read_both(cast);
			assert_memory_equal(d, out.data, tensor_bytes(&out));
			free(d);
			blob_unref(src);
			blob_unref(cast);
			tensor_free(&in);
			tensor_free(&out);
		}
}

/* Reading from the middle of a row gives what reading from its start gives. */
static void rows_of_half(void **state)
{
	(void)state;
	const int64_t rows[] = {1, 9, 100, 5000};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t n = rows[i] * (10000 / rows[i]);
		float *f = random_floats((size_t)n, 9);
		struct blob *src = blob_copy(f, (size_t)n * 4), *b = blob_half(src, rows[i], n);
		uint16_t *got = read_both(b), want[5000];
		for (int64_t r = 0; r < n; r += rows[i]) {
			f32_to_f16_diffuse(want, f + r, (size_t)rows[i], 0);
			assert_memory_equal(got + r, want, (size_t)rows[i] * 2);
		}
		free(got);
		free(f);
		blob_unref(src);
		blob_unref(b);
	}
}

static void mapped(void **state)
{
	(void)state;
	char path[] = "/tmp/test_blob.XXXXXX";
	enum { N = 10000 };
	float *f = random_floats(N, 9);
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(write(fd, f, N * sizeof *f), N * sizeof *f);
	close(fd);
	struct err e = {0};
	struct file *file;
	assert_int_equal(file_map(path, &file, &e), OK);
	struct blob *b = blob_mapped(file, 3, N * sizeof *f);
	struct blob *cast = blob_cast(b, DT_F32, DT_F64, N);
	file_unref(file); /* the blob keeps it */
	assert_memory_equal(blob_direct(b), f, N * sizeof *f);
	double *d = read_both(cast);
	for (int i = 0; i < N; i++)
		assert_true(d[i] == (double)f[i]);
	blob_forget(cast, 0, N * sizeof *d);
	blob_forget(b, 4096, 4096);
	const void *aligned = blob_data(b);
	assert_int_equal((uintptr_t)aligned % 8, 0);
	assert_memory_equal(aligned, f, N * sizeof *f);
	assert_ptr_equal(blob_data(b), aligned);
	blob_unref(b);
	blob_unref(cast);
	free(d);
	free(f);
	unlink(path);
}

static void count_up(const void *user, void *dst)
{
	const struct counting {
		int n, *times;
	} *c = user;
	for (int i = 0; i < c->n; i++)
		((int *)dst)[i] = i;
	++*c->times;
}

/* Made as often as it is read whole, once for good when it is read in part. */
static void made(void **state)
{
	(void)state;
	enum { N = 1000 };
	struct counting {
		int n, *times;
	} *user = malloc(sizeof *user);
	int times = 0, part[16], all[N];
	*user = (struct counting){N, &times};
	struct blob *b = blob_made(N * sizeof(int), count_up, user);
	assert_true(blob_is_made(b) && blob_deferred(b));
	assert_int_equal(blob_read(b, 0, all, sizeof all, NULL), OK);
	assert_int_equal(all[N - 1], N - 1);
	assert_true(blob_deferred(b));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(blob_read(b, 128, part, sizeof part, NULL), OK);
		assert_int_equal(part[15], 32 + 15);
	}
	assert_int_equal(times, 2);
	assert_int_equal(((const int *)blob_data(b))[5], 5);
	assert_int_equal(times, 2);
	blob_forget(b, 0, N);
	blob_unref(b);
}

/* What element access gives for type t after v was stored. */
static double stored(enum dtype t, double v)
{
	char bytes[16] = {0};
	struct tensor tensor = {.type = t, .data = bytes};
	tensor_set_f64(&tensor, 1, v);
	return tensor_f64(&tensor, 1);
}

static void elements(void **state)
{
	(void)state;
	assert_true(stored(DT_F32, 0.1) == (double)0.1f);
	assert_true(stored(DT_F16, 65520) == INFINITY);
	assert_true(stored(DT_F16, 1 + 0x1p-11 + 0x1p-40) == 1 + 0x1p-10);
	assert_true(stored(DT_BF16, 1.01) == 1.0078125);
	assert_true(stored(DT_I8, -128.9) == -128);
	assert_true(stored(DT_I8, 200) == -56);
	assert_true(stored(DT_U8, -1) == 255);
	assert_true(stored(DT_I32, 3e9) == -2147483648.0);
	assert_true(stored(DT_U32, 3e9) == 3e9);
	assert_true(stored(DT_I64, NAN) == -0x1p63);
	assert_true(stored(DT_U64, 0x1p63) == 0x1p63);
	assert_true(stored(DT_BOOL, 0.5) == 1);
	assert_true(stored(DT_I4, -3) == -3 && stored(DT_U4, 13) == 13);
	assert_true(stored(DT_U1, 1) == 1 && stored(DT_NF4, 0.99) == 1);
	assert_true(stored(DT_F8E4M3, 17) == 16 && stored(DT_F8E5M2, 7) == 7);
	struct err e = {0};
	struct tensor t;
	int64_t huge[] = {INT64_C(1) << 40, INT64_C(1) << 40}, odd[] = {3, 3};
	assert_int_equal(tensor_alloc(&t, DT_F32, 2, huge, &e), E_LIMIT);
	assert_holds(e.text, "f32[1099511627776,1099511627776]");
	assert_int_equal(tensor_alloc(&t, DT_U4, 2, odd, &e), OK);
	assert_int_equal(tensor_bytes(&t), 5);
	tensor_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scaled), cmocka_unit_test(fills),
	    cmocka_unit_test(casts), cmocka_unit_test(mapped), cmocka_unit_test(made),
	    cmocka_unit_test(rows_of_half), cmocka_unit_test(elements)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
