/* A look over XML before it is parsed. */
#ifndef FORMATS_IR_TAGS_H
#define FORMATS_IR_TAGS_H

#include "base/status.h"

/* E_LIMIT when an element has more attributes than any IR needs, E_FORMAT when the text cannot be
 * UTF-8. */
int ir_check_tags(const void *data, size_t size, struct err *err);

#endif
