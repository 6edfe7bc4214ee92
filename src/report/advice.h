/* What the figures of a run say: where the time goes, what bounds it, what would help. */
#ifndef REPORT_ADVICE_H
#define REPORT_ADVICE_H

#include <stdint.h>

#include "base/text.h"

enum bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_OVERHEAD };

/* One call of a profile. */
struct advice_call {
	const char *name, *type, *kernel;
	double ms;
	int64_t macs, bytes; /* read and written, weights included */
};
/* What a machine does at most with all threads of the run. */
struct advice_limits {
	double gflops, gbytes;
};

const char *bound_name(enum bound b);
/* What bounds a call: memory when its bytes take the most of its time at the machine's rate,
 * compute when its multiply-adds do (8 and 16 bits go faster than the limit), overhead when
 * neither takes half of it. After the roofline model (Williams, Waterman, Patterson, CACM 52(4),
 * 2009). */
enum bound advice_bound(const struct advice_call *c, const struct advice_limits *l);

struct advice_run {
	const struct advice_call *call;
	int n;
	struct advice_limits limits;
	double latency, read, compile, first; /* ms */
	int products, int8;                   /* products with weights, and how many in 8 bits */
	int64_t dynamic_inputs;
	const char *source; /* "ONNX", "IR", "blob" */
	const char *floats; /* lines about the products that are not in 8 bits, NULL: not known */
};
/* Adds a line for each piece of advice. */
void advice_write(struct text *t, const struct advice_run *r);

#endif
