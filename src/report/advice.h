/* What the figures of a run say: where the time goes, what bounds it, what would help. */
#ifndef REPORT_ADVICE_H
#define REPORT_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_OVERHEAD, BOUND_CACHE };

/* One call of a profile. */
struct advice_call {
	const char *name, *type, *kernel;
	double ms;
	int64_t macs, bytes; /* read and written, weights included */
	int64_t weights;     /* of the bytes */
};
/* What a machine does at most with all threads of the run. */
struct advice_limits {
	double gflops;
	double gbytes;       /* a second, from memory */
	double cache_gbytes; /* a second, from the second cache */
	int64_t cache;       /* bytes of it */
	int64_t weights;     /* of the whole network: they stay in it when they fit */
};

const char *bound_name(enum bound b);
/* What bounds a call: compute when its multiply-adds take the most of its time at the machine's
 * rate (8 and 16 bits go faster than the limit), memory or cache when its bytes do, overhead when
 * neither takes half of it. A call's data come from the cache when they fit, but for weights, of
 * which the network's must fit. After the roofline model (Williams, Waterman, Patterson, CACM
 * 52(4), 2009) with a roof for each level. */
enum bound advice_bound(const struct advice_call *c, const struct advice_limits *l);

struct advice_run {
	const struct advice_call *call;
	int n;
	struct advice_limits limits;
	double latency, read, compile, first; /* ms */
	int threads;                          /* of an inference */
	double one_thread;                    /* ms of an inference on one thread; 0: not known */
	bool vnni;                            /* 8 bits multiply four times as fast, else twice */
	int products, int8;                   /* products with weights, and how many in 8 bits */
	int64_t dynamic_inputs;
	const char *source; /* "ONNX", "IR", "blob" */
	const char *floats; /* lines about the products that are not in 8 bits, NULL: not known */
};
/* Adds a line for each piece of advice. */
void advice_write(struct text *t, const struct advice_run *r);

#endif
