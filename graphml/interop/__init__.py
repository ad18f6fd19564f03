"""Bridges to other libraries. Each module imports its library only when it is used.

`flax` turns a lowered network into a Flax NNX module; `onnx` runs an ONNX file with onnxruntime, for comparison; `bert`
converts Hugging Face checkpoints to Core ML networks and back; `qa` answers questions with such a network. Start with
`flax`.
"""
