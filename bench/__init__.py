"""How fast instances are made, beside what people do today, in one run: `make bench`."""
