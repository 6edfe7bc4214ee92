/* Test sets whose tensors hold a batch of samples, as rows of one array. */
#include "formats/dataset_sets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "formats/onnx.h"

static bool is_batch(const struct tensor *t, const struct shape *takes, bool labelled)
{
	int64_t one[MAX_RANK];
	bool open = takes->rank < 1 || !dim_static(takes->dim[0]);
	if (t->rank < 1 || t->dim[0] < 2 || (open && !labelled))
		return false;
	memcpy(one, t->dim, sizeof one);
	one[0] = 1;
	return shape_fits(takes, t->rank, one);
}

static int check_same(const struct tensor *a, const struct tensor *t, struct err *err)
{
	bool same = a->type == t->type && a->rank == t->rank;
	for (int d = 1; same && d < a->rank; d++)
		same = a->dim[d] == t->dim[d];
	return same ? OK
		    : fail(err, E_FORMAT, "its samples are not of the type and sizes of the first");
}

/* Makes room for the rows of t. */
static int grow(struct tensor *rows, const struct tensor *t, struct err *err)
{
	struct tensor all = *rows;
	if (add_i64(all.dim[0], t->dim[0], &all.dim[0]) || all.dim[0] > LIMIT_SAMPLES)
		return fail(err, E_LIMIT, "more than %d samples", LIMIT_SAMPLES);
	void *data = realloc(all.data, tensor_bytes(&all) + 1);
	if (!data)
		return fail_nomem(err);
	memcpy((char *)data + tensor_bytes(rows), t->data, tensor_bytes(t));
	all.data = data;
	*rows = all;
	return OK;
}

int sets_join(const struct sample_files *files, const struct shape *takes, bool labelled,
    struct tensor *rows, struct err *err)
{
	int r = OK;
	*rows = (struct tensor){0};
	for (int64_t i = 0; i < files->n && !r; i++) {
		struct tensor t = {0};
		r = onnx_tensor_read(files->sample[i].path, &t, err);
		if (!i && (r || !is_batch(&t, takes, labelled))) {
			tensor_free(&t);
			err_clear(err); /* whoever reads the sample says so */
			return r == E_NOMEM ? fail_nomem(err) : OK;
		}
		if (!i) {
			*rows = t;
			continue;
		}
		if (!r && (r = check_same(rows, &t, err) ? err->status : grow(rows, &t, err)))
			err_in(err, "'%s'", files->sample[i].path);
		tensor_free(&t);
	}
	if (r)
		tensor_free(rows);
	return r;
}
