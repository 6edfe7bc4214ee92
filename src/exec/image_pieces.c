/* Constant bytes of an image, each content once, whatever plans and layers name it. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "exec/image.h"

/* What leads to a piece: its address, so that what plans share is read once, or its content. */
struct piece_key {
	uint64_t hash; /* 0: none here */
	bool content;
	int piece;
};

static uint64_t hash_of(const void *data, size_t size)
{
	uint64_t h = XXH3_64bits(data, size);
	return h ? h : 1;
}

static bool is_it(const struct image_pieces *p, const struct piece_key *k, struct exec_bytes b)
{
	const struct exec_bytes *a = &p->v[k->piece];
	if (a->size != b.size)
		return false;
	return k->content ? !memcmp(a->data, b.data, b.size) : a->data == b.data;
}

/* Where it stands, or would. */
static struct piece_key *key_at(
    const struct image_pieces *p, uint64_t hash, bool content, struct exec_bytes b)
{
	for (size_t i = hash & (p->nkeys - 1);; i = (i + 1) & (p->nkeys - 1)) {
		struct piece_key *k = &p->key[i];
		if (!k->hash || (k->hash == hash && k->content == content && is_it(p, k, b)))
			return k;
	}
}

static bool grow_keys(struct image_pieces *p)
{
	struct piece_key *old = p->key;
	size_t n = p->nkeys;
	p->nkeys = n ? n * 2 : 256;
	p->key = calloc(p->nkeys, sizeof *p->key);
	for (size_t i = 0; p->key && i < n; i++) {
		size_t at = old[i].hash & (p->nkeys - 1);
		while (old[i].hash && p->key[at].hash)
			at = (at + 1) & (p->nkeys - 1);
		if (old[i].hash)
			p->key[at] = old[i];
	}
	free(old);
	return p->key != NULL;
}

static bool reserve(struct image_pieces *p)
{
	if (p->n == p->max) {
		int max = p->max ? p->max * 2 : 64;
		struct exec_bytes *v = reallocarray(p->v, (size_t)max, sizeof *v);
		int64_t *at = v ? reallocarray(p->at, (size_t)max, sizeof *at) : NULL;
		p->v = v ? v : p->v;
		if (!at)
			return false;
		p->at = at;
		p->max = max;
	}
	return p->nused * 2 < p->nkeys || grow_keys(p);
}

static int add(struct image_pieces *p, struct exec_bytes b)
{
	p->v[p->n] = b;
	p->at[p->n] = p->end;
	p->end += (int64_t)((b.size + 63) / 64 * 64);
	return p->n++;
}

bool image_piece(struct image_pieces *p, const void *data, size_t size, int64_t *at)
{
	struct exec_bytes b = {data, size};
	*at = 0;
	if (!size)
		return true;
	if (!reserve(p))
		return false;
	uint64_t address = hash_of(&b.data, sizeof b.data);
	struct piece_key *k = key_at(p, address, false, b);
	if (!k->hash) {
		uint64_t hash = hash_of(data, size);
		struct piece_key *same = key_at(p, hash, true, b);
		if (!same->hash) {
			*same = (struct piece_key){hash, true, add(p, b)};
			p->nused++;
			k = key_at(p, address, false, b);
		}
		*k = (struct piece_key){address, false, same->piece};
		p->nused++;
	}
	*at = p->at[k->piece];
	return true;
}

void image_pieces_free(struct image_pieces *p)
{
	free(p->v);
	free(p->at);
	free(p->key);
	*p = (struct image_pieces){0};
}
