/* Fuzzes the readers of .npy and .npz. */
#include "fuzz.h"

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	struct tensor t, row;
	struct npy *f;
	struct npz_entry *entry;
	int n;
	char path[32];
	int fd = fuzz_file(data, size, path);
	int rc = npy_read(path, &t, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	else
		tensor_free(&t);
	rc = npy_open(path, &f, &e);
	if (rc) {
		fuzz_check_error(rc, &e);
	} else {
		rc = npy_row(f, 0, &row, &e);
		if (rc)
			fuzz_check_error(rc, &e);
		else
			tensor_free(&row);
		npy_close(f);
	}
	rc = npz_read(path, &entry, &n, &e);
	if (rc)
		fuzz_check_error(rc, &e);
	else
		npz_free(entry, n);
	close(fd);
	return 0;
}
