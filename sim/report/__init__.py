"""A prediction made readable: terminal text, HTML page, JSON document, files of columns. Nothing is computed here.

`text` and `json_document` import nothing heavy; plotly comes in with `figures`, Jinja2 with `page`.
"""
