"""Flask blueprints, one a surface: each parses, calls a room below, and answers. Nothing else."""
