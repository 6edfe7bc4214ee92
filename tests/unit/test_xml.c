/* XML: what comes out of documents, and which are none. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

#include "base/text.h"
#include "formats/xml.h"

/* What the handler saw, as one line. */
struct seen {
	struct text text;
	const char *skip, *whole; /* elements that are to come so */
	int stop;                 /* status at the first whole one */
};

static void tell(struct text *t, const struct xml_element *e)
{
	text_printf(t, "%s", e->name);
	for (int i = 0; i < e->nattrs; i++)
		text_printf(t, " %s=%s", e->attr[i].name, e->attr[i].value);
	text_printf(t, "(%s", e->text);
	for (const struct xml_element *c = e->children; c; c = c->next)
		tell(t, c);
	text_add(t, ")");
}

static int on_open(void *user, const struct xml_element *e, int depth, enum xml_inside *inside)
{
	struct seen *s = user;
	if (s->whole && !strcmp(e->name, s->whole))
		*inside = XML_WHOLE;
	else if (s->skip && !strcmp(e->name, s->skip))
		*inside = XML_SKIP;
	else
		text_printf(&s->text, "%d%s%d ", depth, e->name, (int)e->line);
	return OK;
}

static int on_whole(void *user, const struct xml_element *e, int depth)
{
	struct seen *s = user;
	text_printf(&s->text, "%d:", depth);
	tell(&s->text, e);
	return s->stop ? fail(NULL, s->stop, "stopped") : OK;
}

static int read_text(struct seen *s, const char *data, size_t size, struct err *err)
{
	static const struct xml_handler handler = {on_open, on_whole};
	struct arena *a = arena_new();
	char *exact = malloc(size + !size); /* for sanitizers: nothing behind it is read */
	memcpy(exact, data, size);
	int rc = xml_read(a, exact, size, &handler, s, err);
	free(exact);
	arena_free(a);
	return rc;
}

static void expect(const char *doc, const char *want)
{
	struct seen s = {.whole = "a", .skip = "skip"};
	struct err err = {0};
	if (read_text(&s, doc, strlen(doc), &err))
		print_error("'%s': %s\n", doc, err.text);
	assert_int_equal(err.status, OK);
	assert_string_equal(s.text.data ? s.text.data : "", want);
	text_free(&s.text);
}

static void documents(void **state)
{
	static const struct {
		const char *doc, *want;
	} c[] = {
	    {"<a/>", "0:a()"},
	    {"\xef\xbb\xbf<?xml version='1.0' encoding=\"IBM037\"?>\r\n<!-- < & --><?p <?>\n<a "
	     "/>\n",
		"0:a()"},
	    {"<a b='1' c=\"2\"\n\td = '3'></a >", "0:a b=1 c=2 d=3()"},
	    {"<a>x</a>", "0:a(x)"},
	    {"<a> x\n</a>", "0:a( x\n)"},
	    {"<a>\n\t</a>", "0:a(\n\t)"},
	    {"<a>x<b/>y</a>", "0:a(b())"},
	    {"<a>x<!-- -->y<?p?>z<![CDATA[<&]]]]><![CDATA[>]]></a>", "0:a(xyz<&]]>)"},
	    {"<a><b>1</b><b>2</b><c><d>3</d></c></a>", "0:a(b(1)b(2)c(d(3)))"},
	    {"<a v='&lt;&gt;&amp;&apos;&quot;&#38;&#x26;lt;'>&lt;&#65;&#x10FFFF;&#xe9;&#x20aC;</a>",
		"0:a v=<>&'\"&&lt;(<A\xf4\x8f\xbf\xbf\xc3\xa9\xe2\x82\xac)"},
	    {"<a v='a\tb\r\nc\nd&#9;&#10;e\"'>1\r\n2\r3&#13;</a>",
		"0:a v=a b c d\t\ne\"(1\n2\n3\r)"},
	    {"<a v='\xc3\xa9 > ]]>'>\xf0\x9f\x98\x80</a>",
		"0:a v=\xc3\xa9 > ]]>(\xf0\x9f\x98\x80)"},
	    {"<r>\n<s>text\n<a>1</a></s>\n<skip><a>2</a><b>3</b></skip><a>4</a></r>",
		"0r1 1s2 2:a(1)1:a(4)"},
	    {"<a_1.-:x y:z-1='2'/>", "0a_1.-:x1 "},
	    {"<a>w<\xc3\xa9\xc3\xa9 \xc3\xa9='1'>x</\xc3\xa9\xc3\xa9>\n\ty<b>z</b>&amp;</a>",
		"0:a(\xc3\xa9\xc3\xa9 \xc3\xa9=1(x)b(z))"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		expect(c[i].doc, c[i].want);
}

static void refused(void **state)
{
	static const struct {
		const char *doc, *words;
	} c[] = {
	    {"", "line 1: no element found"},
	    {" \n x", "line 2: syntax error"},
	    {"<a>", "no element found"},
	    {"<a", "unclosed token"},
	    {"<a b='", "unclosed token"},
	    {"<a b/>", "not well-formed"},
	    {"<a b=1/>", "not well-formed"},
	    {"<a b='<'/>", "not well-formed"},
	    {"<a b=''c=''/>", "not well-formed"},
	    {"<a b='' b=''/>", "duplicate attribute"},
	    {"<1/>", "not well-formed"},
	    {"<a>\n</b>", "line 2: mismatched tag"},
	    {"<a></ab>", "mismatched tag"},
	    {"<a/><a/>", "junk after document element"},
	    {"<a>&b;</a>", "undefined entity"},
	    {"<a>&#0;</a>", "invalid character number"},
	    {"<a>&#xd800;</a>", "invalid character number"},
	    {"<a>&#99999999999999999999;</a>", "invalid character number"},
	    {"<a>\x01</a>", "not well-formed"},
	    {"<a>\xc3</a>", "not well-formed"},
	    {"<a b='\xff'/>", "not well-formed"},
	    {"<a b='\xed\xa0\x80'/>", "not well-formed"},
	    {"<a><![CDATA[</a>", "unclosed CDATA section"},
	    {"<a><!-- -- --></a>", "not well-formed"},
	    {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct seen s = {.whole = "a"};
		struct err err = {0};
		if (read_text(&s, c[i].doc, strlen(c[i].doc), &err) != E_FORMAT)
			print_error("'%s' is not refused\n", c[i].doc);
		assert_int_equal(err.status, E_FORMAT);
		assert_holds(err.text, c[i].words);
		text_free(&s.text);
	}
}

static void wide(void **state)
{
	struct seen s = {.whole = "a"};
	struct err err = {0};
	(void)state;
	assert_int_equal(read_text(&s, "<a>\0</a>", 8, &err), E_FORMAT);
	assert_holds(err.text, "not well-formed");
	err = (struct err){0};
	assert_int_equal(read_text(&s, "\xff\xfe<\0a\0/\0>\0", 10, &err), OK);
	assert_string_equal(s.text.data, "0:a()");
	text_free(&s.text);
}

static void many(struct text *t, int n, const char *fmt)
{
	for (int i = 0; i < n; i++) {
		text_add(t, fmt);
		text_printf(t, "%d", i);
		text_add(t, *fmt == '<' ? ">" : "=''");
	}
}

static void limits(void **state)
{
	struct seen s = {0};
	struct text t = {0};
	struct err err = {0};
	(void)state;
	many(&t, 100000, "<a");
	assert_int_equal(read_text(&s, t.data, t.len, &err), E_LIMIT);
	assert_holds(err.text, "nest deeper");
	t.len = s.text.len = 0;
	text_add(&t, "<a");
	many(&t, 100000, " b");
	text_add(&t, "/>");
	err = (struct err){0};
	assert_int_equal(read_text(&s, t.data, t.len, &err), E_LIMIT);
	assert_holds(err.text, "attributes");
	text_free(&t);
	text_free(&s.text);
}

/* The handler's first error is the answer. */
static void stopped(void **state)
{
	struct seen s = {.whole = "a", .stop = E_UNSUPPORTED};
	(void)state;
	assert_int_equal(read_text(&s, "<r><a/><a/></r", 14, NULL), E_UNSUPPORTED);
	assert_string_equal(s.text.data, "0r1 1:a()");
	text_free(&s.text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(documents),
	    cmocka_unit_test(refused), cmocka_unit_test(wide), cmocka_unit_test(limits),
	    cmocka_unit_test(stopped)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
