/* Products of matrices of integers from -128 to 127, exactly. */
#ifndef AG_INT8_H
#define AG_INT8_H

#include "array.h"

/* The sums of so many products fit into int32. */
enum { AG_INT8_DEPTH = 131071 };

/* x y of two int32 matrices on the device `host`, in int32; forces them. An error where a value is
 * no int8, or x has more than AG_INT8_DEPTH columns. */
AG_CHECKED ag_status ag_matmul_int8(ag_array **out, ag_array *x, ag_array *y);

#endif
