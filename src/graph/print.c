/* The graph as text, a node a line. */
#include "graph/print.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/map.h"
#include "graph/op.h"

#define FULL 8 /* elements of a constant that are printed */

/* What nodes are called in the text: their names, made unique; label[k] for the node of mark k. */
struct labels {
	struct map used;
	struct arena *arena;
	const char **label;
};

static bool is_plain(const char *s)
{
	if (!*s || !strcmp(s, "_"))
		return false;
	for (; *s; s++)
		if (!(*s >= '0' && *s <= '9') && !(*s >= 'a' && *s <= 'z') &&
		    !(*s >= 'A' && *s <= 'Z') && !strchr("_./-", *s))
			return false;
	return true;
}

static void add_quoted(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			text_printf(t, "\\%c", c);
		else if (c == '\n')
			text_add(t, "\\n");
		else if (c < 0x20 || c == 0x7f)
			text_printf(t, "\\x%02x", c);
		else
			text_addn(t, s, 1);
	}
	text_add(t, "\"");
}

static void add_word(struct text *t, const char *s)
{
	if (is_plain(s))
		text_add(t, s);
	else
		add_quoted(t, s);
}

/* The name, or name~2, name~3 … where an earlier node has it. */
static const char *unique_label(struct labels *l, const char *name)
{
	const char *label = *name ? name : "node";
	for (int i = 2; label && map_has(&l->used, label); i++)
		label = arena_printf(l->arena, "%s~%d", *name ? name : "node", i);
	return label && map_put(&l->used, label, l) ? label : NULL;
}

static bool make_labels(struct labels *l, const struct graph *g)
{
	uint32_t i = 0;
	l->arena = arena_new();
	l->label = calloc((size_t)g->nnodes + 1, sizeof *l->label);
	if (!l->arena || !l->label)
		return false;
	graph_each (g, n) {
		n->mark = i;
		if (!(l->label[i++] = unique_label(l, n->name)))
			return false;
	}
	return true;
}

static void free_labels(struct labels *l)
{
	map_free(&l->used);
	arena_free(l->arena);
	free(l->label);
}

static void print_value(struct text *t, const struct labels *l, const struct value *v)
{
	const char *label = l->label[v->node->mark];
	if (!v->port) {
		add_word(t, label);
		return;
	}
	char *name = arena_printf(l->arena, "%s.%d", label, v->port);
	if (name)
		add_word(t, name);
	else
		t->failed = true;
}

static void print_type(struct text *t, const struct info *info)
{
	text_printf(t, "%s[", dtype_name(info->type));
	shape_text(t, &info->shape);
	text_add(t, "]");
}

static void print_element(struct text *t, const struct tensor *tensor, int64_t i)
{
	char buf[NUMBER_MAX];
	if (tensor->type == DT_F64)
		text_add(t, number_f64(buf, tensor_f64(tensor, i)));
	else if (dtype_is_float(tensor->type))
		text_add(t, number_f32(buf, (float)tensor_f64(tensor, i)));
	else if (tensor->type == DT_U64)
		text_printf(t, "%llu", (unsigned long long)tensor_i64(tensor, i));
	else
		text_printf(t, "%lld", (long long)tensor_i64(tensor, i));
}

static void print_hash(struct text *t, const struct blob *b)
{
	char *buf = malloc(1 << 16);
	XXH3_state_t *x = XXH3_createState();
	size_t size = blob_size(b), n = 0;
	bool ok = buf && x && XXH3_64bits_reset(x) == XXH_OK;
	for (size_t off = 0; ok && off < size; off += n) {
		n = size - off < 1 << 16 ? size - off : 1 << 16;
		ok = !blob_read(b, off, buf, n, NULL) && XXH3_64bits_update(x, buf, n) == XXH_OK;
	}
	if (ok)
		text_printf(t, " hash(%016llx)", (unsigned long long)XXH3_64bits_digest(x));
	else
		t->failed = true;
	XXH3_freeState(x);
	free(buf);
}

static void print_content(struct text *t, const struct node *n)
{
	const void *element;
	size_t size;
	int64_t count = shape_count(&n->out[0].info.shape);
	if (!n->data || count < 0) {
		text_add(t, " none");
		return;
	}
	struct tensor one = {.type = n->out[0].info.type};
	if (count > FULL && blob_is_fill(n->data, &element, &size)) {
		one.data = (void *)element;
		text_add(t, " fill(");
		print_element(t, &one, 0);
		text_add(t, ")");
	} else if (count > FULL) {
		print_hash(t, n->data);
	} else {
		_Alignas(64) char bytes[FULL * 16];
		one.data = bytes;
		t->failed |= blob_size(n->data) > sizeof bytes ||
			     blob_read(n->data, 0, bytes, blob_size(n->data), NULL);
		for (int64_t i = 0; i < count && !t->failed; i++) {
			text_add(t, " ");
			print_element(t, &one, i);
		}
	}
}

static bool is_default(const struct attr_def *def, const char *text)
{
	return def->initial && !strcmp(def->initial, text);
}

/* Lists without the spaces, values that hold other than plain characters in quotes. */
static void print_attr(
    struct text *t, const struct attr_def *def, const struct attr *a, const char *before)
{
	struct text value = {0};
	attr_text(&value, def, a);
	if (!is_default(def, value.data ? value.data : "")) {
		size_t k = 0;
		for (size_t i = 0; i < value.len; i++)
			if (def->kind < ATTR_INTS || value.data[i] != ' ')
				value.data[k++] = value.data[i];
		if (value.data)
			value.data[k] = 0;
		text_printf(t, "%s%s=", before, def->name);
		bool plain = value.data && value.data[strcspn(value.data, " \t\n\"\\{}#")] == 0;
		if (plain && k)
			text_add(t, value.data);
		else
			add_quoted(t, value.data ? value.data : "");
	}
	t->failed |= value.failed;
	text_free(&value);
}

static void print_attrs(struct text *t, const struct node *n)
{
	const struct attr_def *def = n->op->attrs;
	size_t start = t->len;
	for (int i = 0; def[i].name; i++)
		if (n->attr[i].set)
			print_attr(t, &def[i], &n->attr[i], t->len == start ? " {" : " ");
	if (t->len > start)
		text_add(t, "}");
}

static void print_node(struct text *t, const struct labels *l, const struct node *n)
{
	if (n->nout || *n->name) {
		add_word(t, l->label[n->mark]);
		text_add(t, " = ");
	}
	if (!strcmp(n->op->type, "Const")) {
		text_add(t, "Const ");
		print_type(t, &n->out[0].info);
		print_content(t, n);
		text_add(t, "\n");
		return;
	}
	text_printf(t, "%s-%d", n->op->type, n->op->opset);
	for (int i = 0; i < n->nin; i++) {
		text_add(t, i ? ", " : "(");
		if (n->in[i].value)
			print_value(t, l, n->in[i].value);
		else
			text_add(t, "_");
	}
	text_add(t, n->nin ? ")" : "");
	print_attrs(t, n);
	for (int i = 0; i < n->nout; i++) {
		text_add(t, i ? ", " : " : ");
		print_type(t, &n->out[i].info);
	}
	text_add(t, "\n");
}

void graph_print(struct text *t, const struct graph *g)
{
	struct labels l = {0};
	if (make_labels(&l, g))
		graph_each (g, n)
			print_node(t, &l, n);
	else
		t->failed = true;
	free_labels(&l);
}
