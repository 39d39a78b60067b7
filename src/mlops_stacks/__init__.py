"""mlops-stacks: one typed blueprint becomes a provisioned MLOps platform."""
