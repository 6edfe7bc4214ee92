/* The pool, the processor's bits and the quotas of control groups. */
#include "check.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/threads.h"

struct counts {
	int size, done[1000];
};

static void count(void *ctx, int task, int worker)
{
	struct counts *c = ctx;
	/* A task runs once, on one worker; workers must not fail a test themselves. */
	c->done[task] += worker >= 0 && worker < c->size ? 1 : 1000000;
}

static void test_every_task_once(void **state)
{
	(void)state;
	for (int n = 1; n <= 5; n++) {
		struct pool *p;
		assert_int_equal(pool_new(n, &p, NULL), OK);
		assert_int_equal(pool_size(p), n);
		for (int ntasks = 0; ntasks <= 1000; ntasks = ntasks * 3 + 1) {
			struct counts c = {.size = n};
			pool_run(p, ntasks, count, &c);
			for (int t = 0; t < 1000; t++)
				assert_int_equal(c.done[t], t < ntasks);
		}
		pool_free(p);
	}
}

static void test_many_loops(void **state)
{
	(void)state;
	struct pool *p;
	struct counts c = {.size = 3};
	assert_int_equal(pool_new(3, &p, NULL), OK);
	for (int i = 0; i < 2000; i++)
		pool_run(p, 4, count, &c);
	for (int t = 0; t < 4; t++)
		assert_int_equal(c.done[t], 2000);
	pool_free(p);
}

struct halves {
	int started, worker[4];
};

/* Nobody finishes a first task before the other worker has one. */
static void take_half(void *ctx, int task, int worker)
{
	struct halves *h = ctx;
	h->worker[task] = worker;
	__atomic_add_fetch(&h->started, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&h->started, __ATOMIC_ACQUIRE) < 2)
		sched_yield();
}

static void test_neighbours_together(void **state)
{
	(void)state;
	struct pool *p;
	assert_int_equal(pool_new(2, &p, NULL), OK);
	for (int i = 0; i < 100; i++) {
		struct halves h = {0};
		pool_run(p, 4, take_half, &h);
		assert_int_equal(h.worker[0], 0);
		assert_int_equal(h.worker[2], 1);
	}
	pool_free(p);
}

static void test_without_pool(void **state)
{
	(void)state;
	struct counts c = {.size = 1};
	pool_run(NULL, 10, count, &c);
	assert_int_equal(c.done[9], 1);
	assert_int_equal(pool_size(NULL), 1);
	pool_free(NULL);
}

static void test_sizes(void **state)
{
	(void)state;
	struct pool *p;
	assert_in_range(threads_available(), 1, LIMIT_THREADS);
	assert_int_equal(pool_new(0, &p, NULL), OK);
	assert_int_equal(pool_size(p), threads_available());
	pool_free(p);
	assert_int_equal(pool_new(LIMIT_THREADS + 1, &p, NULL), E_LIMIT);
	assert_int_equal(pool_new(-1, &p, NULL), E_LIMIT);
}

/* ---- control groups, as files in a folder of our own ---- */

static char root[] = "/tmp/test_threads_XXXXXX";

static void put(const char *path, const char *text)
{
	char full[512], *slash;
	snprintf(full, sizeof full, "%s/%s", root, path);
	slash = strrchr(full, '/');
	*slash = 0;
	assert_int_equal(make_dirs(full, NULL), OK);
	*slash = '/';
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int quota(const char *membership)
{
	char path[512], mount[512];
	put("membership", membership);
	snprintf(path, sizeof path, "%s/membership", root);
	snprintf(mount, sizeof mount, "%s/mount", root);
	return threads_quota(path, mount);
}

static void test_quotas(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	put("mount/a/cpu.max", "max 100000\n");
	assert_int_equal(quota("0::/a/b\n"), INT_MAX);
	put("mount/a/b/cpu.max", "250000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 3);
	assert_int_equal(quota("0::/a/b/not/seen/here\n"), 3);
	assert_int_equal(quota("0::/a\n"), INT_MAX);
	put("mount/a/cpu.max", "100000 100000\n");
	assert_int_equal(quota("0::/a/b\n"), 1);
	put("mount/a/cpu.max", "nonsense\n");
	assert_int_equal(quota("0::/a\n"), INT_MAX);
	put("mount/cpu,cpuacct/x/cpu.cfs_quota_us", "150000\n");
	put("mount/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("3:cpuset:/x\n2:cpu,cpuacct:/x/y\n"), 2);
	assert_int_equal(quota("3:cpuset:/x\n"), INT_MAX);
	put("mount/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
	assert_int_equal(quota("2:cpu,cpuacct:/x/y\n"), INT_MAX);
	assert_int_equal(threads_quota("/nonexistent", "/nonexistent"), INT_MAX);
	char command[512];
	snprintf(command, sizeof command, "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

/* Levels only take away, but for a name that asks for BF16 where it is not the fastest. */
static void test_levels(void **state)
{
	(void)state;
	unsigned all = cpu_features();
	assert_false(cpu_limit("sse9"));
	assert_true(cpu_limit("ref"));
	assert_int_equal(cpu_features(), 0);
	assert_string_equal(cpu_level(), "ref");
	assert_true(cpu_limit("avx2"));
	assert_int_equal(cpu_features(), all & CPU_AVX2);
	assert_true(cpu_limit("bf16"));
	assert_int_equal(cpu_features(), all & CPU_BF16 ? all | CPU_BF16_FAST : all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_task_once),
	    cmocka_unit_test(test_many_loops),
	    cmocka_unit_test(test_neighbours_together),
	    cmocka_unit_test(test_without_pool),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_quotas),
	    cmocka_unit_test(test_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
