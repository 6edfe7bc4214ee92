/* A drawn network as a file: an SVG with colours for light and dark, or a page to move about in. */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "base/text.h"

struct view {
	const char *title;
	const char *svg; /* from "<svg" on */
	size_t size;
	int boxes;
};
void view_svg(struct text *t, const struct view *v);
/* One page that loads nothing: drag, wheel, pinch and buttons; a field that finds layers by name.
 */
void view_html(struct text *t, const struct view *v);

#endif
