/* What a run gave: files, a summary, JSON. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include "base/status.h"
#include "cli/json.h"
#include "graph/graph.h"

/* Names of the model's outputs. */
const char *output_name(const struct graph *g, int k);

/* dir/<k>.npy for every output and dir/outputs.json. */
int results_write(
    const char *dir, const struct graph *g, const struct tensor *out, struct err *err);
/* A few lines per output on stdout. */
void results_print(const struct graph *g, const struct tensor *out);
/* [{name,type,shape,min,max,mean,not_finite}], NULL without memory. */
cJSON *results_json(const struct graph *g, const struct tensor *out);

/* Pieces that dumps share: an entry of such a list, dir/file.npy, and a list as dir/file. */
cJSON *results_entry(const char *name, const char *file, const struct tensor *t);
int results_tensor(const char *dir, const char *file, const struct tensor *t, struct err *err);
int results_list(const char *dir, const char *file, cJSON *list, struct err *err);

#endif
