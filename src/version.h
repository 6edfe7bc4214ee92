/* The one version number: --version, mo.pc and the soname come from here. */
#ifndef VERSION_H
#define VERSION_H

#define MO_VERSION "0.9.0"

#endif
