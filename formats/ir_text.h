/* Pieces of XML text that are well formed whatever a name holds. */
#ifndef FORMATS_IR_TEXT_H
#define FORMATS_IR_TEXT_H

#include "base/text.h"

/* ' name="value"'. What XML cannot hold (control characters, bytes that are no UTF-8) becomes
 * U+FFFD.
 */
void xml_attr(struct text *t, const char *name, const char *value);
void xml_attr_int(struct text *t, const char *name, int64_t value);
/* Can it be an element's name? (the ASCII part of XML's rule) */
bool xml_is_name(const char *s, size_t n);
/* n tensor names as one attribute's text, "a,b", commas inside a name as "\,". */
void ir_names_text(struct text *t, const char *const *name, int n);

#endif
