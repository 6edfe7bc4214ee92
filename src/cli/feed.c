/* Tensors for a network's inputs, from --data files and --random. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "cli/feed.h"
#include "exec/compiled.h"
#include "formats/npy.h"
#include "formats/onnx.h"
#include "store/shapes.h"

#define RANDOM_INTEGERS 50

const char *input_path(const char *word)
{
	return strcmp(word, "-") ? word : "/dev/stdin";
}

int feed_new(struct feed *f, const struct graph *g, struct log log, struct err *err)
{
	f->log = log;
	f->n = g->ninputs;
	f->in = calloc(f->n + 1, sizeof *f->in);
	f->shape = calloc(f->n + 1, sizeof *f->shape);
	for (int k = 0; f->shape && k < f->n; k++)
		f->shape[k] = g->inputs[k]->out[0].info.shape;
	return f->in && f->shape ? OK : fail_nomem(err);
}

void feed_free(struct feed *f)
{
	for (int i = 0; i < f->n && f->in; i++)
		tensor_free(&f->in[i]);
	free(f->in);
	free(f->shape);
	*f = (struct feed){0};
}

void feed_describe(const struct graph *g, struct text *t)
{
	for (int i = 0; i < g->ninputs; i++) {
		const struct value *v = &g->inputs[i]->out[0];
		text_printf(
		    t, "%s'%s' %s[", i ? ", " : "", value_name(v), dtype_name(v->info.type));
		shape_text(t, &v->info.shape);
		text_add(t, "]");
	}
}

static int unknown_input(const struct graph *g, const char *name, int len, struct err *err)
{
	struct text t = {0};
	feed_describe(g, &t);
	fail(err, E_USAGE, "no input named '%.*s', the inputs are %s", len, name,
	    t.data ? t.data : "none");
	text_free(&t);
	return E_USAGE;
}

int feed_complete(const struct feed *f, const struct graph *g, struct err *err)
{
	struct text t = {0};
	int missing = 0;
	const char *first = NULL;
	for (int i = 0; i < f->n; i++)
		if (f->in[i].type == DT_NONE && !missing++)
			first = value_name(&g->inputs[i]->out[0]);
	if (!missing)
		return OK;
	feed_describe(g, &t);
	fail(err, E_USAGE, "no data for input '%s': give --data or --random, the inputs are %s",
	    first, t.data ? t.data : "");
	text_free(&t);
	return E_USAGE;
}

/* The size that a given tensor shows for the same symbol, else the smallest from 1 up. */
static int64_t open_dim(const struct feed *f, struct dim d)
{
	for (int i = 0; i < f->n && d.symbol; i++) {
		const struct shape *s = &f->shape[i];
		for (int j = 0; f->in[i].type != DT_NONE && j < s->rank; j++)
			if (s->dim[j].symbol == d.symbol)
				return f->in[i].dim[j];
	}
	return d.min > 1 || d.max == d.min ? d.min : d.max < 1 ? d.max : 1;
}

static void fill_floats(float *v, int64_t n, uint64_t *state)
{
	uint64_t s = *state; /* in a register */
	for (int64_t i = 0; i < n; i++)
		v[i] = rng_f32(&s);
	*state = s;
}

static void fill_random(struct tensor *t, uint64_t *state)
{
	int64_t n = tensor_count(t);
	if (t->type == DT_F32) {
		fill_floats(t->data, n, state);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		if (dtype_is_float(t->type))
			tensor_set_f64(t, i, rng_f32(state));
		else if (t->type == DT_BOOL)
			((uint8_t *)t->data)[i] = rng_next(state) & 1;
		else
			tensor_set_i64(t, i, rng_next(state) % RANDOM_INTEGERS);
	}
}

/* Input k of random values, or of zeros without a state. */
static int fill_input(
    struct feed *f, const struct graph *g, int k, uint64_t *state, struct err *err)
{
	const struct value *v = &g->inputs[k]->out[0];
	const struct shape *s = &f->shape[k];
	int64_t dim[MAX_RANK];
	if (s->rank < 0 || v->info.type == DT_NONE)
		return fail(err, E_USAGE, "input '%s' has no known %s, give it with --data",
		    value_name(v), s->rank < 0 ? "rank" : "type");
	for (int j = 0; j < s->rank; j++)
		dim[j] = open_dim(f, s->dim[j]);
	int r = tensor_alloc(&f->in[k], v->info.type, s->rank, dim, err);
	if (r)
		return err_in(err, "input '%s'", value_name(v));
	if (state)
		fill_random(&f->in[k], state);
	return OK;
}

static int wrong_shape(
    const struct feed *f, const struct graph *g, int k, const struct tensor *t, struct err *err)
{
	struct text is = {0}, has = {0};
	struct shape s = tensor_shape(t);
	shape_text(&is, &f->shape[k]);
	shape_text(&has, &s);
	fail(err, E_FORMAT, "input '%s' takes the shape [%s], the data have [%s]",
	    value_name(&g->inputs[k]->out[0]), is.data ? is.data : "", has.data ? has.data : "");
	text_free(&is);
	text_free(&has);
	return E_FORMAT;
}

/* Takes t (also on failure) as input k. */
static int feed_take(
    struct feed *f, const struct graph *g, int k, struct tensor *t, struct err *err)
{
	const struct value *v = &g->inputs[k]->out[0];
	enum dtype want = v->info.type;
	int r = OK;
	if (t->type == DT_U16 && want == DT_BF16)
		t->type = DT_BF16;
	if (t->type == DT_U8 && (want == DT_F8E4M3 || want == DT_F8E5M2))
		t->type = want;
	if (f->in[k].type != DT_NONE)
		r = fail(err, E_USAGE, "input '%s' is given twice", value_name(v));
	else if (want != DT_NONE && t->type != want)
		r = fail(err, E_FORMAT, "input '%s' takes %s, the data are %s", value_name(v),
		    dtype_name(want), dtype_name(t->type));
	else if (!shape_fits(&f->shape[k], t->rank, t->dim))
		r = wrong_shape(f, g, k, t, err);
	if (!r) {
		f->in[k] = *t;
		return OK;
	}
	tensor_free(t);
	/* What nothing reads needs no data that fit; of a compiled network that is not known. */
	if (!v->nuses && !exec_planned(g) && f->in[k].type == DT_NONE && f->shape[k].rank >= 0) {
		log_say(&f->log, LOG_WARN, "%s; nothing uses this input", err->text);
		err_clear(err);
		return fill_input(f, g, k, NULL, err);
	}
	return r;
}

static int next_free(const struct feed *f)
{
	int k = 0;
	while (k < f->n && f->in[k].type != DT_NONE)
		k++;
	return k;
}

/* Arrays whose names are inputs; if none is, all of them in order. */
static int feed_npz(struct feed *f, const struct graph *g, const char *path, struct err *err)
{
	struct npz_entry *e = NULL;
	int n = 0, named = 0, r = npz_read(path, &e, &n, err);
	for (int i = 0; !r && i < n; i++)
		named += graph_find_input(g, e[i].name) >= 0;
	for (int i = 0; !r && i < n; i++) {
		int k = named ? graph_find_input(g, e[i].name) : next_free(f);
		if (k < 0)
			continue;
		if (k >= f->n) {
			r = fail(err, E_USAGE, "more arrays than inputs");
			break;
		}
		struct tensor t = e[i].tensor;
		e[i].tensor = (struct tensor){0};
		r = feed_take(f, g, k, &t, err);
	}
	npz_free(e, n);
	return r;
}

enum data_kind { DATA_NPY, DATA_NPZ, DATA_PB };

/* By content; stdin, which can be read only once, is taken for an array. */
static int data_kind(const char *word, enum data_kind *out, struct err *err)
{
	struct file *m;
	*out = DATA_NPY;
	if (!strcmp(word, "-"))
		return OK;
	int r = file_map(word, &m, err);
	if (r)
		return r;
	if (m->size > 2 && !memcmp(m->data, "PK", 2))
		*out = DATA_NPZ;
	else if (m->size < 6 || memcmp(m->data, "\x93NUMPY", 6))
		*out = DATA_PB;
	file_unref(m);
	return OK;
}

/* k -1: the next input without data. */
static int feed_file(
    struct feed *f, const struct graph *g, int k, const char *word, struct err *err)
{
	struct tensor t = {0};
	enum data_kind kind;
	int r = data_kind(word, &kind, err);
	if (r)
		return r;
	if (kind == DATA_NPZ && k < 0)
		return feed_npz(f, g, word, err);
	if (k < 0)
		k = next_free(f);
	if (k >= f->n)
		return fail(err, E_USAGE, "more data files than inputs (%d)", f->n);
	r = kind == DATA_PB ? onnx_tensor_read(word, &t, err) : npy_read(input_path(word), &t, err);
	return r ? r : feed_take(f, g, k, &t, err);
}

/* Where the file name begins in NAME=FILE, with the input's index; a word without a known name
 * before a '=' is a file as a whole. */
static const char *split_word(const struct graph *g, const char *word, int *k)
{
	for (const char *eq = strchr(word, '='); eq; eq = strchr(eq + 1, '=')) {
		char *name = strndup(word, eq - word);
		*k = name ? graph_find_input(g, name) : -1;
		free(name);
		if (*k >= 0)
			return eq + 1;
	}
	*k = -1;
	return word;
}

/* The named ones first, so that the others find what is left. */
int feed_files(struct feed *f, const struct graph *g, const struct list *data, struct err *err)
{
	for (int named = 1; named >= 0; named--) {
		for (int i = 0; i < data->n; i++) {
			int k;
			const char *path = split_word(g, data->v[i], &k), *eq = strchr(path, '=');
			if ((k >= 0) != named)
				continue;
			if (!named && eq && access(path, F_OK))
				return unknown_input(g, path, eq - path, err);
			output_spare(path);
			int r = feed_file(f, g, k, path, err);
			if (r) /* the system's words name the file */
				return r == E_IO ? r : err_in(err, "'%s'", path);
		}
	}
	return OK;
}

int feed_shape(struct feed *f, const struct graph *g, const char *text, struct err *err)
{
	return text ? shapes_one(g, text, f->shape, err) : OK;
}

static bool plan_fits(const struct feed *f, const struct tensor *in)
{
	for (int k = 0; k < f->n; k++) {
		const struct tensor *t = f->in[k].type == DT_NONE ? &in[k] : &f->in[k];
		if (!shape_fits(&f->shape[k], in[k].rank, in[k].dim) || t->rank != in[k].rank ||
		    memcmp(t->dim, in[k].dim, (size_t)t->rank * sizeof *t->dim))
			return false;
	}
	return true;
}

/* A compiled network runs best what it has a plan for. */
static void prefer_planned(struct feed *f, const struct graph *g)
{
	for (int i = 0; i < exec_planned(g); i++) {
		const struct tensor *in = exec_planned_for(g, i);
		if (!plan_fits(f, in))
			continue;
		for (int k = 0; k < f->n; k++)
			f->shape[k] = tensor_shape(&in[k]);
		return;
	}
}

int feed_random(struct feed *f, const struct graph *g, int64_t seed, struct err *err)
{
	uint64_t state = seed;
	prefer_planned(f, g);
	for (int i = 0; i < f->n; i++) {
		int r = f->in[i].type == DT_NONE ? fill_input(f, g, i, &state, err) : OK;
		if (r)
			return r;
	}
	return OK;
}
