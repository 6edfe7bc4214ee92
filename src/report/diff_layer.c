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

static bool same_map(const struct port_map *x, const struct port_map *y)
{
	return x->kind == y->kind && x->outer == y->outer && x->inner == y->inner &&
	       x->axis == y->axis && x->start == y->start && x->end == y->end &&
	       x->stride == y->stride && x->part_size == y->part_size && x->purpose == y->purpose;
}

static bool same_maps(const struct body *a, const struct body *b)
{
	bool same = a->nmaps == b->nmaps;
	for (int i = 0; i < a->nmaps && same; i++)
		same = same_map(&a->map[i], &b->map[i]);
	return same;
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
		if (!same_maps(&a->body[i], &b->body[i]))
			text_printf(t, "what leads into body %d and out of it differs\n", i);
}
