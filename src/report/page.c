/* One self-contained HTML page: the results as JSON, and the scripts that draw them. */
#include "report/page.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/file.h"
#include "base/library.h"
#include "base/text.h"
#include "report/page_data.h" /* page_gz: page.html with the charting library in it, by gzip */

#define FUNCTIONS(F) F(inflate) F(inflateEnd) F(inflateInit2_)
LIBRARY(libz, "libz.so.1", FUNCTIONS);

#define MAX_PAGE (8 << 20)
#define MARK "@DATA@"

/* The template, as text. */
static char *inflate_page(struct err *err)
{
	z_stream z = {.next_in = (Bytef *)page_gz, .avail_in = sizeof page_gz};
	if (library_load(&libz, err))
		return NULL;
	char *text = malloc(MAX_PAGE);
	if (!text || lib.inflateInit2_(&z, 16 + MAX_WBITS, ZLIB_VERSION, sizeof z) != Z_OK) {
		free(text);
		fail_nomem(err);
		return NULL;
	}
	z.next_out = (Bytef *)text;
	z.avail_out = MAX_PAGE - 1;
	bool ok = lib.inflate(&z, Z_FINISH) == Z_STREAM_END;
	text[ok ? z.total_out : 0] = 0;
	lib.inflateEnd(&z);
	if (ok && strstr(text, MARK))
		return text;
	free(text);
	fail(err, E_UNSUPPORTED,
	    "--html: mo was built without the charting library (libjs-chart.js)");
	return NULL;
}

/* JSON inside a script element: no "</script>" or "<!--" can stand in it. */
static void add_data(struct text *t, const char *json)
{
	for (const char *p; (p = strchr(json, '<')) != NULL; json = p + 1) {
		text_addn(t, json, (size_t)(p - json));
		text_add(t, "\\u003c");
	}
	text_add(t, json);
}

int page_write(const char *path, const char *json, struct err *err)
{
	struct text t = {0};
	char *page = inflate_page(err), *mark = page ? strstr(page, MARK) : NULL;
	if (!mark)
		return err ? err->status : E_UNSUPPORTED;
	text_addn(&t, page, (size_t)(mark - page));
	add_data(&t, json);
	text_add(&t, mark + strlen(MARK));
	free(page);
	int s = t.failed ? fail_nomem(err) : output_file(path, t.data, t.len, err);
	text_free(&t);
	return s;
}
