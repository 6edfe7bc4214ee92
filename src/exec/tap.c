/* What a tap or a watcher is given of the values of a run. */
#include "exec/plan.h"
#include "exec/seen.h"
#include "exec/tap.h"

bool is_tapped(const struct exec *e, const struct value *v)
{
	return (e->o.tap || e->o.watch) && (!e->o.tapped || e->o.tapped(e->o.user, v));
}

/* Do kernels tell the watcher what they see? */
static bool hears_ends(const struct exec *e)
{
	return e->o.watch && e->o.ends && pool_size(e->o.pool) == 1;
}

bool tap_wants_ends(const struct exec *e, const struct value *v)
{
	return hears_ends(e) && is_tapped(e, v) && e->o.ends(e->o.user, v);
}

int tap_seen(const struct exec *e, struct plan *p, const struct value *v, struct seen_lanes **out,
    struct err *err)
{
	*out = NULL;
	if (!v || !hears_ends(e) || !is_tapped(e, v))
		return OK;
	*out = p->seen[v->id] = arena_alloc(p->arena, sizeof **out);
	return *out ? OK : fail_nomem(err);
}

int tap_value(struct exec *e, const struct value *v, const struct seen_lanes *seen,
    struct exec_view *view, struct err *err)
{
	struct exec_ends ends;
	if (!is_tapped(e, v))
		return OK;
	if (e->o.tap)
		return e->o.tap(e->o.user, v, view->t, err);
	if (seen) {
		ends.finite = seen_close(seen, &ends.low, &ends.high);
		view->ends = &ends;
	}
	return e->o.watch(e->o.user, v, view, err);
}
