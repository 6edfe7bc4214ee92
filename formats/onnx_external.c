/* Tensors kept in files beside the model: found within its folder only, and mapped. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "formats/onnx_tensor.h"

struct place {
	const char *location;
	int64_t offset, length; /* length -1: to what the tensor needs */
};

static int read_place(const Onnx__TensorProto *t, struct place *p, struct err *err)
{
	*p = (struct place){.length = -1};
	for (size_t i = 0; i < t->n_external_data; i++) {
		const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
		int64_t *number = NULL;
		if (!key || !value)
			continue;
		if (!strcmp(key, "location"))
			p->location = value;
		else if (!strcmp(key, "offset"))
			number = &p->offset;
		else if (!strcmp(key, "length"))
			number = &p->length;
		if (number && (!parse_i64(value, number) || *number < 0))
			return fail(err, E_FORMAT, "external data has the %s '%s'", key, value);
	}
	if (!p->location || !*p->location)
		return fail(err, E_FORMAT, "external data has no location");
	return OK;
}

/* No absolute path and no way up. */
static bool stays_within(const char *location)
{
	if (location[0] == '/')
		return false;
	for (const char *p = location; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
			return false;
	}
	return true;
}

/* The real path of location in dir; symbolic links may not lead out of it. Heap. */
static int resolve(const char *dir, const char *location, char **out, struct err *err)
{
	char path[PATH_MAX], *real_dir = realpath(*dir ? dir : ".", NULL), *real = NULL;
	int n = snprintf(path, sizeof path, "%s/%s", *dir ? dir : ".", location), status = OK;
	if (real_dir && n > 0 && n < (int)sizeof path)
		real = realpath(path, NULL);
	size_t len = real_dir ? strlen(real_dir) : 0;
	if (len == 1)
		len = 0; /* the root: every absolute path begins with it */
	if (!real)
		status = fail_errno(err, "find external data", location);
	else if (strncmp(real, real_dir, len) || real[len] != '/')
		status = fail(err, E_FORMAT,
		    "external data '%s' is a link out of the model's folder", location);
	free(real_dir);
	if (status != OK)
		free(real);
	else
		*out = real;
	return status;
}

static int open_external(
    struct onnx_source *s, const char *location, struct file **out, struct err *err)
{
	char *path = NULL;
	*out = map_get(&s->external, location);
	if (*out)
		return OK;
	if (!s->dir)
		return fail(err, E_UNSUPPORTED, "external data '%s' of a model that is not a file",
		    location);
	if (!stays_within(location))
		return fail(
		    err, E_FORMAT, "external data '%s' lies outside the model's folder", location);
	int status = resolve(s->dir, location, &path, err);
	if (status == OK)
		status = file_map(path, out, err);
	if (status == OK && !map_put(&s->external, location, *out)) {
		file_unref(*out);
		status = fail_nomem(err);
	}
	if (status == OK && s->depends)
		s->depends(s->user, path);
	free(path);
	return status;
}

int onnx_external_load(struct onnx_source *s, const Onnx__TensorProto *t, size_t size,
    struct blob **out, struct err *err)
{
	struct place p;
	struct file *f;
	int status = read_place(t, &p, err);
	if (status == OK)
		status = open_external(s, p.location, &f, err);
	if (status != OK)
		return status;
	if (p.length >= 0 && (uint64_t)p.length != size)
		return fail(err, E_FORMAT,
		    "external data has %lld bytes, its type and dims ask for %zu",
		    (long long)p.length, size);
	if ((uint64_t)p.offset > f->size || f->size - (size_t)p.offset < size)
		return fail(err, E_FORMAT, "external data at %lld of '%s' ends beyond the file",
		    (long long)p.offset, p.location);
	*out = blob_mapped(f, (size_t)p.offset, size);
	return *out ? OK : fail_nomem(err);
}

void onnx_source_close(struct onnx_source *s)
{
	for (size_t i = 0; i < s->external.n; i++)
		file_unref(s->external.entry[i].value);
	map_free(&s->external);
}
