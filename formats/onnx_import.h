/* The state of one import: scopes of names, functions, what could not be converted. */
#ifndef FORMATS_ONNX_IMPORT_H
#define FORMATS_ONNX_IMPORT_H

#include "base/map.h"
#include "formats/onnx.h"
#include "formats/onnx_tensor.h"

/* Highest opset of the default domain whose operators the translators know. */
#define ONNX_OPSET_MAX 24

struct onnx_import {
	const struct onnx_options *options;
	const Onnx__ModelProto *model;
	struct onnx_source source;
	struct arena *arena; /* lives as long as the import */
	struct graph *graph;
	struct map symbols;   /* dim_param to its number */
	struct map functions; /* onnx_function_key to its FunctionProto */
	struct map
	    unsupported;      /* lines already said of nodes and inputs that cannot be converted */
	size_t bad_inputs;    /* of those lines */
	bool any_unsupported; /* or are all of them errors of the file? */
	bool cutting;         /* at options->cut_inputs and cut_outputs */
	int64_t nodes;        /* translated so far, inlined ones counted each time */
	struct err *err;
};

/* A sequence whose tensors are known one by one. */
struct onnx_list {
	int n;
	struct value **v;
	bool absent; /* no sequence: an optional that holds nothing */
};

/* What a name stands for. */
struct onnx_name {
	struct value *value; /* NULL: not made yet, a sequence, or bad */
	const struct onnx_list *list;
	const Onnx__TensorProto *tensor; /* an initializer, made a Const at its first use */
	bool bad; /* computed by a node that cannot be converted, or from one */
};

/* A body being filled: values around it become its Parameters when they are first asked for. */
struct onnx_body {
	struct graph *graph;
	int n, room;
	struct onnx_capture {
		struct value *outer;
		int parameter; /* index among the body's inputs */
	} * capture;
};

struct onnx_scope {
	struct onnx_import *im;
	struct onnx_body *body;   /* when this scope is the outermost one of a body, else NULL */
	struct onnx_scope *outer; /* of a subgraph: the graph around it */
	struct map names;         /* to struct onnx_name */
	const char *prefix;       /* of layer and tensor names: "" or "call/" */
	size_t nopsets;
	Onnx__OperatorSetIdProto **opsets;
	/* In a function: the attributes of the call, resolved. */
	bool function;
	int nattrs;
	const Onnx__AttributeProto **attrs;
	int depth;
};

/* The name as seen from scope, NULL when there is none. */
struct onnx_name *onnx_lookup(struct onnx_scope *s, const char *name);
/* Binds a name here; neither value nor list makes it bad. */
int onnx_bind(struct onnx_scope *s, const char *name, struct value *v, const struct onnx_list *l);
/* Translates the nodes of a graph or function body in order; needed NULL: all of them. */
int onnx_nodes(struct onnx_scope *s, Onnx__NodeProto **node, size_t n, const struct map *needed);
/* The value behind a name (an initializer becomes a Const), NULL when bad or on an error, in
 * im->err. */
int onnx_value(struct onnx_scope *s, const char *name, struct value **out);
/* Enters a graph's initializers as names. */
int onnx_initializers(struct onnx_scope *s, const Onnx__GraphProto *g);
/* Version of a domain in force, 0 when it is not imported. */
int onnx_opset(const struct onnx_scope *s, const char *domain);
/* The attribute that a node of the scope has under its own name: references are resolved, NULL when
 * the call does not give it. *err_status is set on failure. */
const Onnx__AttributeProto *onnx_attribute(
    struct onnx_scope *s, const Onnx__AttributeProto *a, int *status);
/* "" for both spellings of the default domain. */
const char *onnx_domain(const char *domain);
static inline const char *onnx_text(const char *s)
{
	return s ? s : "";
}
/* The name of a node in messages and of its layer: its own, or its first output's. */
const char *onnx_node_name(const Onnx__NodeProto *n);
/* onnx_report.c: notes a node that cannot be converted, once per node. */
void onnx_unsupported(struct onnx_scope *s, const Onnx__NodeProto *n, int opset, const char *why);
/* May the rest of the model be looked at after the failure of a node? Then it is noted. */
bool onnx_excused(struct onnx_scope *s, const Onnx__NodeProto *n, int status);
/* The same of an input of a kind that cannot be had. */
int onnx_excuse_input(struct onnx_scope *s, const char *name, int status);
/* The error of all that was noted. */
int onnx_report(struct onnx_import *im);

/* onnx_check.c: every input is computed before, every name given once, subgraphs included.
 * outer NULL, or the names around. */
int onnx_check_graph(const Onnx__GraphProto *g, struct err *err);
int onnx_check_function(const Onnx__FunctionProto *f, struct err *err);
/* The names that the outputs want, as keys. */
/* Is this output of a node needed, and not cut off? */
bool onnx_wanted(const struct onnx_import *im, const struct map *needed, const char *output);
int onnx_needed(const struct onnx_import *im, char **outputs, size_t noutputs, struct map *needed);

/* onnx_function.c */
int onnx_functions_index(struct onnx_import *im);
const Onnx__FunctionProto *onnx_function_find(struct onnx_import *im, const Onnx__NodeProto *n);
/* Translates the body of f in place of the call n. out: the results, NULL where bad. */
int onnx_function_inline(struct onnx_scope *s, const Onnx__NodeProto *n,
    const Onnx__FunctionProto *f, struct value **in, int nin, struct value **out, int nout);

/* onnx_if.c: does the condition of an If follow from constants and known shapes? Then the branch
 * that is taken is translated in its place. */
bool onnx_decided(struct onnx_import *im, const struct value *condition, bool *taken);
/* Translates a subgraph in place, prefix before the names in it. out: NULL where bad. */
int onnx_inline(struct onnx_scope *s, const Onnx__GraphProto *g, const char *prefix,
    struct value *const *in, int nin, struct value **out, int nout);
int onnx_if_inline(
    struct onnx_scope *s, const Onnx__NodeProto *n, bool taken, struct value **out, int nout);

/* onnx_capture.c: the name as the inside of a body sees it, entered into the body's scope; NULL
 * when there is none, or without memory (then im->err is set). */
struct onnx_name *onnx_capture(struct onnx_scope *s, const char *name);
/* A value of the graph around inside the body of s; NULL without memory. */
struct value *onnx_bring_in(struct onnx_scope *s, const char *name, struct value *v);

/* onnx_cut.c: while im->cutting. */
bool onnx_is_cut(const struct onnx_import *im, const char *name);
int onnx_cut_outputs(struct onnx_import *im, char ***names, size_t *n);
int onnx_cut_inputs(struct onnx_scope *s, const Onnx__GraphProto *g);

/* onnx_io.c: inputs as Parameters, outputs as Results. */
int onnx_inputs(struct onnx_scope *s, const Onnx__GraphProto *g);
int onnx_add_input(struct onnx_scope *s, const Onnx__ValueInfoProto *v);
int onnx_outputs(struct onnx_scope *s, char **names, size_t n);

#endif
