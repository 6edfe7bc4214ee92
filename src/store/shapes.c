/* Reads sets of shapes. */
#include "store/shapes.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "ops/edit.h"

/* ---- one set ---- */

/* A set under way: what was said of each input. */
struct set {
	const struct graph *g;
	struct shape *shape;
	bool *said;
};

static int misfit(const struct value *v, const struct shape *s, struct err *err)
{
	struct text is = {0}, want = {0};
	shape_text(&is, s);
	shape_text(&want, &v->info.shape);
	int rc = is.failed || want.failed
		     ? fail_nomem(err)
		     : fail(err, E_USAGE, "input '%s' takes the shape [%s], not [%s]",
			   value_name(v), want.data ? want.data : "", is.data ? is.data : "");
	text_free(&is);
	text_free(&want);
	return rc;
}

static bool inside(const struct shape *all, const struct shape *s)
{
	if (all->rank < 0)
		return true;
	for (int d = 0; all->rank == s->rank && d < s->rank; d++)
		if (s->dim[d].min < all->dim[d].min || s->dim[d].max > all->dim[d].max)
			return false;
	return all->rank == s->rank;
}

/* "?" is the whole range that the network has. */
static void fill_open(const struct shape *all, struct shape *s)
{
	for (int d = 0; d < s->rank && all->rank == s->rank; d++)
		if (s->dim[d].min == 0 && s->dim[d].max == DIM_INF)
			s->dim[d] = all->dim[d];
}

static int say(struct set *set, const struct word *w, int at, struct err *err)
{
	const struct graph *g = set->g;
	int k = *w->name ? graph_find_input(g, w->name) : at;
	struct shape s;
	if (k >= g->ninputs)
		return fail(err, E_USAGE, "more shapes than inputs, %d", g->ninputs);
	if (k < 0)
		return fail(err, E_USAGE, "no input named '%s'", w->name);
	const struct value *v = &g->inputs[k]->out[0];
	if (!w->value || !shape_parse(w->value, &s))
		return fail(err, E_USAGE, "'%s' is no shape like [1,128] or [1,1..512]",
		    w->value ? w->value : w->name);
	if (set->said[k])
		return fail(err, E_USAGE, "input '%s' has two shapes", value_name(v));
	fill_open(&v->info.shape, &s);
	if (!inside(&v->info.shape, &s))
		return misfit(v, &s, err);
	set->said[k] = true;
	set->shape[k] = s;
	return OK;
}

/* What was said of a dim with the same symbol. */
static const struct dim *tied(const struct set *set, uint32_t symbol)
{
	for (int k = 0; k < set->g->ninputs && symbol; k++) {
		const struct shape *all = &set->g->inputs[k]->out[0].info.shape;
		for (int d = 0; set->said[k] && d < all->rank; d++)
			if (all->dim[d].symbol == symbol)
				return &set->shape[k].dim[d];
	}
	return NULL;
}

/* Does the network name the open sizes of an input? An IR does not. */
static bool is_named(const struct value *v)
{
	const struct attr *a = node_attr(v->node, "shape");
	for (int d = 0; a && d < a->shape->rank; d++)
		if (a->shape->dim[d].symbol)
			return true;
	return false;
}

static bool same_ranges(const struct shape *a, const struct shape *b)
{
	if (a->rank != b->rank || a->rank < 0)
		return false;
	for (int d = 0; d < a->rank; d++)
		if (a->dim[d].min != b->dim[d].min || a->dim[d].max != b->dim[d].max)
			return false;
	return true;
}

/* What was said of the inputs that may have the same sizes as v, when nothing tells which are the
 * same; NULL when it was nothing, or not the same of all. */
static const struct shape *alike(const struct set *set, const struct value *v)
{
	const struct shape *found = NULL;
	for (int k = 0; k < set->g->ninputs; k++) {
		const struct value *other = &set->g->inputs[k]->out[0];
		if (!set->said[k] || is_named(other) ||
		    !same_ranges(&other->info.shape, &v->info.shape))
			continue;
		if (found && !same_ranges(found, &set->shape[k]))
			return NULL;
		found = &set->shape[k];
	}
	return is_named(v) ? NULL : found;
}

static int complete(struct set *set, struct err *err)
{
	for (int k = 0; k < set->g->ninputs; k++) {
		const struct value *v = &set->g->inputs[k]->out[0];
		struct shape *s = &set->shape[k];
		if (set->said[k])
			continue;
		*s = v->info.shape;
		bool open = s->rank < 0;
		for (int d = 0; d < s->rank; d++) {
			const struct dim *t = tied(set, s->dim[d].symbol);
			open |= !t && !dim_static(s->dim[d]);
			s->dim[d] = t ? *t : s->dim[d];
		}
		const struct shape *like = open ? alike(set, v) : NULL;
		if (open && !like)
			return fail(err, E_USAGE, "input '%s' has open sizes and is given no shape",
			    value_name(v));
		*s = like ? *like : *s;
	}
	return OK;
}

/* shape: room for one of each input. */
static int read_set(const struct graph *g, const char *text, struct shape *shape, struct err *err)
{
	struct arena *a = arena_new();
	struct set set = {.g = g, .shape = shape};
	struct word *w;
	int n = 0, rc = a ? words_split(a, text, &w, &n, err) : fail_nomem(err);
	set.said = rc ? NULL : arena_array(a, (size_t)g->ninputs + 1, sizeof *set.said);
	if (!rc && !set.said)
		rc = fail_nomem(err);
	for (int k = 0; k < g->ninputs && !rc; k++)
		set.said[k] = false;
	for (int i = 0; i < n && !rc; i++)
		rc = say(&set, &w[i], i, err);
	rc = rc ? rc : complete(&set, err);
	arena_free(a);
	return rc ? err_in(err, "shapes '%s'", text) : OK;
}

static bool is_fixed(const struct graph *g, const struct shape *s)
{
	for (int k = 0; k < g->ninputs; k++)
		if (!shape_static(&s[k]))
			return false;
	return true;
}

int shapes_one(const struct graph *g, const char *text, struct shape *out, struct err *err)
{
	int rc = read_set(g, text, out, err);
	if (!rc && !is_fixed(g, out))
		return fail(err, E_USAGE, "shapes '%s': a run has one size for each dim", text);
	return rc;
}

/* ---- all sets ---- */

static bool same(const struct graph *g, const struct tensor *a, const struct tensor *b)
{
	for (int k = 0; k < g->ninputs; k++)
		if (a[k].rank != b[k].rank ||
		    memcmp(a[k].dim, b[k].dim, (size_t)a[k].rank * sizeof *a[k].dim))
			return false;
	return true;
}

int shapes_add(
    struct shape_sets *p, const struct graph *g, const struct tensor *in, struct err *err)
{
	size_t width = (size_t)g->ninputs;
	struct tensor *all = (struct tensor *)p->s.in;
	for (int i = 0; i < p->s.n; i++)
		if (same(g, all + (size_t)i * width, in))
			return OK;
	if (p->s.n == EXEC_SETS)
		return fail(err, E_LIMIT, "more than %d sets of shapes", EXEC_SETS);
	if (!all && !(p->s.in = all = calloc(EXEC_SETS * width + 1, sizeof *all)))
		return fail_nomem(err);
	memcpy(all + (size_t)p->s.n++ * width, in, width * sizeof *in);
	return OK;
}

static int add_shapes(
    struct shape_sets *p, const struct graph *g, const struct shape *s, struct err *err)
{
	struct tensor *in = calloc((size_t)g->ninputs + 1, sizeof *in);
	for (int k = 0; in && k < g->ninputs; k++) {
		in[k] = (struct tensor){.type = g->inputs[k]->out[0].info.type, .rank = s[k].rank};
		for (int d = 0; d < s[k].rank; d++)
			in[k].dim[d] = s[k].dim[d].min;
	}
	int rc = in ? shapes_add(p, g, in, err) : fail_nomem(err);
	free(in);
	return rc;
}

/* The end of each range, or 1. */
static void largest(const struct graph *g, struct shape *s)
{
	for (int k = 0; k < g->ninputs; k++)
		for (int d = 0; d < s[k].rank; d++) {
			struct dim *dim = &s[k].dim[d];
			int64_t n = dim->max < DIM_INF ? dim->max : dim->min > 1 ? dim->min : 1;
			*dim = dim_of(n);
		}
}

static int narrow(struct graph *g, const struct shape *s, struct err *err)
{
	int rc = OK;
	for (int k = 0; k < g->ninputs && !rc; k++)
		rc = edit_shape(g, k, &s[k], err);
	return rc ? rc : graph_infer(g, err);
}

static int fits(const struct shape_sets *p, const struct graph *g, struct err *err)
{
	for (int i = 0; i < p->s.n * g->ninputs; i++) {
		const struct value *v = &g->inputs[i % g->ninputs]->out[0];
		const struct tensor *t = &p->s.in[i];
		struct shape s = tensor_shape(t);
		if (!shape_fits(&v->info.shape, t->rank, t->dim))
			return misfit(v, &s, err);
	}
	return OK;
}

/* Sets of fixed sizes become plans; bounds gets the one with ranges. */
static int read_one(const struct graph *g, const char *text, struct shape_sets *p,
    struct shape *room, struct shape *bounds, struct err *err)
{
	int rc = read_set(g, text, room, err);
	if (rc)
		return rc;
	if (is_fixed(g, room))
		return add_shapes(p, g, room, err);
	if (p->s.open)
		return fail(err, E_USAGE, "shapes '%s': there is a set with ranges already", text);
	p->s.open = true;
	memcpy(bounds, room, (size_t)g->ninputs * sizeof *room);
	return OK;
}

static int read_text(const struct graph *g, const char *text, struct shape_sets *p,
    struct shape *room, struct shape *bounds, struct err *err)
{
	char *copy = strdup(text), *rest = copy;
	int rc = copy ? OK : fail_nomem(err);
	for (char *set; !rc && (set = strsep(&rest, ";"));)
		if (set[strspn(set, " \t\n")])
			rc = read_one(g, set, p, room, bounds, err);
	free(copy);
	return rc;
}

int shapes_read(
    struct graph *g, const char *const *text, int n, struct shape_sets *out, struct err *err)
{
	size_t width = (size_t)g->ninputs + 1;
	struct shape *room = calloc(2 * width, sizeof *room), *bounds = room + width;
	int rc = room ? OK : fail_nomem(err);
	*out = (struct shape_sets){0};
	for (int i = 0; i < n && !rc; i++)
		rc = read_text(g, text[i], out, room, bounds, err);
	if (!rc && out->s.open && exec_planned(g)) /* its layers are not there to be inferred */
		rc = fail(
		    err, E_USAGE, "shapes '%s': a set with ranges is for mo-compile", text[0]);
	if (!rc && out->s.open)
		rc = narrow(g, bounds, err);
	rc = rc ? rc : fits(out, g, err);
	if (!rc && out->s.open && !out->s.n) {
		largest(g, bounds);
		rc = add_shapes(out, g, bounds, err);
	}
	if (!rc && !out->s.n)
		rc = fail(err, E_USAGE, "no shapes are given");
	free(room);
	return rc;
}

void shapes_free(struct shape_sets *p)
{
	free((void *)p->s.in);
	*p = (struct shape_sets){0};
}
