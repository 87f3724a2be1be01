"""What a program loads: tables in the formats of others."""
