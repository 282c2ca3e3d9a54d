"""The notebook's own surface: `%load_ext nbflow`, `%%task`, `%%flow`, `%nbflow`."""
