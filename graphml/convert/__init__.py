"""Models of other frameworks become Core ML models."""
