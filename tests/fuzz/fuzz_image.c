/* Fuzzes the readers of PNG and JPEG. */
#include "fuzz.h"

#include "formats/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct tensor t;
	char path[32];
	int fd = fuzz_file(data, size, path);
	int rc = image_read(path, &t, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	else
		tensor_free(&t);
	close(fd);
	return 0;
}
