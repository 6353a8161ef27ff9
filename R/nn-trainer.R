# The trainer: data and parameters on the device, and for each kind of pass and size of batch one
# plan of what a batch does. R composes these once; C replays them.

# Passes: each has its own samples, plans and sums.
nn_passes <- list(train = 0L, valid = 1L)

# `data`: list(x, y, weights), arrays with samples first; `weights` are NULL if all are 1.
# `optim`: list(nstate, nscalar, step), where step(p, g, state, scalar, size) gives the list of the
# next p (NULL: as it is) and the next states after a batch of `size`.
nn_trainer <- function(net, weights, state, data, optim, metrics) {
  layout <- nn_layout(net, weights, state)
  arrays <- c(Map(nn_upload, data$x, net$scaling), lapply(data$y, nn_upload),
              if (!is.null(data$weights)) list(matrix(data$weights)))
  handle <- .Call(C_nn_trainer, arrays, nn_flat(layout, "param"), nn_flat(layout, "fixed"),
                  c(optim$nstate, optim$nscalar), net$type)
  view <- function(p) .Call(C_nn_view, handle, p$which, p$offset, as.integer(p$dim))
  list(handle = handle, net = net, layout = layout, optim = optim, metrics = metrics,
       weighted = !is.null(data$weights), w = lapply(layout, lapply, view),
       device = .Call(C_nn_device, handle))
}

# What the trainer can take: doubles, or an array of ours. Inputs are standardised here, before
# they are rounded to the trainer's type: float32 would leave few digits of a column whose mean is
# far above its standard deviation.
nn_upload <- function(x, scaling = NULL) {
  if (!is_gpu(x) && !is.double(x)) storage.mode(x) <- "double"
  if (is.null(scaling)) x else nn_scale(x, scaling)
}

# The samples of a pass, from 1, for batches of `batch`; makes the plans that are missing.
nn_trainer_pass <- function(trainer, pass, rows, batch) {
  n <- if (is.double(rows)) rows else length(rows)
  if (n == 0) return(invisible())
  batch <- min(batch, n)
  .Call(C_nn_pass, trainer$handle, nn_passes[[pass]], if (is.double(rows)) rows else rows - 1L,
        batch)
  for (size in setdiff(c(batch, n %% batch), 0)) {
    if (.Call(C_nn_has, trainer$handle, nn_passes[[pass]], as.integer(size))) next
    with_gpu_device(trainer$device, nn_trainer_compile(trainer, pass, as.integer(size)))
  }
}

# -- what a batch does -----------------------------------------------------------------------------

nn_trainer_compile <- function(trainer, pass, size) {
  training <- pass == "train"
  batch <- nn_trainer_batch(trainer, pass, size)
  updates <- new.env()
  z <- nn_network_forward(trainer$net, trainer$w, batch$x, nn_ctx_of(trainer, training, updates))
  nn_check_outputs(trainer$net, z, batch$y)
  losses <- nn_losses(trainer$net, batch, z)
  sums <- c(lapply(losses, `[[`, "total"), nn_metric_sums(trainer, batch, z))
  if (training) sums <- c(sums, list(nn_trainer_last_sum(trainer, losses, size)))
  next_values <- if (training) nn_next(trainer, z, losses, updates, size) else list()
  .Call(C_nn_compile, trainer$handle, sums, next_values)
}

# The last sum of a training pass: the penalty, where the optimiser asks for it, else the number of
# batches with a finite loss.
nn_trainer_last_sum <- function(trainer, losses, size) {
  penalty <- trainer$optim$penalty
  if (!is.null(penalty)) return(penalty(nn_vector(trainer, "param"), size))
  .Call(C_cast, is.finite(losses[[1]]$total), trainer$net$type)
}

# The batch's placeholders: x, y and w (NULL: all 1).
nn_trainer_batch <- function(trainer, pass, size) {
  data <- .Call(C_nn_trace, trainer$handle, nn_passes[[pass]], size)
  nx <- length(trainer$net$inputs)
  ny <- length(trainer$net$outputs)
  list(x = data[seq_len(nx)], y = data[nx + seq_len(ny)], size = size,
       w = if (trainer$weighted) nn_reshape(data[[nx + ny + 1]], size))
}

nn_ctx_of <- function(trainer, training, updates) {
  uniform <- function(dim) .Call(C_nn_random, trainer$handle, as.integer(dim))
  keep <- if (training && nn_keeps_half(trainer$net)) nn_keep else identity
  function(i) {
    nn_ctx(training, trainer$net$type, uniform, function(name, value) {
      key <- paste(i, name)
      assign(key, c(updates[[key]], list(value)), updates) # shared layers have several
    }, keep)
  }
}

# Whether what the way back needs is kept in bfloat16. Passes without one keep nothing.
nn_keeps_half <- function(net) net$precision == "bf16"
# h rounded to bfloat16, which is what is stored of it.
nn_keep <- function(h) .Call(C_nn_keep, h)

nn_check_outputs <- function(net, z, y) {
  for (i in seq_along(z)) {
    loss <- net$outputs[[i]]$loss
    wanted <- net$outputs[[i]]$wanted
    if (length(dim(z[[i]])) == 2 && (is.na(wanted[1]) || nrow(z[[i]]) == prod(wanted))) next
    if (length(dim(z[[i]])) > 2 && identical(dim(z[[i]]), dim(y[[i]]))) next
    at <- net$model$outputs[i]
    given <- nn_sample_shape(z[[i]])
    nn_stop("shape", "layer %d (%s) gives %s per sample, `%s` has %s: loss \"%s\" needs %s%s", at,
            nn_kind_text(net$model$layers[[at]]), nn_values_text(given), net$outputs[[i]]$name,
            nn_target_text(net$outputs[[i]], y[[i]]), loss$name, nn_values_text(wanted),
            nn_outputs_advice(net$outputs[[i]], prod(given), prod(wanted)))
  }
}

# What is most often meant by outputs that do not fit.
nn_outputs_advice <- function(output, given, wanted) {
  if (output$kind == "class" && length(output$levels) == 2 && given == 1) {
    return(" (or loss = \"binary_cross_entropy\")")
  }
  if (output$kind != "numeric" || given == 1 || wanted != 1) return("")
  sprintf(" (if these are classes, use factor(%s))", output$name)
}

nn_values_text <- function(dim) {
  if (prod(dim) == 1) "1 value" else paste(nn_shape_text(dim), "values")
}

nn_target_text <- function(output, y) {
  if (output$kind == "class") return(sprintf("%d classes", length(output$levels)))
  if (nrow(y) == 1) "1 column" else sprintf("%d columns", nrow(y))
}

# Per output list(total, seed), see nn_loss_trace().
nn_losses <- function(net, batch, z) {
  Map(function(output, y, z) nn_loss_trace(output$loss, y, z, batch$w), net$outputs, batch$y, z)
}

nn_metric_sums <- function(trainer, batch, z) {
  unlist(Map(function(output, metrics, y, z) {
    y <- nn_codes_of(output, y)
    lapply(metrics[!vapply(metrics, function(m) isTRUE(m$collect), NA)], function(m) {
      if (isTRUE(m$shifts)) output$center <- 0
      sums <- m$sums(nn_unscaled(output, y), nn_unscaled(output, z), batch$w)
      if (gpu_type(sums) == trainer$net$type) sums else .Call(C_cast, sums, trainer$net$type)
    })
  }, trainer$net$outputs, trainer$metrics, batch$y, z), recursive = FALSE)
}

# Shares of classes as the codes of the largest, which metrics of classes want.
nn_codes_of <- function(output, y) {
  if (output$kind != "shares") return(y)
  nn_reshape(nn_ones(colWhichMaxs(y), y) - 1, c(1, ncol(y)))
}

# A target or an output in the units of the data.
nn_unscaled <- function(output, v) {
  if (identical(output$scale, 1) && all(output$center == 0)) return(v)
  v * output$scale + nn_constant(output$center, gpu_type(v))
}

# The next values of parameters, of what is fixed, and of the optimiser's states; NULL where they
# stay.
nn_next <- function(trainer, z, losses, updates, size) {
  seed <- Reduce(`+`, lapply(losses, function(l) sum(l$seed)))
  g <- .Call(C_nn_gradient, trainer$handle, seed, if (nn_keeps_half(trainer$net)) z)
  state <- lapply(seq_len(trainer$optim$nstate) - 1L, function(i) nn_vector(trainer, "state", i))
  scalar <- lapply(seq_len(trainer$optim$nscalar) - 1L, function(i) nn_vector(trainer, "scalar", i))
  stepped <- trainer$optim$step(nn_vector(trainer, "param"), g, state, scalar, size)
  c(stepped[1], list(nn_next_fixed(trainer, updates)), stepped[-1])
}

# A placeholder of a flat vector, or of a number that changes with the step.
nn_vector <- function(trainer, which, i = 0L) .Call(C_nn_vector, trainer$handle, which, i)

nn_next_fixed <- function(trainer, updates) {
  if (length(ls(updates)) == 0) return(NULL)
  parts <- list()
  for (i in seq_along(trainer$layout)) {
    for (name in names(trainer$layout[[i]])) {
      if (trainer$layout[[i]][[name]]$which != "fixed") next
      values <- updates[[paste(i, name)]]
      value <- if (is.null(values)) trainer$w[[i]][[name]] else nn_mean(values)
      parts <- c(parts, list(value))
    }
  }
  .Call(C_nn_join, parts)
}

nn_mean <- function(values) {
  if (length(values) == 1) values[[1]] else Reduce(`+`, values) / length(values)
}

# -- running ---------------------------------------------------------------------------------------

# Runs batches of a pass; `scalar`: a column of numbers for each of them. Returns once `seconds`
# have gone by, or all are done: c(batches, interrupted).
nn_trainer_run <- function(trainer, pass, first, batches, scalar = NULL, key = 0, seconds = 0) {
  .Call(C_nn_run, trainer$handle, nn_passes[[pass]], as.double(c(first, batches, seconds)), scalar,
        key)
}

nn_trainer_sums <- function(trainer, pass) .Call(C_nn_sums, trainer$handle, nn_passes[[pass]])

# Parameters, fixed values and states as they are now.
nn_trainer_read <- function(trainer, which, i = 0L) .Call(C_nn_read, trainer$handle, which, i)
nn_trainer_write <- function(trainer, which, values, i = 0L) {
  .Call(C_nn_write, trainer$handle, which, i, values)
}
