"""Reports as documents: one set of plain data, written as HTML, LaTeX or Markdown.

What belongs here: `model` (what a report says), `charts`, and one module per language. What does not:
evaluating anything, tables for a terminal (`diffcert.tables`), options (`diffcert.commands`).
"""
