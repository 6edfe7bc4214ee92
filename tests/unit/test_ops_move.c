/* Moves of elements: values worked out by hand, shapes of partly known inputs, what is refused. */
#include "op_text.h"

#define A "x = Const f32[2,3] 1 2 3 4 5 6\n"
#define ANY "x = Parameter-1 {shape=?,3..8,4 element_type=f32}\n"

static void joining_and_cutting(void **state)
{
	(void)state;
	op_gives(A "e = Const f32[2,0]\ny = Concat-1(x, e, x) {axis=-1} : f32[2,6]\n", 0,
	    "1 2 3 1 2 3 4 5 6 4 5 6");
	op_infers(ANY "z = Parameter-1 {shape=2,?,? element_type=f32}\n"
		      "y = Concat-1(x, z) {axis=1} : f32[2,3..,4]\n");
	op_infers(ANY "z = Parameter-1 {shape=... element_type=f32}\n"
		      "y = Concat-1(x, z) {axis=1} : f32[?,3..,4]\n");
	op_refused(ANY "z = Parameter-1 {shape=2,3,5 element_type=f32}\n"
		       "y = Concat-1(x, z) {axis=0}\n",
	    "dimension 2");
	op_refused(A "z = Const i32[2,3] fill(1)\ny = Concat-1(x, z) {axis=0}\n", "types");
	op_refused(A "y = Concat-1(x) {axis=2}\n", "axis 2");
	op_gives(A
	    "a = Const i64[] 1\np, q, r = Split-1(x, a) {num_splits=3} : f32[2,1], f32[2,1], "
	    "f32[2,1]\n",
	    2, "3 6");
	op_refused(A "a = Const i64[] 1\np, q = Split-1(x, a) {num_splits=2}\n", "equal parts");
	op_infers(ANY "a = Const i64[] 1\np, q = Split-1(x, a) {num_splits=2} : f32[?,2..4,4], "
		      "f32[?,2..4,4]\n");
	op_gives(A "a = Const i64[] 1\nl = Const i64[2] -1 1\np, q = VariadicSplit-1(x, a, l) : "
		   "f32[2,2], f32[2,1]\n",
	    0, "1 2 4 5");
	op_refused(A "a = Const i64[] 1\nl = Const i64[2] 1 1\np, q = VariadicSplit-1(x, a, l)\n",
	    "2 elements together");
	op_refused(A "a = Const i64[] 1\nl = Const i64[2] -1 4\np, q = VariadicSplit-1(x, a, l)\n",
	    "4 elements together");
	op_refused(A "a = Const i64[] 1\nl = Const i64[2] -1 -1\np, q = VariadicSplit-1(x, a, l)\n",
	    "length -1");
}

static void slices(void **state)
{
	(void)state;
#define LIST "x = Const i32[6] 0 1 2 3 4 5\n"
#define CUT(b, e, s) "b = Const i64[1] " b "\ne = Const i64[1] " e "\ns = Const i64[1] " s "\n"
	op_gives(LIST CUT("1", "-1", "2") "y = Slice-8(x, b, e, s)\n", 0, "1 3");
	op_gives(
	    LIST CUT("-1", "-9223372036854775808", "-2") "y = Slice-8(x, b, e, s)\n", 0, "5 3 1");
	op_gives(LIST CUT("100", "-100", "-4") "y = Slice-8(x, b, e, s)\n", 0, "5 1");
	op_gives(LIST CUT("3", "3", "1") "y = Slice-8(x, b, e, s) : i32[0]\n", 0, "");
	op_gives(
	    LIST CUT("0", "9223372036854775807", "9223372036854775807") "y = Slice-8(x, b, e, s)\n",
	    0, "0");
	op_gives(LIST CUT("-1", "-9223372036854775808",
		     "-9223372036854775808") "y = Slice-8(x, b, e, s)\n",
	    0, "5");
	op_refused(LIST CUT("0", "1", "0") "y = Slice-8(x, b, e, s)\n", "step 0 is 0");
	op_infers(
	    ANY CUT("0", "9223372036854775807", "1") "y = Slice-8(x, b, e, s) : f32[?,3..8,4]\n");
	op_infers(ANY CUT("-2", "100", "1") "a = Const i64[1] 1\ny = Slice-8(x, b, e, s, a) : "
					    "f32[?,2,4]\n");
	op_infers(ANY CUT("1", "5", "1") "a = Const i64[1] 1\ny = Slice-8(x, b, e, s, a) : "
					 "f32[?,2..4,4]\n");
	op_infers(ANY CUT("-3", "5", "1") "y = Slice-8(x, b, e, s) : f32[0..3,3..8,4]\n");
	op_refused(
	    ANY CUT("1", "5", "1") "a = Const i64[1] 3\ny = Slice-8(x, b, e, s, a)\n", "axis 3");
	op_gives(A "b = Const i64[2] 1 0\ne = Const i64[2] 2 2\ns = Const i64[2] 1 1\n"
		   "y = StridedSlice-1(x, b, e, s) {begin_mask=0,0 end_mask=0,0 "
		   "shrink_axis_mask=1,0} : f32[2]\n",
	    0, "4 5");
	op_gives(A "b = Const i64[3] 0 0 -1\ne = Const i64[3] 0 0 -4\ns = Const i64[3] 1 1 -1\n"
		   "y = StridedSlice-1(x, b, e, s) {begin_mask=0,0,0 end_mask=0,0,0 "
		   "ellipsis_mask=1,0,0 new_axis_mask=0,1,0} : f32[2,1,3]\n",
	    0, "3 2 1 6 5 4");
	op_refused(A "b = Const i64[3] 0 0 0\ne = Const i64[3] 1 1 1\n"
		     "y = StridedSlice-1(x, b, e) {begin_mask=0 end_mask=0}\n",
	    "3 entries");
	op_fails(A "b = Const i64[1] 2\ne = Const i64[1] 3\n"
		   "y = StridedSlice-1(x, b, e) {begin_mask=0 end_mask=0 shrink_axis_mask=1}\n",
	    "out of range");
}

static void permutations(void **state)
{
	(void)state;
	op_gives(A "o = Const i64[2] 1 0\ny = Transpose-1(x, o) : f32[3,2]\n", 0, "1 4 2 5 3 6");
	op_gives(A "o = Const i64[0]\ny = Transpose-1(x, o) : f32[3,2]\n", 0, "1 4 2 5 3 6");
	op_refused(A "o = Const i64[2] 1 1\ny = Transpose-1(x, o)\n", "twice");
	op_refused(A "o = Const i64[1] 0\ny = Transpose-1(x, o)\n", "order");
	op_fails("x = Const u4[2,2] 1 2 3 4\no = Const i64[2] 1 0\ny = Transpose-1(x, o)\n",
	    "type u4 cannot be moved");
	op_gives(A "a = Const i64[2] 0 -1\ny = Reverse-1(x, a) {mode=index}\n", 0, "6 5 4 3 2 1");
	op_gives(A "l = Const i64[2] 2 3\ny = ReverseSequence-1(x, l) {batch_axis=0 seq_axis=1}\n",
	    0, "2 1 3 6 5 4");
	op_fails(A "l = Const i64[2] 2 4\ny = ReverseSequence-1(x, l) {batch_axis=0 seq_axis=1}\n",
	    "length 4");
	op_gives(
	    A "s = Const i64[1] 1\na = Const i64[1] -1\ny = Roll-7(x, s, a)\n", 0, "3 1 2 6 4 5");
	op_gives("x = Const i8[1,4,1] 1 2 3 4\ny = ShuffleChannels-1(x) {axis=1 group=2}\n", 0,
	    "1 3 2 4");
	op_gives("x = Const i8[1,4,1,1] 1 2 3 4\ny = DepthToSpace-1(x) {block_size=2 "
		 "mode=depth_first} : i8[1,1,2,2]\nz = SpaceToDepth-1(y) {block_size=2 "
		 "mode=blocks_first} : i8[1,4,1,1]\n",
	    0, "1 2 3 4");
	op_refused("x = Const i8[1,3,1,1] 1 2 3\ny = DepthToSpace-1(x) {block_size=2 "
		   "mode=depth_first}\n",
	    "divided");
	op_refused(ANY "y = DepthToSpace-1(x) {block_size=0 mode=depth_first}\n", "block_size");
}

static void repeats_and_pads(void **state)
{
	(void)state;
	op_gives("x = Const i8[2] 1 2\nr = Const i64[2] 2 2\ny = Tile-1(x, r) : i8[2,4]\n", 0,
	    "1 2 1 2 1 2 1 2");
	op_infers(ANY "r = Const i64[3] 2 1 0\ny = Tile-1(x, r) : f32[?,3..8,0]\n");
	op_refused(ANY "r = Const i64[3] 2 1 -1\ny = Tile-1(x, r)\n", "repeat 2");
#define PAD(b, e) A "b = Const i64[2] " b "\ne = Const i64[2] " e "\n"
	op_gives(PAD("0 1", "1 0") "v = Const f32[] 9\ny = Pad-1(x, b, e, v) {pad_mode=constant} : "
				   "f32[3,4]\n",
	    0, "9 1 2 3 9 4 5 6 9 9 9 9");
	op_gives(PAD("0 2", "0 2") "y = Pad-12(x, b, e) {pad_mode=reflect}\n", 0,
	    "3 2 1 2 3 2 1 6 5 4 5 6 5 4");
	op_gives(PAD("0 3", "0 0") "y = Pad-12(x, b, e) {pad_mode=symmetric}\n", 0,
	    "3 2 1 1 2 3 6 5 4 4 5 6");
	op_gives(PAD("1 0", "0 1") "y = Pad-12(x, b, e) {pad_mode=edge}\n", 0,
	    "1 2 3 3 1 2 3 3 4 5 6 6");
	op_gives(
	    PAD("-1 2", "0 -2") "y = Pad-12(x, b, e) {pad_mode=reflect} : f32[1,3]\n", 0, "6 5 4");
	op_gives(
	    PAD("0 -3", "0 1") "y = Pad-12(x, b, e) {pad_mode=constant} : f32[2,1]\n", 0, "0 0");
	op_refused(PAD("0 3", "0 0") "y = Pad-12(x, b, e) {pad_mode=reflect}\n", "to reflect");
	op_refused(PAD("0 -1", "0 0") "y = Pad-1(x, b, e) {pad_mode=constant}\n", "negative");
	op_refused(PAD("-2 0", "-1 0") "y = Pad-12(x, b, e) {pad_mode=constant}\n", "cuts more");
	op_refused(PAD("9223372036854775807 0",
		       "9223372036854775807 0") "y = Pad-12(x, b, e) {pad_mode=constant}\n",
	    "too large");
	op_infers(ANY "b = Const i64[3] 1 0 -1\ne = Const i64[3] 1 -3 0\n"
		      "y = Pad-12(x, b, e) {pad_mode=constant} : f32[2..,0..5,3]\n");
}

static void gathers(void **state)
{
	(void)state;
	op_gives(A "i = Const i64[2] -1 7\na = Const i64[] 1\ny = Gather-8(x, i, a) : f32[2,2]\n",
	    0, "3 0 6 0");
	op_gives(
	    A "i = Const i64[0]\na = Const i64[] 1\ny = Gather-8(x, i, a) : f32[2,0]\n", 0, "");
	op_fails(A "i = Const i64[1] 3\na = Const i64[] 1\ny = Gather-7(x, i, a)\n", "index 3");
	op_gives(A "i = Const i32[2,1] 2 0\na = Const i64[] 1\n"
		   "y = Gather-8(x, i, a) {batch_dims=1} : f32[2,1]\n",
	    0, "3 4");
	op_refused(A "i = Const i32[2,1] 2 0\na = Const i64[] 0\n"
		     "y = Gather-8(x, i, a) {batch_dims=1}\n",
	    "before batch_dims");
	op_gives(A "i = Const i32[1,3] 1 -2 1\ny = GatherElements-6(x, i) {axis=0}\n", 0, "4 2 6");
	op_fails(A "i = Const i32[1,3] 1 2 1\ny = GatherElements-6(x, i) {axis=0}\n", "index 2");
	op_gives(A "i = Const i64[2,2] 0 2 -1 0\ny = GatherND-8(x, i) : f32[2]\n", 0, "3 4");
	op_fails(A "i = Const i64[1,2] 0 3\ny = GatherND-8(x, i)\n", "index 3");
	op_refused(A "i = Const i64[1,3] 0 0 0\ny = GatherND-8(x, i)\n", "3 parts");
}

static void scatters(void **state)
{
	(void)state;
	op_gives(A "i = Const i64[1,2] 1 -2\nu = Const f32[1,2] 7 8\na = Const i64[] 0\n"
		   "y = ScatterElementsUpdate-12(x, i, u, a) {reduction=sum}\n",
	    0, "1 10 3 11 5 6");
	op_gives("x = Const i32[2] 10 20\ni = Const i64[3] 0 0 0\nu = Const i32[3] 1 2 4\n"
		 "a = Const i64[] 0\ny = ScatterElementsUpdate-12(x, i, u, a) {reduction=mean "
		 "use_init_val=false}\n",
	    0, "2 20");
	op_gives("x = Const i8[2] 10 20\ni = Const i64[1] 0\nu = Const i8[1] -128\n"
		 "a = Const i64[] 0\ny = ScatterElementsUpdate-12(x, i, u, a) {reduction=max "
		 "use_init_val=false}\n",
	    0, "-128 20");
	op_fails(A "i = Const i64[1,1] 2\nu = Const f32[1,1] 7\na = Const i64[] 0\n"
		   "y = ScatterElementsUpdate-3(x, i, u, a)\n",
	    "index 2");
	op_gives(A "i = Const i64[1,1] -1\nu = Const f32[1,3] 7 8 9\n"
		   "y = ScatterNDUpdate-15(x, i, u) {reduction=sub}\n",
	    0, "1 2 3 -3 -3 -3");
	op_refused(A
	    "i = Const i64[1,1] -1\nu = Const f32[1,2] 7 8\ny = ScatterNDUpdate-4(x, i, u)\n",
	    "dimension 1 of the updates");
	op_gives(A "i = Const i64[1] 2\nu = Const f32[2,1] 7 8\na = Const i64[] 1\n"
		   "y = ScatterUpdate-3(x, i, u, a)\n",
	    0, "1 2 7 4 5 8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(joining_and_cutting),
	    cmocka_unit_test(slices),
	    cmocka_unit_test(permutations),
	    cmocka_unit_test(repeats_and_pads),
	    cmocka_unit_test(gathers),
	    cmocka_unit_test(scatters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
