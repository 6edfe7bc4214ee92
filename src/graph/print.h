/* A graph as text, one node a line, and back: what --dump-after prints and the pass tests are
 * written in.
 *
 *   x = Parameter-1 {shape=1,3,8,8 element_type=f32} : f32[1,3,8,8]
 *   w = Const f32[4,3,3,3] random(7)
 *   b = Const f32[1,4,1,1] 0.5 1 -2 3
 *   y = Convolution-1(x, w) {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1
 * auto_pad=explicit} : f32[1,4,8,8] s, t = Split-1(y, axis) {num_splits=2} : f32[1,2,8,8],
 * f32[1,2,8,8] Result-1(s)
 *
 * A name is the layer's; quoted "..." where it holds more than letters, digits and _ . / -.  An
 * absent input is _ . Several outputs are name, name.1, … by default. "# …" is a comment.
 * random(SEED) stands for floats in [-1,1) or integers 0..9, fill(V) for one value everywhere; a
 * constant of at most 8 elements is printed in full, a larger one as hash(XXH3 of its bytes). Types
 * after ':' are checked when they are read. */
#ifndef GRAPH_PRINT_H
#define GRAPH_PRINT_H

#include "base/text.h"
#include "graph/graph.h"

void graph_print(struct text *t, const struct graph *g);
/* Reads that text; infers types and shapes (through the operators' rows, handed in so that graph
 * does not depend on ops): find gives the row for ("Convolution", 1), infer fills one node's
 * outputs. */
int graph_scan(const char *text, const struct op *(*find)(const char *type, int opset),
    int (*infer)(struct node *n, struct err *err), struct graph **out, struct err *err);

#endif
