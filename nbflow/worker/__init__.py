"""What claims due runs and executes them: worker, runner process, scheduler."""
