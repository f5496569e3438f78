"""The line from a scenario to a prediction. What the parts of the line do lives in the lower layers."""
