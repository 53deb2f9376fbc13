"""How often gates are wrong, how often intervals cover, and what power there is: measured."""
