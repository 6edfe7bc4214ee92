/* The accuracy-aware search on a compression made up for it: which groups it keeps, that it takes a
 * cut network for the whole one, and that an interrupted one ends the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "const_f32.h"
#include "network.h"

#include "quant/aware.h"
#include "quant/suffix.h"

#define GROUPS 5
#define SAMPLES 200
#define WIDTH 8

static const char net[] = "x = Parameter-1 {shape=1,8 element_type=f32}\n"
			  "w0 = Const f32[8,8] random(1)\n"
			  "m0 = MatMul-1(x, w0)\n"
			  "r0 = ReLU-1(m0)\n"
			  "w1 = Const f32[8,8] random(2)\n"
			  "m1 = MatMul-1(r0, w1)\n"
			  "r1 = ReLU-1(m1)\n"
			  "w2 = Const f32[8,8] random(3)\n"
			  "m2 = MatMul-1(r1, w2)\n"
			  "s = Add-1(m2, r0)\n"
			  "w3 = Const f32[8,8] random(4)\n"
			  "m3 = MatMul-1(s, w3)\n"
			  "w4 = Const f32[8,8] random(5)\n"
			  "m4 = MatMul-1(m3, w4)\n"
			  "y = Result-1(m4)\n";

/* Compressing group k adds noise[k][way] to one element of what m<k> gives. */
struct fake {
	struct graph *g;
	struct aware_group group[GROUPS];
	float noise[GROUPS][2];
	int made;
	int64_t label[SAMPLES];
	int64_t asked; /* samples */
};

static int make(void *user, const int *way, struct graph **out, struct err *err)
{
	struct fake *f = user;
	struct graph *g = *out = graph_clone(f->g);
	assert_non_null(g);
	f->made++;
	for (int k = 0; k < GROUPS; k++) {
		char name[16];
		float v[WIDTH] = {0};
		snprintf(name, sizeof name, "m%d", k);
		struct node *n = graph_find_node(g, name), *c, *add;
		if (way[k] == AWARE_KEPT)
			continue;
		v[k] = f->noise[k][way[k]];
		snprintf(name, sizeof name, "q%d", k);
		c = const_f32(g, n, name, WIDTH, v);
		snprintf(name, sizeof name, "a%d", k);
		struct value *in[] = {&n->out[0], &c->out[0]};
		add = graph_insert_after(n, op_row(OP_ADD), name, in, 2, 1);
		assert_int_equal(node_infer(add, err), OK);
		graph_replace(&n->out[0], &add->out[0]);
	}
	return graph_infer(g, err);
}

static int get(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	struct fake *f = user;
	uint64_t state = (uint64_t)i + 17;
	int r = tensor_alloc(in, DT_F32, 2, (int64_t[]){1, WIDTH}, err);
	f->asked++;
	for (int k = 0; k < WIDTH && !r; k++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		((float *)in->data)[k] = (float)(state >> 40) * 0x1p-24f - 0.5f;
	}
	*label = f->label[i];
	return r;
}

static void fake_new(struct fake *f, struct samples *s, struct compression *c)
{
	struct deal d;
	struct err err = {0};
	struct answer a[SAMPLES];
	static const char *const name[] = {"g0", "g1", "g2", "g3", "g4"};
	*f = (struct fake){.g = scan(net)};
	for (int k = 0; k < GROUPS; k++) {
		f->group[k] = (struct aware_group){.name = name[k], .ways = 1, .gain = 1};
		f->noise[k][0] = f->noise[k][1] = 1e-4f;
	}
	*s = (struct samples){.count = SAMPLES, .labelled = true, .get = get, .user = f};
	*c = (struct compression){.ngroups = GROUPS, .group = f->group, .make = make, .user = f};
	assert_int_equal(deal_new(&d, s, 0, SAMPLES, f->g, &err), OK);
	struct evaluation v = {.deal = &d};
	assert_int_equal(evaluate(f->g, &v, a, &err), OK);
	for (int i = 0; i < SAMPLES; i++)
		f->label[i] = a[i].best; /* the original is right on all */
	deal_free(&d);
}

static struct aware_options options(const struct samples *s)
{
	return (struct aware_options){.metric = METRIC_TOP1,
	    .max_drop = 0.01,
	    .samples = s,
	    .nrank = 50,
	    .cache_bytes = 1 << 20};
}

static void search(struct fake *f, const struct compression *c, const struct aware_options *o,
    struct aware_result *r)
{
	struct err err = {0};
	if (aware_search(f->g, c, o, r, &err))
		print_error("%s\n", err.text);
	assert_int_equal(err.status, OK);
	assert_non_null(r->graph);
	assert_true(r->original == 1);
}

static void test_all_compressed(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	(void)state;
	fake_new(&f, &s, &c);
	struct aware_options o = options(&s);
	search(&f, &c, &o, &r);
	assert_true(r.held && r.nkept == 0 && r.result >= 0.99 && r.n == SAMPLES);
	assert_true(isnan(r.found[0].sqnr) && !r.nranked); /* there was nothing to rank */
	aware_free(&r);
	graph_free(f.g);
}

static void test_keeps_worst(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	(void)state;
	fake_new(&f, &s, &c);
	f.noise[1][0] = f.noise[3][0] = 3;
	struct aware_options o = options(&s);
	search(&f, &c, &o, &r);
	assert_true(r.compressed < 0.9 && r.held && r.nkept == 2);
	assert_true(r.way[1] == AWARE_KEPT && r.way[3] == AWARE_KEPT);
	assert_true(r.found[1].share > r.found[0].share && r.drop <= 0.01);
	assert_true(r.nranked == o.nrank && r.nranked_judged == o.nrank && r.n == SAMPLES);
	aware_free(&r);
	/* samples of their own to rank with; without labels those judged by have to do */
	struct samples own = s;
	own.count = SAMPLES / 5;
	o.rank_by = &own;
	search(&f, &c, &o, &r);
	assert_true(r.held && r.way[1] == AWARE_KEPT && r.way[3] == AWARE_KEPT);
	assert_true(r.nranked == (o.nrank < own.count ? o.nrank : own.count));
	assert_true(!r.nranked_judged && r.n == SAMPLES);
	aware_free(&r);
	own.labelled = false;
	search(&f, &c, &o, &r);
	assert_true(r.held && r.nranked == o.nrank && r.nranked_judged == o.nrank);
	aware_free(&r);
	o.rank = AWARE_BY_METRIC;
	o.pool = NULL;
	search(&f, &c, &o, &r);
	assert_true(r.held && r.nkept == 2 && r.way[1] == AWARE_KEPT);
	aware_free(&r);
	graph_free(f.g);
}

/* Another way is as good as keeping the group: it stays compressed. */
static void test_tunes(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	(void)state;
	fake_new(&f, &s, &c);
	f.noise[2][0] = 3;
	f.group[2].ways = 2;
	struct aware_options o = options(&s);
	search(&f, &c, &o, &r);
	assert_true(r.held && r.nkept == 0 && r.way[2] == 1);
	aware_free(&r);
	f.noise[2][1] = 2.9f; /* hardly better */
	search(&f, &c, &o, &r);
	assert_true(r.held && r.way[2] == AWARE_KEPT);
	aware_free(&r);
	graph_free(f.g);
}

/* An earlier decision is carried out without a search. */
static void test_decided(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	const int way[GROUPS] = {0, AWARE_KEPT, 0, 0, 0};
	(void)state;
	fake_new(&f, &s, &c);
	f.noise[1][0] = f.noise[3][0] = 3;
	struct aware_options o = options(&s);
	o.way = way;
	search(&f, &c, &o, &r);
	assert_true(!r.held && r.nkept == 1 && r.way[1] == AWARE_KEPT && f.made == 1);
	aware_free(&r);
	graph_free(f.g);
}

/* The last line of the state is cut short: that one is measured again, the others are not. */
static void test_resumes(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result a, b;
	struct err err = {0};
	char path[] = "/tmp/mo_test_awareXXXXXX";
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	fake_new(&f, &s, &c);
	f.noise[1][0] = f.noise[3][0] = 3;
	struct aware_options o = options(&s);
	assert_int_equal(memo_open(path, "this", &o.memo, &err), OK);
	assert_int_equal(memo_found(o.memo), 0);
	search(&f, &c, &o, &a);
	memo_close(o.memo, false);
	FILE *file = fopen(path, "r+");
	assert_true(file && !fseek(file, -5, SEEK_END));
	assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
	fclose(file);
	f.asked = 0;
	assert_int_equal(memo_open(path, "this", &o.memo, &err), OK);
	assert_true(memo_found(o.memo) > 5);
	search(&f, &c, &o, &b);
	assert_true(b.evaluated < a.evaluated);
	assert_memory_equal(a.way, b.way, sizeof(int) * GROUPS);
	assert_true(a.result == b.result && a.found[1].sqnr == b.found[1].sqnr);
	memo_close(o.memo, false);
	assert_int_equal(memo_open(path, "that", &o.memo, &err), OK);
	assert_int_equal(memo_found(o.memo), 0);
	memo_close(o.memo, true);
	assert_true(access(path, F_OK) != 0);
	aware_free(&a);
	aware_free(&b);
	graph_free(f.g);
}

static void test_time_up(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	(void)state;
	fake_new(&f, &s, &c);
	f.noise[1][0] = 3;
	struct aware_options o = options(&s);
	o.seconds = 1e-9;
	search(&f, &c, &o, &r);
	assert_true(r.time_up && !r.held && r.drop > 0.01);
	aware_free(&r);
	graph_free(f.g);
}

static void test_no_labels(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct aware_result r;
	struct err err = {0};
	(void)state;
	fake_new(&f, &s, &c);
	struct aware_options o = options(&s);
	s.labelled = false;
	assert_int_equal(aware_search(f.g, &c, &o, &r, &err), E_USAGE);
	assert_holds(err.text, "labels");
	aware_free(&r);
	o.metric = METRIC_SQNR;
	o.max_drop = 0.1; /* 20 dB */
	f.noise[3][0] = 5;
	err = (struct err){0};
	assert_int_equal(aware_search(f.g, &c, &o, &r, &err), OK);
	assert_true(isinf(r.original) && r.held && r.nkept == 1 && r.way[3] == AWARE_KEPT);
	assert_true(r.result >= 20);
	aware_free(&r);
	graph_free(f.g);
}

/* ---- suffixes ---- */

struct collect {
	struct fake *f;
	double nsr[GROUPS][SAMPLES];
};

static int make_one(void *user, int i, struct graph **out, struct err *err)
{
	int way[GROUPS] = {0};
	struct collect *c = user;
	way[i] = AWARE_KEPT;
	return make(c->f, way, out, err);
}

static int take_one(void *user, int i, const struct answer *a, struct err *err)
{
	struct collect *c = user;
	(void)err;
	for (int k = 0; k < SAMPLES; k++)
		c->nsr[i][k] = a[k].nsr;
	return OK;
}

/* What a cut network answers is what the whole one does, however small the cache. */
static void test_suffixes(void **state)
{
	struct fake f;
	struct samples s;
	struct compression c;
	struct err err = {0};
	struct deal d;
	struct kept want = {0};
	struct answer a[SAMPLES];
	static struct collect whole, cut;
	const int64_t cache[] = {0, SAMPLES * WIDTH * 4 * 2, 1 << 20};
	(void)state;
	fake_new(&f, &s, &c);
	for (int k = 0; k < GROUPS; k++)
		f.noise[k][0] = 0.1f * (float)(k + 1);
	whole.f = cut.f = &f;
	assert_int_equal(deal_new(&d, &s, 0, SAMPLES, f.g, &err), OK);
	struct evaluation v = {.deal = &d, .keep = &want};
	assert_int_equal(evaluate(f.g, &v, a, &err), OK);
	v.keep = NULL;
	v.want = &want;
	for (int i = 0; i < GROUPS; i++) {
		struct graph *g;
		assert_int_equal(make_one(&whole, i, &g, &err), OK);
		assert_int_equal(evaluate(g, &v, a, &err), OK);
		take_one(&whole, i, a, &err);
		graph_free(g);
	}
	for (size_t k = 0; k < sizeof cache / sizeof *cache; k++) {
		const int none[GROUPS] = {0};
		struct suffixes x = {.n = GROUPS,
		    .make = make_one,
		    .take = take_one,
		    .user = &cut,
		    .cache_bytes = cache[k]};
		f.asked = 0;
		memset(cut.nsr, 0, sizeof cut.nsr);
		assert_int_equal(make(&f, none, &x.base, &err), OK);
		assert_int_equal(suffixes_evaluate(&x, &v, &err), OK);
		for (int i = 0; i < GROUPS * SAMPLES; i++) {
			double x1 = whole.nsr[i / SAMPLES][i % SAMPLES];
			double x2 = cut.nsr[i / SAMPLES][i % SAMPLES];
			assert_true(fabs(x1 - x2) <= 1e-4 * x1);
		}
		graph_free(x.base);
		/* with room for all: the base's run reads each sample once, the cut ones none */
		if (cache[k] == 1 << 20)
			assert_int_equal(f.asked, SAMPLES);
	}
	kept_free(&want);
	deal_free(&d);
	graph_free(f.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_compressed),
	    cmocka_unit_test(test_keeps_worst),
	    cmocka_unit_test(test_tunes),
	    cmocka_unit_test(test_decided),
	    cmocka_unit_test(test_resumes),
	    cmocka_unit_test(test_time_up),
	    cmocka_unit_test(test_no_labels),
	    cmocka_unit_test(test_suffixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
