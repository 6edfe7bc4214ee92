/* Pictures of every kind become RGB; broken ones become errors. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <jpeglib.h>

#include "check.h"

#include "formats/image.h"

static char folder[] = "/tmp/test-image-XXXXXX";
static char path[64];

static void spill(const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* A PNG whose rows are `bytes` bytes of the pattern 0, 1, 2, ... */
static void make_png(int w, int h, int bits, int color, int interlace, size_t bytes)
{
	png_color palette[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 8, 7}};
	png_byte alpha[2] = {0, 128}, row[256];
	FILE *f = fopen(path, "wb");
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	for (size_t i = 0; i < sizeof row; i++)
		row[i] = (png_byte)i;
	png_init_io(png, f);
	png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, bits, color, interlace,
	    PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	if (color == PNG_COLOR_TYPE_PALETTE) {
		png_set_PLTE(png, info, palette, 4);
		png_set_tRNS(png, info, alpha, 2, NULL);
	}
	png_write_info(png, info);
	int passes = png_set_interlace_handling(png);
	assert_true(bytes <= sizeof row);
	for (int p = 0; p < passes; p++)
		for (int y = 0; y < h; y++)
			png_write_row(png, row);
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	fclose(f);
}

static void make_jpeg(int w, int h, int components, bool progressive)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr e;
	JSAMPLE row[1024];
	JSAMPROW rows = row;
	FILE *f = fopen(path, "wb");

	c.err = jpeg_std_error(&e);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, f);
	c.image_width = (JDIMENSION)w;
	c.image_height = (JDIMENSION)h;
	c.input_components = components;
	c.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 4 ? JCS_CMYK : JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, 100, TRUE);
	if (progressive)
		jpeg_simple_progression(&c);
	jpeg_start_compress(&c, TRUE);
	for (int y = 0; y < h; y++) {
		for (int i = 0; i < w * components; i++)
			row[i] = (JSAMPLE)(i % components * 40 + 60);
		jpeg_write_scanlines(&c, &rows, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	fclose(f);
}

static void expect_pixel(const struct tensor *t, int x, int y, int r, int g, int b, int off)
{
	const uint8_t *p = (const uint8_t *)t->data + (y * t->dim[1] + x) * 3;
	int want[3] = {r, g, b};
	for (int c = 0; c < 3; c++)
		if (abs(p[c] - want[c]) > off)
			print_error("pixel %d,%d is %d %d %d\n", x, y, p[0], p[1], p[2]);
	for (int c = 0; c < 3; c++)
		assert_true(abs(p[c] - want[c]) <= off);
}

static struct tensor read_ok(int w, int h)
{
	struct tensor t = {0};
	struct err e = {0};
	if (image_read(path, &t, &e))
		print_error("%s\n", e.text);
	assert_int_equal(e.status, OK);
	assert_int_equal(t.type, DT_U8);
	assert_int_equal(t.rank, 3);
	assert_int_equal(t.dim[0], h);
	assert_int_equal(t.dim[1], w);
	assert_int_equal(t.dim[2], 3);
	return t;
}

static void png_kinds(void **state)
{
	struct tensor t;
	(void)state;

	for (int interlace = 0; interlace < 2; interlace++) {
		make_png(5, 3, 8, PNG_COLOR_TYPE_RGB, interlace, 15);
		t = read_ok(5, 3);
		expect_pixel(&t, 4, 2, 12, 13, 14, 0);
		tensor_free(&t);
		make_png(5, 3, 8, PNG_COLOR_TYPE_GRAY, interlace, 5);
		t = read_ok(5, 3);
		expect_pixel(&t, 3, 1, 3, 3, 3, 0);
		tensor_free(&t);
		make_png(5, 3, 16, PNG_COLOR_TYPE_RGB_ALPHA, interlace, 40);
		t = read_ok(5, 3);
		expect_pixel(&t, 1, 0, 8, 10, 12, 0);
		tensor_free(&t);
		make_png(16, 2, 1, PNG_COLOR_TYPE_GRAY, interlace, 2); /* 00000000 00000001 */
		t = read_ok(16, 2);
		expect_pixel(&t, 14, 1, 0, 0, 0, 0);
		expect_pixel(&t, 15, 1, 255, 255, 255, 0);
		tensor_free(&t);
		make_png(8, 2, 2, PNG_COLOR_TYPE_PALETTE, interlace, 2); /* 00000000 00000001 */
		t = read_ok(8, 2);
		expect_pixel(&t, 6, 0, 255, 0, 0, 0);
		expect_pixel(&t, 7, 0, 0, 255, 0, 0);
		tensor_free(&t);
	}
}

static void jpeg_kinds(void **state)
{
	struct tensor t;
	(void)state;

	for (int progressive = 0; progressive < 2; progressive++) {
		make_jpeg(17, 9, 3, progressive);
		t = read_ok(17, 9);
		expect_pixel(&t, 16, 8, 60, 100, 140, 3);
		tensor_free(&t);
		make_jpeg(17, 9, 1, progressive);
		t = read_ok(17, 9);
		expect_pixel(&t, 0, 0, 60, 60, 60, 1);
		tensor_free(&t);
		make_jpeg(17, 9, 4, progressive); /* inverted inks 60 100 140, black 180 */
		t = read_ok(17, 9);
		expect_pixel(&t, 5, 5, 60 * 180 / 255, 100 * 180 / 255, 140 * 180 / 255, 3);
		tensor_free(&t);
	}
}

static size_t load(uint8_t *data, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n = fread(data, 1, cap, f);
	fclose(f);
	return n;
}

static int status(void)
{
	struct tensor t = {0};
	struct err e = {0};
	int rc = image_read(path, &t, &e);
	if (rc != OK) {
		assert_non_null(strstr(e.text, path));
		assert_null(strchr(e.text, '\n'));
		assert_null(t.data);
	}
	tensor_free(&t);
	err_clear(&e);
	return rc;
}

/* Every cut is an error, every changed byte has an answer. The last bytes are an end mark only. */
static void mutilate(size_t tail)
{
	static uint8_t data[8192];
	size_t n = load(data, sizeof data);

	assert_true(n < sizeof data);
	for (size_t i = 0; i < n - tail; i++) {
		spill(data, i);
		assert_int_not_equal(status(), OK);
		data[i] ^= 0x55;
		spill(data, n);
		status();
		data[i] ^= 0x55;
	}
}

static void broken(void **state)
{
	(void)state;
	make_png(5, 3, 8, PNG_COLOR_TYPE_RGB, 1, 15);
	mutilate(0);
	make_jpeg(17, 9, 3, false);
	mutilate(2);
	make_jpeg(17, 9, 3, true);
	mutilate(2);
	spill("GIF89a", 6);
	assert_int_equal(status(), E_FORMAT);
	spill("", 0);
	assert_int_equal(status(), E_FORMAT);
}

/* Headers that promise more pixels than the limit, or than the file can hold. */
static void huge(void **state)
{
	static uint8_t data[8192];
	size_t n;
	(void)state;

	make_jpeg(17, 9, 3, false);
	n = load(data, sizeof data);
	for (size_t i = 0; i + 9 < n; i++)
		if (data[i] == 0xff && data[i + 1] == 0xc0)
			memcpy(data + i + 5, "\xff\0\xff\0", 4);
	spill(data, n);
	assert_int_equal(status(), E_LIMIT);
	make_png(5, 3, 8, PNG_COLOR_TYPE_RGB, 0, 15);
	n = load(data, sizeof data);
	memcpy(data + 16, "\0\0\x40\0\0\0\x20\0", 8);
	uint32_t crc = (uint32_t)crc32(0, data + 12, 17);
	for (int i = 0; i < 4; i++)
		data[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
	spill(data, n);
	assert_int_equal(status(), E_FORMAT);
}

static void extensions(void **state)
{
	(void)state;
	assert_true(image_is("a/b.png"));
	assert_true(image_is("B.JPEG"));
	assert_true(image_is("x.Jpg"));
	assert_false(image_is(".png"));
	assert_false(image_is("png"));
	assert_false(image_is("a.npy"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(png_kinds),
	    cmocka_unit_test(jpeg_kinds),
	    cmocka_unit_test(broken),
	    cmocka_unit_test(huge),
	    cmocka_unit_test(extensions),
	};

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/a", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return failed;
}
