/* --shard I/N: one of N parts of some work, counted from 1. */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include <stdint.h>

#include "base/status.h"

struct shard {
	int64_t i, n; /* i from 0 */
};
/* "2/4" is the second of four; word NULL: the whole. E_USAGE when it is no such thing. */
int shard_read(const char *word, struct shard *s, struct err *err);
/* Where the shard of so many items begins: shard i holds those from it up to where i + 1 begins. */
int64_t shard_from(const struct shard *s, int64_t items);

#endif
