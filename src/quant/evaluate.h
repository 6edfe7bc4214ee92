/* What networks answer to samples: run on several threads, one sample (or batch) each. */
#ifndef QUANT_EVALUATE_H
#define QUANT_EVALUATE_H

#include "base/threads.h"
#include "graph/graph.h"
#include "quant/metrics.h"
#include "quant/samples.h"

#define EVALUATE_STOPPED 1 /* a status: the time was up, or the question was decided */

/* Tensors of several runs, kept: run r has those from t[r * width] on. */
struct kept {
	int64_t runs;
	int width;
	struct tensor *t; /* DT_NONE: that run gave none */
};
void kept_free(struct kept *k);

/* Samples dealt out to a network in runs of `batch` each. The labels and what cannot be read come
 * with the first evaluation. */
struct deal {
	const struct samples *samples;
	int64_t n, batch;
	int64_t *index; /* of the samples, n of them */
	int64_t *label;
	bool *unreadable;
};
/* n samples spread evenly over those from `from` on, or all of them when there are fewer. The
 * network's static batch is the deal's. */
int deal_new(struct deal *d, const struct samples *s, int64_t from, int64_t n,
    const struct graph *g, struct err *err);
/* Those of another deal at whose place in it pick is true. */
int deal_subset(struct deal *d, const struct deal *all, const bool *pick, struct err *err);
void deal_free(struct deal *d);
int64_t deal_runs(const struct deal *d);

/* A share of samples whose label is among the first `among` (1: top-1, 5: top-5), as a question:
 * are there at least `need` of them? among 0: no question. */
struct bound {
	int among;
	int64_t need;
};

/* How far it is, in samples: at(user, what, 0, of) begins. One thread at a time. */
struct evaluate_progress {
	void (*at)(void *user, const char *what, int64_t done, int64_t of); /* or NULL */
	void *user;
};

struct evaluation {
	struct deal *deal;
	struct pool *pool;       /* borrowed; NULL: one thread */
	const struct kept *in;   /* by run: the network's inputs, instead of the samples */
	const struct kept *want; /* by run: the original's outputs, or NULL */
	struct kept *keep;       /* takes the outputs by run; NULL */
	bool compare;            /* the outputs are those of choice_before */
	int64_t keep_bytes;      /* more than that is E_LIMIT; 0: any */
	struct bound bound;
	double until; /* by clock_seconds; 0: no limit */
	struct evaluate_progress progress;
	struct log log;
};
/* answer has one for each sample of the deal; those not run, or not readable, are not seen. NULL:
 * no answers are wanted. EVALUATE_STOPPED when the bound decided early or the time was up. */
int evaluate(struct graph *g, const struct evaluation *v, struct answer *answer, struct err *err);
/* Samples seen, and of those the ones whose label is among the first. */
int64_t answers_seen(const struct answer *a, int64_t n);
int64_t answers_hit(const struct answer *a, int64_t n, int among);

#endif
