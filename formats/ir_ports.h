/* Types and sizes that the ports of an IR declare, against inference. */
#ifndef FORMATS_IR_PORTS_H
#define FORMATS_IR_PORTS_H

#include "formats/ir_xml.h"

/* E_FORMAT that names the layer and the port when a declaration contradicts the node's values. */
int ir_check_ports(const struct ir_layer *l, const struct node *n, struct err *err);

#endif
