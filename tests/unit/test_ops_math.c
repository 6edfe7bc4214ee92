/* Arithmetic operators: values worked out by hand, odd values, and what inference knows and
 * refuses. */
#include "op_text.h"

#define F(shape) "x = Parameter-1 {shape=" shape " element_type=f32}\n"

static void unary(void **state)
{
	(void)state;
	op_gives("x = Const f32[5] -2 -0.5 0 3 nan\ny = ReLU-1(x)\n", 0, "0 0 0 3 nan");
	op_gives("x = Const f32[4] -2 0 7 nan\ny = Clamp-1(x) {min=-1 max=6}\n", 0, "-1 0 6 nan");
	op_gives("x = Const i32[4] -2 1 5 9\ny = Clamp-1(x) {min=0.5 max=6.5}\n", 0, "1 1 5 6");
	op_gives("x = Const f32[4] -3 0 1 4\ny = HSwish-4(x)\n", 0, "0 0 0.6666667 4");
	op_gives("x = Const f32[3] -3 0 1.5\ny = HSigmoid-5(x)\n", 0, "0 0.5 0.75");
	op_gives(
	    "x = Const f32[6] -2.5 -1.5 -0.5 0.5 1.5 2.5\ny = Round-5(x)\n", 0, "-2 -2 0 0 2 2");
	op_gives("x = Const f32[4] -2.5 -0.5 0.5 2.5\n"
		 "y = Round-5(x) {mode=half_away_from_zero}\n",
	    0, "-3 -1 1 3");
	op_gives("x = Const i8[2] -128 5\ny = Abs-1(x)\n", 0, "-128 5");
	op_gives("x = Const u8[2] 200 0\ny = Sign-1(x)\n", 0, "1 0");
	op_gives("x = Const f32[4] -1 0 1 nan\ny = Sign-1(x)\n", 0, "-1 0 1 nan");
	op_gives("x = Const f32[3] 0 100 -100\ny = SoftPlus-4(x)\n", 0, "0.6931472 100 0");
	op_gives("x = Const f32[3] 0 1000 -1000\ny = Sigmoid-1(x)\n", 0, "0.5 1 0");
	op_gives("x = Const f32[3] 0 1 -1\ny = Gelu-7(x)\n", 0, "0 0.8413447 -0.1586553");
	op_gives(
	    "x = Const f32[3] inf -inf nan\ny = IsInf-10(x) {detect_negative=false}\n", 0, "1 0 0");
	op_gives("x = Const boolean[2] 1 0\ny = LogicalNot-1(x)\n", 0, "0 1");
	op_gives("x = Const bf16[3] -1.5 0.1 3\ny = Multiply-1(x, x)\n", 0, "2.25 0.010009766 9");
	op_gives("x = Const f16[2] 60000 -2\ny = Add-1(x, x)\n", 0, "inf -4");
	op_gives("x = Const f64[2] 0.1 1\ny = Exp-1(x)\n", 0, "1.1051709 2.7182818");
	op_refused(F("2") "y = LogicalNot-1(x)\n", "boolean");
	op_infers(F("?,2..3") "y = Exp-1(x) : f32[?,2..3]\n");
	op_infers(F("...") "y = Exp-1(x) : f32[...]\n");
}

static void convert(void **state)
{
	(void)state;
	op_gives("x = Const f32[5] 2.9 -2.9 300 -1 0.5\ny = Convert-1(x) {destination_type=u8}\n",
	    0, "2 254 44 255 0");
	op_gives("x = Const f32[4] 3e9 nan -inf 7\ny = Convert-1(x) {destination_type=i32}\n", 0,
	    "-2147483648 -2147483648 -2147483648 7");
	op_gives("x = Const f32[3] 0 0.25 nan\ny = Convert-1(x) {destination_type=boolean}\n", 0,
	    "0 1 1");
	op_gives(
	    "x = Const i32[3] 200 -1 256\ny = Convert-1(x) {destination_type=i8}\n", 0, "-56 -1 0");
	op_gives("x = Const f32[2] 65520 0.1\ny = Convert-1(x) {destination_type=f16}\n", 0,
	    "inf 0.0999756");
	op_gives("x = Const f32[2] 1 -3\ny = Convert-1(x) {destination_type=i4}\n", 0, "1 -3");
	/* The content of shapes survives the detour over i32 and float is no content. */
	op_infers(F("?,3") "s = ShapeOf-3(x) {output_type=i64}\n"
			   "c = Convert-1(s) {destination_type=i32}\nv = Const f32[] 1\n"
			   "y = Broadcast-3(v, c) {mode=numpy} : f32[?,3]\n");
}

static void binary(void **state)
{
	(void)state;
	op_gives("a = Const f32[2,1] 1 2\nb = Const f32[3] 10 20 30\ny = Add-1(a, b) : f32[2,3]\n",
	    0, "11 21 31 12 22 32");
	op_gives("a = Const f32[3] nan 1 nan\nb = Const f32[3] 1 nan 2\ny = Maximum-1(a, b)\n", 0,
	    "nan nan nan");
	op_gives("a = Const i32[4] 7 -7 7 -7\nb = Const i32[4] 2 2 -2 -2\n"
		 "y = Divide-1(a, b) {m_pythondiv=true}\n",
	    0, "3 -4 -4 3");
	op_gives("a = Const i32[4] 7 -7 7 -7\nb = Const i32[4] 2 2 -2 -2\n"
		 "y = Divide-1(a, b) {m_pythondiv=false}\n",
	    0, "3 -3 -3 3");
	op_gives("a = Const i32[2] -2147483648 5\nb = Const i32[2] -1 0\ny = Divide-1(a, b)\n", 0,
	    "-2147483648 0");
	op_gives(
	    "a = Const i64[2] -9223372036854775808 5\nb = Const i64[2] -1 0\ny = Mod-1(a, b)\n", 0,
	    "0 0");
	op_gives(
	    "a = Const u8[2] 200 3\nb = Const u8[2] 100 5\ny = Subtract-1(a, b)\n", 0, "100 254");
	op_gives("a = Const i32[4] 7 -7 7 -7\nb = Const i32[4] 3 3 -3 -3\ny = FloorMod-1(a, b)\n",
	    0, "1 2 -2 -1");
	op_gives("a = Const i32[4] 7 -7 7 -7\nb = Const i32[4] 3 3 -3 -3\ny = Mod-1(a, b)\n", 0,
	    "1 -1 1 -1");
	op_gives("a = Const f32[2] -7 7\nb = Const f32[2] 3 -3\ny = FloorMod-1(a, b)\n", 0, "2 -2");
	op_gives("a = Const i32[4] 2 -1 0 3\nb = Const i32[4] 10 -3 -1 -1\ny = Power-1(a, b)\n", 0,
	    "1024 -1 0 0");
	op_gives("a = Const u8[3] 1 1 255\nb = Const u8[3] 7 8 1\ny = BitwiseLeftShift-15(a, b)\n",
	    0, "128 0 254");
	op_gives(
	    "a = Const i8[2] -128 -128\nb = Const i8[2] 3 100\ny = BitwiseRightShift-15(a, b)\n", 0,
	    "-16 -1");
	op_gives("a = Const u64[1] 18446744073709551615\nb = Const u64[1] 1\ny = Greater-1(a, b)\n",
	    0, "1");
	op_gives("c = Const boolean[2,1] 1 0\na = Const i64[2] 1 2\nb = Const i64[] 9\n"
		 "y = Select-1(c, a, b) : i64[2,2]\n",
	    0, "1 2 9 9");
	op_gives("a = Const f32[0,2]\nb = Const f32[1,2] 1 2\ny = Add-1(a, b) : f32[0,2]\n", 0, "");
	op_gives("x = Const f32[1,2,2] -1 -2 -3 4\ns = Const f32[2] 0.5 2\ny = PReLU-1(x, s)\n", 0,
	    "-0.5 -1 -6 4");
	op_infers(F("?,1,4") "b = Const f32[3,1] 1 2 3\ny = Add-1(x, b) : f32[?,3,4]\n");
	op_infers(F("2..5,1") "b = Const f32[3] 1 2 3\ny = Less-1(x, b) : boolean[2..5,3]\n");
	op_refused(F("2,3") "b = Const f32[2] 1 2\ny = Add-1(x, b)\n", "[2,3] and [2]");
	op_refused(F("3") "b = Const i64[3] 1 2 3\ny = Add-1(x, b)\n", "'f32' and 'i64'");
	op_refused(
	    F("3") "b = Const f32[1] 1\ny = Add-1(x, b) {auto_broadcast=none}\n", "not equal");
	op_refused(F("3") "y = BitwiseAnd-13(x, x)\n", "integer");
}

#define DIMS F("?,3,4") "s = ShapeOf-3(x) {output_type=i64}\n"
#define AS(node, type) DIMS node "v = Const f32[] 1\nz = Broadcast-3(v, y) {mode=numpy} : f32" type

/* Shapes are computed with: dims must survive arithmetic, as values or ranges. */
static void content(void **state)
{
	(void)state;
	op_infers(AS("c = Const i64[3] 1 2 3\ny = Multiply-1(s, c)\n", "[?,6,12]\n"));
	op_infers(AS("c = Const i64[] 1\ny = Add-1(s, c)\n", "[1..,4,5]\n"));
	op_infers(AS("c = Const i64[] 2\ny = Divide-1(s, c)\n", "[?,1,2]\n"));
	op_infers(AS("c = Const i64[] 3\ny = FloorMod-1(s, c)\n", "[0..2,0,1]\n"));
	op_infers(AS("c = Const i64[] 4\ny = Minimum-1(s, c)\n", "[0..4,3,4]\n"));
	op_infers(AS("c = Const i64[] 2\ny = Maximum-1(s, c)\n", "[2..,3,4]\n"));
	op_infers(
	    AS("c = Const i64[3] 7 3 9\ne = Equal-1(s, c)\ny = Select-1(e, c, s)\n", "[?,3,4]\n"));
	op_infers(AS("n = Negative-1(s)\ny = Abs-1(s)\n", "[?,3,4]\n"));
	op_infers(AS("n = Negative-1(s)\ny = Negative-1(n)\n", "[?,3,4]\n"));
	op_infers(AS("c = Const i64[3] 7 3 9\ne = Equal-1(s, c)\nf = LogicalNot-1(e)\n"
		     "k = LogicalNot-1(f)\na = LogicalAnd-1(k, e)\ny = Select-1(a, c, s)\n",
	    "[?,3,4]\n"));
	op_infers(F("2..4,3") "s = ShapeOf-3(x) {output_type=i64}\nc = Const i64[] 2\n"
			      "t = Multiply-1(s, c)\nu = Subtract-1(t, c)\nv = Const f32[] 1\n"
			      "z = Broadcast-3(v, u) {mode=numpy} : f32[2..6,4]\n");
	op_infers(F("5,3,4") "s = ShapeOf-3(x) {output_type=i64}\na = Const i64[1] 0\n"
			     "y = ReduceProd-1(s, a) {keep_dims=true} : i64[1]\nv = Const f32[] 1\n"
			     "z = Broadcast-3(v, y) {mode=numpy} : f32[60]\n");
}

static void reduce(void **state)
{
	(void)state;
#define X6 "x = Const f32[2,3] 1 -2 3 4 5 -6\n"
	op_gives(X6 "a = Const i64[1] 1\ny = ReduceSum-1(x, a) : f32[2]\n", 0, "2 3");
	op_gives(X6 "a = Const i64[1] 0\ny = ReduceSum-1(x, a) {keep_dims=true} : f32[1,3]\n", 0,
	    "5 3 -3");
	op_gives(X6 "a = Const i64[2] 0 -1\ny = ReduceMax-1(x, a) : f32[]\n", 0, "5");
	op_gives(X6 "a = Const i64[] -1\ny = ReduceL1-4(x, a) : f32[2]\n", 0, "6 15");
	op_gives(X6 "a = Const i64[0]\ny = ReduceMean-1(x, a) : f32[2,3]\n", 0, "1 -2 3 4 5 -6");
	op_gives("x = Const f32[2] 3 4\na = Const i64[1] 0\ny = ReduceL2-4(x, a)\n", 0, "5");
	op_gives("x = Const i32[3] -7 1 1\na = Const i64[1] 0\ny = ReduceMean-1(x, a)\n", 0, "-1");
	op_gives("x = Const f32[2,0]\na = Const i64[1] 1\ny = ReduceSum-1(x, a)\n", 0, "0 0");
	op_gives("x = Const f32[2,0]\na = Const i64[1] 1\ny = ReduceMin-1(x, a)\n", 0, "inf inf");
	op_gives("x = Const i8[1,0]\na = Const i64[1] 1\ny = ReduceMax-1(x, a)\n", 0, "-128");
	op_gives("x = Const f32[2] 1 nan\na = Const i64[1] 0\ny = ReduceMax-1(x, a)\n", 0, "nan");
	op_gives(
	    "x = Const boolean[2,2] 1 0 1 1\na = Const i64[1] 1\ny = ReduceLogicalAnd-1(x, a)\n", 0,
	    "0 1");
	op_gives(
	    "x = Const f32[4] 1 2 3 4\na = Const i64[] 0\ny = CumSum-3(x, a)\n", 0, "1 3 6 10");
	op_gives("x = Const f32[4] 1 2 3 4\na = Const i64[] -1\n"
		 "y = CumSum-3(x, a) {exclusive=true reverse=true}\n",
	    0, "9 7 4 0");
	op_infers(F("?,3,2..5") "a = Const i64[1] 1\ny = ReduceMax-1(x, a) : f32[?,2..5]\n");
	op_infers(F("?,3") "a = Parameter-1 {shape=1 element_type=i64}\n"
			   "y = ReduceMax-1(x, a) {keep_dims=true} : f32[?,?]\n");
	op_infers(F("?,3") "a = Parameter-1 {shape=? element_type=i64}\ny = ReduceMax-1(x, a) : "
			   "f32[...]\n");
	op_refused(F("2,3") "a = Const i64[1] 2\ny = ReduceMax-1(x, a)\n", "axis 2");
	op_refused(F("2,3") "a = Const f32[1] 1\ny = ReduceMax-1(x, a)\n", "integer");
	op_refused(F("2,3") "a = Const i64[1] 1\ny = ReduceLogicalOr-1(x, a)\n", "boolean");
}

static void softmax(void **state)
{
	(void)state;
	op_gives(
	    "x = Const f32[2,2] 0 0 1000 1000\ny = SoftMax-8(x) {axis=-1}\n", 0, "0.5 0.5 0.5 0.5");
	op_gives("x = Const f32[2] 0 -inf\ny = SoftMax-8(x) {axis=0}\n", 0, "1 0");
	op_gives("x = Const f32[1,3] 1 1 1\ny = LogSoftmax-5(x)\n", 0,
	    "-1.0986123 -1.0986123 -1.0986123");
	op_gives("x = Const f32[2,1,1] 1 2\ny = SoftMax-1(x)\n", 0, "1 1");
	op_refused(F("2,3") "y = SoftMax-8(x) {axis=2}\n", "axis 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unary),
	    cmocka_unit_test(convert),
	    cmocka_unit_test(binary),
	    cmocka_unit_test(content),
	    cmocka_unit_test(reduce),
	    cmocka_unit_test(softmax),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
