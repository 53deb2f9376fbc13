"""A verdict as one HTML file: nothing is fetched, nothing is run, everything is there."""
