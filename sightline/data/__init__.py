"""From the user's files to arrays: formats, image reading, splits, cache. Imports Pillow."""
