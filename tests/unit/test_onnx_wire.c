/* The wire walk, tensors and external data: what is cut off, damaged or hostile is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "onnx_pb.h"

#include "formats/onnx.h"
#include "formats/onnx_tensor.h"
#include "formats/onnx_wire.h"
#include "ops/op.h"

#define EXTERNAL 1

static const int64_t dims23[] = {2, 3};

static struct pb small_model(void)
{
	struct pb g = {0}, x = pb_value("x", 2, dims23), y = pb_value("y", 2, dims23);
	struct pb n = pb_node("Add", "sum", "x w", "y"), w = pb_tensor("w", 1, 2, dims23);
	float v[6] = {1, 2, 3, 4, 5, 6};
	pb_bytes(&w, 9, v, sizeof v);
	pb_msg(&g, 5, &w);
	pb_msg(&g, 11, &x);
	pb_msg(&g, 12, &y);
	pb_msg(&g, 1, &n);
	return pb_model(13, &g);
}

static int read_pb(const struct pb *m, size_t n, struct graph **g, struct err *err)
{
	struct file *f = pb_file(m, n);
	int status = onnx_read_file(f, "m.onnx", NULL, NULL, g, err);
	if (status == OK) {
		graph_free(*g);
		*g = NULL;
	}
	pb_file_free(f);
	return status;
}

static void cut_off_anywhere(void **state)
{
	(void)state;
	struct pb m = small_model();
	struct graph *g;
	for (size_t n = 0; n < m.n; n++) {
		struct err err = {0};
		assert_true(read_pb(&m, n, &g, &err) < 0);
		assert_holds(err.text, "'m.onnx': ");
		err_clear(&err);
	}
	assert_int_equal(read_pb(&m, m.n, &g, NULL), OK);
}

static void any_bit_flipped(void **state)
{
	(void)state;
	struct pb m = small_model();
	struct graph *g;
	for (size_t i = 0; i < 8 * m.n; i++) {
		struct err err = {0};
		m.at[i / 8] ^= (uint8_t)(1 << i % 8);
		if (read_pb(&m, m.n, &g, &err))
			assert_true(err.text[0]);
		m.at[i / 8] ^= (uint8_t)(1 << i % 8);
		err_clear(&err);
	}
}

static int parse(const struct pb *m, Onnx__TensorProto **t, struct arena *a, struct err *err)
{
	ProtobufCMessage *p = NULL;
	int status = onnx_wire_parse(m->at, m->n, &onnx__tensor_proto__descriptor, a, &p, err);
	*t = (Onnx__TensorProto *)p;
	return status;
}

static void assert_refused(const struct pb *m, int status, const char *why)
{
	struct arena *a = arena_new();
	struct err err = {0};
	Onnx__TensorProto *t;
	assert_int_equal(parse(m, &t, a, &err), status);
	assert_holds(err.text, why);
	err_clear(&err);
	arena_free(a);
}

static void hostile_lengths(void **state)
{
	(void)state;
	struct pb huge = {0}, group = {0}, wide = {0}, ten = {0}, packed = {0};
	pb_varint(&huge, 9 << 3 | 2);
	pb_varint(&huge, UINT64_MAX);
	assert_refused(&huge, E_FORMAT, "truncated or damaged at byte");
	pb_varint(&group, 3);
	assert_refused(&group, E_FORMAT, "truncated or damaged");
	pb_varint(&wide, UINT64_C(1) << 40);
	assert_refused(&wide, E_FORMAT, "truncated or damaged");
	memset(ten.at, 0xff, 11);
	ten.n = 11;
	assert_refused(&ten, E_FORMAT, "truncated or damaged");
	pb_bytes(&packed, 1, "\x80\x80", 2);
	assert_refused(&packed, E_FORMAT, "inside a number");
}

static void wrong_content(void **state)
{
	(void)state;
	struct pb type = {0}, text = {0}, nul = {0}, twice = {0};
	pb_str(&type, 2, "float");
	assert_refused(&type, E_FORMAT, "'data_type' has wire type 2");
	pb_str(&text, 8, "a\xc0\xaf");
	assert_refused(&text, E_FORMAT, "not UTF-8");
	pb_bytes(&nul, 8, "a\0b", 3);
	assert_refused(&nul, E_FORMAT, "not UTF-8");
	pb_bytes(&twice, 3, "", 0);
	pb_bytes(&twice, 3, "", 0);
	assert_refused(&twice, E_FORMAT, "'segment' is given twice");
}

/* Attributes hold graphs that hold nodes that hold attributes. */
static void nested_too_deep(void **state)
{
	(void)state;
	struct pb g = {0};
	struct graph *out;
	struct err err = {0};
	for (int i = 0; i < 20; i++) {
		struct pb n = {0};
		pb_attr_msg(&n, "body", 6, 5, &g);
		g.n = 0;
		pb_msg(&g, 1, &n);
	}
	struct pb m = pb_model(13, &g);
	assert_int_equal(read_pb(&m, m.n, &out, &err), E_LIMIT);
	assert_holds(err.text, "nested more than 32 deep");
	err_clear(&err);
}

/* ---- tensors ---- */

static int load(const struct pb *m, struct onnx_const *c, struct err *err)
{
	struct file *f = pb_file(m, m->n);
	struct arena *a = arena_new();
	struct onnx_source s = {.file = f, .arena = a};
	Onnx__TensorProto *t;
	int status = parse(m, &t, a, err);
	if (status == OK)
		status = onnx_tensor_load(&s, t, c, err);
	arena_free(a);
	pb_file_free(f);
	return status;
}

static void assert_loads(const struct pb *m, enum dtype type, const void *bytes, size_t size)
{
	struct onnx_const c;
	struct err err = {0};
	if (load(m, &c, &err))
		print_error("%s\n", err.text);
	assert_int_equal(err.status, OK);
	assert_int_equal(c.type, type);
	assert_int_equal(blob_size(c.data), size);
	assert_memory_equal(blob_data(c.data), bytes, size);
	blob_unref(c.data);
}

static void assert_load_fails(const struct pb *m, int status, const char *why)
{
	struct onnx_const c;
	struct err err = {0};
	assert_int_equal(load(m, &c, &err), status);
	assert_holds(err.text, why);
	err_clear(&err);
}

static void typed_data(void **state)
{
	(void)state;
	static const int64_t three[] = {3}, four[] = {4};
	struct pb u8 = pb_tensor("a", ONNX_UINT8, 1, three);
	pb_bytes(&u8, 5, "\x01\xff\x01", 3); /* packed 1, 255 */
	pb_int(&u8, 5, 7);                   /* and one unpacked */
	assert_loads(&u8, DT_U8, "\x01\xff\x07", 3);
	struct pb f16 = pb_tensor("b", ONNX_FLOAT16, 1, three);
	for (int i = 0; i < 3; i++)
		pb_int(&f16, 5, 0x3c00 + i);
	assert_loads(&f16, DT_F16, "\x00\x3c\x01\x3c\x02\x3c", 6);
	struct pb f32 = pb_tensor("c", ONNX_FLOAT, 1, three);
	static const float v[] = {1, 2, 3};
	pb_bytes(&f32, 4, v, 8);
	pb_float(&f32, 4, 3);
	assert_loads(&f32, DT_F32, v, sizeof v);
	struct pb i64 = pb_tensor("d", ONNX_INT64, 1, three);
	static const int64_t w[] = {-1, 0, INT64_MAX};
	for (int i = 0; i < 3; i++)
		pb_int(&i64, 7, w[i]);
	assert_loads(&i64, DT_I64, w, sizeof w);
	struct pb i8 = pb_tensor("e", ONNX_INT8, 1, three);
	for (int i = 0; i < 3; i++)
		pb_int(&i8, 5, -1 - i);
	assert_loads(&i8, DT_I8, "\xff\xfe\xfd", 3);
	struct pb u4 = pb_tensor("f", ONNX_UINT4, 1, four);
	pb_int(&u4, 5, 0x21);
	pb_int(&u4, 5, 0x43);
	assert_loads(&u4, DT_U4, "\x21\x43", 2);
	struct pb yes = pb_tensor("g", ONNX_BOOL, 1, three);
	pb_bytes(&yes, 9, "\x00\x02\x01", 3);
	assert_loads(&yes, DT_BOOL, "\x00\x01\x01", 3);
}

static void wrong_tensors(void **state)
{
	(void)state;
	static const int64_t three[] = {3}, minus[] = {-3}, big[] = {INT64_MAX, 2},
			     large[] = {INT64_C(1) << 40};
	struct pb few = pb_tensor("t", ONNX_INT32, 1, three), many = few, raw = few, bare = few;
	pb_int(&few, 5, 1);
	assert_load_fails(&few, E_FORMAT, "tensor 't': holds fewer elements");
	pb_bytes(&many, 5, "\1\2\3\4", 4);
	assert_load_fails(&many, E_FORMAT, "holds more or other elements");
	pb_bytes(&raw, 9, "12345", 5);
	assert_load_fails(&raw, E_FORMAT, "holds 5 bytes, its type and dims ask for 12");
	assert_load_fails(&bare, E_FORMAT, "elements");
	struct pb negative = pb_tensor("t", ONNX_FLOAT, 1, minus);
	assert_load_fails(&negative, E_FORMAT, "has the dim -3");
	struct pb over = pb_tensor("t", ONNX_FLOAT, 2, big);
	assert_load_fails(&over, E_LIMIT, "too many elements");
	struct pb typed = pb_tensor("t", ONNX_FLOAT, 1, large);
	assert_true(load(&typed, &(struct onnx_const){0}, NULL) < 0);
	struct pb text = pb_tensor("t", ONNX_STRING, 1, three), odd = pb_tensor("t", 99, 1, three);
	assert_load_fails(&text, E_UNSUPPORTED, "of type string");
	assert_load_fails(&odd, E_FORMAT, "unknown element type 99");
}

/* A file cannot say where its tensors lie. */
static void forged_place(void **state)
{
	(void)state;
	static const int64_t one[] = {1};
	struct pb t = pb_tensor("t", ONNX_UINT8, 1, one);
	pb_int(&t, 100001, 1 << 30);
	pb_int(&t, 100002, 1 << 30);
	pb_bytes(&t, 9, "*", 1);
	assert_loads(&t, DT_U8, "*", 1);
}

/* ---- external data ---- */

static char folder[] = "/tmp/test_onnx_XXXXXX";

static struct pb external(const char *location, const char *offset, const char *length)
{
	static const int64_t four[] = {4};
	const char *pair[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
	struct pb t = pb_tensor("w", ONNX_UINT8, 1, four);
	for (int i = 0; i < 3; i++) {
		struct pb e = {0};
		if (!pair[i][1])
			continue;
		pb_str(&e, 1, pair[i][0]);
		pb_str(&e, 2, pair[i][1]);
		pb_msg(&t, 13, &e);
	}
	pb_int(&t, 14, EXTERNAL);
	return t;
}

static int load_external(const struct pb *m, struct onnx_const *c, struct err *err)
{
	struct file *f = pb_file(m, m->n);
	struct arena *a = arena_new();
	struct onnx_source s = {.file = f, .arena = a, .dir = folder};
	Onnx__TensorProto *t;
	*c = (struct onnx_const){0};
	int status = parse(m, &t, a, err);
	if (status == OK)
		status = onnx_tensor_load(&s, t, c, err);
	onnx_source_close(&s);
	arena_free(a);
	pb_file_free(f);
	return status;
}

static void assert_escapes(const char *location, const char *why)
{
	struct pb t = external(location, NULL, NULL);
	struct onnx_const c;
	struct err err = {0};
	assert_int_equal(load_external(&t, &c, &err), E_FORMAT);
	assert_holds(err.text, why);
	err_clear(&err);
}

static void external_stays_within(void **state)
{
	(void)state;
	char path[100];
	assert_escapes("../secret", "outside the model's folder");
	assert_escapes("a/../../secret", "outside the model's folder");
	assert_escapes("a/..", "outside the model's folder");
	assert_escapes("/etc/hostname", "outside the model's folder");
	snprintf(path, sizeof path, "%s/link", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_escapes("link", "a link out of the model's folder");
	unlink(path);
	struct pb none = external(NULL, NULL, NULL), odd = external("w.bin", "-1", NULL);
	struct onnx_const c;
	struct err err = {0};
	assert_int_equal(load_external(&none, &c, &err), E_FORMAT);
	assert_int_equal(load_external(&odd, &c, &err), E_FORMAT);
	assert_holds(err.text, "offset '-1'");
	struct pb gone = external("gone.bin", NULL, NULL);
	assert_int_equal(load_external(&gone, &c, &err), E_IO);
	assert_holds(err.text, "gone.bin");
	err_clear(&err);
}

/* A sparse file: data beyond 2 GiB, and a place beyond its end. */
static void external_far_away(void **state)
{
	(void)state;
	char path[100];
	struct onnx_const c;
	struct err err = {0};
	snprintf(path, sizeof path, "%s/w.bin", folder);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, INT64_C(3) << 30), 0);
	assert_int_equal(pwrite(fd, "abcd", 4, INT64_C(2500000000)), 4);
	close(fd);
	struct pb far = external("w.bin", "2500000000", "4");
	assert_int_equal(load_external(&far, &c, &err), OK);
	assert_memory_equal(blob_data(c.data), "abcd", 4);
	blob_unref(c.data);
	struct pb end = external("w.bin", "3221225470", NULL), size = external("w.bin", "0", "5");
	assert_int_equal(load_external(&end, &c, &err), E_FORMAT);
	assert_holds(err.text, "ends beyond the file");
	assert_int_equal(load_external(&size, &c, &err), E_FORMAT);
	assert_holds(err.text, "has 5 bytes, its type and dims ask for 4");
	err_clear(&err);
	unlink(path);
}

static void reads_a_tensor_file(void **state)
{
	(void)state;
	char path[100];
	struct pb t = pb_tensor("t", ONNX_FLOAT, 2, dims23);
	static const float v[] = {1, 2, 3, 4, 5, 6};
	struct tensor out;
	pb_bytes(&t, 9, v, sizeof v);
	snprintf(path, sizeof path, "%s/t.pb", folder);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(t.at, 1, t.n, f), t.n);
	fclose(f);
	assert_int_equal(onnx_tensor_read(path, &out, NULL), OK);
	assert_int_equal(out.rank, 2);
	assert_memory_equal(out.data, v, sizeof v);
	tensor_free(&out);
	unlink(path);
}

static void sniffs(void **state)
{
	(void)state;
	struct pb m = small_model();
	assert_true(onnx_sniff(m.at, m.n));
	assert_true(onnx_sniff(m.at, 3));
	assert_false(onnx_sniff("<?xml version=\"1.0\"?>", 21));
	assert_false(onnx_sniff("\x93NUMPY\1", 7));
	assert_false(onnx_sniff("BM and more of a picture", 24));
	assert_false(onnx_sniff("", 0));
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cut_off_anywhere),
	    cmocka_unit_test(any_bit_flipped),
	    cmocka_unit_test(hostile_lengths),
	    cmocka_unit_test(wrong_content),
	    cmocka_unit_test(nested_too_deep),
	    cmocka_unit_test(typed_data),
	    cmocka_unit_test(wrong_tensors),
	    cmocka_unit_test(forged_place),
	    cmocka_unit_test(external_stays_within),
	    cmocka_unit_test(external_far_away),
	    cmocka_unit_test(reads_a_tensor_file),
	    cmocka_unit_test(sniffs),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
