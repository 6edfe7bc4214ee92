/* Offsets by lifetime: largest first, each at the lowest place free while it lives. */
#include <stdint.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/limits.h"
#include "exec/memplan.h"

/* With more items than this the small ones share nothing: the search is quadratic. */
#define MANY 4096
#define SMALL 65536

static int by_size(const void *a, const void *b)
{
	const struct memplan_item *x = *(struct memplan_item *const *)a;
	const struct memplan_item *y = *(struct memplan_item *const *)b;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x < y ? -1 : x > y;
}

static bool together(const struct memplan_item *a, const struct memplan_item *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* placed is in the order of offsets. Returns where in that order the item goes. */
static int find_place(struct memplan_item *const *placed, int n, struct memplan_item *it)
{
	int at = 0;
	it->offset = 0;
	for (int i = 0; i < n; i++) {
		const struct memplan_item *p = placed[i];
		if (!together(p, it) || p->offset + p->size <= it->offset)
			continue;
		if (p->offset >= it->offset + it->size)
			break;
		it->offset = p->offset + p->size;
	}
	while (at < n && placed[at]->offset <= it->offset)
		at++;
	return at;
}

static int round_up(struct memplan_item *item, int n, struct err *err)
{
	size_t sum = 0;
	for (int i = 0; i < n; i++) {
		if (item[i].size > LIMIT_WORKSPACE_BYTES)
			return fail(
			    err, E_LIMIT, "a value of %zu bytes is beyond the limit", item[i].size);
		item[i].size = (item[i].size + MEMPLAN_ALIGN - 1) / MEMPLAN_ALIGN * MEMPLAN_ALIGN;
		if (add_size(sum, item[i].size, &sum))
			return fail(err, E_LIMIT, "the values take more bytes than there can be");
	}
	return OK;
}

int memplan(struct memplan_item *item, int n, size_t *total, struct err *err)
{
	int nplaced = 0, status = round_up(item, n, err);
	if (status < 0)
		return status;
	struct memplan_item **order = calloc((size_t)n + 1, sizeof *order);
	struct memplan_item **placed = calloc((size_t)n + 1, sizeof *placed);
	if (!order || !placed) {
		free(order);
		free(placed);
		return fail_nomem(err);
	}
	for (int i = 0; i < n; i++)
		order[i] = &item[i];
	qsort(order, (size_t)n, sizeof *order, by_size);
	*total = 0;
	for (int i = 0; i < n; i++) {
		struct memplan_item *it = order[i];
		if (nplaced >= MANY && it->size < SMALL) {
			it->offset = *total;
		} else {
			int at = find_place(placed, nplaced, it);
			for (int k = nplaced++; k > at; k--)
				placed[k] = placed[k - 1];
			placed[at] = it;
		}
		if (it->offset + it->size > *total)
			*total = it->offset + it->size;
	}
	free(order);
	free(placed);
	if (*total > LIMIT_WORKSPACE_BYTES)
		return fail(err, E_LIMIT, "the workspace would take %zu bytes", *total);
	return OK;
}
