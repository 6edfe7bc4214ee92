/* mo-bench --compare: two result files of suites or sweeps, case by case, with intervals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/sorted.h"
#include "cli/bench.h"
#include "cli/cases.h"

#define MAX_RESULTS (256 << 20)
#define DRAWS 2000

/* The latencies of the runs of a case, in ms. */
struct runs {
	double ms[CASES_MAX_ROUNDS];
	int n;
};

static int read_file(const char *path, cJSON **out, struct err *err)
{
	char *text = NULL;
	size_t size;
	int s = file_slurp(path, MAX_RESULTS, &text, &size, err);
	*out = s ? NULL : cJSON_Parse(text);
	free(text);
	if (!s && !cJSON_IsArray(cJSON_GetObjectItem(*out, "cases")))
		s = fail(err, E_FORMAT, "'%s': not what --suite or --sweep write by --json", path);
	return s;
}

static const char *name_of(const cJSON *c)
{
	const cJSON *n = cJSON_GetObjectItem(c, "name");
	return cJSON_IsString(n) ? n->valuestring : "";
}

static struct runs runs_of(const cJSON *c)
{
	struct runs r = {.n = 0};
	const cJSON *v;
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(c, "latencies_ms"))
	{
		if (cJSON_IsNumber(v) && v->valuedouble > 0 && r.n < CASES_MAX_ROUNDS)
			r.ms[r.n++] = v->valuedouble;
	}
	return r;
}

static double median(const double *v, int n)
{
	double s[CASES_MAX_ROUNDS];
	memcpy(s, v, (size_t)n * sizeof *s);
	return median_f64(s, n);
}

static double drawn(const struct runs *r, uint64_t *g)
{
	double v[CASES_MAX_ROUNDS];
	for (int i = 0; i < r->n; i++)
		v[i] = r->ms[rng_next(g) % (uint64_t)r->n];
	return median_f64(v, r->n);
}

struct ratio {
	double low, mid, high;
};

/* B over A: the ratio of medians, and its 95 % interval by the percentile bootstrap (Efron and
 * Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13), runs drawn anew on both sides;
 * the seed is fixed, so that the same files give the same answer. */
static struct ratio compare_runs(const struct runs *a, const struct runs *b)
{
	double draw[DRAWS];
	uint64_t g = 1;
	for (int i = 0; i < DRAWS; i++) {
		double below = drawn(a, &g);
		draw[i] = drawn(b, &g) / below;
	}
	qsort(draw, DRAWS, sizeof *draw, ascending_f64);
	return (struct ratio){draw[DRAWS / 40], median(b->ms, b->n) / median(a->ms, a->n),
	    draw[DRAWS - 1 - DRAWS / 40]};
}

static void say_missing(const cJSON *list, const cJSON *others, const char *where, bool print)
{
	const cJSON *c, *o;
	cJSON_ArrayForEach(c, list)
	{
		bool there = false;
		cJSON_ArrayForEach(o, others) there |= !strcmp(name_of(c), name_of(o));
		if (!there && print)
			printf("%s: only in '%s'\n", name_of(c), where);
	}
}

static cJSON *one(const cJSON *a, const cJSON *b, double limit, bool print, bool *worse)
{
	cJSON *o = cJSON_CreateObject();
	struct runs x = runs_of(a), y = runs_of(b);
	cJSON_AddStringToObject(o, "name", name_of(a));
	if (!x.n || !y.n) {
		*worse = x.n > 0; /* what ran does not run any more */
		cJSON_AddStringToObject(o, "verdict", *worse ? "fails now" : "no runs");
		if (print)
			printf("%-60s %s\n", name_of(a), *worse ? "fails now" : "no runs");
		return o;
	}
	struct ratio r = compare_runs(&x, &y);
	*worse = r.low > 1 + limit;
	const char *verdict = *worse       ? "slower"
			      : r.high < 1 ? "faster"
			      : r.low > 1  ? "slower, within the limit"
					   : "no difference seen";
	cJSON_AddNumberToObject(o, "a_ms", median(x.ms, x.n));
	cJSON_AddNumberToObject(o, "b_ms", median(y.ms, y.n));
	cJSON_AddNumberToObject(o, "ratio", r.mid);
	cJSON_AddNumberToObject(o, "low", r.low);
	cJSON_AddNumberToObject(o, "high", r.high);
	cJSON_AddStringToObject(o, "verdict", verdict);
	if (print)
		printf("%-60s %9.3f -> %9.3f ms, x %.3f (%.3f to %.3f): %s\n", name_of(a),
		    median(x.ms, x.n), median(y.ms, y.n), r.mid, r.low, r.high, verdict);
	return o;
}

int bench_compare(struct bench *b, const char *const file[2], int *verdict, struct err *err)
{
	cJSON *json[2] = {NULL, NULL};
	bool print = !b->json || strcmp(b->json, "-");
	int both = 0, slower = 0;
	int s = read_file(file[0], &json[0], err);
	s = s ? s : read_file(file[1], &json[1], err);
	const cJSON *list[2] = {
	    cJSON_GetObjectItem(json[0], "cases"), cJSON_GetObjectItem(json[1], "cases")};
	const cJSON *x, *y;
	cJSON *out = cJSON_CreateObject(), *results = cJSON_AddArrayToObject(out, "cases");
	cJSON_ArrayForEach(x, list[0]) cJSON_ArrayForEach(y, list[1])
	{
		bool worse = false;
		if (s || strcmp(name_of(x), name_of(y)))
			continue;
		cJSON_AddItemToArray(results, one(x, y, b->max_regression, print, &worse));
		both++;
		slower += worse;
	}
	if (!s && !both)
		s = fail(err, E_USAGE, "'%s' and '%s' have no case in common", file[0], file[1]);
	if (!s) {
		say_missing(list[0], list[1], file[0], print);
		say_missing(list[1], list[0], file[1], print);
		if (print)
			printf("%d cases, %d slower by more than %g %%\n", both, slower,
			    b->max_regression * 100);
		*verdict = slower ? 3 : 0;
	}
	cJSON_AddNumberToObject(out, "slower", slower);
	cJSON_Delete(json[0]);
	cJSON_Delete(json[1]);
	if (!s && b->json)
		return json_write(b->json, out, err);
	cJSON_Delete(out);
	return s;
}
