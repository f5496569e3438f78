"""Reports: the block model and its writers for terminal, HTML and Markdown; JSON; files of columns.

Nothing is computed here. `text`, `markdown` and `documents` import nothing heavy; plotly comes in with `figures`,
Jinja2 with `page`.
"""
