"""Random small programs with branches and loops: what they are, what they mean, how they are written as models."""
