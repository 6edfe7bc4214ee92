/* Labelled samples out of arrays, tables and files of one each. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "formats/csv.h"
#include "formats/dataset.h"
#include "formats/dataset_files.h"
#include "formats/dataset_labels.h"
#include "formats/dataset_sets.h"
#include "formats/image.h"
#include "formats/npy.h"
#include "formats/onnx.h"

struct dataset {
	struct dataset_options o;
	char *path; /* its data */
	struct preprocess_spec spec;
	int64_t n;
	struct npy *rows;        /* a .npy, read row by row */
	struct npz_entry *entry; /* a .npz, in memory */
	int nentries;
	struct tensor joined;       /* the samples of batches in test sets */
	const struct tensor *array; /* the samples in either */
	struct sample_files files;
	bool sets;      /* the files are TensorProtos, else pictures */
	struct csv csv; /* rows of numbers */
	int skip;       /* its column of labels, or -1 */
	int64_t *label; /* NULL: those of the files, if any */
};

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

static bool is_one_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* How well an array's name fits: the input's own, a usual one, or at least not one of labels. */
static int fit_of(const struct dataset *d, const char *name)
{
	static const char *const usual[] = {"data", "images", "x"};
	if (is_one_of(name, d->o.names, d->o.nnames))
		return 3;
	if (d->o.several || labels_are_named(name))
		return 0;
	return is_one_of(name, usual, 3) ? 2 : 1;
}

static int open_npz(struct dataset *d, struct err *err)
{
	const struct tensor *y = NULL;
	int best = 0, r = npz_read(d->o.data, &d->entry, &d->nentries, err);
	for (int i = 0; !r && i < d->nentries; i++) {
		const struct npz_entry *e = &d->entry[i];
		int fit = fit_of(d, e->name);
		if (!fit && labels_are_named(e->name))
			y = &e->tensor;
		if (fit > best) {
			best = fit;
			d->array = &e->tensor;
		}
	}
	if (r)
		return r;
	if (!d->array || d->array->rank < 1)
		return fail(err, E_FORMAT, "'%s': no array of samples%s%s", d->o.data,
		    d->o.nnames ? " for input " : "", d->o.nnames ? d->o.names[0] : "");
	d->n = d->array->dim[0];
	if (y && !d->o.labels)
		r = labels_from_tensor(y, d->n, &d->label, err);
	return r ? err_in(err, "'%s'", d->o.data) : OK;
}

/* ---- tables ---- */

/* Elements of one sample that the input takes, -1 when it is open. */
static int64_t elements(const struct shape *s)
{
	int64_t n = 1;
	for (int i = 1; i < s->rank; i++) {
		if (!dim_static(s->dim[i]) || s->dim[i].min > LIMIT_TENSOR_BYTES)
			return -1;
		n *= s->dim[i].min ? s->dim[i].min : 1;
		if (n > LIMIT_TENSOR_BYTES)
			return -1;
	}
	return s->rank > 0 ? n : -1;
}

static int open_csv(struct dataset *d, struct err *err)
{
	int path;
	int r = csv_read(d->o.data, &d->csv, err);
	if (r)
		return r;
	r = table_columns(&d->csv, d->o.labels, elements(&d->o.input.shape), &path, &d->skip, err);
	if (!r && path >= 0) {
		r = files_from_table(&d->files, &d->csv, d->o.data, path, d->skip, err);
		csv_free(&d->csv);
		d->n = d->files.n;
	} else if (!r) {
		d->n = d->csv.rows;
		if (d->skip >= 0)
			r = labels_from_table(&d->csv, d->skip, &d->label, err);
	}
	if (table_names_column(d->o.labels))
		d->o.labels = NULL;
	return r ? err_in(err, "'%s'", d->o.data) : OK;
}

/* A row of the table in the shape of the input where it has as many numbers. */
static int table_row(const struct dataset *d, int64_t i, struct tensor *out, struct err *err)
{
	int64_t n = d->csv.columns - (d->skip >= 0), dim[MAX_RANK] = {n};
	int rank = 1;
	int64_t takes = elements(&d->o.input.shape);
	if (takes >= 0 && n != takes)
		return fail(err, E_USAGE, "%lld numbers where the input takes %lld", (long long)n,
		    (long long)takes);
	if (takes >= 0)
		rank = preprocess_row_dims(&d->spec, &d->o.input, dim);
	int r = tensor_alloc(out, DT_F64, rank, dim, err);
	r = r ? r : csv_numbers(&d->csv, i, d->skip, out->data, err);
	if (r)
		tensor_free(out);
	return r;
}

/* ---- what the data are ---- */

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
	if (!S_ISREG(st.st_mode)) /* which could not be read twice */
		return fail(err, E_IO, "cannot read '%s': neither a file nor a folder", path);
	f = fopen(path, "rb");
	if (!f)
		return fail_errno(err, "open", path);
	if (fread(magic, 1, 6, f) < 2)
		magic[0] = 0;
	fclose(f);
	return OK;
}

static bool ends_in(const char *path, const char *ending)
{
	size_t n = strlen(path), k = strlen(ending);
	return n > k && !strcasecmp(path + n - k, ending);
}

/* Batches in test sets are rows of an array. */
static int join_sets(struct dataset *d, struct err *err)
{
	int r = sets_join(&d->files, &d->o.input.shape, d->o.labels != NULL, &d->joined, err);
	if (r || d->joined.type == DT_NONE)
		return r;
	d->array = &d->joined;
	d->sets = false;
	files_free(&d->files);
	r = files_init(&d->files, err);
	d->n = d->joined.dim[0];
	return r;
}

static int open_folder(struct dataset *d, struct err *err)
{
	int r = files_from_test_sets(&d->files, d->o.data, d->o.slot, err);
	d->sets = d->files.n > 0;
	d->n = d->files.n;
	if (!r && d->sets)
		return join_sets(d, err);
	r = r ? r : files_from_folder(&d->files, d->o.data, &d->o.log, err);
	d->n = d->files.n;
	return r;
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
	if (!folder && (ends_in(d->o.data, ".csv") || ends_in(d->o.data, ".tsv")))
		return open_csv(d, err);
	if (folder)
		return open_folder(d, err);
	if (image_is(d->o.data))
		r = files_add(&d->files, d->o.data, -1, err);
	else
		r = files_from_list(&d->files, d->o.data, err);
	d->n = d->files.n;
	return r;
}

/* As the data have it; -1 when there is none. */
static int64_t stored_label(const struct dataset *d, int64_t i)
{
	return d->label ? d->label[i] : d->files.n ? d->files.sample[i].label : -1;
}

static int check_labels(const struct dataset *d, struct err *err)
{
	for (int64_t i = 0; i < d->n; i++) {
		int64_t l = stored_label(d, i);
		const char *file = d->o.labels && !table_names_column(d->o.labels) ? d->o.labels
										   : d->o.data;
		if (d->label && l < 0)
			return fail(err, E_FORMAT,
			    "'%s': label %" PRId64 " of row %" PRId64 " is below 0", file, l, i);
		if (l >= 0 && (l > INT32_MAX || l + d->o.label_offset < 0))
			return fail(err, E_FORMAT,
			    "'%s': label %" PRId64 " of row %" PRId64
			    ", with the offset %d, is no class",
			    file, l, i, d->o.label_offset);
	}
	return OK;
}

int dataset_open(const struct dataset_options *o, struct dataset **out, struct err *err)
{
	struct dataset *d = calloc(1, sizeof *d);
	if (!d)
		return fail_nomem(err);
	d->o = *o;
	d->skip = -1;
	if (o->preprocess)
		d->spec = *o->preprocess;
	d->o.data = d->path = strdup(o->data);
	int r = d->path ? files_init(&d->files, err) : fail_nomem(err);
	r = r ? r : open_source(d, err);
	if (!r && !d->n)
		r = fail(err, E_FORMAT, "'%s' holds no samples", o->data);
	if (!r && o->shared && !d->entry && !d->sets && d->joined.type == DT_NONE)
		r = fail(err, E_USAGE,
		    "no data for input '%s' (--data NAME=FILE): '%s' holds those of one",
		    o->names[0], o->data);
	if (!r && d->n > LIMIT_SAMPLES)
		r = fail(err, E_LIMIT, "'%s' holds more than %d samples", o->data, LIMIT_SAMPLES);
	if (!r && d->o.labels) {
		free(d->label);
		d->label = NULL;
		r = labels_read(d->o.labels, d->n, &d->label, err);
	}
	r = r ? r : check_labels(d, err);
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
	tensor_free(&d->joined);
	files_free(&d->files);
	csv_free(&d->csv);
	free(d->label);
	free(d->path);
	free(d);
}

int64_t dataset_count(const struct dataset *d)
{
	return d->n;
}

/* ---- samples ---- */

static int64_t label_of(const struct dataset *d, int64_t i)
{
	int64_t l = stored_label(d, i);
	return l < 0 ? -1 : l + d->o.label_offset;
}

bool dataset_labelled(const struct dataset *d)
{
	return d->label || (d->files.n && d->files.sample[0].label >= 0);
}

/* Row i of an array, its data borrowed. */
static struct tensor array_row(const struct tensor *a, int64_t i)
{
	struct tensor t = {.type = a->type, .rank = a->rank - 1};
	memcpy(t.dim, a->dim + 1, t.rank * sizeof *t.dim);
	t.data = (char *)a->data + i * tensor_bytes(&t);
	return t;
}

static int read_raw(const struct dataset *d, int64_t i, struct tensor *raw, struct err *err)
{
	if (d->array)
		*raw = array_row(d->array, i);
	if (d->array)
		return OK;
	if (d->rows)
		return npy_row(d->rows, i, raw, err);
	if (d->csv.text)
		return table_row(d, i, raw, err);
	if (d->sets)
		return onnx_tensor_read(d->files.sample[i].path, raw, err);
	const char *path = d->files.sample[i].path;
	return sample_file_is_array(path) ? npy_read(path, raw, err) : image_read(path, raw, err);
}

static bool is_picture(const struct dataset *d, int64_t i)
{
	return d->files.n > 0 && !sample_file_is_array(d->files.sample[i].path);
}

/* An array file may have its sample's batch dim of 1. */
static void drop_batch(const struct dataset *d, int64_t i, struct tensor *raw)
{
	const struct preprocess_target *to = &d->o.input;
	if (!d->files.n || is_picture(d, i) || raw->rank < 2 || raw->dim[0] != 1 ||
	    raw->rank != to->shape.rank)
		return;
	raw->rank--;
	memmove(raw->dim, raw->dim + 1, (size_t)raw->rank * sizeof *raw->dim);
}

/* A tensor of a test set has its batch dim already. */
static int take_whole(
    const struct dataset *d, struct tensor *raw, struct tensor *out, struct err *err)
{
	const struct preprocess_target *to = &d->o.input;
	if (to->type != DT_NONE && raw->type != to->type)
		return fail(err, E_USAGE, "it is of type %s, the input takes %s",
		    dtype_name(raw->type), dtype_name(to->type));
	if (!shape_fits(&to->shape, raw->rank, raw->dim))
		return fail(err, E_USAGE, "its sizes do not fit the input");
	*out = *raw;
	*raw = (struct tensor){0};
	return OK;
}

static int check_finite(const struct tensor *t, struct err *err)
{
	int64_t n = dtype_is_float(t->type) ? tensor_count(t) : 0;
	for (int64_t i = 0; i < n; i++) {
		double v = t->type == DT_F32 ? ((const float *)t->data)[i] : tensor_f64(t, i);
		if (!isfinite(v))
			return fail(err, E_DATA, "value %" PRId64 " is %s", i,
			    isnan(v) ? "NaN" : "infinite");
	}
	return OK;
}

int dataset_sample(
    const struct dataset *d, int64_t i, struct tensor *out, int64_t *label, struct err *err)
{
	struct tensor raw = {0};
	char name[DATASET_NAME];
	int r = read_raw(d, i, &raw, err);
	if (!r) {
		*label = label_of(d, i);
		if (!d->sets)
			drop_batch(d, i, &raw);
		r = d->sets
			? take_whole(d, &raw, out, err)
			: preprocess_apply(&d->spec, &d->o.input, &raw, is_picture(d, i), out, err);
		if (!r && (r = check_finite(out, err)))
			tensor_free(out);
	}
	if (!d->array)
		tensor_free(&raw);
	if (!r || r == E_NOMEM)
		return r;
	/* Those who read a file have named it. */
	return d->files.n && r != E_USAGE && r != E_DATA
		   ? r
		   : err_in(err, "'%s': %s", d->o.data, dataset_name(d, i, name));
}

const char *dataset_name(const struct dataset *d, int64_t i, char buf[DATASET_NAME])
{
	if (d->files.n)
		return d->files.sample[i].path;
	snprintf(buf, DATASET_NAME, "row %lld", (long long)i);
	return buf;
}

const char *dataset_class(const struct dataset *d, int64_t label)
{
	label -= d->o.label_offset;
	return label >= 0 && label < d->files.nclasses ? d->files.class[label] : NULL;
}

int64_t dataset_folder(const struct dataset *d, int64_t i)
{
	return d->files.nclasses ? d->files.sample[i].label : -1;
}
