"""Models of other libraries become Core ML models."""
