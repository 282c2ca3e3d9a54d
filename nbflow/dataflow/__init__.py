"""What the cells of a notebook read, write and may mutate."""
