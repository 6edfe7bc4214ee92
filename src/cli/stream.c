/* Labelled samples and pictures through a network, or two side by side, a batch at a time. */
#include <stdlib.h>
#include <string.h>

#include "cli/stream.h"
#include "exec/compiled.h"

static int find_batch(struct stream *s, struct err *err)
{
	const struct shape *shape = &s->r->g->inputs[0]->out[0].info.shape;
	const struct graph *g = s->r->g;
	s->batch = shape->rank > 0 && dim_static(shape->dim[0]) ? shape->dim[0].min : 1;
	if (shape->rank > 0 && exec_planned(g)) /* that of the first plan */
		s->batch = exec_planned_for(g, 0)->dim[0];
	return s->batch < 1 ? fail(err, E_USAGE, "the network's batch is 0") : OK;
}

static int alloc_all(struct stream *s, struct err *err)
{
	const struct graph *g = s->r->g;
	s->label = calloc(s->batch, sizeof *s->label);
	s->at = calloc(s->batch, sizeof *s->at);
	s->order = calloc(g->ninputs + 1, sizeof *s->order);
	s->one = calloc(g->ninputs + 1, sizeof *s->one);
	s->in = calloc(g->ninputs + 1, sizeof *s->in);
	s->swap = calloc(g->ninputs + 1, sizeof *s->swap);
	s->out = calloc(g->noutputs + 1, sizeof *s->out);
	s->want = calloc((s->reference ? s->reference->noutputs : 0) + 1, sizeof *s->want);
	bool ok = s->label && s->at && s->order && s->one && s->in && s->swap && s->out && s->want;
	return ok ? OK : fail_nomem(err);
}

/* The reference's inputs by name, else by position. */
static int order_inputs(struct stream *s, struct err *err)
{
	const struct graph *g = s->r->g, *w = s->reference;
	if (w->ninputs != g->ninputs)
		return fail(
		    err, E_USAGE, "the networks have %d and %d inputs", g->ninputs, w->ninputs);
	for (int k = 0; k < w->ninputs; k++) {
		s->order[k] = graph_find_input(g, value_name(&w->inputs[k]->out[0]));
		if (s->order[k] < 0)
			s->order[k] = k;
	}
	return OK;
}

static int open_execs(struct stream *s, struct err *err)
{
	struct exec_options o = run_exec(s->r);
	int status = exec_new(s->r->g, &o, &s->e, err);
	if (!s->reference)
		return status;
	status = status ? status : order_inputs(s, err);
	return status ? status : exec_new(s->reference, &o, &s->other, err);
}

int stream_open(
    struct stream *s, struct run *r, const char *const *data, int ndata, struct err *err)
{
	s->r = r;
	if (r->g->ninputs < 1 || r->g->noutputs < 1)
		return fail(err, E_USAGE, "samples need a network with an input and an output");
	struct source_options o = {.data = data,
	    .ndata = ndata,
	    .labels = r->labels,
	    .label_offset = (int)r->label_offset,
	    .preprocess = &s->spec,
	    .max_unreadable = s->single ? INT64_MAX : r->max_unreadable,
	    .log = tool_log(r->p)};
	int status = find_batch(s, err);
	if (!status && r->preprocess)
		status = preprocess_parse(r->preprocess, &s->spec, err);
	status = status ? status : alloc_all(s, err);
	status = status ? status : source_open(r->g, &o, &s->source, err);
	status = status ? status : open_execs(s, err);
	if (!status)
		s->samples = source_samples(s->source);
	return status;
}

static void free_tensors(const struct stream *s, struct tensor *t)
{
	for (int k = 0; t && k < s->r->g->ninputs; k++)
		tensor_free(&t[k]);
}

void stream_close(struct stream *s)
{
	exec_free(s->e);
	exec_free(s->other);
	source_close(s->source);
	free_tensors(s, s->one);
	free_tensors(s, s->in);
	free(s->one);
	free(s->in);
	free(s->swap);
	free(s->order);
	free(s->label);
	free(s->at);
	free(s->out);
	free(s->want);
}

static int run_both(struct stream *s, struct err *err)
{
	int r = exec_run(s->e, s->in, s->out, err);
	if (r || !s->other)
		return r;
	for (int k = 0; k < s->reference->ninputs; k++)
		s->swap[k] = s->in[s->order[k]];
	r = exec_run(s->other, s->swap, s->want, err);
	return r ? err_in(err, "the reference") : OK;
}

/* Runs what is held; slots of a last, short batch hold what was there before. */
static int flush(struct stream *s, struct err *err)
{
	int r = s->held ? run_both(s, err) : OK;
	for (int64_t b = 0; b < s->held && !r; b++) {
		struct sample_view got = {s->out, s->r->g->noutputs, b, s->batch};
		struct sample_view want = {s->want, 0, b, s->batch};
		if (s->reference)
			want.nout = s->reference->noutputs;
		r = s->answer(s, s->at[b], s->label[b], &got, s->reference ? &want : NULL, err);
		if (r) {
			char name[DATASET_NAME];
			err_in(err, "%s", source_name(s->source, s->at[b], name));
		}
	}
	s->held = 0;
	return r;
}

/* Puts input k of the sample at hand in its place; a batch of one takes it as it is. */
static int place(struct stream *s, int k, struct err *err)
{
	struct tensor *to = &s->in[k], *from = &s->one[k];
	int64_t dim[MAX_RANK];
	if (s->batch == 1) {
		tensor_free(to);
		*to = *from;
		*from = (struct tensor){0};
		return OK;
	}
	if (from->rank < 1 || from->dim[0] != 1)
		return fail(err, E_USAGE, "a sample holds a whole batch");
	if (to->type == DT_NONE) {
		memcpy(dim, from->dim, sizeof dim);
		dim[0] = s->batch;
		int r = tensor_alloc(to, from->type, from->rank, dim, err);
		if (r)
			return r;
	}
	size_t bytes = tensor_bytes(from);
	memcpy((char *)to->data + s->held * bytes, from->data, bytes);
	tensor_free(from);
	return OK;
}

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int i = 1; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return a->rank == b->rank;
}

/* A network of open sizes takes samples of every size; those of a run are alike. */
static int make_room(struct stream *s, struct err *err)
{
	bool other = false;
	for (int k = 0; k < s->r->g->ninputs; k++)
		other |= s->in[k].type != DT_NONE && !same_dims(&s->in[k], &s->one[k]);
	if (!other)
		return OK;
	int r = flush(s, err);
	free_tensors(s, s->in);
	return r;
}

static int put(struct stream *s, int64_t sample, int64_t label, struct err *err)
{
	/* A test set holds a whole run. */
	if (s->in[0].type == DT_NONE && s->one[0].rank > 0 && s->one[0].dim[0] == s->batch)
		s->batch = 1;
	int r = make_room(s, err);
	for (int k = 0; k < s->r->g->ninputs && !r; k++)
		r = place(s, k, err);
	if (r)
		return r;
	s->at[s->held] = sample;
	s->label[s->held++] = label;
	return s->held == s->batch ? flush(s, err) : OK;
}

/* Sample i; one that cannot be read is said, counted and left out. */
static int run_sample(struct stream *s, int64_t i, struct err *err)
{
	int64_t label;
	int r = s->samples.get(s->samples.user, i, s->one, &label, err);
	bool unreadable = r == E_IO || r == E_FORMAT || r == E_LIMIT || r == E_UNSUPPORTED;
	if (unreadable && !s->single) {
		struct log log = tool_log(s->r->p);
		log_say(&log, LOG_WARN, "%s", err->text);
		err_clear(err);
		return OK;
	}
	return r ? r : put(s, i, label, err);
}

int stream_run(struct stream *s, struct err *err)
{
	int64_t n = s->samples.count;
	int r = OK;
	progress_start(&s->progress, s->r->p, "samples", n);
	for (int64_t i = 0; i < n && !r; i++) {
		r = run_sample(s, i, err);
		progress_at(&s->progress, i + 1);
	}
	progress_end(&s->progress);
	r = r ? r : flush(s, err);
	if (!r)
		store_made(&s->r->net, s->e);
	if (!r && source_unreadable(s->source) == n)
		r = fail(err, E_FORMAT, "none of the %lld samples can be read", (long long)n);
	return r;
}
