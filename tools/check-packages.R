# check-packages.R    packages that R/ and tests/ name by `::`, library() or requireNamespace() are
# stated in DESCRIPTION; a test may also ask for one by getExportedValue() after a skip. R CMD check
# warns of the others, at its end and after it asked the network for them.
used_names <- function(file) {
  code <- getParseData(parse(file, keep.source = TRUE))
  after_call <- function(names) {
    at <- which(code$token == "SYMBOL_FUNCTION_CALL" & code$text %in% names)
    arg <- vapply(at, function(i) {
      rest <- code[seq(i + 1, nrow(code)), ]
      rest <- rest[rest$terminal, ]
      if (rest$token[2] %in% c("STR_CONST", "SYMBOL")) rest$text[2] else ""
    }, "")
    gsub("[\"']", "", arg)
  }
  c(code$text[code$token == "SYMBOL_PACKAGE"],
    after_call(c("library", "require", "requireNamespace", "loadNamespace")))
}

stated <- read.dcf("DESCRIPTION", c("Package", "Depends", "Imports", "Suggests"))
stated <- gsub("\\([^)]*\\)|\\s", "", unlist(strsplit(stated[!is.na(stated)], ",")))
stated <- c(stated, rownames(installed.packages(priority = "base")))
files <- list.files(c("R", "tests"), "\\.R$", recursive = TRUE, full.names = TRUE)
bad <- 0
for (file in files) {
  for (name in setdiff(used_names(file), c(stated, ""))) {
    message(sprintf("%s: package %s is not in DESCRIPTION", file, name))
    bad <- bad + 1
  }
}
quit(status = bad > 0)
