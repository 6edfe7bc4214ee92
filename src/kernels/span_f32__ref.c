/* Span functions in plain C. */
#define ISA __ref
#include "kernels/span_f32_body.h"
