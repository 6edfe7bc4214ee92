/* Passes on whole networks: any subset in any order, and the pipeline without any of them, must
 * leave the outputs alone.
 *
 *   run_networks [--seed N] [--seconds S] MODEL...
 *   run_networks [--seed N] [--seconds S] --random
 *
 * Each model is read once and run on random inputs; then copies are rewritten and run, the models
 * in turn, until the time is up, at least once each. Random graphs are made one after the other;
 * what inference says of them is also held against what eval and the kernels give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "exec/exec.h"
#include "tests/passes/harness.h"
#include "tests/passes/random_graph.h"

#define TOLERANCE 1e-4
#define TOLERANCE_HALF 6e-2 /* batch norms left unfused lose more than a converted model may */
#define MAX_NAMES 4096
#define RUN_PASSES 12 /* of a random sequence */

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* ---- running -----------------------------------------------------------------------------------
 */

/* A model, its inputs, and what it answers when nothing was rewritten. */
struct network {
	const char *path;
	struct graph *graph;
	struct tensor *in, *want;
};

static void free_tensors(struct tensor *t, int n)
{
	for (int i = 0; t && i < n; i++)
		tensor_free(&t[i]);
	free(t);
}

static void network_close(struct network *w)
{
	free_tensors(w->in, w->graph ? w->graph->ninputs : 0);
	free_tensors(w->want, w->graph ? w->graph->noutputs : 0);
	graph_free(w->graph);
}

/* Copies of the outputs of g. */
static int answer(struct network *w, struct graph *g, struct tensor **out, struct err *err)
{
	struct exec_options o = {0};
	struct exec *x = NULL;
	struct tensor *t = calloc(g->noutputs + 1, sizeof *t);
	*out = calloc(g->noutputs + 1, sizeof **out);
	int e = t && *out ? exec_new(g, &o, &x, err) : fail_nomem(err);
	if (!e)
		e = exec_run(x, w->in, t, err);
	for (int i = 0; !e && i < g->noutputs; i++) {
		e = tensor_alloc(&(*out)[i], t[i].type, t[i].rank, t[i].dim, err);
		if (!e && tensor_bytes(&t[i]))
			memcpy((*out)[i].data, t[i].data, tensor_bytes(&t[i]));
	}
	exec_free(x);
	free(t);
	return e;
}

/* Takes the graph. */
static int network_open(struct network *w, const char *path, struct graph *g, struct err *err)
{
	uint64_t seed = 1; /* as run_open has it */
	int e = OK;
	*w = (struct network){.path = path, .graph = g};
	w->in = calloc(w->graph->ninputs + 1, sizeof *w->in);
	for (int i = 0; !e && i < w->graph->ninputs; i++)
		e = random_input(w->graph->inputs[i], &seed, &w->in[i], err);
	return e ? e : answer(w, w->graph, &w->want, err);
}

/* ---- one try -----------------------------------------------------------------------------------
 */

static int count_passes(void)
{
	int n = 0;
	while (pass_table[n])
		n++;
	return n;
}

static void remember(char *names, const char *what, const char *name)
{
	size_t used = strlen(names);
	snprintf(names + used, MAX_NAMES - used, "%s%s ", what, name);
}

/* A few passes, one by one, in any order. */
static int any_order(
    struct graph *g, const struct pass_options *o, uint64_t *seed, char *names, struct err *err)
{
	int n = count_passes(), e = 0;
	for (int k = 1 + (int)(rng_next(seed) % RUN_PASSES); e >= 0 && k > 0; k--) {
		const struct pass *p = pass_table[rng_next(seed) % n];
		remember(names, "", p->name);
		e = pass_run(p, g, o, err);
	}
	return e < 0 ? e : OK;
}

/* The pipeline, but for about a third of the passes, or for one. */
static int any_subset(
    struct graph *g, struct pass_options *o, uint64_t *seed, char *names, struct err *err)
{
	int n = count_passes(), only = (int)(rng_next(seed) % n);
	const char **off = calloc(n, sizeof *off);
	bool one = rng_next(seed) % 2;
	if (!off)
		return fail_nomem(err);
	o->disabled = off;
	for (int i = 0; i < n; i++)
		if (one ? i == only : rng_next(seed) % 3 == 0) {
			off[o->ndisabled++] = pass_table[i]->name;
			remember(names, "without ", pass_table[i]->name);
		}
	int e = passes_run(g, o, NULL, NULL, err);
	free(off);
	o->disabled = NULL;
	o->ndisabled = 0;
	return e;
}

static int rewrite(
    struct graph *g, struct pass_options *o, uint64_t *seed, char *names, struct err *err)
{
	unsigned kind = rng_next(seed) % 3;
	int e = kind != 1 ? any_order(g, o, seed, names, err) : OK;
	return !e && kind ? any_subset(g, o, seed, names, err) : e;
}

static int compare(struct network *w, struct graph *g, double *error, struct err *err)
{
	struct tensor *got = NULL;
	*error = 0;
	int e = answer(w, g, &got, err);
	for (int i = 0; !e && i < g->noutputs; i++)
		e = tensors_differ(&w->want[i], &got[i], error, err);
	free_tensors(got, g->noutputs);
	return e;
}

/* 1 when it went wrong. */
static int try(struct network *w, uint64_t seed)
{
	uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	struct pass_options o = pass_defaults();
	struct graph *g = graph_clone(w->graph);
	struct err err = {0};
	char names[MAX_NAMES] = "";
	double error = 0;
	o.fp16 = rng_next(&s) % 4 == 0;
	int e = g ? rewrite(g, &o, &s, names, &err) : fail_nomem(&err);
	if (!e)
		e = compare(w, g, &error, &err);
	bool good = !e && error <= (o.fp16 ? TOLERANCE_HALF : TOLERANCE);
	if (!good)
		printf("failed: %s: seed %llu%s: %s: differs by %g %s\n", w->path,
		    (unsigned long long)seed, o.fp16 ? " fp16" : "", names, error, err.text);
	graph_free(g);
	err_clear(&err);
	return !good;
}

/* ---- random graphs -----------------------------------------------------------------------------
 */

static bool may_be(const struct info *i, const struct tensor *t)
{
	bool fits = i->type == t->type && (i->shape.rank < 0 || i->shape.rank == t->rank);
	for (int k = 0; fits && k < i->shape.rank; k++)
		fits = !dim_static(i->shape.dim[k]) || i->shape.dim[k].min == t->dim[k];
	return fits;
}

/* The first node whose eval gives something else than inference said; NULL when there is none. */
static const struct node *wrong_shape(const struct run *r)
{
	graph_each (r->g, n)
		for (int i = 0; i < n->nout; i++)
			if (!may_be(&n->out[i].info, &r->value[n->out[i].id]))
				return n;
	return NULL;
}

/* Inference and the kernels against eval. 1 when they disagree. */
static int check_eval(struct network *w, uint64_t seed)
{
	struct run r = {0};
	struct err err = {0};
	double error = 0;
	int e = run_open(&r, w->graph, &err);
	const struct node *wrong = e ? NULL : wrong_shape(&r);
	for (int k = 0; !e && !wrong && k < w->graph->noutputs; k++)
		e = tensors_differ(run_output(&r, k), &w->want[k], &error, &err);
	bool bad = e || wrong || !(error <= TOLERANCE);
	if (bad)
		printf("failed: random graph %llu: %s %s: differs by %g: %s\n",
		    (unsigned long long)seed, wrong ? wrong->op->type : "",
		    wrong ? wrong->name : "", error, err.text);
	run_close(&r);
	err_clear(&err);
	return bad;
}

static void print_graph(const struct graph *g)
{
	struct text t = {0};
	graph_print(&t, g);
	printf("%s", t.data ? t.data : "");
	text_free(&t);
}

static int try_random(uint64_t seed)
{
	struct network w = {0};
	struct err err = {0};
	struct graph *g = random_graph(seed);
	int bad = g ? network_open(&w, "random graph", g, &err) != OK : 1;
	if (bad)
		printf("failed: random graph %llu: %s\n", (unsigned long long)seed, err.text);
	bad = bad || check_eval(&w, seed);
	for (int k = 0; k < 3 && !bad; k++)
		bad = try(&w, seed * 3 + k);
	if (bad && g && getenv("PRINT"))
		print_graph(g);
	network_close(&w);
	err_clear(&err);
	return bad;
}

static int try_randoms(uint64_t seed, double until)
{
	int failed = 0, tries = 0;
	for (; now() < until; tries++)
		failed += try_random(seed++);
	printf("%d passed, %d failed\n", tries - failed, failed);
	return failed > 0;
}

/* ---- models ------------------------------------------------------------------------------------
 */

static int try_all(struct network *w, int n, uint64_t seed, double until)
{
	int failed = 0, tries = 0;
	do {
		for (int i = 0; i < n; i++, tries++)
			failed += try(&w[i], seed);
		seed++;
	} while (now() < until);
	printf("%d passed, %d failed\n", tries - failed, failed);
	return failed > 0;
}

static int try_models(char **path, int count, uint64_t seed, double seconds)
{
	struct network *w = calloc(count, sizeof *w);
	int n = 0, bad = !w;
	for (int i = 0; w && i < count; i++) {
		struct err err = {0};
		struct graph *g = NULL;
		if (read_graph(NULL, path[i], &g, &err) ||
		    network_open(&w[n++], path[i], g, &err)) {
			printf("failed: %s: %s\n", path[i], err.text);
			bad = 1;
		}
		err_clear(&err);
	}
	if (!bad)
		bad = try_all(w, n, seed, now() + seconds);
	for (int i = 0; i < n; i++)
		network_close(&w[i]);
	free(w);
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	double seconds = 1;
	int at = 1;
	bool random = argc > 1 && !strcmp(argv[argc - 1], "--random");
	for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2)
		if (!strcmp(argv[at], "--seed"))
			seed = strtoull(argv[at + 1], NULL, 10);
		else
			seconds = atof(argv[at + 1]);
	return random ? try_randoms(seed, now() + seconds)
		      : try_models(argv + at, argc - at, seed, seconds);
}
