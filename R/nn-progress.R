# Progress on the standard error stream: a bar within an epoch where the terminal can redraw it, and
# a line after each epoch.

nn_bar <- function(run) {
  if (!run$job$options$verbose || !cli::is_dynamic_tty()) return(NULL)
  bar <- new.env()
  bar$id <- cli::cli_progress_bar(
    sprintf("epoch %d/%d", run$epoch, run$job$options$epochs), total = run$steps,
    format = "{cli::pb_name} {cli::pb_bar} {cli::pb_percent} {cli::pb_extra$loss}",
    extra = list(loss = ""), .auto_close = FALSE, .envir = bar
  )
  bar
}

nn_bar_move <- function(bar, run, done, before) {
  if (is.null(bar)) return(invisible())
  sums <- nn_trainer_sums(run$trainer, "train")
  loss <- nn_scores(run, sums / (done * run$batch))[["loss"]]
  cli::cli_progress_update(set = before + done, id = bar$id, .envir = bar,
                           extra = list(loss = sprintf("loss %.4g", loss)))
}

nn_bar_end <- function(bar) {
  if (!is.null(bar)) cli::cli_progress_done(id = bar$id, .envir = bar)
}

# "epoch  3/10  loss 0.2191, accuracy 0.9342  validation loss 0.2, accuracy 0.94  0.4 s"
nn_report <- function(run, row) {
  epochs <- run$job$options$epochs
  names <- setdiff(names(row), c("lr", "seconds"))
  held <- startsWith(names, "val_")
  line <- sprintf("epoch %*d/%d  %s%s  %s", nchar(epochs), run$epoch, epochs,
                  nn_scores_text(row[names[!held]]),
                  if (any(is.finite(row[names[held]]))) {
                    scores <- row[names[held]]
                    names(scores) <- sub("^val_", "", names(scores))
                    paste0("  validation ", nn_scores_text(scores))
                  } else "", nn_seconds_text(row[["seconds"]]))
  cat(line, "\n", sep = "", file = stderr())
}

nn_scores_text <- function(scores) {
  scores <- scores[!is.na(scores) | names(scores) == "loss"]
  paste(names(scores), vapply(scores, function(s) format(signif(s, 4)), ""),
        collapse = ", ")
}
