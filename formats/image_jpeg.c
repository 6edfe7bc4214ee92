/* JPEG pictures through libjpeg. */
#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/library.h"
#include "formats/image_decode.h"

/* Its name tells its interface. */
#if JPEG_LIB_VERSION >= 80
#define SONAME "libjpeg.so.8"
#else
#define SONAME "libjpeg.so.62"
#endif
#define FUNCTIONS(F)               \
	F(jpeg_CreateDecompress)   \
	F(jpeg_destroy_decompress) \
	F(jpeg_finish_decompress)  \
	F(jpeg_mem_src)            \
	F(jpeg_read_header)        \
	F(jpeg_read_scanlines)     \
	F(jpeg_start_decompress)   \
	F(jpeg_std_error)
LIBRARY(libjpeg, SONAME, FUNCTIONS);

#define MAX_SCANS 500 /* of a progressive picture: each may cost a pass over all of it */

/* What the callbacks and the code after a jump share; in memory, so that a jump keeps it. */
struct jpeg {
	struct jpeg_decompress_struct d;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf jump;
	struct tensor *out;
	uint8_t *row; /* of a CMYK picture */
	struct err *err;
	int rc;
};

static void on_error(j_common_ptr c)
{
	struct jpeg *j = c->client_data;
	char text[JMSG_LENGTH_MAX];

	c->err->format_message(c, text);
	if (j->rc == OK)
		j->rc = c->err->msg_code == JERR_OUT_OF_MEMORY
			    ? fail_nomem(j->err)
			    : fail(j->err, E_FORMAT, "JPEG is broken: %s", text);
	longjmp(j->jump, 1);
}

/* libjpeg mends what it can and warns; data that are missing are an error to us. */
static void on_message(j_common_ptr c, int level)
{
	switch (level < 0 ? c->err->msg_code : JMSG_NOMESSAGE) {
	case JWRN_JPEG_EOF:
	case JWRN_HIT_MARKER:
	case JWRN_HUFF_BAD_CODE:
	case JWRN_ARITH_BAD_CODE:
	case JWRN_MUST_RESYNC:
		on_error(c);
	}
}

static void on_print(j_common_ptr c)
{
	(void)c;
}

static void on_progress(j_common_ptr c)
{
	struct jpeg *j = c->client_data;

	if (j->d.input_scan_number <= MAX_SCANS)
		return;
	j->rc = fail(j->err, E_LIMIT, "JPEG has more than %d scans", MAX_SCANS);
	longjmp(j->jump, 1);
}

/* Adobe's CMYK, the only one in use, stores inverted inks. */
static void cmyk_row(const struct jpeg *j, uint8_t *rgb)
{
	for (size_t x = 0; x < j->d.output_width; x++)
		for (int c = 0; c < 3; c++) {
			unsigned ink = j->row[4 * x + (size_t)c], black = j->row[4 * x + 3];
			if (!j->d.saw_Adobe_marker) {
				ink = 255 - ink;
				black = 255 - black;
			}
			rgb[3 * x + (size_t)c] = (uint8_t)((ink * black + 127) / 255);
		}
}

static void read_rows(struct jpeg *j)
{
	size_t stride = (size_t)j->d.output_width * 3;

	while (j->d.output_scanline < j->d.output_height) {
		uint8_t *rgb = (uint8_t *)j->out->data + j->d.output_scanline * stride;
		JSAMPROW row = j->row ? j->row : rgb;
		lib.jpeg_read_scanlines(&j->d, &row, 1);
		if (j->row)
			cmyk_row(j, rgb);
	}
}

static void decode(struct jpeg *j, const struct file *f)
{
	if (setjmp(j->jump))
		return;
	lib.jpeg_CreateDecompress(&j->d, JPEG_LIB_VERSION, sizeof j->d);
	j->d.mem->max_memory_to_use = 1L << 30;
	j->d.progress = &j->progress;
	lib.jpeg_mem_src(&j->d, f->data, f->size);
	lib.jpeg_read_header(&j->d, TRUE);
	bool cmyk = j->d.jpeg_color_space == JCS_CMYK || j->d.jpeg_color_space == JCS_YCCK;
	j->d.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
	j->rc = image_alloc(j->d.image_width, j->d.image_height, j->out, j->err);
	if (j->rc == OK && cmyk && !(j->row = malloc((size_t)j->d.image_width * 4)))
		j->rc = fail_nomem(j->err);
	if (j->rc != OK)
		return;
	lib.jpeg_start_decompress(&j->d);
	if (j->d.output_components != (cmyk ? 4 : 3)) {
		j->rc = fail(j->err, E_UNSUPPORTED, "JPEG does not convert to RGB");
		return;
	}
	read_rows(j);
	lib.jpeg_finish_decompress(&j->d);
}

int jpeg_decode(const struct file *f, struct tensor *out, struct err *err)
{
	int rc = library_load(&libjpeg, err);
	struct jpeg *j = rc ? NULL : calloc(1, sizeof *j);

	if (!j)
		return rc ? rc : fail_nomem(err);
	j->out = out;
	j->err = err;
	j->d.err = lib.jpeg_std_error(&j->errors);
	j->d.client_data = j;
	j->errors.error_exit = on_error;
	j->errors.emit_message = on_message;
	j->errors.output_message = on_print;
	j->progress.progress_monitor = on_progress;
	decode(j, f);
	lib.jpeg_destroy_decompress(&j->d);
	free(j->row);
	rc = j->rc;
	free(j);
	if (rc != OK)
		tensor_free(out);
	return rc;
}
