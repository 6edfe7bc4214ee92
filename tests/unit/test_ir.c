/* IR: the same bytes every time, constants once each, what was written reads back, and files that
 * are broken on purpose. */
#include "ir_files.h"

static const char net[] =
    "x = Parameter-1 {shape=1,3,8,8 element_type=f32}\n"
    "w = Const f32[4,3,3,3] random(7)\n"
    "b = Const f32[1,4,1,1] 0.5 1 -2 3\n"
    "c = Convolution-1(x, w) {strides=1,1 pads_begin=1,1 pads_end=1,1 dilations=1,1 "
    "auto_pad=explicit}\n"
    "s = Add-1(c, b)\n"
    "b2 = Const f32[1,4,1,1] 0.5 1 -2 3\n"
    "m = Multiply-1(s, b2)\n"
    "axis = Const i64[] 1\n"
    "p, q = Split-1(m, axis) {num_splits=2}\n"
    "Result-1(p)\n"
    "Result-1(q)\n";

/* Written twice, and once more after reading: the same files. */
static void round_trip(void **state)
{
	struct graph *g = scan(net), *back;
	struct err e = {0};
	struct ir_written w;
	(void)state;

	value_add_name(graph_find_node(g, "x")->out, "x");
	write_graph(g, xml, bin, &w);
	assert_int_equal(w.constants, 4);
	assert_int_equal(w.shared, 1);
	write_graph(g, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	assert_int_equal(read_graph(&back, &e), OK);
	write_graph(back, xml2, bin2, NULL);
	assert_same_file(xml, xml2);
	assert_same_file(bin, bin2);
	graph_free(g);
	graph_free(back);
}

/* The bytes of a Const in the files, after reading. */
static const void *stored(struct graph *g, const char *name)
{
	struct node *n = graph_find_node(g, name);
	assert_non_null(n);
	return blob_direct(n->data);
}

static void constants(void **state)
{
	enum { N = 700001 }; /* more than one chunk, and no multiple of anything */
	static const double scale[1] = {0.5};
	struct graph *g = graph_new("constants"), *back;
	struct err e = {0};
	int64_t dims[1] = {N}, one[1] = {1};
	float four = 4, *v = malloc(N * sizeof *v);
	struct ir_written w;
	(void)state;

	for (int i = 0; i < N; i++)
		v[i] = (float)i;
	struct blob *plain = blob_copy(v, N * sizeof *v);
	struct blob *twos = blob_fill(&(float){4}, 4, N);
	struct {
		const char *name;
		const int64_t *dims;
		enum dtype type;
		struct blob *blob;
	} c[] = {{"plain", dims, DT_F32, plain},
	    {"same", dims, DT_F32, blob_copy(v, N * sizeof *v)}, {"fill", dims, DT_F32, twos},
	    {"scaled", dims, DT_F32, blob_scaled(plain, 1, N, scale)},
	    {"again", dims, DT_F32, blob_scaled(plain, 1, N, scale)},
	    {"half", dims, DT_F16, blob_cast(plain, DT_F32, DT_F16, N)},
	    {"small", one, DT_F32, blob_copy(&four, 4)},
	    {"tiny", one, DT_F32, blob_fill(&four, 4, 1)}};
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct node *n = graph_const(
		    g, NULL, c[i].name, c[i].type, 1, c[i].dims, c[i].blob);
		graph_add(g, op_row(OP_RESULT), c[i].name, &(struct value *){n->out}, 1, 0);
	}
	write_graph(g, xml, bin, &w);
	assert_int_equal(w.constants, 8);
	assert_int_equal(w.shared, 3);
	assert_int_equal(read_graph(&back, &e), OK);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++)
		assert_memory_equal(stored(back, c[i].name),
		    blob_data(graph_find_node(g, c[i].name)->data),
		    blob_size(graph_find_node(g, c[i].name)->data));
	assert_ptr_equal(stored(back, "plain"), stored(back, "same"));
	assert_ptr_equal(stored(back, "scaled"), stored(back, "again"));
	assert_int_equal((uintptr_t)stored(back, "half") % 64, 0);
	graph_free(back);
	graph_free(g);
	free(v);
}

/* Names that repeat, that hold what XML forbids, and tensor names with commas. */
static void names(void **state)
{
	static const char odd[] = "<a> & \"b\"\n'c'\t\xc3\xa9",
			  broken[] = "x\x01\xff\xc0\x80\xed\xa0\x80y";
	struct graph *g = scan("x = Parameter-1 {shape=?,1..5 element_type=f32}\n"
			       "y = ReLU-1(x)\nResult-1(y)\n");
	struct graph *back;
	struct err e = {0};
	(void)state;

	graph_find_node(g, "y")->name = odd;
	g->outputs[0]->name = "x";
	value_add_name(g->inputs[0]->out, "a,b");
	value_add_name(g->inputs[0]->out, ",");
	value_add_name(g->inputs[0]->out, broken);
	write_graph(g, xml, bin, NULL);
	assert_int_equal(read_graph(&back, &e), OK);
	struct value *x = back->inputs[0]->out;
	assert_string_equal(back->inputs[0]->name, "x");
	assert_string_equal(back->outputs[0]->name, "x_1");
	assert_string_equal(node_in(back->outputs[0], 0)->node->name, odd);
	assert_int_equal(x->nnames, 3);
	assert_string_equal(x->names[0], "a,b");
	assert_string_equal(x->names[1], ",");
	assert_null(strchr(x->names[2], 1));
	assert_int_equal(x->info.shape.dim[1].max, 5);
	graph_free(g);
	graph_free(back);
}

static const struct meta *find_meta(const struct graph *g, const char *key)
{
	const struct meta *m = g->meta;
	while (m && strcmp(m->key, key))
		m = m->next;
	return m;
}

static void run_time_info(void **state)
{
	struct meta preset = {.key = "nncf/quantization/preset", .value = "mixed"};
	struct meta path = {
	    .key = "conversion_parameters/input_model", .value = "/secret", .next = &preset};
	struct meta option = {.key = "precision", .value = "fp<16>"};
	struct ir_write_options o = {.version = 11, .parameters = &option};
	struct graph *g = scan(net), *back;
	struct err e = {0};
	(void)state;

	node_add_meta(graph_find_node(g, "s"), "decompression", "0", "");
	g->meta = &path;
	assert_int_equal(ir_write(g, xml, bin, &o, &e), OK);
	g->meta = NULL;
	assert_int_equal(read_graph(&back, &e), OK);
	assert_non_null(node_meta(graph_find_node(back, "s"), "decompression"));
	assert_string_equal(find_meta(back, preset.key)->value, "mixed");
	assert_string_equal(find_meta(back, "conversion_parameters/precision")->value, "fp<16>");
	assert_null(find_meta(back, path.key));
	graph_free(g);
	graph_free(back);
}

static void refused_writes(void **state)
{
	struct ir_write_options o = {.version = 7};
	struct graph *g = scan(
	    "x = Parameter-1 {shape=3 element_type=f32}\nResult-1(x)\nResult-1(x)\n");
	size_t n;
	char *before;
	(void)state;

	spill(xml, "old", 3);
	assert_int_equal(ir_write(g, xml, bin, &o, NULL), E_USAGE);
	o.version = 10;
	assert_int_equal(ir_write(g, xml, bin, &o, NULL), E_UNSUPPORTED);
	before = slurp(xml, &n);
	assert_string_equal(before, "old");
	free(before);
	graph_free(g);
}

/* What OpenVINO and NNCF wrote. */
static void foreign(void **state)
{
	static const char *const file[] = {"fp16", "nncf_int8_mixed", "weightonly_int8asym"};
	struct ir_read_options o = {0};
	(void)state;

	for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
		char path[256];
		struct graph *g = NULL;
		struct err e = {0};
		snprintf(path, sizeof path, "testdata/ir/conv_bn_relu_fc_%s.xml", file[i]);
		if (ir_read(path, NULL, &o, &g, &e))
			print_error("%s\n", e.text);
		assert_non_null(g);
		assert_string_equal(g->inputs[0]->name, "x");
		assert_int_equal(graph_find_output(g, "prob"), 0);
		assert_int_equal(g->outputs[0]->in[0].value->info.shape.dim[1].min, 10);
		assert_int_equal(!!find_meta(g, "nncf/quantization/preset"), i == 1);
		graph_free(g);
	}
}

static void broken_xml(void **state)
{
	static const struct {
		const char *from, *to;
		int status;
		const char *words;
	} c[] = {
	    {"<net ", "<!-- fine --><net ", OK, NULL},
	    {"<layers>", "<layers><?fine?>", OK, NULL},
	    {"version=\"11\"", "version=\"10\"", OK, NULL},
	    {"version=\"11\"", "version=\"7\"", E_UNSUPPORTED, "IR version 7"},
	    {"version=\"11\"", "", E_FORMAT, "version"},
	    {"<net ", "<!DOCTYPE net [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><net ",
		E_FORMAT, "document type"},
	    {"<net ", "<!DOCTYPE net SYSTEM \"http://127.0.0.1/x.dtd\"><net ", E_FORMAT,
		"document type"},
	    {"name=\"s\"", "name=\"&evil;\"", E_FORMAT, NULL},
	    {"<layers>", "<layers><layer/>", E_FORMAT, "'id'"},
	    {"<layers>", "<layers><other/>", E_FORMAT, "<other>"},
	    {"</layers>", "", E_FORMAT, "line"},
	    {"layer id=\"2\"", "layer id=\"1\"", E_FORMAT, "used twice"},
	    {"layer id=\"2\"", "layer id=\"-2\"", E_FORMAT, "'id'"},
	    {"layer id=\"2\"", "layer id=\"99999999999999999999\"", E_FORMAT, "'id'"},
	    {"from-layer=\"0\"", "from-layer=\"77\"", E_FORMAT, "layer 77"},
	    {"to-layer=\"3\" to-port=\"0\"", "to-layer=\"3\" to-port=\"9\"", E_FORMAT, "port 9"},
	    {"to-layer=\"3\" to-port=\"0\"", "to-layer=\"3\" to-port=\"1\"", E_FORMAT, "two edges"},
	    {"from-layer=\"0\" from-port=\"0\"", "from-layer=\"6\" from-port=\"2\"", E_FORMAT,
		"depends on itself"},
	    {" strides=\"1, 1\"", "", E_FORMAT, "'strides' of Convolution is missing"},
	    {" strides=\"1, 1\"", " strides=\"1, x\"", E_FORMAT, "strides"},
	    {" strides=\"1, 1\"", " strides=\"1, 1\" stride=\"2\"", E_FORMAT, "'stride'"},
	    {"auto_pad=\"explicit\"", "auto_pad=\"some\"", E_FORMAT, "auto_pad"},
	    {"type=\"Convolution\"", "type=\"Konvolution\"", E_UNSUPPORTED, "unknown layer"},
	    {"type=\"Convolution\" version=\"opset1\"", "type=\"Convolution\" version=\"opset9\"",
		E_UNSUPPORTED, "not of this opset"},
	    {"type=\"Add\" version=\"opset1\"", "type=\"Add\" version=\"extension\"", E_UNSUPPORTED,
		"extension"},
	    {"?>", " encoding=\"IBM037\"?>", OK, NULL}, /* not for the file to say */
	    {"<dim>4</dim>", "<dim>&#52;</dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim><![CDATA[4]]></dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim>4<dim/></dim>", E_FORMAT, "size"},
	    {"<dim>4</dim>", "<dim>5</dim>", E_FORMAT, "port 0 declares FP32 [5,3,3,3]"},
	    {"<dim>4</dim>", "<dim>-1</dim>", OK, NULL},
	    {"<dim>4</dim>", "<dim>-4</dim>", E_FORMAT, "size"},
	    {"<dim>4</dim>", "", E_FORMAT, "declares"},
	    {"precision=\"FP32\"", "precision=\"I64\"", E_FORMAT, "port 0 declares I64"},
	    {"offset=\"0\"", "offset=\"9223372036854775807\"", E_FORMAT, "beyond the end"},
	    {"offset=\"0\"", "offset=\"-64\"", E_FORMAT, "offset"},
	    {"offset=\"0\"", "offset=\"449\"", E_FORMAT, "beyond the end"},
	    {"size=\"432\"", "size=\"431\"", E_FORMAT, "size"},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"4, 3, 3, -3\"", E_FORMAT, NULL},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"4294967296, 4294967296\"", E_LIMIT, "limit"},
	    {"shape=\"4, 3, 3, 3\"", "shape=\"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\"", E_FORMAT, NULL},
	    {"element_type=\"f32\" shape=\"4", "element_type=\"f31\" shape=\"4", E_UNSUPPORTED,
		"f31"},
	};
	struct graph *g = scan(net);
	(void)state;

	write_graph(g, xml2, bin2, NULL);
	write_graph(g, xml, bin, NULL);
	graph_free(g);
	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		edit(c[i].from, c[i].to);
		expect(c[i].status, c[i].words);
	}
}

static void lenient(void **state)
{
	struct ir_read_options o = {.lenient = true};
	struct graph *g = NULL;
	(void)state;

	edit(" strides=\"1, 1\"", " strides=\"1, 1\" stride=\"2\"");
	assert_int_equal(ir_read(xml, bin, &o, &g, NULL), OK);
	graph_free(g);
}

/* All layers that cannot be read are named. */
static void unsupported_layers(void **state)
{
	struct graph *g;
	struct err e = {0};
	(void)state;

	edit("type=\"Convolution\"", "type=\"Foo\"");
	rename(xml, xml2);
	edit("type=\"Multiply\"", "type=\"Bar\"");
	assert_int_equal(read_graph(&g, &e), E_UNSUPPORTED);
	assert_non_null(strstr(e.text, "2 of"));
	assert_non_null(strstr(e.details, "Foo"));
	assert_non_null(strstr(e.details, "Bar"));
	err_clear(&e);
}

/* Every cut of both files, every changed byte of the XML: an answer, and an error for each cut. */
static void mutilated(void **state)
{
	struct graph *g = scan(net);
	size_t n, m;
	(void)state;

	write_graph(g, xml, bin, NULL);
	graph_free(g);
	char *x = slurp(xml, &n), *b = slurp(bin, &m);
	for (size_t i = 0; i < n - 1; i += 7) {
		struct err e = {0};
		spill(xml, x, i);
		assert_int_not_equal(read_graph(&g, &e), OK);
		assert_null(g);
		x[i] ^= 0x15;
		spill(xml, x, n);
		read_graph(&g, &e);
		graph_free(g);
		err_clear(&e);
		x[i] ^= 0x15;
	}
	spill(xml, x, n);
	spill(bin, b, m - 1);
	expect(E_FORMAT, "beyond the end");
	unlink(bin);
	expect(E_IO, ".bin");
	free(x);
	free(b);
}

static void deep(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<net name=\"a\" version=\"11\"><layers>");
	for (int i = 0; i < 1000000; i++)
		text_add(&t, "<a>");
	spill(xml, t.data, t.len);
	expect(E_FORMAT, NULL);
	t.len = 0;
	text_add(&t, "<net name=\"a\" version=\"11\"><rt_info>");
	for (int i = 0; i < 100; i++)
		text_add(&t, "<a>");
	for (int i = 0; i < 100; i++)
		text_add(&t, "</a>");
	text_add(&t, "</rt_info></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "deeper");
	text_free(&t);
}

/* Each is compared with those before it. */
static void many_attributes(void **state)
{
	struct text t = {0};
	(void)state;

	text_add(&t, "<?xml version=\"1.0\"?><!-- don't --><net name=\"a\" version=\"11\"");
	for (int i = 0; i < 200000; i++)
		text_printf(&t, " a%d=''", i);
	text_add(&t, "></net>");
	spill(xml, t.data, t.len);
	expect(E_LIMIT, "attributes");
	text_free(&t);
}

static void sniffing(void **state)
{
	static const char *const yes[] = {"<net name=\"a\">", "\xef\xbb\xbf<net>",
	    "<?xml version=\"1.0\"?>\n<!-- a -->\n <net\n"};
	static const char *const no[] = {
	    "", "<", "<nets>", "<net", "\x08\x07<net >", "<!-- <net >", "<html><net >"};
	(void)state;

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(ir_sniff(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(ir_sniff(no[i], strlen(no[i])));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(constants),
	    cmocka_unit_test(names),
	    cmocka_unit_test(run_time_info),
	    cmocka_unit_test(refused_writes),
	    cmocka_unit_test(foreign),
	    cmocka_unit_test(broken_xml),
	    cmocka_unit_test(lenient),
	    cmocka_unit_test(unsupported_layers),
	    cmocka_unit_test(mutilated),
	    cmocka_unit_test(deep),
	    cmocka_unit_test(many_attributes),
	    cmocka_unit_test(sniffing),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
