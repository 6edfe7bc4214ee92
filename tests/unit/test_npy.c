/* NumPy files: headers as NumPy writes them, every order of bytes and indices, archives, and files
 * that lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "check.h"

#include "base/text.h"
#include "formats/npy.h"

static char folder[] = "/tmp/test-npy-XXXXXX";
static char path[64];

static void put(const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* A version 1.0 file with this dictionary and these elements. */
static void put_npy(const char *dict, const void *data, size_t size)
{
	struct text t = {0};
	size_t n = strlen(dict);
	text_addn(&t, "\x93NUMPY\1\0", 8);
	text_addn(&t, (char[]){(char)(n & 0xff), (char)(n >> 8)}, 2);
	text_add(&t, dict);
	text_addn(&t, data, size);
	put(t.data, t.len);
	text_free(&t);
}

static int read_status(void)
{
	struct tensor t = {0};
	struct err e = {0};
	int rc = npy_read(path, &t, &e);
	tensor_free(&t);
	if (rc != OK)
		assert_non_null(strstr(e.text, path));
	err_clear(&e);
	return rc;
}

static void header_is_numpys(void **state)
{
	static const char expected[] =
	    "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
	static const float v[6] = {1, 2, 3, 4, 5, 6};
	struct tensor t = {DT_F32, 2, {2, 3}, (void *)v}, back = {0};
	struct err e = {0};
	char buf[256];
	(void)state;

	assert_int_equal(npy_write(path, &t, &e), OK);
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(buf, 1, sizeof buf, f), 128 + 24);
	fclose(f);
	assert_memory_equal(buf, expected, sizeof expected - 1);
	assert_int_equal(buf[127], '\n');
	assert_memory_equal(buf + 128, v, sizeof v);
	assert_int_equal(npy_read(path, &back, &e), OK);
	assert_int_equal(back.type, DT_F32);
	assert_int_equal(back.rank, 2);
	assert_memory_equal(back.data, v, sizeof v);
	tensor_free(&back);
}

/* Types that NumPy lacks travel as integers. */
static void types_travel(void **state)
{
	static const struct {
		enum dtype type, back;
	} pair[] = {{DT_F16, DT_F16}, {DT_BF16, DT_U16}, {DT_F8E4M3, DT_U8}, {DT_F8E5M2, DT_U8},
	    {DT_BOOL, DT_BOOL}, {DT_I8, DT_I8}, {DT_I16, DT_I16}, {DT_I32, DT_I32},
	    {DT_I64, DT_I64}, {DT_U8, DT_U8}, {DT_U16, DT_U16}, {DT_U32, DT_U32}, {DT_U64, DT_U64},
	    {DT_F64, DT_F64}, {DT_I4, DT_I8}, {DT_U4, DT_U8}, {DT_U1, DT_U8}};
	(void)state;

	for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
		struct tensor t = {0}, back = {0};
		struct err e = {0};
		assert_int_equal(tensor_alloc(&t, pair[i].type, 1, (int64_t[]){3}, &e), OK);
		tensor_set_i64(&t, 1, 1);
		assert_int_equal(npy_write(path, &t, &e), OK);
		assert_int_equal(npy_read(path, &back, &e), OK);
		assert_int_equal(back.type, pair[i].back);
		assert_int_equal(tensor_count(&back), 3);
		if (pair[i].type == pair[i].back || dtype_bits(pair[i].type) < 8)
			assert_int_equal(tensor_i64(&back, 1), 1);
		else
			assert_memory_equal(back.data, t.data, tensor_bytes(&t));
		tensor_free(&t);
		tensor_free(&back);
	}
	struct tensor none = {DT_NF4, 0, {0}, "x"};
	assert_int_equal(npy_write(path, &none, NULL), E_UNSUPPORTED);
}

static void scalars_and_empty(void **state)
{
	struct tensor t = {0}, back = {0};
	struct err e = {0};
	(void)state;

	assert_int_equal(tensor_alloc(&t, DT_I64, 0, NULL, &e), OK);
	tensor_set_i64(&t, 0, -7);
	assert_int_equal(npy_write(path, &t, &e), OK);
	assert_int_equal(npy_read(path, &back, &e), OK);
	assert_int_equal(back.rank, 0);
	assert_int_equal(tensor_i64(&back, 0), -7);
	tensor_free(&back);
	tensor_free(&t);
	assert_int_equal(tensor_alloc(&t, DT_F32, 2, (int64_t[]){0, 4}, &e), OK);
	assert_int_equal(npy_write(path, &t, &e), OK);
	assert_int_equal(npy_read(path, &back, &e), OK);
	assert_int_equal(back.dim[1], 4);
	tensor_free(&back);
	tensor_free(&t);
}

static void orders(void **state)
{
	/* [[1, 2, 3], [4, 5, 6]], first index fastest, most significant byte first */
	static const uint8_t v[] = {0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6};
	struct tensor t = {0};
	struct err e = {0};
	struct npy *f;
	(void)state;

	put_npy("{'shape':(2L, 3L),\"fortran_order\" : True, 'descr':'>i2'}\n", v, sizeof v);
	assert_int_equal(npy_read(path, &t, &e), OK);
	assert_int_equal(t.type, DT_I16);
	for (int i = 0; i < 6; i++)
		assert_int_equal(tensor_i64(&t, i), i + 1);
	tensor_free(&t);
	assert_int_equal(npy_open(path, &f, &e), OK);
	assert_int_equal(npy_header(f)->dim[0], 2);
	assert_int_equal(npy_row(f, 1, &t, &e), OK);
	assert_int_equal(t.rank, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tensor_i64(&t, i), i + 4);
	tensor_free(&t);
	assert_int_equal(npy_row(f, 2, &t, &e), E_USAGE);
	npy_close(f);
}

static void hostile_headers(void **state)
{
	static const struct {
		const char *dict;
		int status;
	} c[] = {
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", OK},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4)}",
		E_LIMIT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 0)}",
		E_LIMIT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
		E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': "
	     "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
		E_LIMIT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2}", E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': False}", E_FORMAT},
	    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", E_FORMAT},
	    {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", E_UNSUPPORTED},
	    {"{'descr': '<V2', 'fortran_order': False, 'shape': (2,)}", E_UNSUPPORTED},
	    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", E_UNSUPPORTED},
	    {"{'descr': '', 'fortran_order': False, 'shape': (2,)}", E_UNSUPPORTED},
	    {"{'descr': '<f4444444444444444444444', 'fortran_order': False, 'shape': ()}",
		E_FORMAT},
	    {"{'descr': '<f4', 'fortran_order': False, 'shape': (),} x", E_FORMAT},
	    {"{'descr': '<f4' 'fortran_order': False, 'shape': (),}", E_FORMAT},
	    {"", E_FORMAT},
	    {"{", E_FORMAT},
	};
	(void)state;

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		put_npy(c[i].dict, "12345678", 8);
		assert_int_equal(read_status(), c[i].status);
	}
	put("\x93NUMPY\1\0\xff\xff", 10);
	assert_int_equal(read_status(), E_FORMAT);
	put("\x93NUMPY\3\0\xff\xff\xff\xff", 12);
	assert_int_equal(read_status(), E_LIMIT);
	put("\x93NUMPY\4\0\xff\xff\xff\xff", 12);
	assert_int_equal(read_status(), E_UNSUPPORTED);
	put("\x93NUM", 4);
	assert_int_equal(read_status(), E_FORMAT);
	put("", 0);
	assert_int_equal(read_status(), E_FORMAT);
}

static const char array[] =
    "\x93NUMPY\1\0\x33\0{'descr':'|u1','fortran_order':False,'shape':(40,)}" /* 51 bytes */
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void le(struct text *t, uint64_t v, int n)
{
	for (; n--; v >>= 8)
		text_addn(t, (char[]){(char)(v & 0xff)}, 1);
}

static void local_header(struct text *t, int method, uint32_t crc, size_t packed, size_t size)
{
	text_add(t, "PK\3\4");
	le(t, 20, 2);
	le(t, 0, 2);
	le(t, (uint64_t)method, 2);
	le(t, 0, 4);
	le(t, crc, 4);
	le(t, packed, 4);
	le(t, size, 4);
	le(t, 5, 2);
	le(t, 0, 2);
	text_add(t, "a.npy");
}

/* One entry "a.npy"; zip64 says its sizes and offset in an extra field. */
static void put_zip(int method, size_t claimed, bool zip64)
{
	uint8_t packed[256];
	size_t size = sizeof array - 1, n = size;
	struct text t = {0};
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)array, (uInt)size);

	memcpy(packed, array, size);
	if (method == 8) {
		z_stream s = {.next_in = (Bytef *)array,
		    .avail_in = (uInt)size,
		    .next_out = packed,
		    .avail_out = sizeof packed};
		deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
		assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
		n = s.total_out;
		deflateEnd(&s);
	}
	local_header(&t, method, crc, n, size);
	text_addn(&t, (char *)packed, n);
	size_t directory = t.len;
	text_add(&t, "PK\1\2");
	le(&t, 20, 2);
	le(&t, 20, 2);
	le(&t, 0, 2);
	le(&t, (uint64_t)method, 2);
	le(&t, 0, 4);
	le(&t, crc, 4);
	le(&t, zip64 ? 0xffffffff : n, 4);
	le(&t, zip64 ? 0xffffffff : claimed, 4);
	le(&t, 5, 2);
	le(&t, zip64 ? 28 : 0, 2);
	le(&t, 0, 10);
	le(&t, zip64 ? 0xffffffff : 0, 4);
	text_add(&t, "a.npy");
	if (zip64) {
		le(&t, 1, 2);
		le(&t, 24, 2);
		le(&t, claimed, 8);
		le(&t, n, 8);
		le(&t, 0, 8);
	}
	size_t length = t.len - directory;
	text_add(&t, "PK\5\6");
	le(&t, 0, 4);
	le(&t, 1, 2);
	le(&t, 1, 2);
	le(&t, length, 4);
	le(&t, directory, 4);
	le(&t, 0, 2);
	put(t.data, t.len);
	text_free(&t);
}

static int zip_status(void)
{
	struct npz_entry *e = NULL;
	int n = 0, rc = npz_read(path, &e, &n, NULL);
	if (rc == OK) {
		assert_int_equal(n, 1);
		assert_string_equal(e[0].name, "a");
		assert_int_equal(tensor_count(&e[0].tensor), 40);
		assert_int_equal(tensor_i64(&e[0].tensor, 39), 'a');
		npz_free(e, n);
	}
	return rc;
}

static void archives(void **state)
{
	size_t size = sizeof array - 1;
	(void)state;

	for (int zip64 = 0; zip64 < 2; zip64++) {
		put_zip(0, size, zip64);
		assert_int_equal(zip_status(), OK);
		put_zip(8, size, zip64);
		assert_int_equal(zip_status(), OK);
		put_zip(8, size - 1, zip64);
		assert_int_equal(zip_status(), E_FORMAT);
		put_zip(8, size + 1, zip64);
		assert_int_equal(zip_status(), E_FORMAT);
		put_zip(0, size + 1, zip64);
		assert_int_equal(zip_status(), E_FORMAT);
		put_zip(8, (size_t)1 << 40, zip64);
		assert_int_equal(zip_status(), E_FORMAT);
		put_zip(9, size, zip64);
		assert_int_equal(zip_status(), E_UNSUPPORTED);
	}
}

/* Every cut and every changed byte of an archive ends in an answer. */
static void broken_archives(void **state)
{
	char data[512];
	size_t size;
	(void)state;

	put_zip(8, sizeof array - 1, true);
	FILE *f = fopen(path, "rb");
	size = fread(data, 1, sizeof data, f);
	fclose(f);
	for (size_t i = 0; i < size; i++) {
		struct npz_entry *e = NULL;
		int n = 0;
		put(data, i);
		assert_int_not_equal(zip_status(), OK);
		data[i] ^= 0x41;
		put(data, size);
		if (npz_read(path, &e, &n, NULL) == OK)
			npz_free(e, n);
		data[i] ^= 0x41;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(header_is_numpys),
	    cmocka_unit_test(types_travel),
	    cmocka_unit_test(scalars_and_empty),
	    cmocka_unit_test(orders),
	    cmocka_unit_test(hostile_headers),
	    cmocka_unit_test(archives),
	    cmocka_unit_test(broken_archives),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/a", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
