# The Mandelbrot set, drawn with letters.

re <- seq(-2, 0.5, by = 1 / 16)
im <- seq(-1.25, 1.25, by = 1 / 8)
cx <- as_array(matrix(re, length(im), length(re), byrow = TRUE))
cy <- as_array(matrix(im, length(im), length(re)))

x <- cx * 0
y <- cy * 0
count <- x
for (i in 1:25) {
  inside <- x^2 + y^2 <= 4
  count <- count + inside
  x_next <- ifelse(inside, x^2 - y^2 + cx, x)
  y <- ifelse(inside, 2 * x * y + cy, y)
  x <- x_next
}

letters_of <- c(" ", ".", ":", "-", "=", "+", "*", "#")
shade <- cut(as.vector(count), c(0, 1, 2, 3, 4, 6, 10, 24, 25), labels = FALSE)
picture <- matrix(letters_of[shade], length(im))
cat(apply(picture, 1, paste, collapse = ""), sep = "\n")
cat("inside:", sum(count == 25), "of", length(count), "\n")
print(table(as.integer(count)))
