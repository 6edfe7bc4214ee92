/* Strides, dilations and pads of windows: convolutions and pools. */
#include <string.h>

#include "formats/onnx_translate.h"

static const char *auto_pad_of(struct tr *t)
{
	static const char *const names[][2] = {{"NOTSET", "explicit"}, {"VALID", "valid"},
	    {"SAME_UPPER", "same_upper"}, {"SAME_LOWER", "same_lower"}, {"", "explicit"}};
	const char *s = tr_str(t, "auto_pad", "NOTSET");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(s, names[i][0]))
			return names[i][1];
	tr_fail(t, E_FORMAT, "attribute 'auto_pad' is '%s'", s);
	return "explicit";
}

static bool is_modest(int64_t pad)
{
	return pad >= -TR_WINDOW_MAX && pad <= TR_WINDOW_MAX;
}

void tr_window_read(struct tr *t, struct tr_window *w)
{
	int64_t pads[2 * MAX_RANK];
	tr_ints_n(t, "strides", w->n, 1, w->stride);
	tr_ints_n(t, "dilations", w->n, 1, w->dilation);
	tr_ints_n(t, "pads", 2 * w->n, 0, pads);
	w->auto_pad = auto_pad_of(t);
	bool given = !strcmp(w->auto_pad, "explicit");
	for (int i = 0; i < w->n; i++) {
		w->begin[i] = given ? pads[i] : 0;
		w->end[i] = given ? pads[i + w->n] : 0;
		if (w->stride[i] < 1 || w->dilation[i] < 1)
			tr_fail(t, E_FORMAT, "strides and dilations must be positive");
		if (w->stride[i] > TR_WINDOW_MAX || w->dilation[i] > TR_WINDOW_MAX ||
		    !is_modest(w->begin[i]) || !is_modest(w->end[i]))
			tr_fail(t, E_LIMIT, "a window beyond %d", TR_WINDOW_MAX);
	}
}

void tr_window_set(struct tr *t, struct node *n, const struct tr_window *w)
{
	tr_set_ints(t, n, "strides", w->n, w->stride);
	tr_set_ints(t, n, "dilations", w->n, w->dilation);
	tr_set_ints(t, n, "pads_begin", w->n, w->begin);
	tr_set_ints(t, n, "pads_end", w->n, w->end);
	tr_set_s(t, n, "auto_pad", w->auto_pad);
}
