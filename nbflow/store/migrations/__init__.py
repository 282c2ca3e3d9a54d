"""Migrations of the run database, run by Alembic."""
