"""What registries send when somebody pushes: one file per product, pure. A payload is a hint and nothing more."""
