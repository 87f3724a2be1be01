"""Everything a comparison is declared with: frozen, validated, hashed."""
