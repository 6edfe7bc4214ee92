/* Reads pictures by their content. */
#include "formats/image.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "formats/image_decode.h"

int image_alloc(uint64_t width, uint64_t height, struct tensor *out, struct err *err)
{
	if (!width || !height)
		return fail(err, E_FORMAT, "picture has no pixels");
	if (width > LIMIT_IMAGE_PIXELS || height > LIMIT_IMAGE_PIXELS / width)
		return fail(err, E_LIMIT,
		    "picture of %" PRIu64 " x %" PRIu64
		    " pixels is larger than the limit of %" PRId64 " pixels",
		    width, height, LIMIT_IMAGE_PIXELS);
	return tensor_alloc(out, DT_U8, 3, (int64_t[]){(int64_t)height, (int64_t)width, 3}, err);
}

int image_read(const char *path, struct tensor *out, struct err *err)
{
	struct file *f;
	int rc = file_map(path, &f, err);

	if (rc != OK)
		return rc;
	*out = (struct tensor){0};
	if (f->size >= 8 && !memcmp(f->data, "\x89PNG\r\n\x1a\n", 8))
		rc = png_decode(f, out, err);
	else if (f->size >= 3 && !memcmp(f->data, "\xff\xd8\xff", 3))
		rc = jpeg_decode(f, out, err);
	else
		rc = fail(err, E_FORMAT, "neither a PNG nor a JPEG picture");
	if (rc != OK)
		err_in(err, "'%s'", path);
	file_unref(f);
	return rc;
}

bool image_is(const char *path)
{
	static const char *const ending[] = {".png", ".jpg", ".jpeg"};
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
		size_t k = strlen(ending[i]);
		if (n > k && !strcasecmp(path + n - k, ending[i]))
			return true;
	}
	return false;
}
