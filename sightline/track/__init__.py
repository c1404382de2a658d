"""Following boxes from frame to frame: numpy, and scipy for one assignment a frame."""
