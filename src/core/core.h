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
#include "batched.h"
#include "block.h"
#include "eigen_symm.h"
#include "qr.h"
#include "svd.h"
#include "lu.h"
#include "cond.h"
#include "solve.h"
#include "threads.h"
#endif
