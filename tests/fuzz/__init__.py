"""Parsers fed with anything: what is not a documented exception is a mistake of ours."""
