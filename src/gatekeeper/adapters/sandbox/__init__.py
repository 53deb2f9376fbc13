"""Queries that policies bring along, run where they can reach nothing but the records they ask of.

`process` starts a process of its own for them; `program` is what runs in it: it gives up what it
may do (`confine`), reads the query (`statement`), and answers with numbers (`answers`).
"""
