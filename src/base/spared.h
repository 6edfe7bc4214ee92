/* Files that no output replaces, as output_spare of base/file.h says. */
#ifndef BASE_SPARED_H
#define BASE_SPARED_H

#include <stdbool.h>
#include <sys/stat.h>

bool output_is_spared(const struct stat *st);

#endif
