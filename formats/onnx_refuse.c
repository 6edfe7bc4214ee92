/* Operators that are refused with the reason, rather than as unknown. */
#include "formats/onnx_translate.h"

void tr_image_decoder(struct tr *t)
{
	tr_fail(t, E_UNSUPPORTED, "pictures are not decoded inside a network");
}

void tr_strings(struct tr *t)
{
	tr_fail(t, E_UNSUPPORTED, "strings are not supported");
}
