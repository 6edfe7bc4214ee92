/* Places for values in one workspace, shared by those that never live at once. */
#ifndef EXEC_MEMPLAN_H
#define EXEC_MEMPLAN_H

#include "base/status.h"

struct memplan_item {
	size_t size;     /* bytes wanted */
	int first, last; /* calls between which it lives, both included */
	size_t offset;   /* result: a multiple of MEMPLAN_ALIGN */
};
#define MEMPLAN_ALIGN 64

/* Sets the offsets and *total. Largest first, each at the lowest free place. */
int memplan(struct memplan_item *item, int n, size_t *total, struct err *err);

#endif
