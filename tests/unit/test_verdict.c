/* Verdicts: metrics over samples, paired intervals, flips, groups, limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "quant/groups.h"
#include "quant/verdict.h"

#define N 10

static void near(double got, double want, double off)
{
	if (!(fabs(got - want) <= off))
		print_error("%.9g where %.9g belongs\n", got, want);
	assert_true(fabs(got - want) <= off);
}

static struct tensor matrix(float *v, int64_t rows, int64_t columns)
{
	return (struct tensor){.type = DT_F32, .rank = 2, .dim = {rows, columns}, .data = v};
}

static struct answer answer(const struct tensor *got, const struct tensor *want, int64_t label)
{
	struct sample_view g = {.out = got, .nout = 1, .batch = 1}, w = g;
	struct answer a;
	struct err err = {0};
	w.out = want;
	assert_int_equal(answer_take(&g, want ? &w : NULL, label, &a, &err), OK);
	return a;
}

static void test_answers(void **state)
{
	float y[] = {3, 4, 0}, z[] = {3, 4, 1}, odd[] = {NAN, 1, INFINITY},
	      none[] = {NAN, NAN, NAN};
	struct tensor want = matrix(y, 1, 3), got = matrix(z, 1, 3);
	(void)state;
	struct answer a = answer(&got, &want, 0);
	assert_true(a.seen && a.finite && a.classed && a.best == 1 && a.rank == 1);
	near(a.cosine, 25 / (5 * sqrt(26)), 1e-12);
	near(a.mse, 1. / 3, 1e-12);
	near(a.nsr, 1. / 25, 1e-12);
	a = answer(&want, &want, -1);
	assert_true(a.rank == -1 && a.cosine == 1 && a.mse == 0 && a.nsr == 0);
	got.data = odd;
	a = answer(&got, &want, 1);
	assert_true(!a.finite && a.best == 2 && a.rank == 1 && a.cosine == -1 && isinf(a.nsr));
	got.data = none;
	a = answer(&got, NULL, 1);
	assert_true(a.best == -1 && a.rank == -1);
	got.dim[1] = 2;
	struct sample_view g = {.out = &got, .nout = 1, .batch = 1};
	struct sample_view w = {.out = &want, .nout = 1, .batch = 1};
	struct err err = {0};
	assert_int_equal(answer_take(&g, &w, 0, &a, &err), E_USAGE);
	assert_int_equal(answer_take(&w, &w, 3, &a, &err), E_DATA);
	assert_holds(err.text, "label 3 is no class");
}

/* The second of two samples; two outputs of floats count the same, integers do not. */
static void test_views(void **state)
{
	float y[] = {0, 0, 3, 4}, z[] = {9, 9, 0, 4}, u[] = {7, 2}, v[] = {7, 1};
	int64_t best[] = {0, 1};
	struct tensor want[] = {{.type = DT_I64, .rank = 1, .dim = {2}, .data = best},
	    matrix(y, 2, 2), matrix(u, 2, 1)};
	struct tensor got[] = {want[0], matrix(z, 2, 2), matrix(v, 2, 1)};
	struct sample_view g = {got, 3, 1, 2}, w = {want, 3, 1, 2};
	struct answer a;
	struct err err = {0};
	(void)state;
	assert_int_equal(answer_take(&g, &w, 1, &a, &err), OK);
	assert_true(a.best == 1 && a.rank == 0);
	near(a.nsr, (9. / 25 + 1. / 4) / 2, 1e-12);
	near(a.mse, (9. / 2 + 1) / 2, 1e-12);
	near(a.cosine, (16. / 20 + 1) / 2, 1e-12);
}

static struct answer scored(int64_t best, int64_t label)
{
	return (struct answer){.seen = true,
	    .finite = true,
	    .classed = true,
	    .best = best,
	    .rank = best == label ? 0
		    : best == 9   ? 5
				  : 1,
	    .cosine = 1};
}

/* As scikit-learn has f1_score(average="macro"): over the classes that occur on either side. */
static void test_values(void **state)
{
	const int64_t label[] = {0, 1, 2, 0, 1, 2, 3}, best[] = {0, 2, 1, 0, 0, 1, 3};
	struct answer a[8];
	(void)state;
	for (int i = 0; i < 7; i++)
		a[i] = scored(best[i], label[i]);
	a[7] = (struct answer){.seen = false};
	int64_t all[8] = {0, 1, 2, 0, 1, 2, 3, 0};
	near(metric_value(METRIC_F1, a, all, 8, NULL), (0.8 + 0 + 0 + 1) / 4, 1e-12);
	near(metric_value(METRIC_TOP1, a, all, 8, NULL), 3. / 7, 1e-12);
	near(metric_value(METRIC_TOP5, a, all, 8, NULL), 1, 1e-12);
	a[0].nsr = 0.07;
	near(metric_value(METRIC_SQNR, a, all, 8, NULL), 20, 1e-12);
	near(metric_drop(METRIC_SQNR, INFINITY, 20), 0.1, 1e-12);
	near(metric_drop(METRIC_MSE, 0, 3), 3, 0);
	assert_true(isnan(metric_value(METRIC_TOP1, a, all, 0, NULL)));
	int32_t weight[8] = {0, 2, 0, 1, 0, 0, 0, 5};
	near(metric_value(METRIC_TOP1, a, all, 8, weight), 1. / 3, 1e-12);
	near(metric_value(METRIC_F1, a, all, 8, weight), (1 + 0 + 0) / 3., 1e-12);
	/* Labels far outside are one class that is never hit. */
	all[0] = INT64_MAX;
	a[0].rank = -1;
	near(metric_value(METRIC_F1, a, all, 7, NULL), (2. / 4 + 0 + 0 + 1 + 0) / 5, 1e-12);
}

static void test_words(void **state)
{
	enum metric m;
	struct err err = {0};
	(void)state;
	assert_int_equal(metric_parse("top5", &m, &err), OK);
	assert_true(m == METRIC_TOP5 && metric_needs_labels(m) && !metric_needs_original(m));
	assert_int_equal(metric_parse("sqnr", &m, &err), OK);
	assert_true(metric_needs_original(m) && !metric_needs_labels(m));
	assert_int_equal(metric_parse("command", &m, &err), E_USAGE);
	assert_non_null(strstr(err.text, "top1, top5, f1, mse, cosine, sqnr"));
}

static void expect_interval(int64_t b, int64_t c, int64_t n, double low, double high)
{
	struct interval i = interval_paired(b, c, n, INTERVAL_Z);
	near(i.low, low, 1e-5);
	near(i.high, high, 1e-5);
}

/* The first is an example of the literature (Bentur et al. 2009: -0.517 to -0.026); all were made
 * by searching the likelihood numerically. */
static void test_paired(void **state)
{
	(void)state;
	expect_interval(1, 7, 21, -0.51723, -0.02600);
	expect_interval(40, 20, 160, 0.03086, 0.21806);
	expect_interval(0, 0, 100, -0.03699, 0.03699);
	expect_interval(5, 0, 50, 0.02152, 0.21360);
	expect_interval(0, 10, 10, -1, -0.44493);
	assert_true(isnan(interval_paired(0, 0, 0, INTERVAL_Z).low));
}

static double mean_of(void *user, const int32_t *weight)
{
	const double *x = user;
	double sum = 0, n = 0;
	for (int i = 0; i < 400; i++) {
		sum += weight[i] * x[i];
		n += weight[i];
	}
	assert_true(n == 400);
	return sum / n;
}

/* The bootstrap of a mean is near the normal one: mean +- 1.96 sd / sqrt(n). */
static void test_bootstrap(void **state)
{
	double x[400];
	(void)state;
	for (int i = 0; i < 400; i++)
		x[i] = i % 2;
	struct interval r = interval_bootstrap(400, mean_of, x, 1);
	near(r.low, 0.5 - 1.96 * 0.5 / 20, 0.006);
	near(r.high, 0.5 + 1.96 * 0.5 / 20, 0.006);
	struct interval again = interval_bootstrap(400, mean_of, x, 1);
	assert_true(r.low == again.low && r.high == again.high);
	assert_true(isnan(interval_bootstrap(0, mean_of, x, 1).low));
}

/* Ten samples of two classes: class 1 loses two of its five and gains none, class 0 gains one. */
static struct verdict_input ten(struct answer *o, struct answer *r, int64_t *label)
{
	for (int i = 0; i < N; i++) {
		label[i] = i % 2;
		o[i] = r[i] = scored(label[i], label[i]);
	}
	o[2] = scored(1, 0);
	r[3] = scored(0, 1);
	r[7] = scored(5, 1);
	return (struct verdict_input){.metric = METRIC_TOP1,
	    .n = N,
	    .original = o,
	    .result = r,
	    .label = label,
	    .max_drop = NAN,
	    .max_group_drop = NAN};
}

static void test_verdict(void **state)
{
	struct answer o[N], r[N];
	int64_t label[N];
	struct verdict_input in = ten(o, r, label);
	struct verdict v;
	struct err err = {0};
	(void)state;
	assert_int_equal(verdict_make(&in, &v, &err), OK);
	near(v.original, 0.9, 1e-12);
	near(v.result, 0.8, 1e-12);
	near(v.drop, 0.1, 1e-12);
	struct interval want = interval_paired(2, 1, N, INTERVAL_Z);
	assert_true(v.interval.low == want.low && v.interval.high == want.high);
	assert_true(v.lost == 2 && v.gained == 1 && v.nflips == 3 && v.ok);
	assert_true(v.flip[0].sample == 2 && v.flip[0].was == 1 && v.flip[0].is == 0);
	assert_true(v.flip[2].sample == 7 && v.flip[2].label == 1 && v.flip[2].is == 5);
	assert_true(v.ngroups == 2 && v.group[0].id == 1 && v.group[0].samples == 5);
	near(v.group[0].drop, 0.4, 1e-12);
	near(v.group[1].drop, -0.2, 1e-12);
	verdict_free(&v);
}

static bool verdict_ok(const struct verdict_input *in)
{
	struct verdict v;
	struct err err = {0};
	assert_int_equal(verdict_make(in, &v, &err), OK);
	bool ok = v.ok;
	assert_true(ok == (v.drop_held && v.groups_held && !v.not_finite));
	verdict_free(&v);
	return ok;
}

static void test_limits(void **state)
{
	struct answer o[N], r[N];
	int64_t label[N];
	struct verdict_input in = ten(o, r, label);
	(void)state;
	in.max_drop = 0.1;
	assert_true(verdict_ok(&in));
	in.max_drop = 0.099;
	assert_false(verdict_ok(&in));
	in.max_drop = 0.105;
	in.relative = true; /* 0.1 of 0.9 is 0.111 */
	assert_false(verdict_ok(&in));
	in.relative = false;
	in.max_group_drop = 0.3;
	assert_false(verdict_ok(&in));
	in.max_group_drop = 0.4;
	assert_true(verdict_ok(&in));
	/* What is not finite is no, limit or none; where the original is not either, it is not. */
	in.max_drop = in.max_group_drop = NAN;
	r[4].finite = false;
	assert_false(verdict_ok(&in));
	o[4].finite = false;
	assert_true(verdict_ok(&in));
}

static void test_groups(void **state)
{
	struct answer o[N], r[N];
	int64_t label[N];
	int32_t of[N] = {0, 0, 1, 1, 1, 2, 2, 2, 2, -1};
	const char *name[] = {"day", "dusk", "night"};
	struct groups groups = {of, name, 3};
	struct verdict_input in = ten(o, r, label);
	struct verdict v;
	struct err err = {0};
	struct text t = {0};
	(void)state;
	in.groups = &groups;
	in.max_group_drop = 0.2;
	r[0].seen = false;
	assert_int_equal(verdict_make(&in, &v, &err), OK);
	assert_true(v.samples == 9 && v.ngroups == 3 && !v.groups_held);
	assert_true(v.group[0].id == 2 && v.group[0].samples == 4 && v.group[0].drop == 0.25);
	assert_true(v.group[1].id == 0 && v.group[1].samples == 1);
	assert_true(v.group[2].id == 1 && v.group[2].flips == 2 && v.group[2].drop == 0);
	verdict_text(&t, &v, &(struct verdict_names){.groups = &groups}, 2);
	assert_non_null(strstr(t.data, "worst of 3 groups: a drop of 25.00 points, BEYOND the "
				       "limit of 20.00 points\n  night: 100.00 % -> 75.00 %"));
	assert_non_null(strstr(t.data, "sample 3: 1 -> 0, lost\n"));
	assert_non_null(strstr(t.data, "and 1 more"));
	assert_non_null(strstr(t.data, "verdict: no\n"));
	text_free(&t);
	verdict_free(&v);
}

/* Without labels: cosine and the farthest samples; the bootstrap gives the interval. */
static void test_unlabelled(void **state)
{
	struct answer o[N], r[N];
	int64_t label[N];
	struct verdict_input in = ten(o, r, label);
	struct verdict v;
	struct err err = {0};
	(void)state;
	in.label = NULL;
	assert_int_equal(verdict_make(&in, &v, &err), E_USAGE);
	in.metric = METRIC_COSINE;
	r[3].cosine = 0.5;
	r[3].nsr = 2;
	r[8].nsr = 5;
	assert_int_equal(verdict_make(&in, &v, &err), OK);
	near(v.drop, 0.05, 1e-12);
	assert_true(v.interval.low == 0 && v.interval.high >= 0.1 && v.interval.high < 0.2);
	assert_true(v.nfar == 2 && v.far[0] == 8 && v.far[1] == 3);
	assert_true(v.ngroups == 0 && !v.labelled && v.flip[0].label == -1);
	verdict_free(&v);
	in.n = 0;
	assert_int_equal(verdict_make(&in, &v, &err), E_USAGE);
}

static void test_f1_groups(void **state)
{
	struct answer o[N], r[N];
	int64_t label[N];
	struct verdict_input in = ten(o, r, label);
	struct verdict v;
	struct err err = {0};
	(void)state;
	in.metric = METRIC_F1;
	assert_int_equal(verdict_make(&in, &v, &err), OK);
	/* Class 1: 5 right of 5 with one answer too many, then 3 right of 5 with none. */
	near(v.group[0].original, 10. / 11, 1e-12);
	near(v.group[0].result, 6. / 8, 1e-12);
	assert_true(!isnan(v.interval.low) && v.interval.low <= v.drop);
	verdict_free(&v);
}

static const char *name_of(void *user, int64_t i, struct arena *arena)
{
	static const char *const name[] = {"d/a/x.png", "d/b/x.png", "d/b/y.png", "row 3"};
	(void)user;
	(void)arena;
	return name[i];
}

/* Reads a file of that text over four samples; NULL err text where it can be read. */
static void expect_groups(const char *text, const char *of, const char *why)
{
	char path[] = "/tmp/test-groups-XXXXXX";
	int fd = mkstemp(path);
	struct arena *arena = arena_new();
	struct groups g;
	struct err err = {0};
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	int r = groups_read(path, 4, name_of, NULL, arena, &g, &err);
	unlink(path);
	if (why) {
		assert_int_equal(r, E_FORMAT);
		assert_holds(err.text, why);
	} else {
		assert_int_equal(r, OK);
		for (int i = 0; i < 4; i++)
			assert_int_equal(g.of[i], of[i] == '-' ? -1 : of[i] - '0');
	}
	arena_free(arena);
}

static void test_group_files(void **state)
{
	(void)state;
	expect_groups("a/x.png day\r\n# no\n\n2,night\ny.png,", NULL, "two groups");
	expect_groups("sample group\na/x.png day\nb/x.png\tnight\n2 day\n", "010-", NULL);
	expect_groups("row 3 u v\n", NULL, "no sample is called 'row 3 u'");
	expect_groups("row 3 v\nd/b/y.png w\n", "--10", NULL);
	expect_groups("u\nv\nu\nw\n", "0102", NULL);
	expect_groups("u\nv\nu\n", NULL, "line 'u' is not 'sample group'");
	expect_groups("x.png u\n", NULL, "'x.png' is the end of several");
	expect_groups("4 u\n", NULL, "no sample 4 among 4");
	expect_groups("", NULL, "names no group");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_views),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_paired),
	    cmocka_unit_test(test_bootstrap),
	    cmocka_unit_test(test_verdict),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_unlabelled),
	    cmocka_unit_test(test_f1_groups),
	    cmocka_unit_test(test_group_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
