/* Tensors written as they are computed: --dump. */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include "base/map.h"
#include "base/status.h"
#include "cli/json.h"
#include "cli/options.h"
#include "graph/graph.h"

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
