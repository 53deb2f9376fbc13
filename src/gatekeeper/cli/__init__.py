"""The command line: the only place that prints or exits.

`main` is the console script, `boundary` turns what goes wrong into exit codes, and `verbs` holds a
module for each verb: options, what it carries out, what it shows. Options that several verbs take
are in `options`, the project and the way to print in `session`.

The other modules put the parts of the program together for verbs. They begin with "Composition",
choose adapters for the ports that use cases (`ops`) take, and hold no rules of their own.
"""
