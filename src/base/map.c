/* The string map: entries in insertion order, found through open addressing. */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The slot that holds the key, or the free one where it goes; a slot is an entry's index + 1. */
static size_t *find_slot(size_t *slot, size_t nslot, const struct map_entry *entry, const char *key)
{
	size_t i = XXH3_64bits(key, strlen(key)) & (nslot - 1);
	while (slot[i] && strcmp(entry[slot[i] - 1].key, key))
		i = (i + 1) & (nslot - 1);
	return &slot[i];
}

static struct map_entry *find(const struct map *m, const char *key)
{
	if (!m->nslot)
		return NULL;
	size_t i = *find_slot(m->slot, m->nslot, m->entry, key);
	return i ? &m->entry[i - 1] : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	struct map_entry *e = find(m, key);
	return e ? e->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return find(m, key) != NULL;
}

/* Twice the room, at most half full. */
static bool grow(struct map *m)
{
	size_t cap = m->cap ? 2 * m->cap : 8, nslot = 2 * cap;
	size_t *slot = calloc(nslot, sizeof *slot);
	struct map_entry *entry = slot ? reallocarray(m->entry, cap, sizeof *entry) : NULL;
	if (!entry) {
		free(slot);
		return false;
	}
	for (size_t i = 0; i < m->n; i++)
		*find_slot(slot, nslot, entry, entry[i].key) = i + 1;
	free(m->slot);
	m->slot = slot;
	m->nslot = nslot;
	m->entry = entry;
	m->cap = cap;
	return true;
}

bool map_put(struct map *m, const char *key, void *value)
{
	struct map_entry *e = find(m, key);
	if (e) {
		e->value = value;
		return true;
	}
	if (m->n == m->cap && !grow(m))
		return false;
	m->entry[m->n] = (struct map_entry){key, value};
	*find_slot(m->slot, m->nslot, m->entry, key) = ++m->n;
	return true;
}

void map_free(struct map *m)
{
	free(m->entry);
	free(m->slot);
	*m = (struct map){0};
}
