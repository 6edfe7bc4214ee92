/* An IR while it becomes a graph; inside formats/ir_*.c. */
#ifndef FORMATS_IR_READER_H
#define FORMATS_IR_READER_H

#include "base/map.h"
#include "formats/ir.h"
#include "formats/ir_xml.h"

struct ir_reader {
	const struct ir_read_options *options;
	const char *bin_path;
	struct arena *arena; /* of what the XML says */
	struct ir_doc doc;
	struct ir_layer **by_id;
	const struct op **op; /* parallel to doc.layer, as is */
	struct node **node;
	struct graph *graph;
	struct map names; /* tensor names given so far: the first one of a name keeps it */
	struct file *bin; /* mapped when the first constant asks */
	struct err *err;
};

/* Lays out r->by_id, r->op and r->node; no id may be there twice. */
int ir_index_layers(struct ir_reader *r);
/* Place in doc.layer, or -1. */
int ir_find_layer(struct ir_reader *r, int64_t id);
/* Place among n ports, or -1. */
int ir_find_port(const struct ir_port *p, int n, int64_t id);
/* Another name of a value, unless an earlier one has it. */
int ir_add_name(struct ir_reader *r, struct value *v, const char *name);
/* Draws all edges; names what Results read. */
int ir_connect(struct ir_reader *r);

/* ir_layer.c: fills r->op; lists all layers that cannot be read at once. */
int ir_check_layers(struct ir_reader *r);
/* A node for each layer, in r->node. */
int ir_make_nodes(struct ir_reader *r);
/* ir_body.c: what the ports inside declare is left to inference, which knows more from outside. */
int ir_read_bodies(struct ir_reader *r, const struct ir_layer *l, struct node *n);

#endif
