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
ENTRY(round, 3)
ENTRY(ops_table, 0)
/* missing.c */
ENTRY(test, 2)
/* vectors.c */
ENTRY(ifelse, 3)
ENTRY(extreme, 3)
ENTRY(vectors, 3)
/* reduce.c */
ENTRY(reduce, 3)
ENTRY(which_extreme, 2)
ENTRY(scan, 2)
ENTRY(scan_rows, 3)
/* rowstats.c */
ENTRY(reduce_dims, 5)
ENTRY(variance, 2)
ENTRY(stretch, 3)
ENTRY(columns, 2)
ENTRY(rowsum, 3)
/* matmul.c */
ENTRY(matmul, 4)
ENTRY(matmul_int8, 2)
ENTRY(products, 4)
/* batched.c */
ENTRY(batched_solve, 2)
ENTRY(batched_chol, 1)
ENTRY(batched_det, 1)
ENTRY(batched_eigen, 2)
/* conv.c */
ENTRY(conv, 5)
/* pooling.c */
ENTRY(pooling, 4)
/* qr.c */
ENTRY(qr, 2)
ENTRY(qr_multiply, 5)
ENTRY(qr_project, 5)
ENTRY(qr_coef, 4)
ENTRY(qr_least, 4)
ENTRY(qr_upper, 2)
ENTRY(qr_expand, 5)
/* tune.c */
ENTRY(tune, 2)
/* eigen.c */
ENTRY(eigen_symmetric, 2)
/* svd.c */
ENTRY(svd, 3)
ENTRY(svd_signs, 2)
/* solve.c */
ENTRY(solve, 4)
ENTRY(chol, 3)
ENTRY(chol2inv, 2)
ENTRY(backsolve, 5)
ENTRY(determinant, 2)
ENTRY(rcond, 3)
ENTRY(lu, 1)
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
ENTRY(concat_along, 2)
/* index.c */
ENTRY(index, 3)
ENTRY(which, 1)
ENTRY(gather, 2)
/* assign.c */
ENTRY(assign, 4)
/* sort.c */
ENTRY(order, 3)
ENTRY(order_columns, 1)
ENTRY(sort, 3)
ENTRY(take, 2)
ENTRY(head, 2)
ENTRY(pick, 2)
ENTRY(rank, 6)
ENTRY(duplicated, 2)
ENTRY(match, 3)
ENTRY(search, 5)
ENTRY(tabulate, 2)
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
ENTRY(nn_data, 3)
ENTRY(nn_view, 4)
ENTRY(nn_vector, 3)
ENTRY(nn_pass, 4)
ENTRY(nn_has, 3)
ENTRY(nn_trace, 3)
ENTRY(nn_random, 2)
ENTRY(nn_gradient, 2)
ENTRY(nn_join, 1)
ENTRY(nn_compile, 3)
ENTRY(nn_run, 5)
ENTRY(nn_sums, 2)
ENTRY(nn_read, 3)
ENTRY(nn_write, 4)
/* reader.c */
ENTRY(reader_new, 6)
ENTRY(reader_free, 1)
ENTRY(reader_start, 2)
ENTRY(reader_next, 4)
