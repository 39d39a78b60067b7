"""The command line. Each module holds one group of verbs; what they do is in `operations`, imported inside a verb."""
