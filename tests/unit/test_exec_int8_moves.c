/* Layers that move elements between quantized ones: bytes pass them as bytes. */
#include "int8_networks.h"

#include <stdio.h>

static int counted(const char *text, enum call_kind kind)
{
	struct graph *g = scan(text);
	struct tensor in = random_input(g, 0, 1), out[4];
	struct exec *e = make(g, NULL);
	run(e, &in, out);
	int n = count_calls(e, kind);
	exec_free(e);
	tensor_free(&in);
	graph_free(g);
	return n;
}

/* Two convolutions whose channels are shuffled before a third one. */
#define BRANCHES                                                                      \
	"x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s") \
	    WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y", "s")  \
		WEIGHTS("u", "6,3,1,1", S6) CONV("z", "q", "u", "0,0")                \
		    FQ("r", "z", "s") "cat = Concat-1(p, r) {axis=1}\n"
#define DEALT(groups, each)                                                          \
	"to = Const i64[5] 1 " groups " " each " 9 7\n"                              \
	"g = Reshape-1(cat, to) {special_zero=false}\nby = Const i64[5] 0 2 1 3 4\n" \
	"t = Transpose-1(g, by)\nback = Const i64[4] 1 12 9 7\n"                     \
	"h = Reshape-1(t, back) {special_zero=false}\n"
#define BEHIND WEIGHTS("v", "6,12,1,1", S6) CONV("c", "h", "v", "0,0") "Result-1(c)\n"

static void test_shuffle(void **state)
{
	static const char *const nets[] = {BRANCHES DEALT("2", "6") BEHIND,
	    BRANCHES DEALT("3", "4") BEHIND,
	    BRANCHES "h = ShuffleChannels-1(cat) {axis=1 group=4}\n" BEHIND};
	(void)state;
	for (int i = 0; i < 3; i++) {
		check(nets[i], 0.2, (struct want){.conv = 3, .quantize = 1});
		assert_int_equal(counted(nets[i], CALL_SHUFFLE), 1);
		assert_int_equal(counted(nets[i], CALL_COPY), 0);
	}
}

/* Tokens become an image and tokens again, and matrices are turned: as bytes. */
static void test_turns(void **state)
{
	(void)state;
	check(
	    "x = Parameter-1 {shape=1,20,6 element_type=f32}\n" RANGES FQ("q", "x",
		"s") "by = Const i64[3] 0 2 1\nt = Transpose-1(q, by)\nto = Const i64[4] 1 6 4 5\n"
		     "h = Reshape-1(t, to) {special_zero=false}\n" WEIGHTS("w", "6,6,3,3", S6)
			 CONV("y", "h", "w", "1,1") FQ("p", "y",
			     "s") "back = Const i64[3] 1 6 20\n"
				  "r = Reshape-1(p, back) {special_zero=false}\nk = Transpose-1(r, "
				  "by)\n" WEIGHTS("v", "6,6",
				      "6,1] 0.01 0.02 0.015 0.01 0.03 0.012") "z = MatMul-1(k, v) "
									      "{transpose_a=false "
									      "transpose_b=true}"
									      "\nResult-1(z)\n",
	    0.2, (struct want){.conv = 2, .quantize = 1});
	check("x = Parameter-1 {shape=4,6,10 element_type=f32}\n" RANGES FQ("q", "x",
		  "s") "by = Const i64[3] 0 2 1\nt = Transpose-1(q, by)\n" WEIGHTS("v", "6,6",
		  "6,1] 0.01 0.02 0.015 0.01 0.03 0.012") "z = MatMul-1(t, v) {transpose_a=false "
							  "transpose_b=true}\nResult-1(z)\n",
	    0.2, (struct want){.conv = 1, .quantize = 1});
}

/* Channels become the pixels of a larger image. */
static void test_blocks(void **state)
{
	static const char *const modes[] = {"blocks_first", "depth_first"};
	(void)state;
	for (int i = 0; i < 2; i++) {
		char text[1500];
		snprintf(text, sizeof text,
		    "x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
			WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1") FQ("p", "y", "s")
			    WEIGHTS("u", "24,6,1,1", "1,1,1,1] 0.012177") CONV(
				"z", "p", "u", "0,0") FQ("r", "z",
				"s") "d = DepthToSpace-1(r) {block_size=2 mode=%s}\n" WEIGHTS("v",
				"6,6,1,1", S6) CONV("c", "d", "v", "0,0") "Result-1(c)\n",
		    modes[i]);
		check(text, 0.2, (struct want){.conv = 3, .quantize = 1});
		assert_int_equal(counted(text, CALL_SHUFFLE), i);
		assert_int_equal(counted(text, CALL_COPY), 1);
	}
}

/* Bytes are picked from pixels next to them, or are zero points. */
static void test_picks(void **state)
{
	static const char *const nets[] = {
	    "b = Const i64[4] 0 0 1 2\nd = Pad-1(p, b, b) {pad_mode=reflect}\n",
	    "b = Const i64[4] 0 0 1 2\nz = Const f32[] 0\n"
	    "d = Pad-1(p, b, b, z) {pad_mode=constant}\n",
	    "b = Const f32[2] 2 1.5\na = Const i64[2] 2 3\nd = Interpolate-11(p, b, a) "
	    "{mode=nearest "
	    "shape_calculation_mode=scales}\n"};
	(void)state;
	for (int i = 0; i < 3; i++) {
		char text[1500];
		snprintf(text, sizeof text,
		    "x = Parameter-1 {shape=1,3,9,7 element_type=f32}\n" RANGES FQ("q", "x", "s")
			WEIGHTS("w", "6,3,3,3", S6) CONV("y", "q", "w", "1,1")
			    FQ("p", "y", "s") "%s" WEIGHTS("v", "6,6,1,1", S6)
				CONV("c", "d", "v", "0,0") "Result-1(c)\n",
		    nets[i]);
		check(text, 0.2, (struct want){.conv = 2, .quantize = 1});
		assert_int_equal(counted(text, CALL_PICK), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shuffle),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_picks),
	    cmocka_unit_test(test_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
