/* --shard I/N: one of N parts of some work, counted from 1. */
#include "cli/shard.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define MAX_SHARDS 100000

int shard_read(const char *word, struct shard *s, struct err *err)
{
	char *slash = word ? strdup(word) : NULL, *at = slash ? strchr(slash, '/') : NULL;
	int64_t i = 1, n = 1;
	if (at)
		*at++ = 0;
	bool ok = !word || (at && parse_i64(slash, &i) && parse_i64(at, &n) && i >= 1 && i <= n &&
			       n <= MAX_SHARDS);
	free(slash);
	*s = (struct shard){i - 1, n};
	return ok ? OK : fail(err, E_USAGE, "--shard: '%s' is not I/N with I from 1 to N", word);
}

int64_t shard_from(const struct shard *s, int64_t items)
{
	int64_t whole = items / s->n, rest = items % s->n;
	return s->i * whole + (s->i < rest ? s->i : rest);
}
