/* PNG pictures through libpng. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/library.h"
#include "formats/image_decode.h"

#define FUNCTIONS(F)                  \
	F(png_create_info_struct)     \
	F(png_create_read_struct)     \
	F(png_destroy_read_struct)    \
	F(png_error)                  \
	F(png_get_bit_depth)          \
	F(png_get_channels)           \
	F(png_get_error_ptr)          \
	F(png_get_image_height)       \
	F(png_get_image_width)        \
	F(png_get_io_ptr)             \
	F(png_get_rowbytes)           \
	F(png_longjmp)                \
	F(png_read_end)               \
	F(png_read_image)             \
	F(png_read_info)              \
	F(png_read_update_info)       \
	F(png_set_chunk_cache_max)    \
	F(png_set_chunk_malloc_max)   \
	F(png_set_expand)             \
	F(png_set_gray_to_rgb)        \
	F(png_set_interlace_handling) \
	F(png_set_longjmp_fn)         \
	F(png_set_read_fn)            \
	F(png_set_strip_16)           \
	F(png_set_strip_alpha)        \
	F(png_set_user_limits)
LIBRARY(libpng, "libpng16.so.16", FUNCTIONS);

#define MAX_RATIO 1032 /* what deflate reaches at best */

/* What the callbacks and the code after a jump share; in memory, so that a jump keeps it. */
struct png {
	png_structp png;
	png_infop info;
	struct cursor in;
	struct tensor *out;
	png_bytep *rows;
	struct err *err;
	int rc;
};

static void on_error(png_structp png, png_const_charp text)
{
	struct png *p = lib.png_get_error_ptr(png);
	if (p->rc == OK)
		p->rc = fail(p->err, E_FORMAT, "PNG is broken: %s", text);
	lib.png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

static void on_read(png_structp png, png_bytep dst, size_t n)
{
	struct png *p = lib.png_get_io_ptr(png);
	const uint8_t *bytes = cursor_bytes(&p->in, n);
	if (!bytes)
		lib.png_error(png, "the file is cut short");
	memcpy(dst, bytes, n);
}

/* Everything becomes 8-bit RGB. */
static void set_transforms(struct png *p)
{
	lib.png_set_expand(p->png);
	lib.png_set_strip_16(p->png);
	lib.png_set_gray_to_rgb(p->png);
	lib.png_set_strip_alpha(p->png);
	lib.png_set_interlace_handling(p->png);
	lib.png_read_update_info(p->png, p->info);
}

/* Before allocation: could a file of this size hold such a picture? */
static void check_plausible(struct png *p, size_t file_size)
{
	uint64_t bits = (uint64_t)lib.png_get_bit_depth(p->png, p->info) *
			lib.png_get_channels(p->png, p->info) *
			lib.png_get_image_width(p->png, p->info);
	uint64_t packed = (bits + 7) / 8 * lib.png_get_image_height(p->png, p->info);
	if (packed / MAX_RATIO > file_size)
		lib.png_error(p->png, "it is too small for its size in pixels");
}

static void decode(struct png *p, size_t file_size)
{
	uint32_t width, height;

	if (setjmp(*lib.png_set_longjmp_fn(p->png, longjmp, sizeof(jmp_buf))))
		return;
	lib.png_set_user_limits(p->png, 0x7fffffff, 0x7fffffff);
	lib.png_set_chunk_cache_max(p->png, 128);
	lib.png_set_chunk_malloc_max(p->png, 8 << 20);
	lib.png_set_read_fn(p->png, p, on_read);
	lib.png_read_info(p->png, p->info);
	check_plausible(p, file_size);
	width = lib.png_get_image_width(p->png, p->info);
	height = lib.png_get_image_height(p->png, p->info);
	set_transforms(p);
	p->rc = image_alloc(width, height, p->out, p->err);
	if (p->rc == OK && !(p->rows = calloc(height, sizeof *p->rows)))
		p->rc = fail_nomem(p->err);
	if (p->rc == OK && lib.png_get_rowbytes(p->png, p->info) != (size_t)width * 3)
		p->rc = fail(p->err, E_FORMAT, "PNG does not expand to RGB");
	if (p->rc != OK)
		return;
	for (uint32_t y = 0; y < height; y++)
		p->rows[y] = (png_bytep)p->out->data + (size_t)y * width * 3;
	lib.png_read_image(p->png, p->rows);
	lib.png_read_end(p->png, NULL);
}

int png_decode(const struct file *f, struct tensor *out, struct err *err)
{
	int rc = library_load(&libpng, err);
	struct png *p = rc ? NULL : calloc(1, sizeof *p);

	if (!p)
		return rc ? rc : fail_nomem(err);
	*p = (struct png){.in = cursor_of(f->data, f->size), .out = out, .err = err};
	p->png = lib.png_create_read_struct(PNG_LIBPNG_VER_STRING, p, on_error, on_warning);
	p->info = p->png ? lib.png_create_info_struct(p->png) : NULL;
	if (p->info)
		decode(p, f->size);
	else
		p->rc = fail_nomem(err);
	lib.png_destroy_read_struct(&p->png, &p->info, NULL);
	free(p->rows);
	rc = p->rc;
	free(p);
	if (rc != OK)
		tensor_free(out);
	return rc;
}
