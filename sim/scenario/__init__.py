"""What a user writes: YAML read strictly, checked against models, changed by `--set`, explained by `sim schema`."""
