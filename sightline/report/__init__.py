"""The report: one self-contained HTML page, a pure function of data. Imports numpy and Pillow, never torch."""
