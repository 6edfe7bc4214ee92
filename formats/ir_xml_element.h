/* Elements of the XML of an IR, one layer in memory at a time; inside formats/ir_xml*.c. */
#ifndef FORMATS_IR_XML_ELEMENT_H
#define FORMATS_IR_XML_ELEMENT_H

#include "formats/ir_xml.h"
#include "formats/xml.h"

enum xml_place { OUTSIDE, LAYERS, EDGES };

struct xml {
	struct arena *arena;
	struct ir_doc *doc;
	struct meta **meta_end;
	struct err *err;
	enum xml_place place;
	int depth;  /* of bodies in bodies */
	int layers; /* of all bodies together */
};

/* Is this the element of that name? */
bool element_is(const struct xml_element *n, const char *name);
/* The first child of that name, or NULL. */
const struct xml_element *element_child(const struct xml_element *n, const char *name);
int element_count(const struct xml_element *n, const char *name);
/* The text of an attribute, which goes with the element, or NULL when there is none. */
const char *element_attr(const struct xml_element *n, const char *name);
/* "line N: <element> what". */
int element_bad(struct xml *x, const struct xml_element *n, const char *what);
/* A copy of the text of an attribute; without it *out is the fallback, and an error when that is
 * NULL. */
int element_text(struct xml *x, const struct xml_element *n, const char *name, const char *fallback,
    const char **out);
/* A number that must be there, not negative. */
int element_int(struct xml *x, const struct xml_element *n, const char *name, int64_t *out);
/* A number that may be negative; initial when it is not given. */
int element_signed(
    struct xml *x, const struct xml_element *n, const char *name, int64_t initial, int64_t *out);
/* One more pair at the end of a list; NULL without memory. */
struct meta *xml_add_meta(struct xml *x, struct meta ***end);

/* Into x->doc. */
int xml_read_layer(struct xml *x, const struct xml_element *n);
int xml_read_edge(struct xml *x, const struct xml_element *n);
/* ir_xml_body.c: the bodies of If, Loop and TensorIterator, and what leads into them. */
int xml_read_bodies(struct xml *x, const struct xml_element *n, struct ir_layer *l);

#endif
