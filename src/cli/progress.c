/* How far a long run is: one line on a terminal that is written over, with rate and time left. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/progress.h"

#define EVERY 0.2 /* seconds between two looks */
#define SOON 0.5  /* shorter runs show nothing */

static bool line_shown; /* on the terminal, of which there is one */

void progress_clear(void)
{
	if (line_shown)
		fputs("\r\033[K", stderr);
	line_shown = false;
}

void progress_start(struct progress *g, const struct program *p, const char *what, int64_t total)
{
	*g = (struct progress){.p = p, .what = what, .total = total, .start = clock_seconds()};
	g->shown = g->start + SOON - EVERY;
	g->on = !p->quiet && total > 1 && isatty(STDERR_FILENO);
}

/* "95 s", "12 min", "3.5 h" */
static void put_time(double s)
{
	if (s < 120)
		fprintf(stderr, "%.0f s", s);
	else if (s < 7200)
		fprintf(stderr, "%.0f min", s / 60);
	else
		fprintf(stderr, "%.1f h", s / 3600);
}

void progress_at(struct progress *g, int64_t done)
{
	double t = g->on ? clock_seconds() : 0;
	if (!g->on || t - g->shown < EVERY)
		return;
	double rate = (double)done / (t - g->start);
	g->shown = t;
	progress_clear();
	fprintf(stderr, "%s: %lld of %lld %s, %.*f/s, ", g->p->name, (long long)done,
	    (long long)g->total, g->what, rate < 10, rate);
	if (done)
		put_time((double)(g->total - done) / rate);
	fputs(" left", stderr);
	fflush(stderr);
	line_shown = true;
}

void progress_end(struct progress *g)
{
	if (g->on)
		progress_clear();
	g->on = false;
}
