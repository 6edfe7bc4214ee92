/* What a tap or watcher is told of values. */
#ifndef EXEC_TAP_H
#define EXEC_TAP_H

#include "exec/state.h"

struct plan;
struct seen_lanes;

bool is_tapped(const struct exec *e, const struct value *v);
/* Do kernels tell the watcher all that it wants of v? */
bool tap_wants_ends(const struct exec *e, const struct value *v);
/* Where the kernel that writes v, or takes it along, is to tell of it; NULL when nobody asks. v may
 * be NULL. */
int tap_seen(const struct exec *e, struct plan *p, const struct value *v, struct seen_lanes **out,
    struct err *err);
/* Hands v to the tap, if it is tapped; seen may be NULL. */
int tap_value(struct exec *e, const struct value *v, const struct seen_lanes *seen,
    struct exec_view *view, struct err *err);

#endif
