/* Samples read ahead: order, errors at their place, jumps, several who ask, one input's data each.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "formats/npy.h"
#include "ops/op.h"
#include "quant/prefetch.h"
#include "quant/source.h"

#define COUNT 50

struct made {
	int asked[COUNT]; /* how often each was read */
	pthread_mutex_t lock;
};

/* Sample i holds i; every seventh cannot be read. */
static int make(void *user, int64_t i, struct tensor *in, int64_t *label, struct err *err)
{
	struct made *m = user;
	pthread_mutex_lock(&m->lock);
	m->asked[i]++;
	pthread_mutex_unlock(&m->lock);
	usleep(i % 3 * 300);
	*label = i + 100;
	if (i % 7 == 3)
		return fail(err, E_FORMAT, "sample %d is broken", (int)i);
	int r = tensor_alloc(in, DT_F32, 1, (int64_t[]){1}, err);
	if (!r)
		*(float *)in->data = i;
	return r;
}

static void expect(const struct samples *s, int64_t i)
{
	struct tensor t = {0};
	struct err err = {0};
	char want[32];
	int64_t label = -1;
	int r = s->get(s->user, i, &t, &label, &err);
	if (i % 7 == 3) {
		snprintf(want, sizeof want, "sample %d is broken", (int)i);
		assert_int_equal(r, E_FORMAT);
		assert_string_equal(err.text, want);
		return;
	}
	assert_int_equal(r, OK);
	assert_true(*(float *)t.data == i && label == i + 100);
	tensor_free(&t);
}

static struct prefetch *start(struct made *m, int threads, size_t bytes)
{
	struct samples from = {.count = COUNT, .labelled = true, .get = make, .user = m};
	struct prefetch_options o = {threads, bytes};
	struct prefetch *p;
	struct err err = {0};
	memset(m, 0, sizeof *m);
	pthread_mutex_init(&m->lock, NULL);
	assert_int_equal(prefetch_new(&from, 1, &o, &p, &err), OK);
	return p;
}

static void test_in_order(void **state)
{
	struct made m;
	(void)state;
	for (int threads = 1; threads <= 3; threads++) {
		struct prefetch *p = start(&m, threads, threads == 3 ? 1 : 0);
		struct samples s = prefetch_samples(p);
		assert_true(s.count == COUNT && s.labelled);
		for (int64_t i = 0; i < COUNT; i++)
			expect(&s, i);
		for (int i = 0; i < COUNT; i++)
			assert_int_equal(m.asked[i], 1);
		prefetch_free(p);
	}
}

/* The next sample is there before it is asked for. */
static void test_ahead(void **state)
{
	struct made m;
	struct prefetch *p = start(&m, 1, 0);
	struct samples s = prefetch_samples(p);
	int next = 0;
	(void)state;
	expect(&s, 0);
	for (int tries = 0; tries < 2000 && !next; tries++) {
		usleep(1000);
		pthread_mutex_lock(&m.lock);
		next = m.asked[1];
		pthread_mutex_unlock(&m.lock);
	}
	assert_int_equal(next, 1);
	prefetch_free(p);
}

static void test_jumps(void **state)
{
	static const int64_t order[] = {40, 5, 30, 30, 29, 28, 0, 49, 1, 2, 3, 49, 10, 12, 14, 11};
	struct made m;
	struct prefetch *p = start(&m, 2, 0);
	struct samples s = prefetch_samples(p);
	struct err err = {0};
	(void)state;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		expect(&s, order[i]);
	prefetch_free(p);
	/* Told the order, it reads nothing else, and each as often as it is there. */
	p = start(&m, 2, 0);
	s = prefetch_samples(p);
	assert_int_equal(prefetch_expect(p, order, sizeof order / sizeof *order, &err), OK);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		expect(&s, order[i]);
	assert_true(m.asked[40] == 1 && m.asked[5] == 1 && !m.asked[6] && !m.asked[41]);
	prefetch_free(p);
	prefetch_free(NULL);
}

struct asker {
	const struct samples *s;
	int64_t from;
};

static void *ask(void *arg)
{
	const struct asker *a = arg;
	for (int64_t i = a->from; i < COUNT; i += 3)
		expect(a->s, i);
	return NULL;
}

static void test_askers(void **state)
{
	struct made m;
	struct prefetch *p = start(&m, 2, 0);
	struct samples s = prefetch_samples(p);
	pthread_t t[3];
	struct asker a[3];
	(void)state;
	for (int i = 0; i < 3; i++) {
		a[i] = (struct asker){&s, i};
		assert_int_equal(pthread_create(&t[i], NULL, ask, &a[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < COUNT; i++)
		assert_true(m.asked[i] >= 1);
	prefetch_free(p);
}

/* ---- a network of two inputs ---- */

static char folder[] = "/tmp/test-prefetch-XXXXXX";

static const char *array(const char *name, int64_t rows, int64_t columns)
{
	static char path[4][128];
	static int turn;
	struct tensor t;
	struct err err = {0};
	char *p = path[turn++ % 4];
	snprintf(p, sizeof *path, "%s/%s", folder, name);
	assert_int_equal(tensor_alloc(&t, DT_F32, 2, (int64_t[]){rows, columns}, &err), OK);
	for (int64_t i = 0; i < rows * columns; i++)
		((float *)t.data)[i] = i;
	assert_int_equal(npy_write(p, &t, &err), OK);
	tensor_free(&t);
	return p;
}

static struct graph *two_inputs(void)
{
	struct graph *g = graph_new("two");
	for (int k = 0; k < 2; k++) {
		struct node *n = graph_add(g, op_row(OP_PARAMETER), k ? "b" : "a", NULL, 0, 1);
		n->out[0].info.shape = shape_of(2, (int64_t[]){1, 3});
		n->out[0].info.type = DT_F32;
	}
	return g;
}

static int open_two(const char *const *data, int n, struct source **out, struct err *err)
{
	struct graph *g = two_inputs();
	struct source_options o = {.data = data, .ndata = n, .max_unreadable = -1};
	err_clear(err);
	int r = source_open(g, &o, out, err);
	graph_free(g);
	return r;
}

static void test_two_inputs(void **state)
{
	char b[256];
	const char *x = array("x.npy", 4, 3), *y = array("y.npy", 4, 3);
	const char *short_one = array("z.npy", 5, 3);
	struct source *s;
	struct err err = {0};
	struct tensor in[2] = {0};
	int64_t label;
	(void)state;
	snprintf(b, sizeof b, "b=%s", y);
	assert_int_equal(open_two((const char *const[]){b, x}, 2, &s, &err), OK);
	struct samples all = source_samples(s);
	assert_int_equal(all.count, 4);
	assert_int_equal(all.get(all.user, 2, in, &label, &err), OK);
	assert_true(((float *)in[0].data)[0] == 6 && ((float *)in[1].data)[2] == 8 && label == -1);
	tensor_free(&in[0]);
	tensor_free(&in[1]);
	source_close(s);
	assert_int_equal(open_two((const char *const[]){short_one, x}, 2, &s, &err), E_FORMAT);
	assert_holds(err.text, "holds 4 samples for input 'b'");
	assert_int_equal(open_two((const char *const[]){b, b}, 2, &s, &err), E_USAGE);
	assert_holds(err.text, "given twice");
	assert_int_equal(open_two((const char *const[]){b}, 1, &s, &err), E_USAGE);
	assert_holds(err.text, "no data for input 'a'");
	assert_int_equal(open_two((const char *const[]){x, "c=y.npy"}, 2, &s, &err), E_USAGE);
	assert_holds(err.text, "no input named 'c'");
	assert_int_equal(open_two((const char *const[]){x, y, y}, 3, &s, &err), E_USAGE);
	err_clear(&err);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	static const char *const name[] = {"x.npy", "y.npy", "z.npy"};
	char path[256];
	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, name[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_in_order),
	    cmocka_unit_test(test_ahead),
	    cmocka_unit_test(test_jumps),
	    cmocka_unit_test(test_askers),
	    cmocka_unit_test(test_two_inputs),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
