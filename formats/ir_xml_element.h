/* Elements of the XML of an IR, one layer in memory at a time; inside formats/ir_xml*.c. */
#ifndef FORMATS_IR_XML_ELEMENT_H
#define FORMATS_IR_XML_ELEMENT_H

#include <libxml/xmlreader.h>

#include "formats/ir_xml.h"

struct xml {
	xmlTextReaderPtr reader;
	struct arena *arena;
	struct ir_doc *doc;
	struct meta **meta_end;
	struct err *err;
	char problem[512]; /* the first thing that libxml2 found wrong */
	bool nomem;
	int depth;  /* of bodies in bodies */
	int layers; /* of all bodies together */
};

long element_line(const xmlNode *n);
/* Is this the element of that name? */
bool element_is(const xmlNode *n, const char *name);
/* The first child of that name, or NULL. */
const xmlNode *element_child(const xmlNode *n, const char *name);
int element_count(const xmlNode *n, const char *name);
/* The text of an attribute in place, or NULL when there is none. */
const char *element_attr(const xmlNode *n, const char *name);
/* "line N: <element> what". */
int element_bad(struct xml *x, const xmlNode *n, const char *what);
/* Copies an attribute into the arena; without it *out is the fallback, and an error when that is
 * NULL. */
int element_text(
    struct xml *x, const xmlNode *n, const char *name, const char *fallback, const char **out);
/* A number that must be there, not negative. */
int element_int(struct xml *x, const xmlNode *n, const char *name, int64_t *out);
/* A number that may be negative; initial when it is not given. */
int element_signed(
    struct xml *x, const xmlNode *n, const char *name, int64_t initial, int64_t *out);
/* One more pair at the end of a list; NULL without memory. */
struct meta *xml_add_meta(struct xml *x, struct meta ***end);

/* Into x->doc. */
int xml_read_layer(struct xml *x, const xmlNode *n);
int xml_read_edge(struct xml *x, const xmlNode *n);
/* ir_xml_body.c: the bodies of If, Loop and TensorIterator, and what leads into them. */
int xml_read_bodies(struct xml *x, const xmlNode *n, struct ir_layer *l);

#endif
