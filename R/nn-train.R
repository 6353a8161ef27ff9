#' Train a neural network
#'
#' Trains a model by mini-batches on the current device (see [gpu_device()]). The data go to
#' the device once; an epoch runs there without R: each batch is gathered by an index, and
#' losses and metrics are summed on the device.
#'
#' Everything random (the validation split, the starting weights, the order of the samples in
#' each epoch, dropout) comes from R's random number stream: [set.seed()] is enough to get the
#' same fit again.
#'
#' An interrupt (Ctrl-C, Esc) ends the training between two batches; the fit as it is then is
#' returned, with a warning. A loss that is no longer finite ends it likewise.
#'
#' @section Data:
#' Samples come first: a matrix is `n x features`, sequences are `n x time x features`, images
#' `n x height x width x channels`. A list of arrays is for a model with several inputs, a list of
#' targets for one with several outputs. Inputs are standardised (mean 0, standard
#' deviation 1): each column of a matrix or data frame, each channel of images, each feature of
#' sequences, also where [layer_reshape()] makes these of the rows of a matrix. Indicators of 0 and
#' 1, factors and codes for [layer_embedding()] are left as they are. A numeric target is
#' standardised, too, if its loss allows it and the last layer has no activation. The fit remembers
#' how: predictions and the losses in the history are in the units of the data.
#'
#' @section Mixed precision:
#' A training step keeps, until its way back, the layers' outputs and whatever else gradients need
#' to know of values within layers. With `precision = "bf16"` all that is kept in bfloat16, rounded
#' to the nearest: the range of float32, 8 binary digits (a relative error of up to 2e-3), half of
#' the memory. Everything else is float32: parameters, their gradients, what the optimiser keeps,
#' sums and means (so the statistics of normalisations), the network's outputs and losses, and the
#' inputs, up to the first layer that has parameters. Validation and [predict()][predict.nn_fit]
#' have no way back and round nothing; the fit has the weights in full.
#'
#' On a device with tensor cores products, too, round their operands to bfloat16 (see
#' [anygpu.matmul]), here and in predictions, which makes them several times faster. On others
#' `"bf16"` is about as fast as `"float32"`: it pays where memory is short, which is so if the
#' network is deep or the batches are large, and not if most of the memory holds parameters.
#'
#' @param model An [nn_model()], or a fit whose training is to go on (see [nn_layers()]).
#' @param x A numeric matrix or array, a data frame of numbers, a device array, or a list of these;
#'   no missing values. Or a formula, see [nn_fit.formula()], or an [nn_source()] of data that do
#'   not fit into memory.
#' @param y A factor, strings or logical values (classification: the last layer has a unit for each
#'   level), or a numeric vector or matrix (regression: a unit for each column; with the loss
#'   `"cross_entropy"` a column of 0 and 1, or of shares, for each class); a list of these for
#'   several outputs.
#' @param epochs How often all samples are used, at least 1.
#' @param batch_size Samples per step, at least 1. The last batch of an epoch is smaller if the
#'   number of samples asks for it; no sample is left out.
#' @param optimizer See [optimizers]: an object, or its name as in `"adam"` for [opt_adam()] with
#'   its defaults. [opt_lbfgs()] uses all samples in each step, and `epochs`
#'   says how many iterations it may take.
#' @param loss See [losses]: an object, its name, a function of `(y_true, y_pred)`, or `NULL` for
#'   `"cross_entropy"` of a factor and `"mse"` of numbers (or that of the fit that goes on). A list
#'   for several outputs.
#' @param validation Samples that are held out and only watched: a share (at least 0, less than 1)
#'   of them chosen at random, their numbers (or `TRUE` for each of them, `FALSE` for the others),
#'   or other data as `list(x, y)` or `list(x, y, weights)`.
#' @param weights A number for each sample: how much its loss counts. Only their proportions
#'   matter.
#' @param class_weights A number for each class, by name or in the order of the levels.
#' @param metrics What to watch beside the loss, see [metrics]: an object, its name, a function of
#'   `(y_true, y_pred)`, or several of these as in `c("mae", "r2")`; by default the accuracy of a
#'   classification. A list of such lists for several outputs.
#' @param standardize Whether to standardise, see below: `TRUE`, `FALSE`, or a logical for each
#'   input.
#' @param callbacks See [nn_callback()].
#' @param early_stopping `NULL`, or how many epochs without a better (validation) loss end the
#'   training; the weights of the best epoch are then restored. See [nn_early_stopping()] for more.
#' @param checkpoint `NULL`, or a file that is written after each epoch; [nn_resume()] continues
#'   from it exactly.
#' @param precision What to compute with: `"float32"`; `"float64"`, the default of [opt_lbfgs()];
#'   `"tf32"`: products on the tensor cores of a device that has them; `"bf16"`: mixed precision,
#'   see below.
#' @param verbose Whether to show progress on the standard error stream.
#' @param ... For methods; of the default method, none.
#' @return An object of class `nn_fit`, a list of plain R values:
#'   \describe{
#'     \item{`model`}{the model}
#'     \item{`weights`, `state`}{for each layer a named list: what was trained, and what
#'       is kept beside it (running means)}
#'     \item{`history`}{a data frame with a row per epoch: `epoch`, `loss`, metrics,
#'       `val_loss`, `val_` metrics, `lr`, `seconds`. The training values are means over the
#'       epoch's batches, each taken before its step.}
#'     \item{`baseline`}{the loss of the best constant prediction, to compare with}
#'     \item{`interrupted`}{whether training was ended by the user}
#'   }
#'   and what it was trained with. It can be saved with [saveRDS()] and used in another
#'   session, on any device. Methods: [predict()][predict.nn_fit], [plot()][plot.nn_fit],
#'   `print()`, [summary()][summary.nn_fit], `coef()`, `fitted()`, `residuals()`, `nobs()`,
#'   `update()`, `as.data.frame()` (the history).
#' @section Errors: Data of the wrong type or shape give errors of class `anygpu_error_type` and
#'   `anygpu_error_shape`, other bad arguments (missing values, an unknown loss)
#'   `anygpu_error_argument`. A loss that is not finite gives a warning of class
#'   `anygpu_warning_diverged`, an interrupt one of class `anygpu_warning_interrupt`, samples of
#'   one class only one of class `anygpu_warning_class`, a constant column one of class
#'   `anygpu_warning_constant`, a checkpoint that cannot be written one of class
#'   `anygpu_warning_checkpoint`.
#' @examples
#' set.seed(1)
#' net <- nn_model(layer_dense(16, "relu"), layer_dense(3))
#' fit <- nn_fit(net, iris[1:4], iris$Species, epochs = 20, batch_size = 16,
#'               optimizer = opt_adam(0.01), validation = 0.2)
#' fit
#' table(predict(fit, iris[1:4], type = "class"), iris$Species)
#' @export
nn_fit <- function(model, x, ...) {
  if (missing(model)) nn_stop("argument", "`model` is missing: nn_model() makes one")
  nn_check_class(model, "model", c("nn_model", "nn_fit"), "an nn_model(), or a fit to go on from")
  UseMethod("nn_fit", x)
}

#' @rdname nn_fit
#' @export
nn_fit.default <- function(model, x, y, epochs = 10, batch_size = 32, optimizer = opt_adam(),
                           loss = NULL, validation = 0, weights = NULL, class_weights = NULL,
                           metrics = NULL, standardize = TRUE, callbacks = NULL,
                           early_stopping = NULL, checkpoint = NULL, precision = NULL,
                           verbose = nn_verbose(), ...) {
  nn_check_dots(...)
  if (missing(y)) nn_stop("argument", "`y` is missing")
  options <- nn_options(epochs, batch_size, optimizer, callbacks, early_stopping, checkpoint,
                        precision, verbose, !missing(batch_size))
  model <- nn_as_model(model)
  data <- nn_data(x, y, weights, model$before$inputs)
  job <- nn_job(model, data, loss, validation, class_weights, metrics, standardize, options)
  job$asked <- model$asked
  if (is.null(job$asked)) job$asked <- list(call = nn_call(match.call(), "nn_fit"))
  nn_job_run(job)
}

nn_check_dots <- function(...) {
  if (...length() == 0) return(invisible())
  name <- ...names()[1]
  advice <- if (!is.null(name)) nn_elsewhere[name]
  nn_stop("argument", "nn_fit() has no argument %s%s",
          if (is.null(name)) "at that place" else paste0("`", name, "`"),
          if (is.null(advice) || is.na(advice)) "" else paste0(": ", advice))
}

# What arguments of nnet() and of other trainers are called here.
nn_elsewhere <- c(
  linout = "a numeric response has linear outputs, leave it out",
  softmax = "a factor has softmax outputs, leave it out",
  entropy = "a logical response has them, or loss = \"binary_cross_entropy\"",
  trace = "use `verbose`", MaxNWts = "there is no limit, leave it out",
  skip = "nn_model() makes networks with skips, see layer_concat()",
  abstol = "use optimizer = opt_lbfgs(abstol = )", reltol = "use optimizer = opt_lbfgs(reltol = )",
  decay = "use `l2` of the optimizer", maxit = "use `epochs`",
  lr = "use the optimizer's, as in optimizer = opt_adam(lr = )",
  learning_rate = "use the optimizer's, as in optimizer = opt_adam(lr = )",
  validation_split = "use `validation`", validation_data = "use `validation`",
  sample_weight = "use `weights`", class_weight = "use `class_weights`"
)

# Not while knitting: a document may be made by an interactive session.
nn_verbose <- function() interactive() && !isTRUE(getOption("knitr.in.progress"))

# How to train, checked.
nn_options <- function(epochs, batch_size, optimizer, callbacks, early_stopping, checkpoint,
                       precision, verbose, batch_asked) {
  optimizer <- nn_as_optimizer(optimizer)
  full <- nn_is_lbfgs(optimizer)
  list(epochs = nn_count(epochs, "epochs"), batch_size = nn_count(batch_size, "batch_size"),
       batch_asked = batch_asked, optimizer = optimizer, callbacks = nn_callbacks(callbacks),
       early_stopping = nn_as_early_stopping(early_stopping),
       checkpoint = nn_check_file(checkpoint, "checkpoint"), verbose = nn_flag(verbose, "verbose"),
       precision = nn_choice(precision, "precision", c("float32", "float64", "tf32", "bf16"),
                             if (full) nn_best_type() else "float32"))
}

# float64, where the current device has it.
nn_best_type <- function() gpu_type(gpu(0))

nn_check_file <- function(x, name) {
  if (is.null(x)) return(x)
  if (!is.character(x) || length(x) != 1 || is.na(x)) {
    nn_stop("argument", "`%s` must be the name of a file, not %s", name, nn_describe(x))
  }
  if (dir.exists(dirname(x))) return(x)
  nn_stop("argument", "`%s`: there is no folder \"%s\"", name, dirname(x))
}

# -- what is to be done ----------------------------------------------------------------------------

# All that a training needs, from checked data: list(net, data, split, weights, state, metrics,
# options, baseline).
nn_job <- function(model, data, loss, validation, class_weights, metrics, standardize, options) {
  model <- nn_as_model(model)
  nn_check_standardize(standardize, length(data$x))
  valid <- nn_validation(validation, data)
  split <- valid$split
  outputs <- nn_model_outputs(model, data$y, loss, standardize, split$train)
  net <- nn_network(model, data, outputs, standardize, split$train, options$precision)
  weights <- nn_sample_weights(data, outputs, class_weights, split)
  shapes <- nn_network_shapes(net)
  data <- nn_with_validation(list(x = data$x, y = lapply(outputs, `[[`, "values"),
                                  weights = weights, n = data$n), valid, net, class_weights)
  nn_check_codes(net, data$x)
  list(net = net, data = data, split = split, options = options,
       metrics = nn_metrics_of(metrics, net),
       weights = nn_model_make(net$model, shapes, "weights"),
       state = nn_model_make(net$model, shapes, "state"),
       baseline = nn_baseline_of(net, data, split$train))
}

nn_network <- function(model, data, outputs, standardize, rows, precision) {
  nx <- length(data$x)
  if (length(model$inputs) != nx) {
    nn_stop("shape", "the model has %s, `x` has %d: a list has an element for each",
            nn_some_of(length(model$inputs), "input"), nx)
  }
  scaled <- nn_standardized_inputs(standardize, data$inputs, model)
  scaling <- Map(function(x, input, yes, k) {
    if (input$offset) return(nn_offset_scaling(outputs))
    if (yes) nn_scaling_of(x, model, k, rows, input$name)
  }, data$x, data$inputs, scaled, seq_along(data$x))
  if (!is.null(model$scaling)) scaling <- model$scaling # of the fit that the training goes on from
  list(model = nn_model_with_inputs(model, data$inputs), inputs = data$inputs,
       scaling = unname(scaling),
       outputs = lapply(outputs, function(o) c(o$output, list(wanted = o$wanted))),
       type = if (precision == "float64") "float64" else "float32",
       precision = if (precision %in% c("tf32", "bf16")) precision else "exact")
}

# The shapes of inputs that were given with the model are those of the data.
nn_model_with_inputs <- function(model, inputs) {
  for (i in seq_along(inputs)) {
    have <- rev(as.integer(inputs[[i]]$dim))
    want <- model$inputs[[i]]
    if (!is.null(want) && !identical(as.integer(want), have)) {
      nn_stop("shape", "input %d of the model is %s per sample, `%s` has %s", i,
              nn_shape_text(want), inputs[[i]]$name, nn_shape_text(have))
    }
  }
  model
}

nn_check_standardize <- function(x, inputs) {
  if (is.logical(x) && !anyNA(x) && length(x) %in% c(1, inputs)) return(invisible())
  nn_stop("argument", "`standardize` must be TRUE or FALSE, or one of them for each input, not %s",
          nn_describe(x))
}

nn_standardized_inputs <- function(standardize, inputs, model) {
  asked <- rep(standardize, length.out = length(inputs))
  unlist(Map(function(yes, input, k) {
    yes && (length(standardize) > 1 || nn_standardizes(input, nn_takes_codes(model, k)))
  }, asked, inputs, seq_along(inputs)))
}

nn_model_outputs <- function(model, targets, loss, standardize, rows) {
  n <- length(model$outputs)
  if (length(targets) != n) {
    nn_stop("shape", "the model has %s, `y` has %d: a list has an element for each",
            nn_some_of(n, "output"), length(targets))
  }
  if (n == 1 && !(is.list(loss) && !is.object(loss))) loss <- list(loss)
  if (is.null(loss)) loss <- vector("list", n)
  if (length(loss) != n) {
    nn_stop("argument", "`loss` has %d elements for %d outputs", length(loss), n)
  }
  before <- model$before$outputs
  Map(function(target, loss, at, before) {
    nn_output_of(target, loss, any(standardize) && nn_is_linear(model, at), rows, before)
  }, targets, loss, model$outputs, if (is.null(before)) list(NULL) else before)
}

# Whether output `at` of the model can be any number: what a sigmoid gives cannot be a standardised
# target.
nn_is_linear <- function(model, at) {
  activation <- if (at > 0) model$layers[[at]]$activation
  is.null(activation) || identical(activation, "linear")
}

nn_metrics_of <- function(metrics, net) {
  n <- length(net$outputs)
  if (n == 1 || is.null(metrics)) metrics <- rep(list(metrics), n)
  Map(function(output, m) {
    classes <- nn_is_classification(output)
    if (is.null(m)) m <- if (classes && !anyNA(output$wanted)) "accuracy"
    if (inherits(m, "nn_metric") || is.function(m)) m <- list(m)
    k <- if (classes) length(output$levels) else output$columns
    nn_check_metric_names(lapply(as.list(m), nn_as_metric, output$loss, k, classes))
  }, net$outputs, metrics)
}

# Each has a column of the history.
nn_check_metric_names <- function(metrics) {
  names <- vapply(metrics, `[[`, "", "name")
  twice <- names[duplicated(c("epoch", "loss", "lr", "seconds", names))[-(1:4)]]
  if (length(twice) == 0) return(metrics)
  nn_stop("argument", "`metrics`: the history has a column \"%s\" already, see metric_custom()",
          twice[1])
}
