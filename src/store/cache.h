/* A folder of compiled networks, found again by the stamps of the model's files, or by their
 * content where only the stamps have changed.
 *
 * NAME.blob is a compiled network, its name the hash of the content and of what it was compiled
 * for; NAME.ref says which blob the files with these stamps have, its name the hash of the stamp of
 * the model and of what it is to be compiled for. Files appear by rename and are never written
 * again, so that processes need not know of each other. A blob's time is that of its last use. */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include "store/network.h"
#include "store/sources.h"

#define CACHE_BYTES (INT64_C(4) << 30) /* default limit of its size */

struct cache_options {
	const char *dir; /* NULL: no cache */
	int64_t bytes;   /* 0: CACHE_BYTES */
};

/* What a network is compiled for, as text that is the same for the same. */
struct cache_key {
	bool exact, bf16, lenient;
	int64_t batch;
};

/* The blob for this model by its stamps; NULL when there is none that serves. The caller frees it.
 */
char *cache_find(const char *dir, const struct cache_key *k, const char *model);
/* The blob that these sources have or would have. The caller frees it; NULL without memory. */
char *cache_path(const char *dir, const struct cache_key *k, uint64_t content);
/* Notes which blob the sources have. */
int cache_note(const char *dir, const struct cache_key *k, const struct sources *s,
    const char *blob, struct err *err);
/* Its last use is now. */
void cache_touch(const char *blob);

/* ---- the folder as a whole (cache_folder.c) ---- */

struct cache_entry {
	char *path;
	int64_t bytes, used; /* nanoseconds */
};
struct cache_entries {
	struct cache_entry *v; /* last used first */
	int n;
	int64_t bytes;
};
int cache_list(const char *dir, struct cache_entries *out, struct err *err);
void cache_entries_free(struct cache_entries *c);
/* Removes the blobs used longest ago until the rest takes at most so many bytes (the one used last
 * stays in any case, unless bytes is 0), refs without a blob, and what was left half written. */
int cache_prune(const char *dir, int64_t bytes, int *removed, struct err *err);

#endif
