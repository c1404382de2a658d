"""Read: the text of a line. Decoding, language model, text order; the task itself is not connected yet."""
