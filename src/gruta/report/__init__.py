"""What a person reads: charts, tables and words as one HTML file, in the reader's language."""
