/* XML read element by element, those that are wanted whole as trees. */
#ifndef FORMATS_XML_H
#define FORMATS_XML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

struct xml_attr {
	const char *name, *value;
};

/* Names are as they are written, with their prefixes. */
struct xml_element {
	const char *name;
	const char *text; /* never NULL; "" of one that has children */
	struct xml_attr *attr;
	int nattrs;
	long line;
	struct xml_element *children, *next;
};

enum xml_inside { XML_EACH, XML_WHOLE, XML_SKIP };

/* The first status that is not OK ends it. */
struct xml_handler {
	/* An element begins, the root at depth 0: how is what is inside to come? */
	int (*open)(void *user, const struct xml_element *e, int depth, enum xml_inside *inside);
	/* One that came whole. */
	int (*whole)(void *user, const struct xml_element *e, int depth);
};

/* Elements are gone when the handler returns, and so are their values and texts; names of elements
 * and attributes stay as long as the arena. UTF-8, or UTF-16 that begins with its mark, whatever
 * the document says of itself; no document type, and so no entities of its own. */
int xml_read(struct arena *a, const void *data, size_t size, const struct xml_handler *h,
    void *user, struct err *err);

#endif
