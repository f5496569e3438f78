"""Reports: the block model and its writers for terminal, HTML and Markdown; JSON; files of columns.

Nothing is computed here. `text`, `markdown` and `documents` import nothing heavy; plotly comes in when a chart
of `figures` is drawn, Jinja2 with `page`.
"""
