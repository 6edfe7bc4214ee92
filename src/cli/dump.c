/* Tensors written as they are computed: --dump. */
#include <stdlib.h>
#include <string.h>

#include "cli/dump.h"
#include "cli/results.h"

int dump_new(struct dump *d, const char *dir, const struct list *names, struct err *err)
{
	*d = (struct dump){.dir = dir, .names = names};
	d->hits = calloc(names->n + 1, sizeof *d->hits);
	d->arena = arena_new();
	d->list = cJSON_CreateArray();
	return d->hits && d->arena && d->list ? OK : fail_nomem(err);
}

void dump_free(struct dump *d)
{
	free(d->hits);
	arena_free(d->arena);
	cJSON_Delete(d->list);
	map_free(&d->files);
}

static bool is_name_of(const struct value *v, const char *name)
{
	for (int i = 0; i < v->nnames; i++)
		if (!strcmp(v->names[i], name))
			return true;
	return !strcmp(v->node->name, name);
}

static bool dump_wants(struct dump *d, const struct value *v)
{
	bool wanted = false;
	for (int i = 0; i < d->names->n; i++)
		if (!strcmp(d->names->v[i], "all") || is_name_of(v, d->names->v[i])) {
			d->hits[i]++;
			wanted = true;
		}
	return wanted;
}

/* A file name of plain characters that no other dump has and no output can have. */
static const char *dump_file(struct dump *d, const struct value *v)
{
	const char *name = value_name(v);
	char safe[160];
	size_t n = 0;
	for (; name[n] && n < sizeof safe - 1; n++) {
		char c = name[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && n);
		safe[n] = plain ? c : '_';
	}
	safe[n] = 0;
	/* 0.npy, 1.npy, … are the outputs. */
	const char *lead = strspn(safe, "0123456789") == n ? "t" : "";
	const char *file = arena_printf(d->arena, "%s%s.npy", lead, safe);
	for (int i = 1; file && map_has(&d->files, file); i++)
		file = arena_printf(d->arena, "%s%s~%d.npy", lead, safe, i);
	return file && map_put(&d->files, file, d) ? file : NULL;
}

int dump_tap(void *user, const struct value *v, const struct tensor *t, struct err *err)
{
	struct dump *d = user;
	if (!dump_wants(d, v))
		return OK;
	const char *file = dump_file(d, v);
	if (!file)
		return fail_nomem(err);
	cJSON *j = results_entry(value_name(v), file, t);
	cJSON_AddStringToObject(j, "layer", v->node->name);
	cJSON_AddNumberToObject(j, "port", v->port);
	cJSON_AddItemToArray(d->list, j);
	return results_tensor(d->dir, file, t, err);
}

int dump_finish(struct dump *d, struct err *err)
{
	cJSON *list = d->list;
	for (int i = 0; i < d->names->n; i++)
		if (!d->hits[i])
			return fail(err, E_USAGE,
			    "--dump '%s': no tensor or layer of this name was computed",
			    d->names->v[i]);
	d->list = NULL;
	return results_list(d->dir, "dump.json", list, err);
}
