/* Two IRs in a folder of their own: written, read, edited and compared. */
#ifndef UNIT_IR_FILES_H
#define UNIT_IR_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network.h"

#include "base/file.h"
#include "formats/ir.h"

static char folder[] = "/tmp/test-ir-XXXXXX";
static char xml[64], bin[64], xml2[64], bin2[64];

static inline int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(xml, sizeof xml, "%s/a.xml", folder);
	snprintf(bin, sizeof bin, "%s/a.bin", folder);
	snprintf(xml2, sizeof xml2, "%s/b.xml", folder);
	snprintf(bin2, sizeof bin2, "%s/b.bin", folder);
	return 0;
}

static inline int remove_folder(void **state)
{
	(void)state;
	unlink(xml);
	unlink(bin);
	unlink(xml2);
	unlink(bin2);
	return rmdir(folder);
}

static inline void write_graph(struct graph *g, const char *x, const char *b, struct ir_written *w)
{
	struct ir_write_options o = {.version = 11, .written = w};
	struct err e = {0};
	if (ir_write(g, x, b, &o, &e))
		print_error("%s\n", e.text);
	assert_int_equal(e.status, OK);
}

static inline int read_graph(struct graph **g, struct err *e)
{
	struct ir_read_options o = {0};
	*g = NULL;
	return ir_read(xml, NULL, &o, g, e);
}

static inline char *slurp(const char *path, size_t *size)
{
	char *data = NULL;
	assert_int_equal(file_slurp(path, 1 << 26, &data, size, NULL), OK);
	return data;
}

static inline void spill(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static inline void assert_same_file(const char *a, const char *b)
{
	size_t n, m;
	char *x = slurp(a, &n), *y = slurp(b, &m);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	free(x);
	free(y);
}

/* xml becomes xml2 with its first "from" made "to". */
static inline void edit(const char *from, const char *to)
{
	size_t n, at = 0;
	char *s = slurp(xml2, &n);
	struct text t = {0};

	while (at < n && strncmp(s + at, from, strlen(from)))
		at++;
	if (at == n)
		print_error("no '%s' in\n%s", from, s);
	assert_true(at < n);
	text_addn(&t, s, at);
	text_add(&t, to);
	text_add(&t, s + at + strlen(from));
	spill(xml, t.data, t.len);
	text_free(&t);
	free(s);
}

static inline void expect(int status, const char *words)
{
	struct graph *g;
	struct err e = {0};
	int rc = read_graph(&g, &e);
	if (rc != status || (words && !strstr(e.text, words)))
		print_error("%d '%s' instead of %d '%s'\n", rc, e.text, status, words ? words : "");
	assert_int_equal(rc, status);
	if (words)
		assert_non_null(strstr(e.text, words));
	err_clear(&e);
	graph_free(g);
}

#endif
