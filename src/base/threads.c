/* A pool of threads: workers sleep on a futex between loops, and take tasks by counting up. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/threads.h"

/* How long a waiter looks before it sleeps: the next layer's loop often starts within this time.
 * Never under a CPU quota, where looking spends what the work needs. */
#define SPIN_NS 30000
#define LOOKS 32 /* between two looks at the clock */

struct pool {
	int size;      /* threads, the caller's included */
	int started;   /* pthreads in thread[] */
	bool spins;    /* not under a quota, nor when threads outnumber processors */
	bool stop;     /* written before the generation that tells */
	uint32_t gen;  /* counts loops; workers wait for it to change */
	uint32_t busy; /* workers that have not finished this loop; the caller waits for 0 */
	int next, ntasks;
	void (*fn)(void *ctx, int task, int worker);
	void *ctx;
	pthread_mutex_t one_loop;
	pthread_t *thread;
	struct worker {
		struct pool *pool;
		int index;
	} * worker;
};

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word, int n)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static int64_t clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Looks for a while whether *word is no longer value. */
static void spin(uint32_t *word, uint32_t value)
{
	int64_t end = clock_ns() + SPIN_NS;
	do {
		for (int i = 0; i < LOOKS; i++) {
			if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
				return;
			relax();
		}
	} while (clock_ns() < end);
}

/* Returns when *word is no longer value, and what it is then. */
static uint32_t wait_change(uint32_t *word, uint32_t value, bool spins)
{
	uint32_t now;
	if (spins)
		spin(word, value);
	while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == value)
		futex_wait(word, value);
	return now;
}

static void take_tasks(struct pool *p, int worker)
{
	for (;;) {
		int task = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);
		if (task >= p->ntasks)
			return;
		p->fn(p->ctx, task, worker);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	for (uint32_t gen = 0;;) {
		gen = wait_change(&p->gen, gen, p->spins);
		if (p->stop)
			return NULL;
		take_tasks(p, w->index);
		if (__atomic_sub_fetch(&p->busy, 1, __ATOMIC_ACQ_REL) == 0)
			futex_wake(&p->busy, 1);
	}
}

/* Starts the next loop, or the end when stop is set. */
static void announce(struct pool *p)
{
	__atomic_add_fetch(&p->gen, 1, __ATOMIC_RELEASE);
	futex_wake(&p->gen, INT_MAX);
}

void pool_run(struct pool *p, int ntasks, void (*fn)(void *ctx, int task, int worker), void *ctx)
{
	if (!p || p->size == 1 || ntasks <= 1) {
		for (int t = 0; t < ntasks; t++)
			fn(ctx, t, 0);
		return;
	}
	pthread_mutex_lock(&p->one_loop);
	p->fn = fn;
	p->ctx = ctx;
	p->ntasks = ntasks;
	__atomic_store_n(&p->next, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->busy, (uint32_t)p->size - 1, __ATOMIC_RELAXED);
	announce(p);
	take_tasks(p, 0);
	for (uint32_t left; (left = __atomic_load_n(&p->busy, __ATOMIC_ACQUIRE)) != 0;)
		wait_change(&p->busy, left, p->spins);
	pthread_mutex_unlock(&p->one_loop);
}

int thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(out, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e;
}

static int start_workers(struct pool *p)
{
	int e = 0;
	while (p->started < p->size - 1 && !e) {
		struct worker *w = &p->worker[p->started];
		*w = (struct worker){p, p->started + 1};
		e = thread_start(&p->thread[p->started], worker_main, w);
		p->started += !e;
	}
	return e;
}

static int affinity(void)
{
	cpu_set_t *set = NULL;
	int n = 0;
	for (int cpus = 1024; !n && cpus <= 1 << 20; cpus *= 2) {
		set = CPU_ALLOC(cpus);
		if (!set)
			break;
		if (!sched_getaffinity(0, CPU_ALLOC_SIZE(cpus), set))
			n = CPU_COUNT_S(CPU_ALLOC_SIZE(cpus), set);
		else if (errno != EINVAL)
			cpus = 1 << 20;
		CPU_FREE(set);
	}
	return n ? n : 1;
}

int threads_available(void)
{
	int n = affinity(), quota = threads_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	n = quota < n ? quota : n;
	return n < LIMIT_THREADS ? n : LIMIT_THREADS;
}

static bool may_spin(int size)
{
	bool quota = threads_quota("/proc/self/cgroup", "/sys/fs/cgroup") != INT_MAX;
	return size > 1 && size <= affinity() && !quota;
}

int pool_new(int n, struct pool **out, struct err *err)
{
	*out = NULL;
	if (n < 0 || n > LIMIT_THREADS)
		return fail(err, E_LIMIT, "%d threads asked for, at most %d are possible", n,
		    LIMIT_THREADS);
	struct pool *p = calloc(1, sizeof *p);
	if (!p)
		return fail_nomem(err);
	p->size = n ? n : threads_available();
	p->spins = may_spin(p->size);
	pthread_mutex_init(&p->one_loop, NULL);
	p->thread = calloc((size_t)p->size, sizeof *p->thread);
	p->worker = calloc((size_t)p->size, sizeof *p->worker);
	int e = p->thread && p->worker ? start_workers(p) : ENOMEM;
	if (e) {
		pool_free(p);
		return fail(err, E_NOMEM, "cannot start %d threads", n);
	}
	*out = p;
	return OK;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	p->stop = true;
	if (p->started)
		announce(p);
	for (int i = 0; i < p->started; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_destroy(&p->one_loop);
	free(p->thread);
	free(p->worker);
	free(p);
}

int pool_size(const struct pool *p)
{
	return p ? p->size : 1;
}
