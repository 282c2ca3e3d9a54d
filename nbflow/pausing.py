"""Flow runs that wait for a person: paused in place, or suspended until they are resumed."""
