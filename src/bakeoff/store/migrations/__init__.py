"""The versions of the tables, each as the steps that lead to it from the one before; run by Alembic."""
