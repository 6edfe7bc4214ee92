/* The attributes of an ONNX node as translators ask for them. */
#include <string.h>

#include "formats/onnx_translate.h"

/* AttributeProto.AttributeType. */
enum attr_type {
	A_NONE,
	A_FLOAT,
	A_INT,
	A_STRING,
	A_TENSOR,
	A_GRAPH,
	A_FLOATS,
	A_INTS,
	A_STRINGS,
};

static int type_of(const Onnx__AttributeProto *a)
{
	if (a->type) /* absent in the first IR versions */
		return a->type;
	return a->has_f       ? A_FLOAT
	       : a->has_i     ? A_INT
	       : a->has_s     ? A_STRING
	       : a->t         ? A_TENSOR
	       : a->g         ? A_GRAPH
	       : a->n_floats  ? A_FLOATS
	       : a->n_strings ? A_STRINGS
			      : A_INTS;
}

static int find(const struct tr *t, const char *name)
{
	for (int i = 0; i < t->nattrs; i++)
		if (!strcmp(onnx_text(t->attr[i]->name), name))
			return i;
	return -1;
}

static const Onnx__AttributeProto *get(struct tr *t, const char *name, enum attr_type type)
{
	static const char *const kinds[] = {"anything", "a float", "an integer", "a string",
	    "a tensor", "a graph", "a list of floats", "a list of integers", "a list of strings"};
	int i = find(t, name);
	if (i < 0 || t->status != OK)
		return NULL;
	t->used[i] = true;
	if (type_of(t->attr[i]) == (int)type)
		return t->attr[i];
	tr_fail(t, E_FORMAT, "attribute '%s' is not %s", name, kinds[type]);
	return NULL;
}

bool tr_has(struct tr *t, const char *name)
{
	return find(t, name) >= 0;
}

void tr_ignore(struct tr *t, const char *name)
{
	int i = find(t, name);
	if (i >= 0)
		t->used[i] = true;
}

void tr_require(struct tr *t, const char *name)
{
	if (find(t, name) < 0)
		tr_fail(t, E_FORMAT, "attribute '%s' is missing", name);
}

int64_t tr_int(struct tr *t, const char *name, int64_t initial)
{
	const Onnx__AttributeProto *a = get(t, name, A_INT);
	return a ? a->i : initial;
}

bool tr_bool(struct tr *t, const char *name, bool initial)
{
	return tr_int(t, name, initial) != 0;
}

double tr_float(struct tr *t, const char *name, double initial)
{
	const Onnx__AttributeProto *a = get(t, name, A_FLOAT);
	return a ? (double)a->f : initial;
}

static const char *text_of(struct tr *t, const ProtobufCBinaryData *s)
{
	char *p = arena_strn(t->scope->im->arena, (const char *)s->data, s->len);
	if (!p)
		tr_fail(t, E_NOMEM, "out of memory");
	return p;
}

const char *tr_str(struct tr *t, const char *name, const char *initial)
{
	const Onnx__AttributeProto *a = get(t, name, A_STRING);
	const char *s = a ? text_of(t, &a->s) : initial;
	return s ? s : "";
}

int tr_ints(struct tr *t, const char *name, const int64_t **v)
{
	const Onnx__AttributeProto *a = get(t, name, A_INTS);
	*v = a ? a->ints : NULL;
	return a ? (int)a->n_ints : -1;
}

int tr_floats(struct tr *t, const char *name, const float **v)
{
	const Onnx__AttributeProto *a = get(t, name, A_FLOATS);
	*v = a ? a->floats : NULL;
	return a ? (int)a->n_floats : -1;
}

int tr_strs(struct tr *t, const char *name, const char ***v)
{
	const Onnx__AttributeProto *a = get(t, name, A_STRINGS);
	*v = a ? arena_array(t->scope->im->arena, a->n_strings, sizeof **v) : NULL;
	for (size_t i = 0; *v && i < a->n_strings; i++)
		(*v)[i] = text_of(t, &a->strings[i]);
	return *v ? (int)a->n_strings : -1;
}

const Onnx__TensorProto *tr_tensor(struct tr *t, const char *name)
{
	const Onnx__AttributeProto *a = get(t, name, A_TENSOR);
	return a ? a->t : NULL;
}

void tr_ints_n(struct tr *t, const char *name, int n, int64_t initial, int64_t *v)
{
	const int64_t *given;
	int count = tr_ints(t, name, &given);
	if (count >= 0 && count != n)
		tr_fail(t, E_FORMAT, "attribute '%s' has %d values, expected %d", name, count, n);
	for (int i = 0; i < n; i++)
		v[i] = count == n ? given[i] : initial;
}

enum dtype tr_type(struct tr *t, const char *name, enum dtype initial)
{
	int64_t v = tr_int(t, name, 0);
	enum dtype type = v > 0 && v < 1000 ? onnx_dtype((int)v) : DT_NONE;
	if (!v)
		return initial;
	if (type == DT_NONE)
		tr_fail(t, E_UNSUPPORTED, "attribute '%s' asks for type %s", name,
		    onnx_type_name(v > 0 && v < 1000 ? (int)v : -1));
	return type;
}

const Onnx__GraphProto *tr_graph(struct tr *t, const char *name)
{
	const Onnx__AttributeProto *a = get(t, name, A_GRAPH);
	if (t->status == OK && (!a || !a->g))
		tr_fail(t, E_FORMAT, "attribute '%s' is missing", name);
	return t->status == OK ? a->g : NULL;
}
