/* Runs the pass tests: each file holds a graph, what to run on it, and the graph that must come
 * out.
 *
 *   run_passes [--bless] FILE...
 *
 * Lines before the graph: "# what it shows", "pass: fuse-bn" (several by spaces; "all" is the
 * pipeline; "subsets 20" tries 20 random subsets and orders of all passes and expects no text),
 * "options: fp16 equalize weights=4 fold_bytes=100 keep=NAME reverse mean=1,2,3 scale=2
 * prune=filters:0.5 global", "model: FILE" (read instead of the graph), "layers: 12 -> 5", "note:
 * text that the report must hold", "tolerance: 1e-5" (of the output's range). A line --- parts the
 * graph from the expected one, which --bless rewrites. Both graphs are also executed on random
 * inputs, node by node, and their outputs compared. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "passes/prune.h"
#include "tests/passes/harness.h"

#define MAX_NOTES 8
#define MAX_PASSES 64

struct test {
	char *text; /* the whole file; the fields below point into a copy of it */
	char *copy, *graph, *expected;
	const char *pass, *model, *layers, *note[MAX_NOTES];
	size_t head; /* bytes of the file before the expected graph */
	int nnotes;
	double tolerance;
	struct pass_options options;
	struct prune_options prune;
	struct weight_only weights;
	struct preprocess preprocess;
	double mean[8], scale[8];
	const char *keep[8];
};

static char *trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	char *end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = 0;
	return s;
}

static int numbers(const char *s, double *x, int max)
{
	int n = 0;
	for (char *end; n < max && *s; s = *end == ',' ? end + 1 : end) {
		x[n] = strtod(s, &end);
		if (end == s)
			break;
		n++;
	}
	return n;
}

static bool read_option(struct test *t, const char *word)
{
	struct pass_options *o = &t->options;
	const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";
	if (!strcmp(word, "fp16"))
		o->fp16 = true;
	else if (!strcmp(word, "equalize"))
		o->equalize = true;
	else if (!strncmp(word, "weights=", 8)) {
		t->weights.bits = atoi(value);
		t->weights.group = 4;
		o->weight_only = &t->weights;
	} else if (!strncmp(word, "fold_bytes=", 11))
		o->fold_bytes = atoll(value);
	else if (!strncmp(word, "max_error=", 10))
		o->fp16_max_error = atof(value);
	else if (!strncmp(word, "keep=", 5) && o->nkeep_fp32 < 8)
		t->keep[o->nkeep_fp32++] = value;
	else if (!strncmp(word, "prune=", 6)) {
		o->prune = &t->prune;
		t->prune.exact_ratio = true;
		return !prune_parse(value, &t->prune, NULL);
	} else if (!strcmp(word, "sixteens"))
		t->prune.exact_ratio = false;
	else if (!strcmp(word, "global"))
		t->prune.global = true;
	else if (!strcmp(word, "median"))
		t->prune.criterion = PRUNE_MEDIAN;
	else if (!strcmp(word, "reverse"))
		t->preprocess.reverse = true;
	else if (!strncmp(word, "mean=", 5))
		t->preprocess.nmean = numbers(value, t->mean, 8);
	else if (!strncmp(word, "scale=", 6))
		t->preprocess.nscale = numbers(value, t->scale, 8);
	else
		return false;
	return true;
}

static bool read_options(struct test *t, char *s)
{
	for (char *word = strtok(s, " "); word; word = strtok(NULL, " "))
		if (!read_option(t, word))
			return false;
	t->options.keep_fp32 = t->keep;
	t->preprocess.mean = t->mean;
	t->preprocess.scale = t->scale;
	t->preprocess.channel_axis = 1;
	t->options.preprocess = &t->preprocess;
	t->options.npreprocess = t->preprocess.reverse || t->preprocess.nmean ||
				 t->preprocess.nscale;
	return true;
}

/* One "word: rest" line; false when it is none of ours. */
static bool read_line(struct test *t, char *line)
{
	char *colon = strchr(line, ':');
	if (*line == '#' || !*line)
		return true;
	if (!colon)
		return false;
	*colon = 0;
	char *rest = trim(colon + 1);
	if (!strcmp(line, "pass"))
		t->pass = rest;
	else if (!strcmp(line, "model"))
		t->model = rest;
	else if (!strcmp(line, "layers"))
		t->layers = rest;
	else if (!strcmp(line, "note") && t->nnotes < MAX_NOTES)
		t->note[t->nnotes++] = rest;
	else if (!strcmp(line, "tolerance"))
		t->tolerance = atof(rest);
	else if (!strcmp(line, "options"))
		return read_options(t, rest);
	else
		return false;
	return true;
}

/* Is this line of the head ours, and not the graph's first? */
static bool is_head(const char *s)
{
	static const char *const word[] = {
	    "#", "\n", "pass:", "model:", "layers:", "note:", "tolerance:", "options:"};
	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		if (!strncmp(s, word[i], strlen(word[i])))
			return true;
	return false;
}

static bool read_test(const char *path, struct test *t)
{
	size_t size;
	*t = (struct test){.tolerance = 1e-5, .options = pass_defaults(), .pass = ""};
	if (file_slurp(path, 1 << 20, &t->text, &size, NULL) || !(t->copy = strdup(t->text)))
		return false;
	char *s = t->copy;
	while (*s && is_head(s)) {
		char *end = s + strcspn(s, "\n");
		char *next = *end ? end + 1 : end;
		*end = 0;
		if (!read_line(t, s))
			return false;
		s = next;
	}
	t->graph = s;
	char *mark = strncmp(s, "---\n", 4) ? strstr(s, "\n---\n") : s - 1;
	t->expected = mark ? mark + 5 : s + strlen(s);
	t->head = t->expected - t->copy;
	if (mark)
		mark[1] = 0;
	return *t->pass;
}

static void close_test(struct test *t)
{
	free(t->text);
	free(t->copy);
}

/* ---- one test ----------------------------------------------------------------------------------
 */

static int complain(const char *path, const char *what, const struct err *err)
{
	printf("%s: %s%s%s\n", path, what, err && err->text[0] ? ": " : "", err ? err->text : "");
	return 1;
}

static int run_named(const struct test *t, struct graph *g, struct err *err)
{
	char names[1024];
	snprintf(names, sizeof names, "%s", t->pass);
	for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
		const struct pass *p = pass_find(name);
		if (!p)
			return fail(err, E_USAGE, "there is no pass '%s'", name);
		int r = pass_run(p, g, &t->options, err);
		if (r < 0)
			return r;
	}
	return OK;
}

static bool has_note(const struct pass_report *r, const char *text)
{
	for (int i = 0; i < r->npasses; i++)
		for (int k = 0; k < r->pass[i].nnotes; k++)
			if (strstr(r->pass[i].note[k], text))
				return true;
	return false;
}

static int run_all(const char *path, const struct test *t, struct graph *g, struct err *err)
{
	struct pass_report report = {.arena = arena_new()};
	int e = passes_run(g, &t->options, NULL, &report, err), bad = 0;
	for (int i = 0; !e && i < t->nnotes; i++)
		if (!has_note(&report, t->note[i]))
			bad += complain(path, t->note[i], NULL) + !printf("the note is missing\n");
	for (int i = 0; bad && i < report.npasses; i++)
		for (int k = 0; k < report.pass[i].nnotes; k++)
			printf("note of %s: %s\n", report.pass[i].name, report.pass[i].note[k]);
	arena_free(report.arena);
	return e ? e : bad;
}

static void show_difference(const char *want, const char *got)
{
	int line = 1;
	for (; *want && *want == *got; want++, got++)
		line += *want == '\n';
	while (*want && want[-1] != '\n' && line > 1)
		want--, got--;
	printf("line %d of the graph\n  expected %.*s\n  got      %.*s\n", line,
	    (int)strcspn(want, "\n"), want, (int)strcspn(got, "\n"), got);
}

static int bless(const char *path, const struct test *t, const struct text *got)
{
	FILE *f = fopen(path, "w");
	if (!f)
		return complain(path, "cannot be written", NULL);
	fwrite(t->text, 1, t->head, f);
	if (t->head < 4 || memcmp(t->text + t->head - 4, "---\n", 4))
		fputs("---\n", f);
	fputs(got->data ? got->data : "", f);
	return fclose(f) ? complain(path, "cannot be written", NULL) : 0;
}

static int check_text(const char *path, const struct test *t, const struct graph *g, bool blessing)
{
	struct text got = {0};
	int bad = 0;
	graph_print(&got, g);
	if (blessing)
		bad = bless(path, t, &got);
	else if (!got.data || strcmp(got.data, t->expected)) {
		bad = complain(path, "the graph is not the one expected", NULL);
		show_difference(t->expected, got.data ? got.data : "");
	}
	text_free(&got);
	return bad;
}

static int check_layers(const char *path, const struct test *t, int before, int after)
{
	char got[64];
	snprintf(got, sizeof got, "%d -> %d", before, after);
	if (!t->layers || !strcmp(got, t->layers))
		return 0;
	printf("%s: layers %s, expected %s\n", path, got, t->layers);
	return 1;
}

/* What b must agree with: a, with its preprocessing when the test asks for one. */
static struct graph *reference(const struct test *t, const struct graph *a, struct err *err)
{
	struct graph *g = graph_clone(a);
	if (g && t->options.npreprocess &&
	    pass_run(pass_find("mean-scale"), g, &t->options, err) < 0) {
		graph_free(g);
		return NULL;
	}
	return g;
}

static int check_outputs(const char *path, const struct test *t, const struct graph *a,
    struct graph *b, const char *what)
{
	struct err err = {0};
	double error = 0;
	struct graph *g = reference(t, a, &err);
	int bad = 0;
	if (!g || outputs_differ(g, b, &error, &err)) {
		bad = complain(path, what, &err);
	} else if (!(error <= t->tolerance)) {
		printf("%s: %s: outputs differ by %g of their range, allowed %g\n", path, what,
		    error, t->tolerance);
		bad = 1;
	}
	graph_free(g);
	err_clear(&err);
	return bad;
}

/* Random subsets in random order, then the same followed by the whole pipeline. */
static int run_subsets(const char *path, struct test *t, struct graph *g)
{
	uint64_t seed = 1;
	int bad = 0, times = atoi(t->pass + strlen("subsets"));
	for (int i = 0; i < times && !bad; i++) {
		struct graph *other = graph_clone(g);
		struct err err = {0};
		char names[1024] = "";
		for (int k = (int)(rng_next(&seed) % 12); k >= 0; k--) {
			int n = 0;
			while (pass_table[n])
				n++;
			const char *name = pass_table[rng_next(&seed) % n]->name;
			snprintf(names + strlen(names), sizeof names - strlen(names), "%s ", name);
		}
		t->options.fp16 = i % 4 == 3;
		t->tolerance = t->options.fp16 ? 5e-3 : 1e-4;
		t->pass = names;
		if (run_named(t, other, &err) ||
		    (i % 2 && passes_run(other, &t->options, NULL, NULL, &err)))
			bad = complain(path, names, &err);
		bad = bad || check_outputs(path, t, g, other, names);
		graph_free(other);
		err_clear(&err);
	}
	return bad;
}

static int run_graph(const char *path, struct test *t, struct graph *g, bool blessing)
{
	struct err err = {0};
	if (!strncmp(t->pass, "subsets", 7))
		return run_subsets(path, t, g);
	struct graph *other = graph_clone(g);
	int before = graph_layers(g);
	int bad = !strcmp(t->pass, "all") ? run_all(path, t, other, &err)
					  : run_named(t, other, &err);
	if (bad < 0)
		bad = complain(path, "fails", &err);
	else {
		if (!t->model)
			bad += check_text(path, t, other, blessing);
		bad += check_layers(path, t, before, graph_layers(other));
		bad += check_outputs(path, t, g, other, t->pass);
	}
	graph_free(other);
	err_clear(&err);
	return bad;
}

static int run_file(const char *path, bool blessing)
{
	struct test t;
	struct graph *g = NULL;
	struct err err = {0};
	int bad;
	if (!read_test(path, &t))
		bad = complain(path, "is no pass test", NULL);
	else if (read_graph(t.model ? NULL : t.graph, t.model, &g, &err))
		bad = complain(path, "the graph", &err);
	else
		bad = run_graph(path, &t, g, blessing);
	graph_free(g);
	close_test(&t);
	err_clear(&err);
	return bad;
}

int main(int argc, char **argv)
{
	int failed = 0, passed = 0;
	bool blessing = argc > 1 && !strcmp(argv[1], "--bless");
	for (int i = 1 + blessing; i < argc; i++) {
		if (run_file(argv[i], blessing))
			failed++;
		else
			passed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
