/* A hash map from strings to pointers, in insertion order. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. Keys are borrowed: they must outlive the map. */
struct map {
	struct map_entry {
		const char *key;
		void *value;
	} * entry; /* in insertion order */
	size_t n, cap;
	size_t *slot;
	size_t nslot;
};
/* The value, or NULL. */
void *map_get(const struct map *m, const char *key);
bool map_has(const struct map *m, const char *key);
/* Inserts or overwrites; false without memory. */
bool map_put(struct map *m, const char *key, void *value);
void map_free(struct map *m);

#endif
