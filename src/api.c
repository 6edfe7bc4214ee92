/* The public C library behind mo.h: models, and the words for failures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "exec/compiled.h"
#include "passes/pass.h"
#include "store/shapes.h"
#include "version.h"

_Static_assert((int)MO_NF4 == DT_NF4 && (int)MO_U64 == DT_U64 && (int)MO_BOOL == DT_BOOL,
    "mo_type and dtype list the same types");
_Static_assert((int)MO_CACHE_HIT == CACHE_HIT, "mo_cache and cache_use list the same");
_Static_assert((int)MO_E_USAGE == E_USAGE && MO_MAX_RANK == MAX_RANK, "mo.h follows base");

static _Thread_local char last_error[1024];

int api_failed(int status, struct err *err)
{
	if (status)
		snprintf(last_error, sizeof last_error, "%s", err->text);
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

/* ---- loading ---- */

/* Those that the caller's version knows. */
static struct mo_options options_known(const struct mo_options *o)
{
	struct mo_options all = {0};
	if (o)
		memcpy(&all, o, o->size < sizeof all ? o->size : sizeof all);
	return all;
}

static struct store_options options_of(const struct mo_options *o)
{
	struct mo_options all = options_known(o);
	return (struct store_options){.bf16 = all.bf16,
	    .exact = all.exact,
	    .no_mmap = all.no_mmap,
	    .cache = {all.cache_dir, all.cache_bytes}};
}

static struct mo_model *model_new(const struct store_options *o)
{
	struct mo_model *m = calloc(1, sizeof *m);
	if (m && pthread_mutex_init(&m->lock, NULL)) {
		free(m);
		m = NULL;
	}
	if (m)
		m->o = (struct exec_options){.bf16 = o->bf16, .exact = o->exact};
	return m;
}

/* Hands the model over, or frees it. */
static int finish(struct mo_model *m, int status, struct mo_model **out, struct err *err)
{
	*out = NULL;
	if (!m)
		return api_failed(fail_nomem(err), err);
	m->g = m->net.g;
	if (status)
		mo_model_free(m);
	else
		*out = m;
	return api_failed(status, err);
}

/* The sizes that the caller names, or those that the network has; none for one of open sizes. */
static int read_shapes(struct graph *g, const char *shapes, struct shape_sets *p, struct err *err)
{
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	bool known = true;
	*p = (struct shape_sets){0};
	for (int k = 0; in && k < g->ninputs; k++) {
		const struct info *info = &g->inputs[k]->out[0].info;
		known &= shape_static(&info->shape);
		in[k].type = info->type;
		in[k].rank = info->shape.rank;
		for (int d = 0; d < in[k].rank; d++)
			in[k].dim[d] = info->shape.dim[d].min;
	}
	int r = !in      ? fail_nomem(err)
		: shapes ? shapes_read(g, &shapes, 1, p, err)
		: known  ? shapes_add(p, g, in, err)
			 : OK;
	free(in);
	if (!r && shapes && p->s.open)
		return fail(
		    err, E_USAGE, "shapes '%s': a set with ranges is for mo-compile", shapes);
	p->s.open = !known;
	return r;
}

/* Makes what is not there already, packing what the requests share. */
static int prepare(
    struct exec *e, const struct graph *g, const struct shape_sets *p, bool *made, struct err *err)
{
	int r = OK;
	for (int i = 0; i < p->s.n && !r; i++) {
		r = exec_prepare(e, p->s.in + (size_t)i * (size_t)g->ninputs, err);
		*made |= !exec_plan_loaded(e);
	}
	return r;
}

/* Into the cache, with one thread: the plans serve any number. */
static int compile(struct mo_model *m, const char *shapes, bool *made, struct err *err)
{
	struct stored *s = &m->net;
	struct pass_options passes = pass_defaults();
	struct shape_sets p = {0};
	bool cached = s->use != CACHE_OFF && s->content;
	int r = s->use == CACHE_MISS && s->format == MODEL_ONNX
		    ? passes_run(s->g, &passes, NULL, NULL, err)
		    : OK;
	if (!r && (shapes || (cached && s->use == CACHE_MISS)))
		r = read_shapes(s->g, shapes, &p, err);
	if (!r && p.s.n)
		r = exec_new(s->g, &m->o, &m->exec, err);
	if (!r && p.s.n)
		r = prepare(m->exec, s->g, &p, made, err);
	*made &= cached;
	if (!r && *made)
		store_keep(s, m->exec, &p.s);
	shapes_free(&p);
	return r;
}

/* After a miss from the cache, so that what was compiled is mapped and not kept twice. */
static void open_again(struct mo_model *m, const char *path, const struct store_options *o)
{
	struct stored again;
	struct err ignored = {0};
	if (!store_open(path, o, &again, &ignored) && again.use == CACHE_HIT) {
		exec_free(m->exec);
		m->exec = NULL;
		store_free(&m->net);
		m->net = again;
	} else {
		store_free(&again);
	}
	err_clear(&ignored);
}

static int open_path(struct mo_model *m, const char *path, const struct mo_options *options,
    const struct store_options *o, struct err *err)
{
	struct mo_options all = options_known(options);
	bool made = false;
	int r = store_open(path, o, &m->net, err);
	m->use = m->net.use;
	r = r ? r : compile(m, all.shapes, &made, err);
	if (!r && made)
		open_again(m, path, o);
	return r;
}

int mo_model_load_with(const char *path, const struct mo_options *options, struct mo_model **out)
{
	struct err err = {0};
	struct store_options o = options_of(options);
	struct mo_model *m = model_new(&o);
	return finish(m, m ? open_path(m, path, options, &o, &err) : OK, out, &err);
}

int mo_model_load(const char *path, struct mo_model **out)
{
	return mo_model_load_with(path, NULL, out);
}

/* Takes the file over; NULL is out of memory. */
static int load_file(struct file *f, const char *name, const struct mo_options *options,
    struct mo_model **out, struct err *err)
{
	struct store_options o = options_of(options);
	struct mo_model *m = f ? model_new(&o) : NULL;
	int r = m ? store_open_file(f, name, &o, &m->net, err) : OK;
	file_unref(f);
	return finish(m, r, out, err);
}

int mo_model_load_memory(
    const void *data, size_t size, const struct mo_options *options, struct mo_model **out)
{
	struct err err = {0};
	return load_file(file_of(data, size), "memory", options, out, &err);
}

int mo_model_load_fd(int fd, const struct mo_options *options, struct mo_model **out)
{
	struct err err = {0};
	struct file *f = NULL;
	*out = NULL;
	int r = file_map_fd(fd, "file descriptor", &f, &err);
	return r ? api_failed(r, &err) : load_file(f, "file descriptor", options, out, &err);
}

/* Takes the files over; NULL is out of memory. */
static int load_ir(struct file *xml, struct file *bin, const char *name,
    const struct mo_options *options, struct mo_model **out, struct err *err)
{
	struct store_options o = options_of(options);
	struct mo_model *m = xml && bin ? model_new(&o) : NULL;
	int r = m ? store_open_ir(xml, bin, name, &o, &m->net, err) : OK;
	file_unref(xml);
	file_unref(bin);
	return finish(m, r, out, err);
}

int mo_model_load_ir(const void *xml, size_t xml_size, const void *bin, size_t bin_size,
    const struct mo_options *options, struct mo_model **out)
{
	struct err err = {0};
	return load_ir(
	    file_of(xml, xml_size), file_of(bin, bin_size), "memory", options, out, &err);
}

int mo_model_load_ir_fd(int xml, int bin, const struct mo_options *options, struct mo_model **out)
{
	struct err err = {0};
	struct file *x = NULL, *b = NULL;
	*out = NULL;
	int r = file_map_fd(xml, "file descriptor", &x, &err);
	r = r ? r : file_map_fd(bin, "file descriptor", &b, &err);
	if (!r)
		return load_ir(x, b, "file descriptor", options, out, &err);
	file_unref(x);
	return api_failed(r, &err);
}

enum mo_cache mo_model_cache(const struct mo_model *m)
{
	return (enum mo_cache)m->use;
}

void mo_model_free(struct mo_model *m)
{
	if (!m)
		return;
	exec_free(m->exec);
	store_free(&m->net);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- inputs and outputs ---- */

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
