/* Choosing among measured ways to run a network: batch, streams, threads, precision. */
#include "report/sweep.h"

#include <string.h>

static bool within(const struct sweep_point *p, double max_latency)
{
	return p->ok && (max_latency <= 0 || p->latency <= max_latency);
}

int sweep_choose(const struct sweep_point *p, int n, double max_latency)
{
	double most = 0, same = max_latency > 0 ? 0 : SWEEP_SAME;
	int best = -1;
	for (int i = 0; i < n; i++)
		if (within(&p[i], max_latency) && p[i].fps > most)
			most = p[i].fps;
	for (int i = 0; i < n; i++)
		if (within(&p[i], max_latency) && p[i].fps >= (1 - same) * most &&
		    (best < 0 || p[i].latency < p[best].latency))
			best = i;
	return best;
}

double sweep_scaling(const struct sweep_point *p, int n, int k)
{
	for (int i = 0; i < n; i++)
		if (p[i].ok && p[i].threads == 1 && p[i].streams == 1 && p[i].batch == p[k].batch &&
		    !strcmp(p[i].precision, p[k].precision) && !strcmp(p[i].mode, p[k].mode) &&
		    p[i].fps > 0)
			return p[k].fps / (p[i].fps * (double)p[k].threads);
	return 0;
}
