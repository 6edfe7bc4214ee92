/* Several requests on one model at once: one copy of the weights, runs that are started, callbacks.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "exec/exec.h"
#include "formats/model.h"
#include "mo.h"

enum { PIXELS = 3 * 32 * 32, SCORES = 10, BATCHES = 3, THREADS = 4, RUNS = 6, CHAIN = 20 };
static const char net[] = "testdata/glyphs/glyphs_dynamic.onnx";

static float *picture(int batch)
{
	float *x = malloc(sizeof *x * PIXELS * (size_t)batch);
	for (int i = 0; i < PIXELS * batch; i++)
		x[i] = (float)(i % 97) / 97;
	return x;
}

static struct mo_tensor input(float *x, int batch)
{
	return (struct mo_tensor){.type = MO_F32, .rank = 4, .dim = {batch, 3, 32, 32}, .data = x};
}

/* ---- requests in threads of the caller's ---- */

struct job {
	struct mo_model *m;
	int threads;
	float score[BATCHES][SCORES]; /* of the first picture of each batch */
	int failures;
};

static void *run_batches(void *arg)
{
	struct job *j = arg;
	struct mo_request *r;
	float *x = picture(BATCHES);
	if (mo_request_new(j->m, j->threads, &r))
		return (void *)(intptr_t)++j->failures;
	for (int i = 0; i < RUNS; i++) {
		int batch = i % BATCHES + 1;
		struct mo_tensor in = input(x, batch), out;
		if (mo_request_run(r, &in, &out) || out.dim[0] != batch || out.dim[1] != SCORES)
			j->failures++;
		else
			memcpy(j->score[batch - 1], out.data, sizeof *j->score);
	}
	mo_request_free(r);
	free(x);
	return NULL;
}

static void test_batches_at_once(void **state)
{
	static struct job job[THREADS];
	struct mo_model *m;
	pthread_t t[THREADS];
	(void)state;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	for (int i = 0; i < THREADS; i++) {
		job[i] = (struct job){.m = m, .threads = 1 + i % 2};
		assert_int_equal(pthread_create(&t[i], NULL, run_batches, &job[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(job[i].failures, 0);
		assert_memory_equal(job[i].score, job[0].score, sizeof job[0].score);
	}
	mo_model_free(m);
}

/* ---- runs that are started ---- */

struct chain {
	struct mo_tensor in;
	int left, calls, failures;
	float score[SCORES];
};

/* Starts the next run from the callback of the last. */
static void next_run(void *user, struct mo_request *r, int status)
{
	struct chain *c = user;
	struct mo_tensor out;
	c->calls++;
	c->failures += status || mo_request_wait(r, &out) || out.dim[1] != SCORES;
	if (!c->failures)
		memcpy(c->score, out.data, sizeof c->score);
	if (--c->left > 0 && mo_request_start(r, &c->in, next_run, c))
		c->failures++;
}

static void test_chains(void **state)
{
	struct mo_model *m;
	struct mo_request *r[2];
	struct mo_tensor out;
	struct chain c[2];
	float *x = picture(1);
	(void)state;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	for (int i = 0; i < 2; i++) {
		c[i] = (struct chain){.in = input(x, 1), .left = CHAIN};
		assert_int_equal(mo_request_new(m, 1, &r[i]), MO_OK);
		assert_int_equal(mo_request_start(r[i], &c[i].in, next_run, &c[i]), MO_OK);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mo_request_wait(r[i], &out), MO_OK);
		assert_memory_equal(out.data, c[i].score, sizeof c[i].score);
		assert_true(c[i].calls == CHAIN && !c[i].left && !c[i].failures);
		mo_request_free(r[i]);
	}
	assert_memory_equal(c[0].score, c[1].score, sizeof c[0].score);
	mo_model_free(m);
	free(x);
}

/* Blocks the request's thread until the test lets it go. */
struct gate {
	pthread_mutex_t lock;
};

static void wait_at_gate(void *user, struct mo_request *r, int status)
{
	struct gate *g = user;
	(void)r;
	(void)status;
	pthread_mutex_lock(&g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void test_misuse(void **state)
{
	struct gate g = {PTHREAD_MUTEX_INITIALIZER};
	struct mo_model *m;
	struct mo_request *r;
	struct mo_tensor out, bad, in;
	float *x = picture(1);
	(void)state;
	in = bad = input(x, 1);
	bad.dim[1] = 2;
	assert_int_equal(mo_model_load(net, &m), MO_OK);
	assert_int_equal(mo_request_new(m, 1, &r), MO_OK);
	assert_int_equal(mo_request_wait(r, &out), MO_E_USAGE);
	pthread_mutex_lock(&g.lock);
	assert_int_equal(mo_request_start(r, &in, wait_at_gate, &g), MO_OK);
	assert_int_equal(mo_request_start(r, &in, NULL, NULL), MO_E_USAGE);
	assert_non_null(strstr(mo_error(), "already"));
	assert_int_equal(mo_request_run(r, &in, &out), MO_E_USAGE);
	pthread_mutex_unlock(&g.lock);
	assert_int_equal(mo_request_wait(r, &out), MO_OK);
	assert_int_equal(mo_request_start(r, &bad, NULL, NULL), MO_OK);
	assert_int_equal(mo_request_wait(r, &out), MO_E_USAGE); /* the words come along */
	assert_non_null(strstr(mo_error(), "does not fit"));
	assert_int_equal(mo_request_start(r, &in, NULL, NULL), MO_OK);
	mo_request_free(r); /* waits */
	mo_model_free(m);
	free(x);
}

/* ---- what is shared ---- */

static void test_one_copy(void **state)
{
	struct onnx_options o = {0};
	struct graph *g;
	struct exec *a, *b, *c;
	struct err err = {0};
	float *x = picture(2);
	struct tensor out[1], in = {.type = DT_F32, .rank = 4, .dim = {1, 3, 32, 32}, .data = x};
	(void)state;
	assert_int_equal(model_read(net, &o, &g, NULL, &err), OK);
	assert_int_equal(exec_new(g, NULL, &a, &err), OK);
	assert_int_equal(exec_run(a, &in, out, &err), OK);
	size_t packed = exec_packed(a);
	assert_int_equal(exec_share(a, NULL, &b, &err), OK);
	assert_int_equal(exec_run(b, &in, out, &err), OK);
	assert_true(packed > 0 && exec_packed(a) == packed && exec_packed(b) == packed);
	assert_true(exec_workspace(b) > 0);
	exec_free(a); /* either may go first */
	assert_int_equal(exec_share(b, NULL, &c, &err), OK);
	in.dim[0] = 2;
	assert_int_equal(exec_run(c, &in, out, &err), OK);
	assert_int_equal(exec_run(b, &in, out, &err), OK);
	exec_free(b);
	exec_free(c);
	graph_free(g);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_batches_at_once),
	    cmocka_unit_test(test_chains),
	    cmocka_unit_test(test_misuse),
	    cmocka_unit_test(test_one_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
