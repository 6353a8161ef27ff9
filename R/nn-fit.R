# What a fit says of itself.

#' @export
print.nn_fit <- function(x, ...) {
  cat(sprintf("<nn_fit> %s, %s parameters\n", nn_fit_task(x),
              format(nn_fit_size(x), big.mark = ",")))
  cat(format(x$model), sep = "\n")
  cat(nn_fit_how(x), "\n", sep = "")
  cat(nn_fit_scores(x), sep = "\n")
  invisible(x)
}

# "classification of 3 classes", "regression"
nn_fit_task <- function(fit) {
  paste(vapply(fit$net$outputs, function(o) {
    k <- length(o$levels)
    if (!nn_is_classification(o)) "regression"
    else sprintf("classification, %d %s", k, if (k == 1) "class" else "classes")
  }, ""), collapse = " and ")
}

nn_fit_size <- function(fit) {
  sum(vapply(fit$weights, function(w) sum(lengths(w)), 0))
}

nn_fit_how <- function(fit) {
  losses <- paste(vapply(fit$net$outputs, function(o) o$loss$name, ""), collapse = ", ")
  h <- fit$history
  batches <- if (nn_is_lbfgs(fit$optimizer)) "" else sprintf(", batches of %d", fit$batch_size)
  sprintf("%s on %s samples%s%s, %s\n%d of %d %s%s in %s on %s", gsub("_", " ", losses),
          format(fit$samples[["train"]], big.mark = ","),
          if (fit$samples[["valid"]]) sprintf(" (%d held out)", fit$samples[["valid"]]) else "",
          batches, format(fit$optimizer), nrow(h), fit$epochs,
          if (nn_is_lbfgs(fit$optimizer)) "iterations" else "epochs", nn_fit_end(fit),
          nn_seconds_text(sum(h$seconds)), fit$device)
}

nn_seconds_text <- function(s) sprintf(if (s < 1) "%.2g s" else "%.1f s", s)

nn_fit_end <- function(fit) {
  if (fit$interrupted) return(" (interrupted)")
  switch(if (is.null(fit$stopped)) "" else fit$stopped,
         early = sprintf(" (no better since epoch %d)", fit$best_epoch),
         callback = " (ended by a callback)", diverged = " (the loss was not finite)",
         converged = " (converged)", "")
}

# One line each for the training and what was held out: of the last epoch, or the best.
nn_fit_scores <- function(fit) {
  h <- fit$history
  if (nrow(h) == 0) return(character())
  row <- unlist(h[if (is.null(fit$best_epoch)) nrow(h) else fit$best_epoch, , drop = FALSE])
  names <- setdiff(names(h), c("epoch", "lr", "seconds"))
  held <- startsWith(names, "val_")
  c(paste0("training:   ", nn_scores_text(row[names[!held]])),
    if (fit$samples[["valid"]]) {
      paste0("validation: ",
             nn_scores_text(stats::setNames(row[names[held]], names[!held])))
    },
    if (is.finite(fit$baseline)) {
      sprintf("baseline:   loss %s (the best constant)", format(signif(fit$baseline, 4)))
    })
}

# A row per layer: what it is, what it gives (in the user's order), how many parameters.
nn_fit_layers <- function(fit) {
  net <- nn_fit_net(fit)
  shapes <- nn_model_shapes(net$model, nn_network_shapes(net))
  data.frame(layer = nn_model_text(net$model), from = nn_model_from(net$model),
             output = vapply(shapes, nn_shape_text, ""),
             parameters = vapply(fit$weights, function(w) sum(lengths(w)), 0),
             trained = vapply(net$model$layers, function(l) !isTRUE(l$frozen), NA))
}

#' Summary of a fit
#'
#' @param object A result of [nn_fit()].
#' @param ... Not used.
#' @return An object of class `summary.nn_fit`, which prints: a list of `layers` (a data frame with
#'   the columns `layer`, `from` (the layers whose outputs it takes), `output` (its shape without
#'   the samples), `parameters`, `trained`), `chain` (whether each layer takes the one before it),
#'   `parameters` (their number), `inputs` (their shapes), `scores` (of the last, or the best,
#'   epoch), `baseline`, `epochs`, `seconds`, `device`.
#' @examples
#' set.seed(1)
#' summary(nn_fit(nn_model(layer_dense(8, "relu"), layer_dense(3)), iris[1:4], iris$Species))
#' @export
summary.nn_fit <- function(object, ...) {
  h <- object$history
  at <- if (is.null(object$best_epoch)) nrow(h) else object$best_epoch
  structure(class = "summary.nn_fit", list(
    layers = nn_fit_layers(object), chain = nn_is_chain(object$model),
    parameters = nn_fit_size(object),
    inputs = vapply(object$net$inputs, function(i) nn_shape_text(rev(i$dim)), ""),
    scores = if (nrow(h)) unlist(h[at, setdiff(names(h), c("epoch", "lr", "seconds"))]),
    baseline = object$baseline, epochs = nrow(h), seconds = sum(h$seconds), device = object$device,
    text = c(nn_fit_how(object), nn_fit_scores(object))
  ))
}

#' @export
print.summary.nn_fit <- function(x, ...) {
  cat("input:", paste(x$inputs, collapse = " and "))
  cat("\n")
  layers <- x$layers
  if (x$chain) layers$from <- NULL
  if (all(layers$trained)) layers$trained <- NULL
  layers$parameters <- format(layers$parameters, big.mark = ",")
  print(layers, right = FALSE)
  cat(sprintf("%s parameters\n\n", format(x$parameters, big.mark = ",")))
  cat(x$text, sep = "\n")
  invisible(x)
}

#' @export
as.data.frame.nn_fit <- function(x, ...) x$history
