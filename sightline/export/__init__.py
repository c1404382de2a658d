"""A bundle for other hosts: one file a way out, and the proof that it gives the same whole answers.

Each has `write(bundle, task, folder)`, which fills an empty folder, and `answers(bundle, task, folder, images)`, which
asks what was written: one plain JSON answer an image file, as `predict --json` gives it. Imports onnxruntime, no torch.
"""
