/* Between floats and bytes in plain C: what the others are judged by. */
#define NAME(what) quant_u8_##what##__ref
#include "kernels/quant_u8_body.h"
