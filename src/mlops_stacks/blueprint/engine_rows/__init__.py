"""The engines of each platform, the default one of each stage first."""
