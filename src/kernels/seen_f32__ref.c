/* What calibration does to many floats, in plain C: what the others are judged by. */
#define NAME(what) seen_f32_##what##__ref
#include "kernels/seen_f32_body.h"
#include "kernels/seen_round_body.h"
