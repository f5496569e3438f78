"""Studies: parameters of a model fitted to measured cells, with intervals, as a file and in the presets."""
