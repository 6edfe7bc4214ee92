/* What changed in a layer by itself: type, attributes, sizes, the ports of bodies. */
#include "report/diff_layer.h"

#include <string.h>

#include "graph/op.h"
#include "graph/print.h"
#include "ops/op.h"

static void changed(struct text *t, const char *what, const struct text *a, const struct text *b)
{
	const char *from = a->data ? a->data : "none", *to = b->data ? b->data : "none";
	if (strcmp(from, to) != 0)
		text_printf(t, "%s %s -> %s\n", what, from, to);
	t->failed |= a->failed | b->failed;
}

static void attribute(struct text *t, const struct node *a, const struct node *b, int i)
{
	const struct attr_def *def = &b->op->attrs[i], *was = a->op->attrs;
	struct text from = {0}, to = {0};
	while (was->name && strcmp(was->name, def->name) != 0)
		was++;
	if (was->name && a->attr[was - a->op->attrs].set)
		attr_text(&from, was, &a->attr[was - a->op->attrs]);
	if (b->attr[i].set)
		attr_text(&to, def, &b->attr[i]);
	if (was->name)
		changed(t, def->name, &from, &to);
	text_free(&from);
	text_free(&to);
}

static void output(struct text *t, const struct info *a, const struct info *b, int k)
{
	struct text from = {0}, to = {0}, what = {0};
	text_printf(&from, "%s[", dtype_name(a->type));
	shape_text(&from, &a->shape);
	text_printf(&to, "%s[", dtype_name(b->type));
	shape_text(&to, &b->shape);
	text_add(&from, "]");
	text_add(&to, "]");
	text_printf(&what, k ? "output %d" : "output", k);
	changed(t, what.data ? what.data : "", &from, &to);
	text_free(&from);
	text_free(&to);
	text_free(&what);
}

/* ---- what leads into a body and out of it ---- */

/* What a map is there for: a Parameter of the body, an output of the layer, a Parameter in the next
 * turn. There is one map for each. */
static int map_to(const struct port_map *m)
{
	return m->kind == MAP_OUTPUT ? m->outer : m->inner;
}

static const struct port_map *map_like(const struct body *b, const struct port_map *m)
{
	for (int i = 0; i < b->nmaps; i++)
		if (b->map[i].kind == m->kind && map_to(&b->map[i]) == map_to(m) &&
		    (map_to(m) >= 0 || b->map[i].purpose == m->purpose))
			return &b->map[i];
	return NULL;
}

/* Where it comes from. */
static void map_text(struct text *t, const struct port_map *m)
{
	if (m->purpose == PURPOSE_CURRENT_ITERATION)
		text_add(t, "the number of the turn");
	else if (m->kind == MAP_INPUT)
		text_printf(t, "input %d", m->outer);
	else
		text_printf(t, "result %d", m->kind == MAP_OUTPUT ? m->inner : m->outer);
	if (m->axis >= 0)
		text_printf(t,
		    " along axis %lld, start %lld, end %lld, stride %lld, part_size %lld",
		    (long long)m->axis, (long long)m->start, (long long)m->end,
		    (long long)m->stride, (long long)m->part_size);
}

static void compare_map(
    struct text *t, const char *body, const struct port_map *a, const struct port_map *b)
{
	static const char *const words[] = {"parameter", "output", "next parameter"};
	const struct port_map *m = a ? a : b;
	struct text from = {0}, to = {0}, what = {0};
	text_printf(&what, "%s: ", body);
	if (m->purpose == PURPOSE_EXECUTION_CONDITION)
		text_add(&what, "condition");
	else
		text_printf(&what, "%s %d", words[m->kind], map_to(m));
	if (a)
		map_text(&from, a);
	if (b)
		map_text(&to, b);
	changed(t, what.data ? what.data : "", &from, &to);
	text_free(&from);
	text_free(&to);
	text_free(&what);
}

static void compare_maps(
    struct text *t, const char *body, const struct body *a, const struct body *b)
{
	for (int i = 0; i < a->nmaps; i++)
		compare_map(t, body, &a->map[i], map_like(b, &a->map[i]));
	for (int i = 0; i < b->nmaps; i++)
		if (!map_like(a, &b->map[i]))
			compare_map(t, body, NULL, &b->map[i]);
}

const char *diff_body_name(const struct node *n, int i)
{
	return n->nbodies < 2 ? "body" : i ? "else" : "then";
}

void diff_layer_own(struct text *t, const struct node *a, const struct node *b)
{
	if (strcmp(a->op->type, b->op->type) != 0)
		text_printf(t, "type %s -> %s\n", a->op->type, b->op->type);
	else if (a->op->opset != b->op->opset)
		text_printf(t, "opset %d -> %d\n", a->op->opset, b->op->opset);
	if (strcmp(a->name, b->name) != 0)
		text_printf(t, "name -> %s\n", b->name);
	if (!strcmp(a->op->type, b->op->type) && !node_is(a, OP_PARAMETER))
		for (int i = 0; b->op->attrs[i].name; i++)
			attribute(t, a, b, i);
	for (int k = 0; k < a->nout && k < b->nout; k++)
		output(t, &a->out[k].info, &b->out[k].info, k);
	for (int i = 0; i < a->nbodies && i < b->nbodies; i++)
		compare_maps(t, diff_body_name(b, i), &a->body[i], &b->body[i]);
}
