/* What comes before the steady state: reading, the batch, inputs, compiling, the first inference.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/bench.h"
#include "cli/network.h"
#include "cli/precision.h"
#include "ops/edit.h"
#include "passes/pass.h"

static int read_model(struct job *j, struct err *err)
{
	struct onnx_options o = {.log = tool_log(j->b->p), .lenient = j->b->lenient};
	double start = now_ms();
	int s = network_read(input_path(j->model), &o, &j->g, &j->format, err);
	j->read_ms = now_ms() - start;
	return s;
}

/* A blob has the sizes that it was compiled for. */
static int check_batch(const struct job *j, struct err *err)
{
	for (int k = 0; k < j->g->ninputs; k++) {
		const struct shape *s = &j->g->inputs[k]->out[0].info.shape;
		if (s->rank > 0 && s->dim[0].min != j->b->batch)
			return fail(err, E_USAGE,
			    "--batch %" PRId64 ": '%s' was compiled for %" PRId64, j->b->batch,
			    j->model, s->dim[0].min);
	}
	return OK;
}

/* Dim 0 of every input that has one. */
static int set_batch(struct job *j, struct err *err)
{
	if (j->format == MODEL_BLOB)
		return check_batch(j, err);
	int *axis = calloc((size_t)j->g->ninputs + 1, sizeof *axis);
	if (!axis)
		return fail_nomem(err);
	for (int k = 0; k < j->g->ninputs; k++)
		axis[k] = j->g->inputs[k]->out[0].info.shape.rank > 0 ? 0 : -1;
	int s = edit_batch(j->g, axis, j->b->batch, err);
	free(axis);
	return s;
}

/* Sets of inputs that differ in what is random. */
static int fill(struct job *j, struct err *err)
{
	int s = OK;
	while (j->nsets < j->b->sets && !s) {
		struct feed *f = &j->feed[j->nsets];
		s = feed_new(f, j->g, tool_log(j->b->p), err);
		s = s ? s : feed_files(f, j->g, &j->b->data, err);
		s = s ? s : feed_random(f, j->g, j->b->seed + j->nsets, err);
		j->nsets++;
	}
	return s;
}

struct exec_options job_options(const struct job *j)
{
	const struct bench *b = j->b;
	return (struct exec_options){
	    .pool = j->pool, .exact = b->exact, .bf16 = b->bf16, .log = tool_log(b->p)};
}

/* An ONNX file goes through what mo would do first; an IR has it behind it. */
static int compile(struct job *j, struct err *err)
{
	struct exec_options o = job_options(j);
	struct pass_options po = pass_defaults();
	struct log log = tool_log(j->b->p);
	double start = now_ms();
	int s = j->format == MODEL_ONNX ? passes_run(j->g, &po, &log, NULL, err) : OK;
	s = s ? s : exec_new(j->g, &o, &j->exec, err);
	s = s ? s : exec_prepare(j->exec, j->feed[0].in, err);
	s = s ? s : precision_check(j->b->precision, exec_products(j->exec), err);
	j->compile_ms = now_ms() - start;
	return s;
}

int job_load(struct job *j, struct err *err)
{
	int s = read_model(j, err);
	s = s || !j->b->batch ? s : set_batch(j, err);
	s = s ? s : pool_new(j->b->nthreads, &j->pool, err);
	s = s ? s : fill(j, err);
	s = s ? s : compile(j, err);
	if (s)
		return s;
	j->out = calloc((size_t)j->g->noutputs + 1, sizeof *j->out);
	double start = now_ms();
	s = j->out ? exec_run(j->exec, j->feed[0].in, j->out, err) : fail_nomem(err);
	j->first_ms = now_ms() - start;
	j->products = exec_products(j->exec);
	return s;
}

void job_free(struct job *j)
{
	streams_close(j);
	for (int i = 0; i < j->nsets; i++)
		feed_free(&j->feed[i]);
	exec_free(j->exec);
	pool_free(j->pool);
	graph_free(j->g);
	free(j->out);
	free(j->latency.ms);
	free(j->queue.age.ms);
	for (int i = 0; i < COLD_TIMES; i++)
		free(j->cold[i].ms);
}
