/* The names of the layers of an IR: OpenVINO refuses two of the same name. */
#include "formats/ir_names.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "ops/op.h"

struct naming {
	const char **name; /* by layer */
	struct map taken;  /* all names in use or wanted, to the node that has it */
	struct map next;   /* the last suffix tried for a name */
	struct arena *arena;
	struct err *err;
};

const char *ir_result_name(const struct node *n)
{
	const struct value *v = node_in(n, 0);
	for (int i = 0; v && i < v->nnames; i++)
		if (!strcmp(v->names[i], n->name))
			return v->names[i];
	return NULL;
}

/* The layer name before it is made unique. A Result that is called like its tensor gets
 * OpenVINO's ending. */
static const char *wanted(struct arena *a, const struct node *n)
{
	const char *name = n->name ? n->name : "";

	if (node_is(n, OP_RESULT) && node_in(n, 0) && (!*name || ir_result_name(n)))
		return arena_printf(a, "%s/sink_port_0", *name ? name : value_name(node_in(n, 0)));
	return *name ? name : arena_printf(a, "%s_%" PRIu32, n->op->type, n->mark);
}

/* Gives layer i the name with the first free suffix. */
static int add_suffix(struct naming *k, int i, struct node *n)
{
	const char *base = k->name[i], *name;
	uintptr_t suffix = (uintptr_t)map_get(&k->next, base);

	do {
		name = arena_printf(k->arena, "%s_%" PRIuPTR, base, ++suffix);
		if (!name)
			return fail_nomem(k->err);
	} while (map_has(&k->taken, name));
	k->name[i] = name;
	if (!map_put(&k->next, base, (void *)suffix) || !map_put(&k->taken, name, n))
		return fail_nomem(k->err);
	return OK;
}

int ir_unique_names(
    struct node *const *order, int n, const char **name, struct arena *arena, struct err *err)
{
	struct naming k = {.name = name, .arena = arena, .err = err};
	int rc = OK;

	/* The first that wants a name has it. */
	for (int i = 0; i < n && rc == OK; i++) {
		name[i] = wanted(arena, order[i]);
		if (!name[i] ||
		    (!map_has(&k.taken, name[i]) && !map_put(&k.taken, name[i], order[i])))
			rc = fail_nomem(err);
	}
	for (int i = 0; i < n && rc == OK; i++)
		if (map_get(&k.taken, name[i]) != order[i])
			rc = add_suffix(&k, i, order[i]);
	map_free(&k.taken);
	map_free(&k.next);
	return rc;
}
