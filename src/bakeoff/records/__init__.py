"""What a finished run is: plain frozen data, without the means that made it."""
