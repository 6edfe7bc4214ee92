/* A pool of threads: workers sleep on a futex between loops. Each takes tasks of its own by
 * counting up, then what others have left. */
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
#define CACHE_LINE 64

struct pool {
	int size;      /* threads, the caller's included */
	int started;   /* pthreads in thread[] */
	bool spins;    /* not under a quota, nor when threads outnumber processors */
	bool stop;     /* written before the generation that tells */
	uint32_t gen;  /* counts loops; workers wait for it to change */
	uint32_t busy; /* workers that have not finished this loop; the caller waits for 0 */
	int asleep;    /* threads in a futex, or about to be */
	void (*fn)(void *ctx, int task, int worker);
	void *ctx;
	pthread_mutex_t one_loop;
	pthread_t *thread;
	struct worker {
		_Alignas(CACHE_LINE) int next, end; /* its tasks that nobody has taken */
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
static uint32_t wait_change(struct pool *p, uint32_t *word, uint32_t value)
{
	uint32_t now;
	if (p->spins)
		spin(word, value);
	while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == value) {
		__atomic_add_fetch(&p->asleep, 1, __ATOMIC_SEQ_CST);
		futex_wait(word, value);
		__atomic_sub_fetch(&p->asleep, 1, __ATOMIC_RELAXED);
	}
	return now;
}

/* After a change of *word in sequential order: who is not asleep before it sees it. */
static void wake(struct pool *p, uint32_t *word)
{
	if (__atomic_load_n(&p->asleep, __ATOMIC_SEQ_CST))
		futex_wake(word, INT_MAX);
}

static void take_tasks(struct pool *p, int worker)
{
	for (int k = 0; k < p->size; k++) {
		struct worker *of = &p->worker[(worker + k) % p->size];
		for (;;) {
			int task = __atomic_fetch_add(&of->next, 1, __ATOMIC_RELAXED);
			if (task >= of->end)
				break;
			p->fn(p->ctx, task, worker);
		}
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	for (uint32_t gen = 0;;) {
		gen = wait_change(p, &p->gen, gen);
		if (p->stop)
			return NULL;
		take_tasks(p, w->index);
		if (__atomic_sub_fetch(&p->busy, 1, __ATOMIC_SEQ_CST) == 0)
			wake(p, &p->busy);
	}
}

/* Starts the next loop, or the end when stop is set. */
static void announce(struct pool *p)
{
	__atomic_add_fetch(&p->gen, 1, __ATOMIC_SEQ_CST);
	wake(p, &p->gen);
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
	for (int i = 0; i < p->size; i++) {
		p->worker[i].end = (int)((int64_t)ntasks * (i + 1) / p->size);
		int first = (int)((int64_t)ntasks * i / p->size);
		__atomic_store_n(&p->worker[i].next, first, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&p->busy, (uint32_t)p->size - 1, __ATOMIC_RELAXED);
	announce(p);
	take_tasks(p, 0);
	for (uint32_t left; (left = __atomic_load_n(&p->busy, __ATOMIC_ACQUIRE)) != 0;)
		wait_change(p, &p->busy, left);
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
		struct worker *w = &p->worker[p->started + 1];
		w->pool = p;
		w->index = p->started + 1;
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

static int quota_here(void)
{
	return threads_quota("/proc/self/cgroup", "/sys/fs/cgroup");
}

static int available(int quota)
{
	int n = affinity();
	n = quota < n ? quota : n;
	return n < LIMIT_THREADS ? n : LIMIT_THREADS;
}

int threads_available(void)
{
	return available(quota_here());
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
	int quota = n == 1 ? INT_MAX : quota_here();
	p->size = n ? n : available(quota);
	p->spins = p->size > 1 && quota == INT_MAX && p->size <= affinity();
	pthread_mutex_init(&p->one_loop, NULL);
	p->thread = calloc((size_t)p->size, sizeof *p->thread);
	p->worker = aligned_alloc(CACHE_LINE, (size_t)p->size * sizeof *p->worker);
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
