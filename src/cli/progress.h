/* How far a long run is: one line on a terminal that is written over, with rate and time left. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/options.h"

/* Nothing is shown with -q, nor where stderr is no terminal. */
struct progress {
	const struct program *p;
	const char *what;
	int64_t total;
	double start, shown; /* seconds */
	bool on;
};
void progress_start(struct progress *g, const struct program *p, const char *what, int64_t total);
void progress_at(struct progress *g, int64_t done);
void progress_end(struct progress *g);
/* Takes the line away before another is written to stderr. */
void progress_clear(void);

#endif
