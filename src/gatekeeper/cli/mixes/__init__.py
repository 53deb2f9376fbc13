"""Composition of attribution: releases that mix the components of two, and what is known of them.

`releases` makes them of stored layers, `runs` evaluates them and keeps their runs in the cache,
`bench` answers what attribution asks of them, and `keep` makes one a release of the project.
"""
