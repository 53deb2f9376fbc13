"""Composition of attribution: releases that mix the components of two, and what is known of them.

`releases` makes them of stored layers, `runs` evaluates them and keeps their runs in the cache,
`engines` keeps open what answers, `reading` reads what they show, `bench` does all that attribution
asks, `probing` what bisection asks, and `keep` makes a mix a release of the project.
"""
