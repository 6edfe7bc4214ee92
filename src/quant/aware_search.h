/* What the parts of the accuracy-aware search share. */
#ifndef QUANT_AWARE_SEARCH_H
#define QUANT_AWARE_SEARCH_H

#include "quant/aware.h"

/* What the ranking samples say of one network. */
struct aware_rating {
	double nsr;   /* mean noise over signal of the outputs; NaN: not measured */
	double value; /* of the metric */
};

struct aware_search {
	struct graph *original;
	const struct compression *c;
	const struct aware_options *o;
	struct aware_result *r;
	struct deal all, few;           /* samples to judge by, and to rank with */
	struct kept want_all, want_few; /* the original's outputs */
	double start, until;
	bool ranks_judged;           /* those to rank with are some of those to judge by */
	bool wants_original;         /* the metric compares with the original's outputs */
	struct aware_rating base;    /* of r->way */
	struct aware_rating *rating; /* by group: of r->way with that one put back */
	int round;                   /* of ranking */
};

/* Judges the original on all samples, finds those that can be read, picks those to rank with. */
int aware_open(struct aware_search *s, struct err *err);
void aware_close(struct aware_search *s);
bool aware_late(struct aware_search *s);
/* Does the network with r->way hold the drop, with something to spare? *value is NaN when that was
 * decided early. `full`: the limit itself, on all samples, the answers into r->after.
 * EVALUATE_STOPPED when the time was up. */
int aware_judge(struct aware_search *s, bool full, bool *held, double *value, struct err *err);
/* Rates r->way and each variant of it with one more group put back. EVALUATE_STOPPED when the time
 * was up. */
int aware_rank(struct aware_search *s, struct err *err);
/* Tries the other ways of a group; changes r->way when one of them is worth it: *tuned. */
int aware_tune(struct aware_search *s, int group, bool *tuned, struct err *err);
void aware_say(struct aware_search *s, enum aware_event e, int group, double value, bool held);
/* A name for r->way in the memo, with way `w` for group k (k below 0: as it is). */
char *aware_key(const struct aware_search *s, const char *what, int k, int w, char buf[64]);

#endif
