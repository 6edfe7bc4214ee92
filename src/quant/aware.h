/* The search for the strongest compression that holds a metric: which groups of a network must be
 * given back their original precision (or a milder way of being compressed). It knows nothing of
 * what the compression is. */
#ifndef QUANT_AWARE_H
#define QUANT_AWARE_H

#include "quant/evaluate.h"
#include "quant/memo.h"

#define AWARE_KEPT (-1) /* a group's way: as in the original */

struct aware_group {
	const char *name;
	int ways;    /* of being compressed: 0 is the usual one; 1.. are tried before it is kept */
	double gain; /* what compressing it saves, milliseconds or bytes; NaN: not known */
	bool fixed;  /* is kept whatever happens */
};

struct compression {
	int ngroups; /* in the order of the network */
	const struct aware_group *group;
	/* The network with group k compressed in way[k]. Nodes that are not concerned keep their
	 * names, and all has been inferred. The caller frees it. */
	int (*make)(void *user, const int *way, struct graph **out, struct err *err);
	void *user;
	bool changed; /* with all groups kept it is not the original yet: it was pruned before */
};

enum aware_rank { AWARE_BY_SQNR, AWARE_BY_METRIC };

enum aware_event {
	AWARE_ORIGINAL,   /* the original's metric is known */
	AWARE_COMPRESSED, /* that of all groups compressed too */
	AWARE_RANKED,     /* each group's effect is known */
	AWARE_TUNED,      /* a group goes another way instead of being kept */
	AWARE_PUT_BACK,   /* one more group is kept */
	AWARE_TAKEN,      /* one that was kept need not be */
	AWARE_TIME_UP,
	AWARE_VERIFIED, /* the end */
};

/* A line's worth of progress. */
struct aware_step {
	enum aware_event event;
	const char *group; /* or NULL */
	int kept, groups;
	double value, drop; /* NaN: not known, the evaluation having ended early */
	bool held;
	int64_t samples; /* evaluated on */
	double seconds;  /* since the search began */
};

struct aware_options {
	enum metric metric;
	double max_drop;
	bool relative; /* max_drop is a share of the original's value */
	/* For METRIC_COMMAND: what the outside program says of a network. */
	int (*command)(void *user, struct graph *g, double *value, struct err *err);
	const struct samples *samples;
	int64_t from;  /* the samples before this one are not for judging */
	int64_t nrank; /* samples to rank with: */
	/* of these, none of which is judged by; NULL, or without the labels that the metric needs:
	 * of those judged by. */
	const struct samples *rank_by;
	enum aware_rank rank;
	int64_t cache_bytes;
	struct pool *pool; /* borrowed */
	double seconds;    /* the search may take; 0: any time */
	const int *way;    /* what an earlier search decided: no search; NULL */
	struct memo *memo; /* borrowed; NULL */
	void (*step)(void *user, const struct aware_step *s);
	void *user;
	struct evaluate_progress progress;
	struct log log;
};

/* What became known of a group; NaN where it was not measured. */
struct aware_found {
	double sqnr;     /* of the network's outputs with this group alone put back, in dB */
	double regained; /* of the metric, on the samples to rank with, by putting it back */
	double share;    /* of the noise of the outputs that goes with it */
	int way;
	bool at_once; /* kept since its own effect exceeds the limit */
	bool taken;   /* was kept for a while, and need not be */
};

struct aware_result {
	double original, compressed, result, drop, drop_compressed;
	double sqnr_compressed; /* of the outputs with all compressed, ranking samples; NaN */
	bool held, time_up;
	int nkept;
	struct aware_found *found; /* by group */
	int *way;                  /* the same as found's, for make */
	struct graph *graph;       /* the network decided on */
	int64_t n;                 /* samples judged on */
	int64_t nranked;           /* groups were ranked with; 0: there was no ranking */
	int64_t nranked_judged;    /* of these, judged on as well */
	int64_t *sample, *label;   /* which, and their labels */
	/* their answers, for the verdict */
	struct answer *before, *after;
	int64_t evaluated; /* runs of a sample through a network or a part of it */
	double seconds;
};
/* E_USAGE when the samples lack the labels that the metric needs. aware_free in every case. */
int aware_search(struct graph *original, const struct compression *c, const struct aware_options *o,
    struct aware_result *out, struct err *err);
void aware_free(struct aware_result *r);
/* How much worse, as max_drop counts it. */
double aware_drop(const struct aware_options *o, double original, double value);

#endif
