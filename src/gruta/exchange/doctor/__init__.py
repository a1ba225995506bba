"""The doctor: a file's recurrent layers, what in it is not true, and which engines get it right."""
