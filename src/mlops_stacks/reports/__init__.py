"""A plan for people and programs to read: a tree for the terminal, Markdown for a pull request, JSON for the rest."""
