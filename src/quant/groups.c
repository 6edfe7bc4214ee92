/* Reads which group each sample is in. */
#include "quant/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"

#define GROUP_BYTES (1 << 28)
#define AMBIGUOUS INT64_C(-1)

struct reader {
	struct arena *arena;
	struct groups *g;
	int64_t n;
	struct map names, groups; /* to 1 + number; AMBIGUOUS in names */
	char **line;
	int64_t nlines;
	int cap;
};

static void *pack(int64_t i)
{
	return (void *)(intptr_t)(i == AMBIGUOUS ? -1 : i + 1);
}

/* Enters a sample by its path and by every end of it. */
static bool enter(struct reader *r, const char *name, int64_t i)
{
	for (const char *s = name, *slash; s; s = slash ? slash + 1 : NULL) {
		if (*s && !map_put(&r->names, s, pack(map_has(&r->names, s) ? AMBIGUOUS : i)))
			return false;
		slash = strchr(s, '/');
	}
	return true;
}

static int find_sample(struct reader *r, const char *word, int64_t *out, struct err *err)
{
	intptr_t i = (intptr_t)map_get(&r->names, word);
	*out = i - 1;
	if (i > 0)
		return OK;
	if (i < 0)
		return fail(err, E_FORMAT, "'%s' is the end of several samples' paths", word);
	if (!parse_i64(word, out))
		return fail(err, E_FORMAT, "no sample is called '%s'", word);
	if (*out < 0 || *out >= r->n)
		return fail(err, E_FORMAT, "no sample %s among %lld", word, (long long)r->n);
	return OK;
}

static int put(struct reader *r, int64_t sample, const char *group, struct err *err)
{
	intptr_t k = (intptr_t)map_get(&r->groups, group);
	if (!k) {
		if (r->g->n == r->cap) {
			int cap = r->cap ? 2 * r->cap : 16;
			const char **more = arena_array(r->arena, (size_t)cap, sizeof *more);
			if (!more)
				return fail_nomem(err);
			if (r->cap)
				memcpy(more, r->g->name, (size_t)r->cap * sizeof *more);
			r->g->name = more;
			r->cap = cap;
		}
		r->g->name[r->g->n] = group;
		k = ++r->g->n;
		if (!map_put(&r->groups, group, (void *)k))
			return fail_nomem(err);
	}
	if (r->g->of[sample] >= 0)
		return fail(err, E_FORMAT, "sample %lld is in two groups", (long long)sample);
	r->g->of[sample] = (int32_t)(k - 1);
	return OK;
}

static char *trim(char *s)
{
	s += strspn(s, " \t\r");
	for (size_t n = strlen(s); n && strchr(" \t\r", s[n - 1]);)
		s[--n] = 0;
	return s;
}

/* Where the group begins in a line, NULL when it is one word. */
static char *last_gap(char *line)
{
	for (char *s = line + strlen(line); s-- > line;)
		if (strchr(",\t ", *s))
			return s;
	return NULL;
}

static int take_line(struct reader *r, int64_t i, bool plain, struct err *err)
{
	char *line = r->line[i], *gap = plain ? NULL : last_gap(line);
	int64_t sample = i;
	if (plain)
		return put(r, sample, line, err);
	if (!gap)
		return fail(err, E_FORMAT,
		    "line '%.60s' is not 'sample group', and its %lld lines are not a group for "
		    "each of %lld samples",
		    line, (long long)r->nlines, (long long)r->n);
	*gap = 0;
	int s = find_sample(r, trim(line), &sample, err);
	if (s && !i && !strcmp(trim(gap + 1), "group"))
		return OK; /* a header */
	return s ? s : put(r, sample, trim(gap + 1), err);
}

static int split_lines(struct reader *r, const char *text, struct err *err)
{
	char *copy = arena_str(r->arena, text), *save = NULL;
	size_t lines = 1;
	for (const char *s = text; (s = strchr(s, '\n')); s++)
		lines++;
	r->line = arena_array(r->arena, lines, sizeof *r->line);
	if (!copy || !r->line)
		return fail_nomem(err);
	for (char *w = strtok_r(copy, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		w = trim(w);
		if (*w && *w != '#')
			r->line[r->nlines++] = w;
	}
	return OK;
}

static int take_lines(struct reader *r, struct err *err)
{
	bool plain = r->nlines == r->n;
	int s = OK;
	for (int64_t i = 0; i < r->nlines; i++)
		plain = plain && !last_gap(r->line[i]);
	for (int64_t i = 0; i < r->nlines && !s; i++)
		s = take_line(r, i, plain, err);
	if (!s && !r->g->n)
		s = fail(err, E_FORMAT, "it names no group");
	return s;
}

int groups_read(const char *path, int64_t n,
    const char *(*name)(void *user, int64_t i, struct arena *arena), void *user,
    struct arena *arena, struct groups *out, struct err *err)
{
	struct reader r = {.arena = arena, .g = out, .n = n};
	char *text;
	size_t size;
	*out = (struct groups){.of = arena_array(arena, (size_t)n + 1, sizeof *out->of)};
	if (!out->of)
		return fail_nomem(err);
	int s = file_slurp(path, GROUP_BYTES, &text, &size, err);
	if (s)
		return s;
	for (int64_t i = 0; i < n && !s; i++) {
		const char *word = name(user, i, arena);
		out->of[i] = -1;
		s = word && enter(&r, word, i) ? OK : fail_nomem(err);
	}
	s = s ? s : split_lines(&r, text, err);
	s = s ? s : take_lines(&r, err);
	free(text);
	map_free(&r.names);
	map_free(&r.groups);
	return s ? err_in(err, "'%s'", path) : OK;
}
