/* The help text of a tool, from its option table. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/options.h"

void help_print(const struct program *p, const struct option_row *common);

#endif
