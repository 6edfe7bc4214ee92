/* Sorting, selection, pictures, transforms and recurrence: values worked out by hand. */
#include "op_text.h"

static void top_k(void **state)
{
	(void)state;
#define X "x = Const f32[1,5] 3 1 3 2 3\nk = Const i64[] 3\n"
	op_gives(X "v, i = TopK-11(x, k) {axis=-1 mode=max sort=value} : f32[1,3], i32[1,3]\n", 1,
	    "0 2 4");
	op_gives(X "v, i = TopK-11(x, k) {axis=1 mode=min sort=value index_element_type=i64}\n", 1,
	    "1 3 0");
	op_gives(X "v, i = TopK-11(x, k) {axis=1 mode=min sort=index}\n", 0, "3 1 2");
	op_gives("x = Const f32[4] nan -inf inf 0\nk = Const i64[] 3\n"
		 "v, i = TopK-11(x, k) {axis=0 mode=max sort=value}\n",
	    1, "0 2 3");
	op_gives("x = Const f32[2,2] 1 2 3 4\nk = Const i64[] 0\n"
		 "v, i = TopK-1(x, k) {axis=0 mode=max sort=value} : f32[0,2], i32[0,2]\n",
	    0, "");
	op_refused(
	    X "n = Const i64[] 6\nv, i = TopK-11(x, n) {axis=1 mode=max sort=value}\n", "k is 6");
	op_infers("x = Parameter-1 {shape=?,2..9 element_type=f32}\nk = Parameter-1 {shape= "
		  "element_type=i64}\nv, i = TopK-3(x, k) {axis=1 mode=max sort=value} : "
		  "f32[?,0..9], i32[?,0..9]\n");
}

static void selection(void **state)
{
	(void)state;
	op_gives("x = Const i32[2,2] 1 0 -3 4\ny = NonZero-3(x) : i64[2,0..4]\n", 0, "0 1 1 0 0 1");
	op_gives("x = Const f32[3] 0 nan -0\ny = NonZero-3(x) {output_type=i32}\n", 0, "1");
	op_gives("x = Const f32[0,2]\ny = NonZero-3(x) : i64[2,0]\n", 0, "");
#define U "x = Const i32[6] 4 2 4 9 2 4\n"
	op_gives(U "a, b, c, d = Unique-10(x) {sorted=true}\n", 0, "2 4 9");
	op_gives(U "a, b, c, d = Unique-10(x) {sorted=true}\n", 1, "1 0 3");
	op_gives(U "a, b, c, d = Unique-10(x) {sorted=false}\n", 0, "4 2 9");
	op_gives(U "a, b, c, d = Unique-10(x) {sorted=false}\n", 2, "0 1 0 2 1 0");
	op_gives(U "a, b, c, d = Unique-10(x) {sorted=false}\n", 3, "3 2 1");
	op_gives(
	    "x = Const i32[2,3] 1 0 1 5 2 5\na = Const i64[] 1\np, q, r, s = Unique-10(x, a)\n", 0,
	    "0 1 2 5");
	op_gives("x = Const i32[4] 0 1 4 5\nb = Const i32[2] 1 4\n"
		 "y = Bucketize-3(x, b) {with_right_bound=true}\n",
	    0, "0 0 1 2");
	op_gives("x = Const i32[4] 0 1 4 5\nb = Const i32[2] 1 4\n"
		 "y = Bucketize-3(x, b) {with_right_bound=false}\n",
	    0, "0 1 2 2");
}

static void boxes(void **state)
{
	(void)state;
#define BOXES                                                                                      \
	"b = Const f32[1,3,4] 0 0 10 10 1 0 11 10 20 20 30 30\ns = Const f32[1,1,3] 0.5 0.9 0.7\n" \
	"m = Const i64[] 5\nt = Const f32[] 0.5\n"
	op_gives(BOXES "i, v, n = NonMaxSuppression-9(b, s, m, t)\n", 0, "0 0 1 0 0 2");
	op_gives(BOXES "i, v, n = NonMaxSuppression-5(b, s, m, t)\n", 1, "0 0 0.9 0 0 0.7");
	op_gives(BOXES "i, v, n = NonMaxSuppression-9(b, s) {output_type=i32}\n", 2, "0");
	op_gives(BOXES "u = Const f32[] 0\ng = Const f32[] 0.5\n"
		       "i, v, n = NonMaxSuppression-9(b, s, m, t, u, g)\n",
	    2, "2");
}

static void pictures(void **state)
{
	(void)state;
#define P "x = Const f32[1,1,1,4] 0 1 2 3\na = Const i64[1] 3\n"
#define RESIZE(n, rest)                                          \
	P "n = Const i64[1] " n "\ny = Interpolate-11(x, n, a) " \
	  "{shape_calculation_mode=sizes " rest "}\n"
	op_gives(RESIZE("2", "mode=nearest coordinate_transformation_mode=asymmetric "
			     "nearest_mode=floor"),
	    0, "0 2");
	op_gives(RESIZE("2", "mode=linear_onnx"), 0, "0.5 2.5");
	op_gives(RESIZE("7", "mode=linear_onnx coordinate_transformation_mode=align_corners"), 0,
	    "0 0.5 1 1.5 2 2.5 3");
	op_gives(RESIZE("2", "mode=bilinear_pillow"), 0, "0.714286 2.285714");
	op_gives(P "n = Const f32[1] 0.6\ny = Interpolate-11(x, n, a) {mode=nearest "
		   "shape_calculation_mode=scales nearest_mode=floor "
		   "coordinate_transformation_mode=asymmetric}\n",
	    0, "0 1");
	op_refused(P "n = Const f32[1] -1\ny = Interpolate-11(x, n, a) {mode=nearest "
		     "shape_calculation_mode=scales}\n",
	    "scale 0");
	op_infers("x = Parameter-1 {shape=?,2,3..5,? element_type=f32}\ns = Const f32[2] 2 2\n"
		  "a = Const i64[2] 2 3\ny = Interpolate-11(x, s, a) {mode=nearest "
		  "shape_calculation_mode=scales} : f32[?,2,6..10,?]\n");
	op_gives("x = Const f32[1,1,2,2] 1 2 3 4\ng = Const f32[1,1,2,2] 0 0 1 1\n"
		 "y = GridSample-9(x, g) {align_corners=true}\n",
	    0, "2.5 4");
	op_gives("x = Const f32[1,1,2,2] 1 2 3 4\nr = Const f32[1,4] 0 0 1 1\nb = Const i64[1] 0\n"
		 "y = ROIAlign-9(x, r, b) {pooled_h=1 pooled_w=1 sampling_ratio=1 spatial_scale=1 "
		 "mode=max}\n",
	    0, "1");
	op_fails("x = Const f32[1,1,2,2] 1 2 3 4\nr = Const f32[1,4] 0 0 1 1\nb = Const i64[1] 1\n"
		 "y = ROIAlign-9(x, r, b) {pooled_h=1 pooled_w=1 sampling_ratio=1 spatial_scale=1 "
		 "mode=avg}\n",
	    "picture 1 of 1");
	op_gives(
	    "x = Const f32[2,4] 1 2 3 4 10 20 30 40\ns = Const i64[2] 1 5\nk = Const i64[2] 1 2\n"
	    "y = Col2Im-15(x, s, k) : f32[1,1,5]\n",
	    0, "1 12 23 34 40");
}

static void transforms(void **state)
{
	(void)state;
	op_gives("x = Const f32[4,2] 1 0 0 0 0 0 0 0\na = Const i64[1] 0\ny = DFT-7(x, a)\n", 0,
	    "1 0 1 0 1 0 1 0");
	op_gives("x = Const f32[3] 1 2 4\na = Const i64[1] 0\ny = RDFT-9(x, a) : f32[2,2]\n", 0,
	    "7 0 -2 1.7320508");
	op_gives("x = Const f32[2,2] 7 0 -2 1.7320508\na = Const i64[1] 0\nn = Const i64[1] 3\n"
		 "y = IRDFT-9(x, a, n) : f32[3]\n",
	    0, "1 2 4");
	op_refused(
	    "x = Const f32[3,3] fill(1)\na = Const i64[1] 0\ny = DFT-7(x, a)\n", "imaginary");
}

static void recurrence(void **state)
{
	(void)state;
#define RNN                                                                            \
	"x = Const f32[1,3,1] 1 2 3\nh = Const f32[1,1,1] 0\nw = Const f32[1,1,1] 1\n" \
	"r = Const f32[1,1,1] 1\nb = Const f32[1,1] 0\n"
	op_gives(RNN "l = Const i32[1] 3\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=1 "
		     "direction=forward activations=relu}\n",
	    0, "1 3 6");
	op_gives(RNN "l = Const i32[1] 2\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=1 "
		     "direction=reverse activations=relu}\n",
	    0, "3 2 0");
	op_gives(RNN "l = Const i32[1] 2\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=1 "
		     "direction=reverse activations=relu clip=2.5}\n",
	    1, "2.5");
	op_fails(RNN "l = Const i32[1] 4\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=1 "
		     "direction=forward}\n",
	    "length 4");
	op_refused(RNN "l = Const i32[1] 3\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=1 "
		       "direction=forward activations=sin}\n",
	    "'sin'");
	op_refused(RNN "l = Const i32[1] 3\ny, o = RNNSequence-5(x, h, l, w, r, b) {hidden_size=2 "
		       "direction=forward}\n",
	    "does not fit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(top_k),
	    cmocka_unit_test(selection),
	    cmocka_unit_test(boxes),
	    cmocka_unit_test(pictures),
	    cmocka_unit_test(transforms),
	    cmocka_unit_test(recurrence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
