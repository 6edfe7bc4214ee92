/* A pool of threads that runs one parallel loop at a time. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <pthread.h>

#include "base/status.h"

struct pool;

/* Processors that this process may use: affinity mask, lowered by every cgroup cpu.max on the path.
 */
int threads_available(void);
/* The tightest CPU quota of the control groups (version 1 and 2) that the file membership names, in
 * whole processors rounded up; INT_MAX when there is none. The process's own:
 * threads_quota("/proc/self/cgroup", "/sys/fs/cgroup"). */
int threads_quota(const char *membership, const char *mount);
/* Starts a thread that takes no signals: they belong to the caller's threads. An errno, or 0. */
int thread_start(pthread_t *out, void *(*fn)(void *arg), void *arg);
/* n threads, the caller's included (n = 1 starts none); n = 0 asks threads_available. */
int pool_new(int n, struct pool **out, struct err *err);
void pool_free(struct pool *p);
int pool_size(const struct pool *p);
/* Calls fn(ctx, task, worker) for every task 0..ntasks-1, worker in 0..size-1, and returns when all
 * are done. fn must not use the same pool. Neighbours are mostly run by the same worker, and equal
 * parts of two loops too, so that what the one leaves in a cache is near in the other; but any
 * worker may run any task, at any time. pool NULL runs them here, in order. */
void pool_run(struct pool *p, int ntasks, void (*fn)(void *ctx, int task, int worker), void *ctx);

#endif
