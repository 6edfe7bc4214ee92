/* Where each program begins: its code is in the library. */
#include "cli/programs.h"

int main(int argc, char **argv)
{
	return mo_program(argc, argv);
}
