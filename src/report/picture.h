/* A network as a drawing: the text that graphviz makes a picture of. */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include "base/text.h"
#include "report/products.h"

/* Adds a digraph in the DOT language: inputs, outputs, and every layer that the data go through,
 * with its type, name, shape and weights; constants, and what follows from them alone, are left
 * out. Layer k of the graph (bodies left out) has the id "layer<k>" and a class for its colour:
 * "i8" when its product is in 8 bits, "fq" for FakeQuantize, "io", else its output's type. No name
 * can end a string or markup, and what is no UTF-8 becomes '?'. *drawn is how many boxes there are.
 * Uses the marks of the nodes. */
int picture_dot(
    struct text *t, struct graph *g, const struct products *p, int *drawn, struct err *err);
/* CSS for the classes, on light and dark. */
extern const char picture_style[];

#endif
