/* Labelled samples and pictures through a network, a batch at a time. */
#include <stdlib.h>
#include <string.h>

#include "cli/results.h"
#include "cli/stream.h"

int stream_open(struct stream *s, struct run *r, const char *data, struct err *err)
{
	int status = OK;
	if (r->g->ninputs != 1 || r->g->noutputs < 1)
		return fail(err, E_USAGE,
		    "samples need a network of one input and an output, this one has %d and %d",
		    r->g->ninputs, r->g->noutputs);
	const struct info *in = &r->g->inputs[0]->out[0].info;
	const struct shape *shape = &in->shape;
	s->r = r;
	s->batch = shape->rank > 0 && dim_static(shape->dim[0]) ? shape->dim[0].min : 1;
	if (s->batch < 1)
		return fail(err, E_USAGE, "the network's batch is 0");
	struct dataset_options o = {.data = data,
	    .labels = r->labels,
	    .label_offset = r->label_offset,
	    .preprocess = &s->spec,
	    .input = {*shape, in->type},
	    .log = tool_log(r->p)};
	struct exec_options eo = run_exec(r);
	if (r->preprocess)
		status = preprocess_parse(r->preprocess, &s->spec, err);
	status = status ? status : dataset_open(&o, &s->d, err);
	status = status ? status : exec_new(r->g, &eo, &s->e, err);
	s->label = calloc(s->batch, sizeof *s->label);
	s->at = calloc(s->batch, sizeof *s->at);
	s->out = calloc(r->g->noutputs, sizeof *s->out);
	if (!status && (!s->label || !s->at || !s->out))
		status = fail_nomem(err);
	return status;
}

void stream_close(struct stream *s)
{
	exec_free(s->e);
	dataset_close(s->d);
	tensor_free(&s->in);
	free(s->label);
	free(s->at);
	free(s->out);
	free(s->score);
}

/* The first output of several floats for each sample: beside it, networks give an ArgMax. */
static int pick_output(const struct stream *s)
{
	for (int k = 0; k < s->r->g->noutputs; k++)
		if (dtype_is_float(s->out[k].type) && tensor_count(&s->out[k]) > s->batch)
			return k;
	return 0;
}

/* Runs what is held; slots of a last, short batch hold what was there before. */
int stream_flush(struct stream *s, struct err *err)
{
	int r = s->held ? exec_run(s->e, &s->in, s->out, err) : OK;
	if (r || !s->held)
		return r;
	int k = pick_output(s);
	const struct tensor *o = &s->out[k];
	int64_t n = tensor_count(o) / s->batch;
	if (!n || tensor_count(o) % s->batch)
		return fail(err, E_USAGE, "output '%s' does not hold a row of scores per sample",
		    output_name(s->r->g, k));
	if (n > s->nscore) {
		free(s->score);
		s->score = calloc(n, sizeof *s->score);
		s->nscore = s->score ? n : 0;
		if (!s->score)
			return fail_nomem(err);
	}
	for (int64_t b = 0; b < s->held && !r; b++) {
		for (int64_t i = 0; i < n; i++)
			s->score[i] = tensor_f64(o, b * n + i);
		r = s->answer(s, s->at[b], s->label[b], s->score, n, err);
	}
	s->held = 0;
	return r;
}

int stream_put(struct stream *s, struct tensor *t, int64_t sample, int64_t label, struct err *err)
{
	if (s->in.type == DT_NONE && s->batch == 1) {
		s->in = *t;
		*t = (struct tensor){0};
	} else if (s->in.type == DT_NONE) {
		int64_t dim[MAX_RANK];
		memcpy(dim, t->dim, sizeof dim);
		dim[0] = s->batch;
		int r = tensor_alloc(&s->in, t->type, t->rank, dim, err);
		if (r)
			return r;
	}
	if (t->data)
		memcpy((char *)s->in.data + s->held * tensor_bytes(t), t->data, tensor_bytes(t));
	s->at[s->held] = sample;
	s->label[s->held++] = label;
	return s->held == s->batch ? stream_flush(s, err) : OK;
}

static bool same_dims(const struct tensor *a, const struct tensor *b)
{
	for (int i = 1; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return a->rank == b->rank;
}

/* Sample i; one that cannot be read is counted and left out. */
static int stream_sample(struct stream *s, int64_t i, struct err *err)
{
	struct tensor t = {0};
	int64_t label;
	int r = dataset_sample(s->d, i, &t, &label, err);
	if (r == E_IO || r == E_FORMAT || r == E_LIMIT || r == E_UNSUPPORTED) {
		struct log log = tool_log(s->r->p);
		log_say(&log, LOG_WARN, "%s", err->text);
		err_clear(err);
		s->unreadable++;
		return OK;
	}
	if (r)
		return r;
	/* A network of open sizes takes pictures of every size, one at a time. */
	if (s->in.type != DT_NONE && !same_dims(&s->in, &t)) {
		r = stream_flush(s, err);
		tensor_free(&s->in);
	}
	r = r ? r : stream_put(s, &t, i, label, err);
	tensor_free(&t);
	return r;
}

int stream_run(struct stream *s, struct err *err)
{
	int64_t n = dataset_count(s->d);
	int r = OK;
	for (int64_t i = 0; i < n && !r; i++)
		r = stream_sample(s, i, err);
	r = r ? r : stream_flush(s, err);
	if (!r && s->unreadable == n)
		r = fail(err, E_FORMAT, "none of the %lld samples can be read", (long long)n);
	return r;
}
