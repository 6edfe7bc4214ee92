/* The public C library behind mo.h: models and requests over graph and exec. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "exec/exec.h"
#include "formats/model.h"
#include "mo.h"
#include "version.h"

_Static_assert((int)MO_NF4 == DT_NF4 && (int)MO_U64 == DT_U64 && (int)MO_BOOL == DT_BOOL,
    "mo_type and dtype list the same types");
_Static_assert((int)MO_E_USAGE == E_USAGE && MO_MAX_RANK == MAX_RANK, "mo.h follows base");

struct mo_model {
	struct graph *g;
	pthread_mutex_t lock; /* making a request evaluates deferred constants of the graph */
};

struct mo_request {
	struct mo_model *model;
	struct pool *pool;
	struct exec *exec;
	struct tensor *in, *out;
};

static _Thread_local char last_error[1024];

/* Keeps the words for mo_error and gives the status back. */
static int failed(int status, struct err *err)
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
		return failed(fail_nomem(&err), &err);
	int r = model_read(path, &o, &m->g, NULL, &err);
	if (!r && pthread_mutex_init(&m->lock, NULL))
		r = fail_nomem(&err);
	if (r) {
		graph_free(m->g);
		free(m);
		return failed(r, &err);
	}
	*out = m;
	return OK;
}

void mo_model_free(struct mo_model *m)
{
	if (!m)
		return;
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
		return failed(
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

int mo_request_new(struct mo_model *m, int threads, struct mo_request **out)
{
	struct err err = {0};
	struct mo_request *r = calloc(1, sizeof *r);
	*out = NULL;
	if (!r)
		return failed(fail_nomem(&err), &err);
	r->model = m;
	r->in = calloc(m->g->ninputs + 1, sizeof *r->in);
	r->out = calloc(m->g->noutputs + 1, sizeof *r->out);
	int s = r->in && r->out ? OK : fail_nomem(&err);
	if (!s && (threads < 0 || threads > LIMIT_THREADS))
		s = fail(&err, E_USAGE, "%d threads are out of range", threads);
	s = s ? s : pool_new(threads, &r->pool, &err);
	if (!s) {
		struct exec_options o = {.pool = r->pool};
		pthread_mutex_lock(&m->lock);
		s = exec_new(m->g, &o, &r->exec, &err);
		pthread_mutex_unlock(&m->lock);
	}
	if (s) {
		mo_request_free(r);
		return failed(s, &err);
	}
	*out = r;
	return OK;
}

void mo_request_free(struct mo_request *r)
{
	if (!r)
		return;
	exec_free(r->exec);
	pool_free(r->pool);
	free(r->in);
	free(r->out);
	free(r);
}

/* The caller's tensor as ours; E_USAGE when it is none. */
static int take(const struct mo_tensor *t, int k, struct tensor *out, struct err *err)
{
	int64_t n = 1;
	if (t->type <= MO_NONE || t->type > MO_NF4 || t->rank < 0 || t->rank > MO_MAX_RANK)
		return fail(err, E_USAGE, "input %d: no type, or a rank out of range", k);
	*out = (struct tensor){.type = (enum dtype)t->type, .rank = t->rank, .data = t->data};
	for (int i = 0; i < t->rank; i++) {
		if (t->dim[i] < 0 || __builtin_mul_overflow(n, t->dim[i], &n))
			return fail(err, E_USAGE, "input %d: sizes out of range", k);
		out->dim[i] = t->dim[i];
	}
	if (dtype_bytes(out->type, n) < 0)
		return fail(err, E_LIMIT, "input %d: sizes out of range", k);
	return t->data || !n ? OK : fail(err, E_USAGE, "input %d: no data", k);
}

static void give(const struct tensor *t, struct mo_tensor *out)
{
	memset(out, 0, sizeof *out);
	out->type = (enum mo_type)t->type;
	out->rank = t->rank;
	memcpy(out->dim, t->dim, t->rank * sizeof *t->dim);
	out->data = t->data;
}

int mo_request_run(struct mo_request *r, const struct mo_tensor *in, struct mo_tensor *out)
{
	struct err err = {0};
	const struct graph *g = r->model->g;
	int s = OK;
	for (int k = 0; k < g->ninputs && !s; k++)
		s = take(&in[k], k, &r->in[k], &err);
	s = s ? s : exec_run(r->exec, r->in, r->out, &err);
	for (int k = 0; k < g->noutputs && !s; k++)
		give(&r->out[k], &out[k]);
	return failed(s, &err);
}

void mo_request_reset(struct mo_request *r)
{
	exec_reset_state(r->exec);
}
