/* NumPy .npy files: read whole or row by row, written whole or not at all. */
#include "formats/npy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/npy_header.h"

/* Rows of larger files leave memory when they have been read. */
#define FORGET ((size_t)16 << 20)

struct npy {
	struct file *file;
	struct npy_header header;
	char *path;
};

int npy_open(const char *path, struct npy **out, struct err *err)
{
	struct npy *f = calloc(1, sizeof *f);
	int rc;

	if (!f || !(f->path = strdup(path))) {
		free(f);
		return fail_nomem(err);
	}
	rc = file_map(path, &f->file, err);
	if (rc == OK) {
		rc = npy_header_parse(f->file->data, f->file->size, &f->header, err);
		if (rc != OK)
			err_in(err, "'%s'", path);
	}
	if (rc != OK) {
		npy_close(f);
		return rc;
	}
	*out = f;
	return OK;
}

void npy_close(struct npy *f)
{
	if (!f)
		return;
	file_unref(f->file);
	free(f->path);
	free(f);
}

const struct tensor *npy_header(const struct npy *f)
{
	return &f->header.shape;
}

int npy_row(struct npy *f, int64_t i, struct tensor *out, struct err *err)
{
	const struct tensor *t = &f->header.shape;
	int64_t stride[MAX_RANK];
	size_t from, n = (size_t)dtype_bits(t->type) / 8;
	int rc;

	if (!t->rank || i < 0 || i >= t->dim[0])
		return fail(err, E_USAGE, "'%s' has no row %" PRId64, f->path, i);
	npy_strides(&f->header, stride);
	rc = tensor_reserve(out, t->type, t->rank - 1, t->dim + 1, err);
	if (rc != OK)
		return rc;
	from = f->header.offset + (size_t)(i * stride[0]) * n;
	npy_gather(out, f->file->data + from, stride + 1, &f->header);
	if (!f->header.fortran && f->file->size > FORGET)
		file_forget(f->file, from, tensor_bytes(out));
	return OK;
}

int npy_read(const char *path, struct tensor *out, struct err *err)
{
	struct npy *f;
	const struct tensor *t;
	int64_t stride[MAX_RANK];
	int rc = npy_open(path, &f, err);

	if (rc != OK)
		return rc;
	t = &f->header.shape;
	rc = tensor_alloc(out, t->type, t->rank, t->dim, err);
	if (rc == OK) {
		npy_strides(&f->header, stride);
		npy_gather(out, f->file->data + f->header.offset, stride, &f->header);
	}
	npy_close(f);
	return rc;
}

/* Types narrower than a byte take a byte each. */
static int write_unpacked(struct output *o, const struct tensor *t, struct err *err)
{
	int64_t count = tensor_count(t);
	uint8_t buf[4096];
	int rc = OK;

	for (int64_t i = 0; i < count && rc == OK;) {
		size_t n = 0;
		while (n < sizeof buf && i < count)
			buf[n++] = (uint8_t)tensor_i64(t, i++);
		rc = output_write(o, buf, n, err);
	}
	return rc;
}

int npy_write(const char *path, const struct tensor *t, struct err *err)
{
	struct text header = {0};
	struct output *o = NULL;
	int rc = npy_header_text(&header, t, err);

	if (rc == OK)
		rc = output_open(path, &o, err);
	if (rc == OK)
		rc = output_write(o, header.data, header.len, err);
	if (rc == OK)
		rc = dtype_bits(t->type) < 8 ? write_unpacked(o, t, err)
					     : output_write(o, t->data, tensor_bytes(t), err);
	if (rc == OK)
		rc = output_close(o, err);
	text_free(&header);
	if (rc == OK)
		return output_rename(o, err);
	output_abort(o);
	return rc;
}
