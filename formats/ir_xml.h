/* The XML of an IR as it stands there: layers, edges, pairs; nothing resolved yet. */
#ifndef FORMATS_IR_XML_H
#define FORMATS_IR_XML_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

struct ir_pair {
	const char *name, *value;
};

struct ir_port {
	int64_t id;
	const char *precision; /* or NULL */
	const char **names;    /* tensor names */
	int nnames;
	int ndims; /* 0 also when none are declared */
	int64_t *dim;
};

struct ir_layer {
	int64_t id;
	long line;
	const char *name, *type, *version; /* never NULL */
	const char **output_names;
	int noutput_names;
	struct ir_pair *attr; /* of <data> */
	int nattrs;
	struct meta *meta; /* rt_info */
	struct ir_port *in, *out;
	int nin, nout;
	struct ir_body *body; /* in the order of struct node: then, else; or the only one */
	int nbodies;
};

/* An entry of a <port_map>, or a back edge from an inner Result to an inner Parameter. */
struct ir_map {
	int kind;      /* MAP_INPUT... */
	int64_t port;  /* external_port_id, -1 for none; of a back edge its Result's layer */
	int64_t layer; /* internal_layer_id; of a back edge its Parameter's */
	int64_t axis, start, end, stride, part_size;
	int purpose;
	long line;
};

struct ir_edge {
	int64_t from_layer, from_port, to_layer, to_port;
	long line;
};

struct ir_doc {
	const char *name;
	int version;
	struct ir_layer *layer; /* in the order of the file */
	int nlayers, layers_cap;
	struct ir_edge *edge;
	int nedges, edges_cap;
	struct meta *meta;
};

struct ir_body {
	struct ir_doc doc;
	struct ir_map *map;
	int nmaps;
};

/* Everything is in the arena. No DTD, no entities of its own, no network; bounded by limits.h. */
int ir_xml_parse(
    const void *data, size_t size, struct arena *arena, struct ir_doc *out, struct err *err);

#endif
