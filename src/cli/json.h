/* JSON results: --json FILE, "-" for stdout. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <cjson/cJSON.h>

#include "base/status.h"
#include "graph/tensor.h"

/* Writes j and frees it in every case. j NULL means that memory ran out while it was made. */
int json_write(const char *path, cJSON *j, struct err *err);
/* A number; one that JSON cannot hold becomes the string "inf", "-inf" or "nan". */
cJSON *json_number(double v);
/* Adds {"before":..,"after":..} to j. */
void json_pair(cJSON *j, const char *name, double before, double after);
/* [1,-1,3]: sizes that are not fixed as -1; null for an unknown rank. */
cJSON *json_shape(const struct shape *s);

#endif
