"""Dynamic resources and their providers: how what is declared is reconciled, one noun a file."""
