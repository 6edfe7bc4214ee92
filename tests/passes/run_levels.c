/* Random networks by every level of kernels that the machine has, in one to three threads, and
 * compiled to a blob: floats agree with the operators' eval, bytes with it but for ties, and what
 * one level answers is the same to the bit for any threads, again, and out of a blob.
 *
 *   run_levels [--seed N] [--seconds S] [--count N]
 *
 * With PRINT=1 the networks that fail are printed, with PRINT=2 all of them, before they run. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cpu.h"
#include "exec/compiled.h"
#include "exec/exec.h"
#include "tests/passes/harness.h"
#include "tests/passes/random_layers.h"
#include "tests/unit/sections.h"

#define LEVELS 5
#define TOLERANCE 1e-4
#define MAX_OUTPUTS RG_VALUES

static const char *const levels[LEVELS] = {"ref", "avx2", "avx512", "vnni", "bf16"};

struct network {
	uint64_t seed;
	bool bytes, coarse;
	const char *level;
	struct graph *g;
	struct tensor in, other;    /* a second picture, run in between */
	struct tensor *truth, *got; /* by eval; by this level in one thread */
};

static int wrong(const struct network *w, const char *what, const struct err *err)
{
	printf("failed: random layers %llu%s: %s: %s: %s\n", (unsigned long long)w->seed,
	    w->bytes ? " in bytes" : "", w->level, what, err ? err->text : "");
	return 1;
}

static void free_tensors(struct tensor *t, int n)
{
	for (int i = 0; t && i < n; i++)
		tensor_free(&t[i]);
	free(t);
}

/* Copies of the outputs. */
static int answer(const struct network *w, struct exec *x, const struct tensor *in,
    struct tensor **out, struct err *err)
{
	struct tensor t[MAX_OUTPUTS];
	int e = exec_run(x, in, t, err), n = w->g->noutputs;
	*out = calloc(n + 1, sizeof **out);
	for (int i = 0; !e && i < n; i++) {
		e = tensor_alloc(&(*out)[i], t[i].type, t[i].rank, t[i].dim, err);
		if (!e && tensor_bytes(&t[i]))
			memcpy((*out)[i].data, t[i].data, tensor_bytes(&t[i]));
	}
	return e;
}

/* ---- comparing ---------------------------------------------------------------------------------
 */

static int same_bits(const struct network *w, const struct tensor *have, const char *what)
{
	for (int k = 0; k < w->g->noutputs; k++)
		if (memcmp(have[k].data, w->got[k].data, tensor_bytes(&have[k])))
			return wrong(w, what, NULL);
	return 0;
}

/* Ties of what is rounded to levels may fall either way, each time a little further off, by what a
 * level is worth and not by how large values happen to be. */
static double byte_error(const struct tensor *a, const struct tensor *b)
{
	double square = 0, all = 0, n = (double)tensor_count(a);
	for (int64_t i = 0; i < tensor_count(a); i++) {
		double x = tensor_f64(a, i), d = x - tensor_f64(b, i);
		square += d * d;
		all += x * x;
	}
	return sqrt(square / n) / fmax(sqrt(all / n), 0.3);
}

static int near_truth(const struct network *w)
{
	for (int k = 0; k < w->g->noutputs; k++) {
		double error = 0, limit = w->coarse ? 0.3 : w->bytes ? 0.03 : TOLERANCE;
		struct err err = {0};
		char text[64];
		if (tensors_differ(&w->truth[k], &w->got[k], &error, &err))
			return wrong(w, "the output", &err);
		if (w->bytes)
			error = byte_error(&w->truth[k], &w->got[k]);
		snprintf(text, sizeof text, "output %d differs by %g", k, error);
		if (!(error <= limit))
			return wrong(w, text, NULL);
	}
	return 0;
}

/* ---- running -----------------------------------------------------------------------------------
 */

/* The same bits as got: now, after another picture, and again. */
static int same_runs(const struct network *w, struct exec *x, const char *what)
{
	const struct tensor *in[] = {&w->in, &w->other, &w->in};
	struct err err = {0};
	int bad = 0;
	for (int i = 0; i < 3 && !bad; i++) {
		struct tensor *have = NULL;
		bad = answer(w, x, in[i], &have, &err) ? wrong(w, what, &err)
		      : i == 1                         ? 0
						       : same_bits(w, have, what);
		free_tensors(have, w->g->noutputs);
	}
	err_clear(&err);
	return bad;
}

static int try_threads(const struct network *w, int n)
{
	struct exec_options o = {0};
	struct err err = {0};
	struct exec *x = NULL;
	char text[32];
	snprintf(text, sizeof text, "in %d threads", n);
	int bad = pool_new(n, &o.pool, &err) || exec_new(w->g, &o, &x, &err)
		      ? wrong(w, text, &err)
		      : same_runs(w, x, text);
	exec_free(x);
	pool_free(o.pool);
	err_clear(&err);
	return bad;
}

/* As a blob keeps the network: x has run it. */
static int try_blob(const struct network *w, struct exec *x)
{
	struct exec_shapes shapes = {.open = w->seed % 2};
	struct exec_image image = {0};
	struct err err = {0};
	struct graph *g = NULL;
	struct exec *loaded = NULL;
	struct exec_sections s = {0};
	int bad = 0;
	if (exec_save(x, &shapes, &image, &err))
		bad = wrong(w, "saving", &err);
	exec_image_free(&image);
	if (bad)
		return bad;
	sections_save(&s, x, &shapes);
	if (exec_load(&s, &g, &err) || exec_new(g, NULL, &loaded, &err))
		bad = wrong(w, "loading", &err);
	bad = bad || same_runs(w, loaded, "out of a blob");
	exec_free(loaded);
	graph_free(g);
	sections_free(&s);
	err_clear(&err);
	return bad;
}

static int try_exact(const struct network *w)
{
	struct exec_options o = {.exact = true};
	struct network exact = *w;
	struct err err = {0};
	struct exec *x = NULL;
	int bad = exec_new(w->g, &o, &x, &err) || answer(w, x, &w->in, &exact.got, &err)
		      ? wrong(w, "exact", &err)
		      : near_truth(&exact);
	exec_free(x);
	free_tensors(exact.got, w->g->noutputs);
	err_clear(&err);
	return bad;
}

static int try_level(struct network *w)
{
	struct err err = {0};
	struct exec *x = NULL;
	w->got = NULL;
	int bad = exec_new(w->g, NULL, &x, &err) || answer(w, x, &w->in, &w->got, &err)
		      ? wrong(w, "run", &err)
		      : near_truth(w);
	bad = bad || same_runs(w, x, "again");
	bad = bad || try_blob(w, x) || try_threads(w, 2 + w->seed % 2);
	if (!bad && w->seed % 4 == 0)
		bad = try_exact(w);
	exec_free(x);
	free_tensors(w->got, w->g->noutputs);
	err_clear(&err);
	return bad;
}

/* What is left of it in memory must not get into the next picture's results. */
static void spoil(struct tensor *t, float x)
{
	for (int64_t i = 0; i < tensor_count(t); i++)
		((float *)t->data)[i] = x;
}

static int try_levels(struct network *w)
{
	struct exec_options o = {.eval_only = true};
	struct err err = {0};
	struct exec *x = NULL;
	uint64_t seed = w->seed;
	int bad = random_input(w->g->inputs[0], &seed, &w->in, &err) ||
			  random_input(w->g->inputs[0], &seed, &w->other, &err) ||
			  exec_new(w->g, &o, &x, &err) || answer(w, x, &w->in, &w->truth, &err)
		      ? wrong(w, "eval", &err)
		      : 0;
	exec_free(x);
	if (!bad && w->seed / 2 % 2)
		spoil(&w->other, w->seed / 4 % 2 ? NAN : INFINITY);
	for (int i = 0; i < LEVELS && !bad; i++) {
		w->level = levels[i];
		if (cpu_limit(levels[i]) && !strcmp(cpu_level(), levels[i]))
			bad = try_level(w);
	}
	err_clear(&err);
	return bad;
}

static void print_network(const struct network *w)
{
	struct text t = {0};
	graph_print(&t, w->g);
	printf("seed %llu\n%s", (unsigned long long)w->seed, t.data ? t.data : "");
	text_free(&t);
}

static int try(uint64_t seed)
{
	struct network w = {.seed = seed, .bytes = seed % 2, .level = "ref"};
	w.g = random_layers(seed, w.bytes, &w.coarse);
	const char *print = getenv("PRINT");
	if (w.g && print && *print == '2')
		print_network(&w);
	int bad = w.g ? try_levels(&w) : 1;
	if (bad && w.g && print && *print == '1')
		print_network(&w);
	free_tensors(w.truth, w.g ? w.g->noutputs : 0);
	tensor_free(&w.in);
	tensor_free(&w.other);
	graph_free(w.g);
	return bad;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, count = 0;
	double seconds = 1;
	int failed = 0, passed = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int at = 1; at + 1 < argc; at += 2)
		if (!strcmp(argv[at], "--seed"))
			seed = strtoull(argv[at + 1], NULL, 10);
		else if (!strcmp(argv[at], "--count"))
			count = strtoull(argv[at + 1], NULL, 10);
		else
			seconds = atof(argv[at + 1]);
	double until = now() + seconds;
	for (uint64_t i = 0; count ? i < count : now() < until; i++)
		*(try(seed++) ? &failed : &passed) += 1;
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
