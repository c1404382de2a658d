"""Smaller and faster graphs: eight bits or sixteen a number. Needs onnx (the extra `train`), never torch."""
