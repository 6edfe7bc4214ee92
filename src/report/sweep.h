/* Choosing among measured ways to run a network: batch, streams, threads, precision. */
#ifndef REPORT_SWEEP_H
#define REPORT_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

struct sweep_point {
	int64_t batch, streams, threads;
	const char *precision, *mode; /* mode: "sync" or "async" */
	bool ok;                      /* measured; else it failed */
	double latency;               /* median, in ms, of a batch */
	double fps;                   /* samples a second */
};

/* How much less than the best throughput counts as the same. */
#define SWEEP_SAME 0.03

/* The point with the best throughput among those within max_latency ms. Without a bound (0) the
 * knee: the one with the least latency among those within SWEEP_SAME of the best throughput. -1
 * when there is none. */
int sweep_choose(const struct sweep_point *p, int n, double max_latency);
/* Throughput of point k over threads × that of the point with one thread and stream and else the
 * same; 0 when that one was not measured. */
double sweep_scaling(const struct sweep_point *p, int n, int k);

#endif
