/* The parser of command lines: long and short options from a table, misuse with a hint. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "version.h"

#define WORD_MAX 64
#define WORDS_MAX 256

/* What all tools share; the values are in struct program itself. */
static const struct option_row common[] = {
    {.kind = OPT_SECTION, .about = "Common"},
    {OPT_FLAG, "quiet", 'q', NULL, "only errors on stderr", offsetof(struct program, quiet),
	"silent", 0, 0},
    {OPT_COUNT, "verbose", 'v', NULL, "say more on stderr; twice: all",
	offsetof(struct program, verbose), NULL, 0, 0},
    {OPT_STRING, "cpu", 0, "LEVEL", "use at most the kernels of ref, avx2, avx512, vnni or bf16",
	offsetof(struct program, cpu), NULL, 0, 0},
    {OPT_HELP, "help", 'h', NULL, "print this and exit", 0, NULL, 0, 0},
    {OPT_VERSION, "version", 0, NULL, "print the version and exit", 0, NULL, 0, 0},
    {0},
};

struct parse {
	struct program *p;
	char **argv;
	int argc, at;
};

static void misuse(const struct program *p, const char *text, const char *hint)
{
	struct err err = {0};
	if (hint)
		fail(&err, E_USAGE, "%s, did you mean '--%s'?", text, hint);
	else
		fail(&err, E_USAGE, "%s (see '%s --help')", text, p->name);
	tool_error(p, &err);
	exit(tool_finish(p, 2));
}

static void misuse_value(const struct program *p, const struct option_row *r, const char *value)
{
	struct text t = {0};
	if (!value || !*value)
		text_printf(&t, "option '--%s' needs a value%s", r->name,
		    value ? ", not an empty one" : "");
	else if (r->kind == OPT_FLAG)
		text_printf(&t, "option '--%s' takes true or false, not '%.200s'", r->name, value);
	else if (r->kind == OPT_ABOVE && r->max)
		text_printf(&t, "option '--%s' needs a number above 0, at most %lld, not '%.200s'",
		    r->name, (long long)r->max, value);
	else if (r->kind == OPT_ABOVE)
		text_printf(
		    &t, "option '--%s' needs a number above 0, not '%.200s'", r->name, value);
	else if (r->kind == OPT_FLOAT && r->max == INT64_MAX)
		text_printf(&t, "option '--%s' needs a number of at least %lld, not '%.200s'",
		    r->name, (long long)r->min, value);
	else if (r->kind == OPT_FLOAT && (r->min || r->max))
		text_printf(&t, "option '--%s' needs a number from %lld to %lld, not '%.200s'",
		    r->name, (long long)r->min, (long long)r->max, value);
	else if (r->kind == OPT_FLOAT)
		text_printf(&t, "option '--%s' needs a number, not '%.200s'", r->name, value);
	else if (r->kind == OPT_INT && (r->min || r->max))
		text_printf(&t,
		    "option '--%s' needs a whole number from %lld to %lld, not '%.200s'", r->name,
		    (long long)r->min, (long long)r->max, value);
	else if (r->kind == OPT_INT)
		text_printf(&t, "option '--%s' needs a whole number, not '%.200s'", r->name, value);
	else
		text_printf(&t, "option '--%s' takes no value", r->name);
	misuse(p, t.data ? t.data : "out of memory", NULL);
}

/* Optimal string alignment distance: insertions, deletions, exchanges, swaps of neighbours. */
static int distance(const char *a, const char *b)
{
	int la = strlen(a), lb = strlen(b), d[3][WORD_MAX + 1];
	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (int j = 0; j <= lb; j++)
		d[0][j] = j;
	for (int i = 1; i <= la; i++) {
		int *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];
		now[0] = i;
		for (int j = 1; j <= lb; j++) {
			int best = last[j - 1] + (a[i - 1] != b[j - 1]);
			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[la % 3][lb];
}

const char *nearest_word(const char *word, const char *const *words, int n)
{
	const char *best = NULL;
	int least = WORD_MAX;
	for (int i = 0; i < n; i++) {
		int la = strlen(word), lb = strlen(words[i]), d = distance(word, words[i]);
		if (d < least && d * 5 <= (la > lb ? la : lb) * 2) {
			best = words[i];
			least = d;
		}
	}
	return best;
}

/* Does the list "a|b-c" hold the n bytes of word? */
static bool alias_has(const char *list, const char *word, size_t n)
{
	while (list && *list) {
		size_t len = strcspn(list, "|");
		if (len == n && !strncmp(list, word, n))
			return true;
		list += len + (list[len] == '|');
	}
	return false;
}

static bool row_ends(const struct option_row *r)
{
	return !r->name && r->kind != OPT_SECTION;
}

static const struct option_row *find_in(
    const struct option_row *r, const char *word, size_t n, bool is_short)
{
	for (; !row_ends(r); r++) {
		if (r->kind == OPT_SECTION)
			continue;
		if (is_short ? r->letter == *word
			     : strlen(r->name) == n && !strncmp(r->name, word, n))
			return r;
		if ((n == 1) == is_short && alias_has(r->alias, word, n))
			return r;
	}
	return NULL;
}

/* The row, and where its value goes. */
static const struct option_row *find_row(
    const struct parse *s, const char *word, size_t n, bool is_short, void **to)
{
	const struct option_row *r = find_in(s->p->rows, word, n, is_short);
	char *values = r ? s->p->values : (void *)s->p;
	r = r ? r : find_in(common, word, n, is_short);
	*to = r ? values + r->at : NULL;
	return r;
}

/* Adds a row's name and its long aliases; copies live until we exit, which is at once. */
static int row_words(const struct option_row *r, const char **words, int n)
{
	const char *list = r->alias;
	if (r->kind == OPT_SECTION || n == WORDS_MAX)
		return n;
	words[n++] = r->name;
	while (list && *list && n < WORDS_MAX) {
		size_t len = strcspn(list, "|");
		char *copy = len > 1 ? strndup(list, len) : NULL;
		if (copy)
			words[n++] = copy;
		list += len + (list[len] == '|');
	}
	return n;
}

/* word is the option's name as rows spell it, or NULL when no other could be meant. */
static void unknown_option(const struct parse *s, const char *given, const char *word)
{
	const char *words[WORDS_MAX];
	int n = 0;
	const struct option_row *tables[] = {s->p->rows, common};
	for (int t = 0; t < 2; t++)
		for (const struct option_row *r = tables[t]; !row_ends(r); r++)
			n = row_words(r, words, n);
	struct text text = {0};
	text_printf(&text, "unknown option '%.200s'", given);
	misuse(s->p, text.data ? text.data : "out of memory",
	    word ? nearest_word(word, words, n) : NULL);
}

static void list_add(const struct program *p, struct list *l, const char *word)
{
	const char **v = realloc(l->v, (l->n + 1) * sizeof *v);
	if (!v)
		misuse(p, "out of memory", NULL);
	l->v = v;
	v[l->n++] = word;
}

static bool parse_bool(const char *s, bool *out)
{
	static const char *const no[] = {"false", "False", "0", "no"};
	static const char *const yes[] = {"true", "True", "1", "yes"};
	for (int i = 0; i < 4; i++)
		if (!strcmp(s, no[i]) || !strcmp(s, yes[i])) {
			*out = !strcmp(s, yes[i]);
			return true;
		}
	return false;
}

static bool takes_value(const struct option_row *r)
{
	return r->kind == OPT_STRING || r->kind == OPT_OUTPUT || r->kind == OPT_INT ||
	       r->kind == OPT_FLOAT || r->kind == OPT_ABOVE || r->kind == OPT_LIST;
}

bool option_given(const struct program *p, const struct option_row *r)
{
	size_t i = (size_t)(r - p->rows);
	return p->given[i / 64] >> i % 64 & 1;
}

static void mark_given(struct program *p, const struct option_row *r)
{
	for (size_t i = 0; !row_ends(&p->rows[i]) && i < 128; i++)
		if (&p->rows[i] == r)
			p->given[i / 64] |= UINT64_C(1) << i % 64;
}

bool option_takes(const struct option_row *r, double x)
{
	if (r->kind == OPT_ABOVE)
		return x > 0 && isfinite(x) && (!r->max || x <= (double)r->max);
	return isfinite(x) &&
	       ((!r->min && !r->max) || (x >= (double)r->min && x <= (double)r->max));
}

/* value is NULL for an option without one. */
static void set_option(struct parse *s, const struct option_row *r, void *to, const char *value)
{
	int64_t i;
	if (takes_value(r) && !value && s->at < s->argc)
		value = s->argv[s->at++];
	if (takes_value(r) ? !value || !*value : value && r->kind != OPT_FLAG)
		misuse_value(s->p, r, value);
	mark_given(s->p, r);
	switch (r->kind) {
	case OPT_FLAG:
		*(bool *)to = true;
		if (value && !parse_bool(value, to))
			misuse_value(s->p, r, value);
		break;
	case OPT_COUNT:
		++*(int *)to;
		break;
	case OPT_STRING:
	case OPT_OUTPUT:
		*(const char **)to = value;
		break;
	case OPT_INT:
		if (!parse_i64(value, &i) || ((r->min || r->max) && (i < r->min || i > r->max)))
			misuse_value(s->p, r, value);
		*(int64_t *)to = i;
		break;
	case OPT_FLOAT:
	case OPT_ABOVE:
		if (!parse_f64(value, to) || !option_takes(r, *(double *)to))
			misuse_value(s->p, r, value);
		break;
	case OPT_LIST:
		list_add(s->p, to, value);
		break;
	case OPT_HELP:
		help_print(s->p, common);
		exit(tool_finish(s->p, 0));
	case OPT_VERSION:
		printf("%s %s\n", s->p->name, MO_VERSION);
		exit(tool_finish(s->p, 0));
	case OPT_SECTION:
		break;
	}
}

static void parse_long(struct parse *s, const char *given)
{
	char word[WORD_MAX + 1];
	size_t n = strcspn(given + 2, "=");
	if (n > WORD_MAX)
		unknown_option(s, given, NULL);
	for (size_t i = 0; i < n; i++)
		word[i] = given[2 + i] == '_' ? '-' : given[2 + i];
	word[n] = 0;
	void *to = NULL;
	const struct option_row *r = n > 1 ? find_row(s, word, n, false, &to) : NULL;
	if (!r)
		unknown_option(s, given, word);
	set_option(s, r, to, given[2 + n] ? given + 3 + n : NULL);
}

/* -x, -xVALUE, -x VALUE, and flags in a bunch: -qv. */
static void parse_short(struct parse *s, const char *given)
{
	for (const char *c = given + 1; *c; c++) {
		void *to;
		const struct option_row *r = find_row(s, c, 1, true, &to);
		if (!r)
			unknown_option(s, given, given + 1);
		if (takes_value(r)) {
			set_option(s, r, to, c[1] ? c + 1 + (c[1] == '=') : NULL);
			return;
		}
		set_option(s, r, to, NULL);
	}
}

static void operand(struct parse *s, const char *word)
{
	struct program *p = s->p;
	if (!p->operands || p->operands->n >= p->max_operands) {
		struct text t = {0};
		text_printf(&t, "unexpected argument '%.200s'", word);
		misuse(p, t.data ? t.data : "out of memory", NULL);
	}
	list_add(p, p->operands, word);
}

void options_parse(struct program *p, int argc, char **argv)
{
	struct parse s = {.p = p, .argv = argv, .argc = argc, .at = 1};
	bool only_operands = false;
	signals_setup();
	while (s.at < argc) {
		const char *a = argv[s.at++];
		if (only_operands || a[0] != '-' || !a[1])
			operand(&s, a);
		else if (!strcmp(a, "--"))
			only_operands = true;
		else if (a[1] == '-')
			parse_long(&s, a);
		else
			parse_short(&s, a);
	}
	if (p->cpu && !cpu_limit(p->cpu))
		misuse(p, "option '--cpu' takes ref, avx2, avx512, vnni or bf16", NULL);
}
