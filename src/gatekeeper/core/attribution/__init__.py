"""Which part of a change moved a metric: a game whose players are the components that changed."""
