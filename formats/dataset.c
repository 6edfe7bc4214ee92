/* Labelled samples out of arrays and picture files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "formats/dataset.h"
#include "formats/dataset_files.h"
#include "formats/image.h"
#include "formats/npy.h"

#define LABEL_TEXT_BYTES (1 << 28)

struct dataset {
	struct dataset_options o;
	struct preprocess_spec spec;
	int64_t n;
	struct npy *rows;        /* a .npy, read row by row */
	struct npz_entry *entry; /* a .npz, in memory */
	int nentries;
	const struct tensor *array; /* the samples in it */
	struct sample_files files;
	int64_t *label; /* NULL: those of the files, if any */
	char name[64];
};

static int take_labels(struct dataset *d, const struct tensor *t, struct err *err)
{
	int64_t n = tensor_count(t);
	if (!dtype_is_int(t->type) && t->type != DT_BOOL)
		return fail(
		    err, E_FORMAT, "labels of type %s are no whole numbers", dtype_name(t->type));
	if (n != d->n)
		return fail(
		    err, E_FORMAT, "%lld labels for %lld samples", (long long)n, (long long)d->n);
	d->label = malloc((n ? n : 1) * sizeof *d->label);
	if (!d->label)
		return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		d->label[i] = tensor_i64(t, i);
	return OK;
}

/* One integer a line. */
static int read_label_text(const char *path, struct tensor *out, struct err *err)
{
	char *text, *save = NULL;
	size_t size;
	int64_t n = 0, lines = 1;
	int r = file_slurp(path, LABEL_TEXT_BYTES, &text, &size, err);
	if (r)
		return r;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	r = tensor_alloc(out, DT_I64, 1, &lines, err);
	for (char *w = r ? NULL : strtok_r(text, "\n\r", &save); w && !r;
	     w = strtok_r(NULL, "\n\r", &save))
		if (!parse_i64(w, (int64_t *)out->data + n++))
			r = fail(err, E_FORMAT, "line '%.40s' is no whole number", w);
	out->dim[0] = n;
	free(text);
	return r;
}

static int read_labels(struct dataset *d, struct err *err)
{
	struct tensor t = {0};
	const char *path = d->o.labels;
	size_t n = strlen(path);
	int r = n > 4 && !strcmp(path + n - 4, ".npy") ? npy_read(path, &t, err)
						       : read_label_text(path, &t, err);
	r = r ? r : take_labels(d, &t, err);
	tensor_free(&t);
	return r && r != E_IO ? err_in(err, "'%s'", path) : r;
}

static int open_npy(struct dataset *d, struct err *err)
{
	int r = npy_open(d->o.data, &d->rows, err);
	if (r)
		return r;
	const struct tensor *h = npy_header(d->rows);
	if (h->rank < 1)
		return fail(err, E_FORMAT, "'%s': one number is no list of samples", d->o.data);
	d->n = h->dim[0];
	return OK;
}

static bool entry_is(const struct npz_entry *e, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(e->name, *names))
			return true;
	return false;
}

/* The samples of a .npz are its "data", "images" or "x", else the first array that is no labels. */
static int open_npz(struct dataset *d, struct err *err)
{
	static const char *const data[] = {"data", "images", "x", NULL};
	static const char *const labels[] = {"labels", "label", "y", NULL};
	const struct tensor *y = NULL;
	int r = npz_read(d->o.data, &d->entry, &d->nentries, err);
	for (int i = 0; !r && i < d->nentries; i++) {
		const struct npz_entry *e = &d->entry[i];
		if (entry_is(e, labels))
			y = &e->tensor;
		else if (!d->array || entry_is(e, data))
			d->array = &e->tensor;
	}
	if (r)
		return r;
	if (!d->array || d->array->rank < 1)
		return fail(err, E_FORMAT, "'%s': no array of samples", d->o.data);
	d->n = d->array->dim[0];
	return y && !d->o.labels ? take_labels(d, y, err) : OK;
}

static int file_kind(const char *path, char magic[6], bool *folder, struct err *err)
{
	struct stat st;
	FILE *f;
	memset(magic, 0, 6);
	*folder = false;
	if (stat(path, &st))
		return fail_errno(err, "open", path);
	*folder = S_ISDIR(st.st_mode);
	if (*folder)
		return OK;
	f = fopen(path, "rb");
	if (!f)
		return fail_errno(err, "open", path);
	if (fread(magic, 1, 6, f) < 2)
		magic[0] = 0;
	fclose(f);
	return OK;
}

static int open_source(struct dataset *d, struct err *err)
{
	char magic[6];
	bool folder = false;
	int r = file_kind(d->o.data, magic, &folder, err);
	if (r)
		return r;
	if (!folder && !memcmp(magic, "\x93NUMPY", 6))
		return open_npy(d, err);
	if (!folder && !memcmp(magic, "PK", 2))
		return open_npz(d, err);
	if (folder)
		r = files_from_folder(&d->files, d->o.data, err);
	else if (image_is(d->o.data))
		r = files_add(&d->files, d->o.data, -1, err);
	else
		r = files_from_list(&d->files, d->o.data, err);
	d->n = d->files.n;
	return r;
}

int dataset_open(const struct dataset_options *o, struct dataset **out, struct err *err)
{
	struct dataset *d = calloc(1, sizeof *d);
	if (!d)
		return fail_nomem(err);
	d->o = *o;
	if (o->preprocess)
		d->spec = *o->preprocess;
	int r = files_init(&d->files, err);
	r = r ? r : open_source(d, err);
	if (!r && !d->n)
		r = fail(err, E_FORMAT, "'%s' holds no samples", o->data);
	if (!r && d->n > LIMIT_SAMPLES)
		r = fail(err, E_LIMIT, "'%s' holds more than %d samples", o->data, LIMIT_SAMPLES);
	if (!r && o->labels)
		r = read_labels(d, err);
	if (r) {
		dataset_close(d);
		return r;
	}
	*out = d;
	return OK;
}

void dataset_close(struct dataset *d)
{
	if (!d)
		return;
	npy_close(d->rows);
	npz_free(d->entry, d->nentries);
	files_free(&d->files);
	free(d->label);
	free(d);
}

int64_t dataset_count(const struct dataset *d)
{
	return d->n;
}

static int64_t label_of(const struct dataset *d, int64_t i)
{
	if (d->label)
		return d->label[i];
	return d->files.n ? d->files.sample[i].label : -1;
}

bool dataset_labelled(const struct dataset *d)
{
	return d->label || (d->files.n && d->files.sample[0].label >= 0);
}

/* Row i of the .npz's array, its data borrowed. */
static struct tensor array_row(const struct tensor *a, int64_t i)
{
	struct tensor t = {.type = a->type, .rank = a->rank - 1};
	memcpy(t.dim, a->dim + 1, t.rank * sizeof *t.dim);
	t.data = (char *)a->data + i * tensor_bytes(&t);
	return t;
}

int dataset_sample(
    struct dataset *d, int64_t i, struct tensor *out, int64_t *label, struct err *err)
{
	struct tensor raw = {0};
	int r = OK;
	if (d->array)
		raw = array_row(d->array, i);
	else if (d->rows)
		r = npy_row(d->rows, i, &raw, err);
	else
		r = image_read(d->files.sample[i].path, &raw, err);
	if (r)
		return r;
	int64_t l = label_of(d, i);
	*label = l < 0 ? -1 : l + d->o.label_offset;
	r = preprocess_apply(&d->spec, &d->o.input, &raw, d->files.n > 0, out, err);
	if (!d->array)
		tensor_free(&raw);
	return r ? err_in(err, "'%s': %s", d->o.data, dataset_name(d, i)) : OK;
}

const char *dataset_name(struct dataset *d, int64_t i)
{
	if (d->files.n)
		return d->files.sample[i].path;
	snprintf(d->name, sizeof d->name, "row %lld", (long long)i);
	return d->name;
}

const char *dataset_class(const struct dataset *d, int64_t label)
{
	label -= d->o.label_offset;
	return label >= 0 && label < d->files.nclasses ? d->files.class[label] : NULL;
}
