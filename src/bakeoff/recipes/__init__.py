"""Named recipes as files; `bakeoff.specs.library` reads them."""
