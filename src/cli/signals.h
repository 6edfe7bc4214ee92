/* An interrupted tool removes its unfinished outputs and dies by the signal. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

void signals_setup(void);

#endif
