/* The help text of a tool, from its option table. */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"

#define HELP_COLUMN 32
#define HELP_WIDTH 96

/* Prints text from column at on, broken at spaces. */
static void print_wrapped(const char *text, int at)
{
	int col = at;
	while (*text) {
		int len = strcspn(text, " ");
		if (col > at && col + 1 + len > HELP_WIDTH) {
			printf("\n%*s", at, "");
			col = at;
		}
		col += printf("%s%.*s", col > at ? " " : "", len, text);
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

static void print_row(const struct option_row *r)
{
	int n = r->letter ? printf("  -%c, --%s", r->letter, r->name)
			  : printf("      --%s", r->name);
	if (r->value)
		n += printf(" %s", r->value);
	if (n > HELP_COLUMN - 2) {
		putchar('\n');
		n = 0;
	}
	printf("%*s", HELP_COLUMN - n, "");
	print_wrapped(r->about, HELP_COLUMN);
}

static void print_rows(const struct option_row *r)
{
	for (; r->name || r->kind == OPT_SECTION; r++)
		if (r->kind == OPT_SECTION)
			printf("\n%s:\n", r->about);
		else if (r->about)
			print_row(r);
}

void help_print(const struct program *p, const struct option_row *common)
{
	printf("usage: %s %s\n%s\n", p->name, p->usage, p->about);
	print_rows(p->rows);
	print_rows(common);
}
