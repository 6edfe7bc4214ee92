/* The public C library behind mo.h: models, and the words for failures. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "formats/model.h"
#include "version.h"

_Static_assert((int)MO_NF4 == DT_NF4 && (int)MO_U64 == DT_U64 && (int)MO_BOOL == DT_BOOL,
    "mo_type and dtype list the same types");
_Static_assert((int)MO_E_USAGE == E_USAGE && MO_MAX_RANK == MAX_RANK, "mo.h follows base");

static _Thread_local char last_error[1024];

int api_failed(int status, struct err *err)
{
	if (status) {
		strncpy(last_error, err->text, sizeof last_error - 1);
		last_error[sizeof last_error - 1] = 0;
	}
	err_clear(err);
	return status;
}

const char *mo_version(void)
{
	return MO_VERSION;
}

const char *mo_error(void)
{
	return last_error;
}

int mo_model_load(const char *path, struct mo_model **out)
{
	struct err err = {0};
	struct onnx_options o = {0};
	struct mo_model *m = calloc(1, sizeof *m);
	*out = NULL;
	if (!m)
		return api_failed(fail_nomem(&err), &err);
	int r = model_read(path, &o, &m->g, NULL, &err);
	if (!r && pthread_mutex_init(&m->lock, NULL))
		r = fail_nomem(&err);
	if (r) {
		graph_free(m->g);
		free(m);
		return api_failed(r, &err);
	}
	*out = m;
	return OK;
}

void mo_model_free(struct mo_model *m)
{
	if (!m)
		return;
	exec_free(m->exec);
	graph_free(m->g);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int mo_model_inputs(const struct mo_model *m)
{
	return m->g->ninputs;
}

int mo_model_outputs(const struct mo_model *m)
{
	return m->g->noutputs;
}

/* NULL when there is no such edge. */
static const struct value *edge(const struct mo_model *m, int k, bool output)
{
	if (k < 0 || k >= (output ? m->g->noutputs : m->g->ninputs))
		return NULL;
	return output ? node_in(m->g->outputs[k], 0) : &m->g->inputs[k]->out[0];
}

const char *mo_input_name(const struct mo_model *m, int k)
{
	const struct value *v = edge(m, k, false);
	return v ? value_name(v) : NULL;
}

const char *mo_output_name(const struct mo_model *m, int k)
{
	return edge(m, k, true) ? graph_output_name(m->g, k) : NULL;
}

static int edge_info(const struct mo_model *m, int k, bool output, struct mo_tensor *out)
{
	struct err err = {0};
	const struct value *v = edge(m, k, output);
	memset(out, 0, sizeof *out);
	if (!v)
		return api_failed(
		    fail(&err, E_USAGE, "there is no %s %d", output ? "output" : "input", k), &err);
	const struct shape *s = &v->info.shape;
	out->type = (enum mo_type)v->info.type;
	out->rank = s->rank;
	for (int i = 0; i < s->rank; i++)
		out->dim[i] = dim_static(s->dim[i]) ? s->dim[i].min : -1;
	return OK;
}

int mo_input_info(const struct mo_model *m, int k, struct mo_tensor *out)
{
	return edge_info(m, k, false, out);
}

int mo_output_info(const struct mo_model *m, int k, struct mo_tensor *out)
{
	return edge_info(m, k, true, out);
}
