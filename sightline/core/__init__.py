"""The words everything else is written in. Imports numpy at the most."""
