"""What a person reads: charts, tables and words as one HTML file, in the reader's language."""

from gruta.report.page import Code, Column, Figure, Section, Table, write

__all__ = ["Code", "Column", "Figure", "Section", "Table", "write"]
