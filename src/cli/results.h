/* What a run gave: files, a summary, JSON. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include "base/status.h"
#include "base/map.h"
#include "cli/json.h"
#include "cli/options.h"
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

/* Tensors written as they are computed: --dump. */
struct dump {
	const char *dir;
	const struct list *names; /* "all" means every one */
	int *hits;                /* per name */
	struct map files;         /* file names in use */
	struct arena *arena;
	cJSON *list;
};
int dump_new(struct dump *d, const char *dir, const struct list *names, struct err *err);
/* An exec tap; user is the dump. */
int dump_tap(void *user, const struct value *v, const struct tensor *t, struct err *err);
/* Writes dir/dump.json; E_USAGE when a name met nothing. */
int dump_finish(struct dump *d, struct err *err);
void dump_free(struct dump *d);

#endif
