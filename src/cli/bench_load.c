/* What comes before the steady state: reading, inputs, compiling, the first inference. */
#include <stdlib.h>

#include "cli/bench.h"
#include "exec/compiled.h"
#include "passes/pass.h"

static int read_model(struct job *j, struct err *err)
{
	const struct bench *b = j->b;
	struct store_options o = {.log = tool_log(b->p),
	    .lenient = b->lenient,
	    .random_weights = b->random_weights,
	    .exact = b->exact,
	    .bf16 = b->bf16,
	    .f32 = b->precision && !b->bf16,
	    .batch = b->batch,
	    .no_mmap = b->no_mmap,
	    .cache = {b->cache_dir, b->cache_size << 20}};
	double start = now_ms();
	int s = store_open(input_path(j->model), &o, &j->net, err);
	sources_each(&j->net.sources, tool_depends, NULL);
	j->read_ms = now_ms() - start;
	j->g = j->net.g;
	return s;
}

/* Sets of inputs that differ in what is random. */
static int fill(struct job *j, struct err *err)
{
	int s = OK;
	while (j->nsets < j->b->sets && !s) {
		struct feed *f = &j->feed[j->nsets];
		s = feed_new(f, j->g, tool_log(j->b->p), err);
		s = s ? s : feed_shape(f, j->g, j->b->shape, err);
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
	int s = j->net.format == MODEL_ONNX ? passes_run(j->g, &po, &log, NULL, err) : OK;
	s = s ? s : exec_new(j->g, &o, &j->exec, err);
	s = s ? s : exec_prepare(j->exec, j->feed[0].in, err);
	j->compile_ms = now_ms() - start;
	return s;
}

int job_load(struct job *j, struct err *err)
{
	int s = read_model(j, err);
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
	j->loaded = exec_plan_loaded(j->exec);
	if (!s)
		store_made(&j->net, j->exec);
	return s;
}

void job_free(struct job *j)
{
	streams_close(j);
	for (int i = 0; i < j->nsets; i++)
		feed_free(&j->feed[i]);
	exec_free(j->exec);
	pool_free(j->pool);
	store_free(&j->net);
	free(j->out);
	free(j->latency.ms);
	free(j->queue.age.ms);
	for (int i = 0; i < COLD_TIMES; i++)
		free(j->cold[i].ms);
}
