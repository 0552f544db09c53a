"""The sellers' portal: their cases, and the two answers they may give. Thin: every POST is one operation."""
