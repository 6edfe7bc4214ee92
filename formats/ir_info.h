/* The rt_info of a net, as XML. */
#ifndef FORMATS_IR_INFO_H
#define FORMATS_IR_INFO_H

#include "base/text.h"
#include "graph/graph.h"

/* Our version, the parameters of this conversion, and what was known of the net before. */
void ir_write_info(
    struct text *t, struct arena *arena, const struct meta *parameters, const struct meta *info);

#endif
