/* Networks from files, models and compiled blobs; the blob's sections go to the executor. */
#include "cli/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "formats/blob.h"

/* ---- reading ---- */

static int section(struct file *f, const struct blob_head *h, const char *name, bool verify,
    struct blob **out, struct err *err)
{
	const struct blob_entry *e;
	int rc = blob_file_section(f, h, name, verify, &e, err);
	if (rc)
		return rc;
	*out = blob_mapped(f, e->offset, e->size);
	return *out ? OK : fail_nomem(err);
}

static int load(struct file *f, bool verify, struct graph **out, struct err *err)
{
	struct blob *graph = NULL, *plan = NULL, *weights = NULL;
	struct blob_head h;
	int rc = blob_file_open(f, &h, err);
	rc = rc ? rc : section(f, &h, "graph", true, &graph, err);
	rc = rc ? rc : section(f, &h, "plan", true, &plan, err);
	rc = rc ? rc : section(f, &h, "weights", verify, &weights, err);
	rc = rc ? rc : exec_load(graph, plan, weights, out, err);
	blob_unref(graph);
	blob_unref(plan);
	blob_unref(weights);
	return rc;
}

int network_map(const char *path, bool verify, struct graph **out, struct err *err)
{
	struct file *f;
	int rc = file_map(path, &f, err);
	if (rc)
		return rc;
	rc = load(f, verify, out, err);
	file_unref(f);
	return rc ? err_in(err, "'%s'", path) : OK;
}

static bool is_blob(const char *path)
{
	char magic[8];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(magic, 1, sizeof magic, f) : 0;
	if (f)
		fclose(f);
	return blob_file_sniff(magic, n);
}

int network_read(const char *path, const struct onnx_options *o, struct graph **out,
    enum model_format *format, struct err *err)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode) || !is_blob(path))
		return model_read(path, o, out, format, err);
	if (format)
		*format = MODEL_BLOB;
	return network_map(path, false, out, err);
}

/* ---- writing ---- */

/* The .bin beside an .xml; NULL when there is none. The caller frees it. */
static char *bin_of(const char *path)
{
	size_t n = strlen(path);
	if (n < 4 || strcmp(path + n - 4, ".xml"))
		return NULL;
	char *bin = strdup(path);
	if (bin)
		memcpy(bin + n - 3, "bin", 3);
	if (bin && access(bin, R_OK)) {
		free(bin);
		return NULL;
	}
	return bin;
}

/* Of the file's content and the hash before. */
static int hash_file(const char *path, uint64_t *hash, struct err *err)
{
	struct file *f;
	int rc = file_map(path, &f, err);
	if (rc)
		return rc;
	*hash = XXH3_64bits_withSeed(f->data, f->size, *hash);
	file_unref(f);
	return OK;
}

int network_hash(const char *path, uint64_t *hash, struct err *err)
{
	char *bin = bin_of(path);
	*hash = 0;
	int rc = hash_file(path, hash, err);
	if (!rc && bin)
		rc = hash_file(bin, hash, err);
	free(bin);
	return rc;
}

static int write_image(struct output *o, uint64_t hash, const struct exec_image *i, struct err *err)
{
	struct blob_part *w = calloc(i->nweights + 1, sizeof *w);
	if (!w)
		return fail_nomem(err);
	for (size_t k = 0; k < i->nweights; k++)
		w[k] = (struct blob_part){i->weights[k].data, i->weights[k].size};
	struct blob_part graph = {i->graph.data, i->graph.size},
			 plan = {i->plan.data, i->plan.size};
	struct blob_section s[] = {
	    {"graph", &graph, 1}, {"plan", &plan, 1}, {"weights", w, i->nweights}};
	int rc = blob_file_write(o, hash, s, 3, err);
	free(w);
	return rc;
}

int network_write(struct exec *e, uint64_t hash, const char *path, struct err *err)
{
	struct exec_image i;
	struct output *o = NULL;
	int rc = exec_save(e, &i, err);
	rc = rc ? rc : output_open(path, &o, err);
	rc = rc ? rc : write_image(o, hash, &i, err);
	if (rc)
		output_abort(o);
	else
		rc = output_rename(o, err);
	exec_image_free(&i);
	return rc;
}
