/* Pruning of random networks: what is left must answer as the network does in which nothing reads
 * the channels that went.
 *
 *   run_prune [--seed N] [--seconds S]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "passes/prune.h"
#include "tests/passes/harness.h"
#include "tests/passes/random_graph.h"

#define TOLERANCE 1e-4

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* A random network with the units that are to go; both copies of one network get the same. */
struct trial {
	struct graph *g;
	struct units u;
	struct prune_groups groups;
	struct arena *arena;
	bool *gone;
	int count;
};

static int trial_open(struct trial *t, const struct graph *from, uint64_t seed, struct err *err)
{
	*t = (struct trial){.g = graph_clone(from), .arena = arena_new()};
	if (!t->g || !t->arena)
		return fail_nomem(err);
	int e = graph_infer(t->g, err);
	e = e ? e : units_new(t->g, &t->u, err);
	e = e ? e : prune_find_groups(&t->u, t->arena, &t->groups, err);
	t->gone = calloc(t->u.nlabels + 1, sizeof *t->gone);
	for (int i = 0; !e && t->gone && i < t->groups.ngroups; i++)
		for (int k = 1; k < t->groups.group[i].n; k++)
			if (rng_next(&seed) % 2) {
				t->gone[t->groups.group[i].unit[k]] = true;
				t->count++;
			}
	return e || t->gone ? e : fail_nomem(err);
}

static void trial_close(struct trial *t)
{
	units_free(&t->u);
	graph_free(t->g);
	arena_free(t->arena);
	free(t->gone);
}

/* Zeros where the layer reads channels that go. */
static int stop_reading(struct trial *t, const struct prune_layer *l, struct err *err)
{
	struct value *v = prune_weight(l);
	struct tensor was = value_tensor(v), w;
	int e = tensor_clone(&w, &was, err);
	for (int k = 0; !e && k < 2; k++) {
		int axis = l->in[k];
		int64_t inner = 1;
		if (axis < 0 || !unit_has(&t->u, v, axis))
			continue;
		for (int i = axis + 1; i < w.rank; i++)
			inner *= w.dim[i];
		for (int64_t i = 0; i < tensor_count(&w); i++)
			if (t->gone[unit_at(&t->u, v, axis, i / inner % w.dim[axis])])
				tensor_set_f64(&w, i, 0);
	}
	struct blob *b = e ? NULL : blob_copy(w.data, tensor_bytes(&w));
	if (!b)
		return fail_nomem(err);
	tensor_free(&w);
	struct blob *old = v->node->data;
	v->node->data = b;
	blob_unref(old);
	return OK;
}

/* Shapes of outputs that a cut network may not change; values that only differ by rounding. */
static int try(uint64_t seed, int *count)
{
	struct err err = {0};
	struct graph *g = random_graph(seed);
	struct trial a = {0}, b = {0};
	double error = 0;
	int e = g ? trial_open(&a, g, seed, &err) : E_FORMAT;
	e = e ? e : trial_open(&b, g, seed, &err);
	for (int i = 0; !e && i < a.groups.nlayers; i++)
		if (value_const(prune_weight(&a.groups.layer[i])))
			e = stop_reading(&a, &a.groups.layer[i], &err);
	e = e ? e : prune_cut(&b.u, b.gone, &err);
	e = e ? e : graph_infer(b.g, &err);
	e = e ? e : graph_verify(b.g, &err);
	e = e ? e : outputs_differ(a.g, b.g, &error, &err);
	bool bad = e || !(error <= TOLERANCE);
	if (bad)
		printf("failed: seed %llu: differs by %g: %s\n", (unsigned long long)seed, error,
		    err.text);
	*count += b.count;
	trial_close(&a);
	trial_close(&b);
	graph_free(g);
	err_clear(&err);
	return bad;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	double seconds = 1;
	for (int at = 1; at + 1 < argc; at += 2)
		if (!strcmp(argv[at], "--seed"))
			seed = strtoull(argv[at + 1], NULL, 10);
		else
			seconds = atof(argv[at + 1]);
	int failed = 0, tries = 0, count = 0;
	for (double until = now() + seconds; now() < until; tries++)
		failed += try(seed++, &count);
	printf("%d units went\n%d passed, %d failed\n", count, tries - failed, failed);
	return failed > 0 || !count;
}
