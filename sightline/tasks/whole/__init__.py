"""What tasks that answer for a whole image share: networks, input, learner's parts, calibration. No task itself."""
