"""The options of the engines of AWS, a module for what belongs together."""
