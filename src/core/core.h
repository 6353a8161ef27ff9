/* All of the core, for the binding, the trainer and the C tests. */
#ifndef AG_CORE_H
#define AG_CORE_H
#include "error.h"
#include "strbuf.h"
#include "device.h"
#include "array.h"
#include "expr.h"
#include "schedule.h"
#include "plan.h"
#include "grad.h"
#include "index.h"
#include "sort.h"
#include "batch.h"
#include "block.h"
#include "eigen_symm.h"
#include "qr.h"
#include "threads.h"
#endif
