"""The project's own model server: Open Inference Protocol version 2, a plain JSON route, metrics and capture."""
