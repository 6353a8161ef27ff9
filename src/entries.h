/* Every entry point, one row: ENTRY(name, number of arguments). R calls C_<name>, which is
 * ffi_<name> here. The file named in the heading has it. */
/* array.c */
ENTRY(upload, 3)
ENTRY(fill, 4)
ENTRY(eye, 3)
ENTRY(is, 1)
ENTRY(info, 1)
ENTRY(plain, 1)
ENTRY(force, 1)
ENTRY(cast, 2)
ENTRY(reshape, 2)
ENTRY(transpose, 1)
/* device.c */
ENTRY(setup, 2)
ENTRY(devices, 0)
ENTRY(device, 1)
ENTRY(opencl_problem, 0)
ENTRY(synchronize, 1)
ENTRY(memory, 0)
ENTRY(memory_limit, 2)
ENTRY(memory_trim, 1)
ENTRY(stats, 1)
ENTRY(live, 0)
ENTRY(fault, 1)
/* ops.c */
ENTRY(binary, 3)
ENTRY(unary, 2)
ENTRY(is_na, 1)
ENTRY(ops_table, 0)
/* reduce.c */
ENTRY(reduce, 2)
ENTRY(reduce_dims, 4)
ENTRY(row_which_max, 1)
/* matmul.c */
ENTRY(matmul, 4)
/* shape.c */
ENTRY(rev, 2)
ENTRY(rep, 5)
ENTRY(aperm, 4)
ENTRY(spread, 3)
ENTRY(positions, 2)
ENTRY(triangle, 2)
ENTRY(diag_get, 2)
ENTRY(diag_make, 2)
/* bind.c */
ENTRY(concat, 2)
ENTRY(bind, 4)
/* index.c */
ENTRY(index, 4)
/* random.c */
ENTRY(random, 6)
/* apply.c */
ENTRY(batch, 4)
/* explain.c */
ENTRY(explain, 1)
/* trace.c */
ENTRY(placeholder, 2)
ENTRY(grad, 2)
ENTRY(plan, 2)
ENTRY(plan_run, 3)
/* nn.c */
ENTRY(nn_trainer, 5)
ENTRY(nn_free, 1)
ENTRY(nn_device, 1)
ENTRY(nn_param, 3)
ENTRY(nn_pass, 4)
ENTRY(nn_trace, 2)
ENTRY(nn_compile, 3)
ENTRY(nn_softmax, 1)
ENTRY(nn_epoch, 4)
ENTRY(nn_weights, 1)
