/* What the tools that judge a changed network share: drops as words, verdicts as JSON. */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "cli/json.h"
#include "graph/graph.h"
#include "quant/groups.h"
#include "quant/source.h"

/* "1%" or 0.01; E_USAGE for what is no drop, or everything. */
int drop_parse(const char *word, double *out, struct err *err);
/* The same for a metric with a scale of its own, as a program's: any number that is not negative.
 */
int drop_parse_own(const char *word, double *out, struct err *err);
/* Sets v->layer to the first layer of got that is not finite where want is, on one sample. */
int verdict_find_layer(struct verdict *v, struct graph *want, struct graph *got,
    const struct samples *samples, struct err *err);
/* --groups, by the names of a source's samples. */
int verdict_groups(
    const char *path, struct source *s, struct arena *arena, struct groups *out, struct err *err);
/* Names of a source's samples and classes. */
struct verdict_names verdict_names(const struct source *s, const struct groups *groups);
/* {metric, original, result, drop, drop_low, drop_high, verdict, flipped: [...], groups: [...],
 * ...} NULL without memory. */
cJSON *verdict_json(const struct verdict *v, const struct verdict_names *names);

#endif
