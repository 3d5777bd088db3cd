"""Documentation pages: parse them, run their fences, say what is wrong, offer what would be right."""
