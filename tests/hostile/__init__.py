"""Images made to harm or to deceive a scanner, and the healthy ones that must not suffer for it; registries likewise.

Nothing is stored: each image is a function. ``python -m tests.hostile`` lists them as JSON lines. An identifier names
the attack, A-01 to A-33, and its form; B-01 to B-24 are attacks of registries (``docs/threats.md``).
``PLIMSOLL_HOSTILE_FACTOR=10`` makes the generated images ten times as many and the bombs larger.
"""
