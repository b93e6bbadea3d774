"""Images made to harm or to deceive a scanner, and the healthy ones that must not suffer for it.

Nothing is stored: each image is a function. ``python -m tests.hostile`` lists them as JSON lines. An identifier names
the attack, A-01 to A-33, and its form; those of registries are B-01 to B-24, and ``docs/threats.md`` says where. ``PLIMSOLL_HOSTILE_FACTOR=10`` makes the generated ones ten times as many and
the bombs larger.
"""
