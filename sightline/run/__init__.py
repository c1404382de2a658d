"""What runs a trained model: the bundle and its runner. Imports onnxruntime, never torch."""
