/* Extremes and carried errors in plain C: what the others are judged by. */
#define NAME(what) seen_f32_##what##__ref
#include "kernels/seen_f32_body.h"
