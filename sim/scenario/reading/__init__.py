"""From text to models and back: YAML, `--set`, errors with their place, the schema."""
