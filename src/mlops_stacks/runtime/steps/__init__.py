"""The steps of a training pipeline, one module each; a step's process imports no other step's."""
