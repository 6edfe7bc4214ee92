/* Element types, under OpenVINO's names. */
#ifndef GRAPH_DTYPE_H
#define GRAPH_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
	DT_NONE, /* not known, or an absent input */
	DT_F32,
	DT_F16,
	DT_BF16,
	DT_F64,
	DT_F8E4M3,
	DT_F8E5M2,
	DT_BOOL, /* one byte, 0 or 1 */
	DT_I8,
	DT_I16,
	DT_I32,
	DT_I64,
	DT_U8,
	DT_U16,
	DT_U32,
	DT_U64,
	DT_I4, /* packed, low nibble first */
	DT_U4,
	DT_U1, /* packed, most significant bit first */
	DT_NF4,
	DT_COUNT
};

/* "f32", "boolean": the spelling of element_type and destination_type. "undefined" for DT_NONE. */
const char *dtype_name(enum dtype t);
/* "FP32", "BOOL": the spelling of a port's precision. */
const char *dtype_precision(enum dtype t);
/* By either spelling; DT_NONE when unknown. */
enum dtype dtype_parse(const char *s);
int dtype_bits(enum dtype t);
bool dtype_is_float(enum dtype t); /* F32 F16 BF16 F64 F8* NF4 */
bool dtype_is_int(enum dtype t);   /* I* and U*, U1 too, without BOOL */
bool dtype_is_signed(enum dtype t);

#endif
