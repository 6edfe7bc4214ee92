/* The network: nodes in OpenVINO opset terms, their values and uses. One arena owns it all. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/blob.h"
#include "graph/dtype.h"
#include "graph/shape.h"
#include "graph/tensor.h"

struct graph;
struct node;
struct op; /* ops/op.h */

/* What is known of one value: inference fills it in. elems is the content of an integer tensor of
 * rank 0 or 1 with at most LIMIT_ELEMS elements, each known or ranged (NULL: nothing known);
 * constants have it too, so that inference reads shapes, axes and pads in one way. */
struct info {
	enum dtype type;
	struct shape shape;
	const struct dim *elems; /* in an arena */
};

/* One output of a node. */
struct value {
	struct node *node;
	int port;
	struct info info;
	struct use *uses; /* a list, in no promised order */
	int nuses;
	const char **names; /* tensor names (ONNX output name, IR names="a,b") */
	int nnames;
	uint32_t id;      /* dense 0..graph->nvalues-1 after graph_number */
	uint32_t symbols; /* symbols + i stands for the size of dim i, + MAX_RANK + i for element i
			     of its content; 0: none are taken yet */
};

/* One input of a node. value NULL: an optional input that is absent. */
struct use {
	struct value *value;
	struct node *node;
	int index;
	struct use *next, **link;
};

enum attr_kind {
	ATTR_INT,
	ATTR_BOOL, /* "true" / "false" */
	ATTR_FLOAT,
	ATTR_STRING,
	ATTR_TYPE,  /* an element type */
	ATTR_SHAPE, /* Parameter's shape */
	ATTR_INTS,
	ATTR_FLOATS,
	ATTR_STRINGS,
};

/* What an operator's row says of one attribute. A row's list ends with name NULL. */
struct attr_def {
	const char *name;
	enum attr_kind kind;
	bool required;       /* must be given: no default, an error when absent */
	const char *initial; /* default in the IR's spelling; NULL: unset, and then not written */
	const char
	    *allowed; /* ATTR_STRING: "explicit|valid|same_upper|same_lower", or NULL for any */
};

/* A node's attributes lie parallel to its row's attr_defs. */
struct attr {
	bool set;
	union {
		int64_t i; /* ATTR_INT, ATTR_BOOL */
		double f;
		const char *s;
		enum dtype type;
		struct shape *shape;
		struct {
			int n;
			union {
				const int64_t *i;
				const double *f;
				const char **s;
			};
		} list;
	};
};

/* Meta data kept from an IR (rt_info) or a subject of a pass: key to value, in order. */
struct meta {
	const char *key, *value;
	const char *version; /* rt_info attribute's version, or NULL */
	struct meta *next;
};

/* A body of If, Loop or TensorIterator with its port map. */
struct body {
	struct graph *graph; /* shares the outer graph's arena; freed with it */
	int nmaps;
	struct port_map {
		enum { MAP_INPUT, MAP_OUTPUT, MAP_BACK_EDGE } kind;
		int outer, inner; /* ports: node input/output, body Parameter/Result index; back
				     edge: from, to */
		int64_t axis, start, end, stride, part_size; /* axis -1: whole tensor */
		enum {
			PURPOSE_NONE,
			PURPOSE_CURRENT_ITERATION,
			PURPOSE_EXECUTION_CONDITION
		} purpose;
	} * map;
};

struct node {
	const struct op *op;
	const char *name; /* layer name; not necessarily unique until written */
	int nin, nout;
	struct use *in;
	struct value *out;
	struct attr *attr;
	struct blob *data; /* Const: its bytes, else NULL; counted */
	struct body *body;
	int nbodies;
	struct meta *meta;
	struct node *prev, *next;
	struct graph *graph;
	uint32_t mark; /* scratch for whoever walks; nobody may rely on it being kept */
};

/* Nodes stand in topological order between passes: graph_sort restores it, graph_verify checks it.
 */
struct graph {
	struct arena *arena;
	struct graph *outer; /* the graph that a body belongs to, or NULL */
	const char *name;
	struct node *first, *last;
	int nnodes;
	int ninputs, noutputs;
	struct node **inputs;  /* Parameters in the order of the model's inputs */
	struct node **outputs; /* Results in the order of the model's outputs */
	struct meta *meta;     /* rt_info of the net */
	uint32_t nvalues;      /* set by graph_number */
	uint32_t nsymbols;     /* symbols handed out so far */
	/* Of a compiled network, which has only inputs, outputs and the nodes that its plans name:
	 * what exec_load made of its sections, for exec_new. Else NULL. Freed by release. */
	struct compiled *compiled;
	void (*release)(struct compiled *c);
};

struct graph *graph_new(const char *name);
struct graph *graph_new_body(struct graph *outer, const char *name);
void graph_free(struct graph *g); /* NULL is legal; bodies die with their outer graph */
struct graph *graph_clone(const struct graph *g); /* shares the blobs */

/* Appends a node (to the end: callers add in topological order). Attributes get their defaults.
 * nout is the number of outputs (rows with a fixed number check it). in may hold NULLs.
 * NULL without memory. Parameters and Results are also entered into inputs/outputs. */
struct node *graph_add(struct graph *g, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout);
/* As graph_add, but placed just before or after an existing node. */
struct node *graph_insert_before(struct node *at, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout);
struct node *graph_insert_after(struct node *at, const struct op *op, const char *name,
    struct value *const *in, int nin, int nout);
/* A Const; takes the caller's reference on data. at NULL: appended, else placed before at. Without
 * data or a name, for which there was no memory, NULL. */
struct node *graph_const(struct graph *g, struct node *at, const char *name, enum dtype type,
    int rank, const int64_t *dims, struct blob *data);
/* Const of int64 values, rank 1 (rank 0 when n is -1: one value). */
struct node *graph_const_i64(
    struct graph *g, struct node *at, const char *name, int n, const int64_t *v);
/* Takes a node without uses out of the graph. */
void graph_remove(struct node *n);
/* Takes a node of any graph of the same arena, but no Parameter or Result, to the place before at.
 */
void graph_move(struct node *n, struct node *at);
/* Makes every use of old a use of new, but for uses by new's own node (which may be made to consume
 * old). Tensor names of old move to new. */
void graph_replace(struct value *old, struct value *new);
/* graph_replace of the node's outputs 0..nout-1 by those of new, then graph_remove(old). meta moves
 * too. */
void graph_replace_node(struct node *old, struct node *new);
void node_set_input(struct node *n, int index, struct value *v);
/* Changes the number of inputs; new ones are absent. False without memory. */
bool node_resize_inputs(struct node *n, int nin);
/* Stable topological sort (nodes stay in their order where they may). E_FORMAT and the cycle's node
 * on a cycle. */
int graph_sort(struct graph *g, struct err *err);
/* Gives values dense ids in node order, bodies apart. */
void graph_number(struct graph *g);
/* Checks the links, order, arity, attributes and names; E_FORMAT with the first thing wrong. For
 * debug builds and tests. */
int graph_verify(const struct graph *g, struct err *err);
uint32_t graph_symbol(struct graph *g); /* a new symbol */
/* The first of n new symbols; 0 when there are no more. */
uint32_t graph_symbols(struct graph *g, uint32_t n);
bool value_add_name(
    struct value *v, const char *name); /* copies; no duplicates; false without memory */
/* Index of v in outputs/inputs of g's model by tensor or layer name, -1 when absent. */
int graph_find_input(const struct graph *g, const char *name);
int graph_find_output(const struct graph *g, const char *name);
/* Of the names of its tensor the one that its Result was made for, which is called
 * "NAME/sink_port_0"; else the first. */
const char *graph_output_name(const struct graph *g, int k);
struct node *graph_find_node(const struct graph *g, const char *name);
struct value *graph_find_value(const struct graph *g, const char *tensor_name);

/* Node order; the current node may be removed inside the loop. */
#define graph_each(g, n) \
	for (struct node *n = (g)->first, *n##_next; n && (n##_next = n->next, 1); n = n##_next)
#define value_each_use(v, u) \
	for (struct use *u = (v)->uses, *u##_next; u && (u##_next = u->next, 1); u = u##_next)

/* The value at an input, NULL when absent. */
static inline struct value *node_in(const struct node *n, int i)
{
	return i < n->nin ? n->in[i].value : NULL;
}
/* The Const node behind a value, or NULL. */
struct node *value_const(const struct value *v);
/* The tensor of a Const (data forced and aligned to its elements, owned by the blob); absent when v
 * is no Const or without memory. */
struct tensor value_tensor(const struct value *v);
static inline const char *value_name(const struct value *v)
{
	return v->nnames ? v->names[0] : v->node->name;
}

/* Attribute access by the IR's name; asking for one that the row lacks is our bug (assert). */
struct attr *node_attr(const struct node *n, const char *name);
bool attr_has(const struct node *n, const char *name); /* set, or has a default */
int64_t attr_i(const struct node *n, const char *name);
bool attr_bool(const struct node *n, const char *name);
double attr_f(const struct node *n, const char *name);
const char *attr_s(const struct node *n, const char *name); /* "" when unset */
bool attr_is(const struct node *n, const char *name, const char *text);
enum dtype attr_type(const struct node *n, const char *name);
/* Number of values; *v points at them. 0 when unset. */
int attr_ints(const struct node *n, const char *name, const int64_t **v);
int attr_floats(const struct node *n, const char *name, const double **v);
/* Setters copy into the graph's arena; false without memory. */
bool attr_set_i(struct node *n, const char *name, int64_t v);
bool attr_set_f(struct node *n, const char *name, double v);
bool attr_set_s(struct node *n, const char *name, const char *v);
bool attr_set_type(struct node *n, const char *name, enum dtype v);
bool attr_set_shape(struct node *n, const char *name, const struct shape *v);
bool attr_set_ints(struct node *n, const char *name, int count, const int64_t *v);
/* From the IR's spelling; E_FORMAT when it is no such value or not allowed. */
int attr_parse(struct node *n, const struct attr_def *def, const char *text, struct err *err);
/* The IR's spelling: ints "1, 1", bools "true". Floats are shortest round-trip text. */
void attr_text(struct text *t, const struct attr_def *def, const struct attr *a);

/* Copies attributes of the same name and kind from one node to another. */
bool node_copy_attrs(struct node *dst, const struct node *src);
bool node_add_meta(struct node *n, const char *key, const char *version, const char *value);
const struct meta *node_meta(const struct node *n, const char *key);

#endif
