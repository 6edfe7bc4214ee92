/* Which group each sample is in: --groups. */
#ifndef QUANT_GROUPS_H
#define QUANT_GROUPS_H

#include "base/arena.h"
#include "quant/verdict.h"

/* Lines "sample group", parted by the last comma, tab or space: the sample is its number from 0,
 * its path, or the end of its path after a slash; the group is a word. Or one word for each of the
 * samples, in their order. Empty lines and those that begin with # are passed over. name gives the
 * sample's path, or anything that is no path. Lives in the arena. E_FORMAT when a line names no
 * sample, or more than one. */
int groups_read(const char *path, int64_t n,
    const char *(*name)(void *user, int64_t i, struct arena *arena), void *user,
    struct arena *arena, struct groups *out, struct err *err);

#endif
