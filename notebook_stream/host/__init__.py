"""The program around us."""
