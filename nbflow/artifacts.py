"""Things to look at that a run leaves behind: tables, text, pictures, links, numbers."""
