/* What calibration saw of values: looked up by name. */
#include <stdlib.h>
#include <string.h>

#include "formats/stats.h"

const struct stats_site *stats_find(const struct stats *s, const char *name)
{
	for (int i = 0; i < s->nsites; i++)
		if (!strcmp(s->site[i].name, name))
			return &s->site[i];
	return NULL;
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->nsites; i++) {
		free(s->site[i].low);
		free(s->site[i].high);
	}
	arena_free(s->arena);
	free(s);
}
