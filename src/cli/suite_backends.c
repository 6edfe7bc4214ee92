/* The programs of a suite and the versions that they tell of themselves. */
#include <string.h>

#include "cli/child.h"
#include "cli/suite.h"
#include "version.h"

#define MAX_WORDS 64
#define SECONDS 60 /* Python programs take their time */

/* The first line that the command prints, or why there is none; on the end of t. */
static int ask(const cJSON *command, struct text *t, struct err *err)
{
	char *argv[MAX_WORDS + 1] = {NULL};
	const cJSON *w;
	int n = 0;
	cJSON_ArrayForEach(w, command)
	{
		if (!cJSON_IsString(w) || n == MAX_WORDS)
			break;
		argv[n++] = w->valuestring;
	}
	if (w || !n)
		return fail(err, E_FORMAT, "'version' is no list of at most %d words", MAX_WORDS);
	struct child c;
	int s = child_run(argv[0], argv, SECONDS, &c, err);
	if (s == E_IO) { /* that program's cases will say so, too */
		text_printf(t, "unknown: %s", err->text);
		err_clear(err);
		return OK;
	}
	if (!s && c.code)
		text_printf(t, "unknown: %s", child_reason(&c));
	else if (!s && c.out.data)
		text_addn(t, c.out.data, strcspn(c.out.data, "\n"));
	child_free(&c);
	return s;
}

int suite_backends(struct suite *s, struct err *err)
{
	const cJSON *b;
	int r = OK;
	s->backends = cJSON_CreateArray();
	cJSON_ArrayForEach(b, cJSON_GetObjectItem(s->json, "backends"))
	{
		const cJSON *version = cJSON_GetObjectItem(b, "version"),
			    *name = cJSON_GetObjectItem(b, "name");
		cJSON *o = cJSON_CreateObject();
		struct text t = {0};
		if (!cJSON_GetObjectItem(b, "command"))
			text_add(&t, MO_VERSION);
		else if (version && !r)
			r = ask(version, &t, err);
		cJSON_AddStringToObject(o, "name", name ? name->valuestring : "");
		if (t.data)
			cJSON_AddStringToObject(o, "version", t.data);
		cJSON_AddItemToArray(s->backends, o);
		text_free(&t);
	}
	return r;
}
