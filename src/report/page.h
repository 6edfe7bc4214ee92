/* One self-contained HTML page: the results as JSON, and the scripts that draw them. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/status.h"

/* Writes the page with this JSON text as its data; the file appears whole or not at all.
 * E_UNSUPPORTED when the charting library was not there when mo was built. */
int page_write(const char *path, const char *json, struct err *err);

#endif
